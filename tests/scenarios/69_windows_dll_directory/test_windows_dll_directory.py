"""The directory of the file that is loaded (LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR): for all that it leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dlls import MISSING, agree, dll

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


def test_beside_it(tmp_path: Path) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=["liba.dll"])
    dll(tmp_path / "other" / "liba.dll")
    assert agree(root, tmp_path) == [MISSING]
    dll(tmp_path / "site" / "liba.dll")
    assert agree(root, tmp_path) == ["site/liba.dll", "site/root.pyd"]


def test_for_all_that_it_leads_to(tmp_path: Path) -> None:
    """It is the first file's directory: that of a dependency is not searched."""
    root = dll(tmp_path / "site" / "root.pyd", needed=["liba.dll"])
    dll(tmp_path / "lib" / "liba.dll", needed=["libb.dll"])
    dll(tmp_path / "lib" / "libb.dll")
    add, application = [tmp_path / "lib"], tmp_path / "app"
    assert agree(root, tmp_path, add=add) == ["lib/liba.dll", "lib/libb.dll", "site/root.pyd"]
    (tmp_path / "lib" / "liba.dll").rename(tmp_path / "liba.dll")
    application.mkdir()
    (tmp_path / "liba.dll").rename(application / "liba.dll")
    assert agree(root, tmp_path, application=application) == [MISSING]
    dll(tmp_path / "site" / "libb.dll")
    assert agree(root, tmp_path, application=application) == ["app/liba.dll", "site/libb.dll", "site/root.pyd"]


def test_it_comes_first(tmp_path: Path) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=["liba.dll"])
    for place in ("site", "lib", "app"):
        dll(tmp_path / place / "liba.dll")
    asked = {"add": [tmp_path / "lib"], "application": tmp_path / "app"}
    assert agree(root, tmp_path, **asked) == ["site/liba.dll", "site/root.pyd"]  # type: ignore[arg-type]


def test_a_cycle(tmp_path: Path) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=["liba.dll"])
    dll(tmp_path / "site" / "liba.dll", needed=["libb.dll"])
    dll(tmp_path / "site" / "libb.dll", needed=["liba.dll", ("root.pyd", "of_root_pyd")])
    assert agree(root, tmp_path) == ["site/liba.dll", "site/libb.dll", "site/root.pyd"]
