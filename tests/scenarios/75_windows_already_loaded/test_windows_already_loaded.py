"""A loaded module answers to its file's name, in any case of letters and whatever its directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dlls import MISSING, agree, dll

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


@pytest.fixture
def before(tmp_path: Path) -> list[Path]:
    return [dll(tmp_path / "before" / "liba.dll")]


@pytest.mark.parametrize("name", ["liba.dll", "LibA.dll", "LIBA.DLL"])
@pytest.mark.parametrize("file", ["liba.dll", "LIBa.dll"])
def test_by_its_name(tmp_path: Path, file: str, name: str) -> None:
    before = [dll(tmp_path / "before" / file)]
    root = dll(tmp_path / "site" / "root.pyd", needed=[name])
    assert agree(root, tmp_path) == [MISSING]
    assert agree(root, tmp_path, before=before) == ["site/root.pyd"]


def test_before_the_file_beside_the_root(tmp_path: Path, before: list[Path]) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=["liba.dll"])
    dll(tmp_path / "site" / "liba.dll")
    assert agree(root, tmp_path) == ["site/liba.dll", "site/root.pyd"]
    assert agree(root, tmp_path, before=before) == ["site/root.pyd"]


def test_not_by_what_its_exports_call_it(tmp_path: Path) -> None:
    """The name in the export table is nothing: a renamed file is another module."""
    before = dll(tmp_path / "before" / "liba.dll").rename(tmp_path / "before" / "renamed.dll")
    root = dll(tmp_path / "site" / "root.pyd", needed=["liba.dll"])
    assert agree(root, tmp_path, before=[before]) == [MISSING]


def test_within_one_load(tmp_path: Path) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=["liba.dll", "libb.dll"])
    dll(tmp_path / "site" / "liba.dll", needed=["LIBB.dll"])
    dll(tmp_path / "site" / "libb.dll")
    assert agree(root, tmp_path) == ["site/liba.dll", "site/libb.dll", "site/root.pyd"]
