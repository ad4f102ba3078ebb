"""The directories of AddDllDirectory (os.add_dll_directory): after the program's, before System32."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dlls import MISSING, agree, dll

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return dll(tmp_path / "site" / "root.pyd", needed=["liba.dll"])


def test_one_of_them(tmp_path: Path, root: Path) -> None:
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
    add = [tmp_path / "one", tmp_path / "two"]
    assert agree(root, tmp_path, add=add) == [MISSING]
    for place in ("one", "two"):
        dll(tmp_path / place / "liba.dll")
        assert agree(root, tmp_path, add=add) == sorted([f"{place}/liba.dll", "site/root.pyd"])
        (tmp_path / place / "liba.dll").unlink()


def test_after_the_program_s(tmp_path: Path, root: Path) -> None:
    for place in ("app", "one"):
        dll(tmp_path / place / "liba.dll")
    found = agree(root, tmp_path, add=[tmp_path / "one"], application=tmp_path / "app")
    assert found == ["app/liba.dll", "site/root.pyd"]


def test_before_system32(tmp_path: Path) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=["wer.dll"])
    dll(tmp_path / "one" / "wer.dll")
    assert agree(root, tmp_path, add=[tmp_path / "one"]) == ["one/wer.dll", "site/root.pyd"]
