"""A forwarded export leads on to another module, for whoever imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dlls import agree, closure, dll, problems, wine_s

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """liba forwards `dep` to libb."""
    dll(tmp_path / "site" / "liba.dll", forwards={"dep": "libb.of_libb"})
    dll(tmp_path / "site" / "libb.dll")
    return tmp_path / "site"


def test_it_is_mapped(tmp_path: Path, site: Path) -> None:
    root = dll(site / "root.pyd", needed=[("liba.dll", "dep")])
    assert agree(root, tmp_path) == ["site/liba.dll", "site/libb.dll", "site/root.pyd"]


def test_not_for_who_imports_another(tmp_path: Path, site: Path) -> None:
    root = dll(site / "root.pyd", needed=[("liba.dll", "of_liba")])
    assert agree(root, tmp_path) == ["site/liba.dll", "site/root.pyd"]
    (site / "libb.dll").unlink()
    assert agree(root, tmp_path) == ["site/liba.dll", "site/root.pyd"]


def test_from_one_to_the_next(tmp_path: Path, site: Path) -> None:
    root = dll(site / "root.pyd", needed=[("liba.dll", "dep")])
    dll(site / "libb.dll", exports=[], forwards={"of_libb": "libc.of_libc"})
    dll(site / "libc.dll")
    assert agree(root, tmp_path) == ["site/liba.dll", "site/libb.dll", "site/libc.dll", "site/root.pyd"]


def test_to_what_is_not_there(tmp_path: Path, site: Path) -> None:
    """Wine gives a function that ends the process when it is called; Windows refuses the import, as of any symbol that
    cannot be had (LoadLibraryExW: ERROR_MOD_NOT_FOUND, ERROR_PROC_NOT_FOUND)."""
    root = dll(site / "root.pyd", needed=[("liba.dll", "dep")])
    (site / "libb.dll").unlink()
    assert wine_s(root, application=tmp_path / "app")[0] == 0
    assert problems(closure(root)) == [("missing", "needs libb.dll")]
