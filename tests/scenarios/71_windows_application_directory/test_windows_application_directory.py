"""The directory of the program: for Python, what has python3.dll and vcruntime140.dll."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dlls import MISSING, agree, dll

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


def test_it_is_searched(tmp_path: Path) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=["liba.dll"])
    dll(tmp_path / "app" / "liba.dll")
    assert agree(root, tmp_path, application=tmp_path / "app") == ["app/liba.dll", "site/root.pyd"]
    assert agree(root, tmp_path, application=tmp_path / "elsewhere") == [MISSING]


def test_before_system32(tmp_path: Path) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=["wer.dll"])
    dll(tmp_path / "app" / "wer.dll")
    assert agree(root, tmp_path, application=tmp_path / "app") == ["app/wer.dll", "site/root.pyd"]


def test_no_directory_below_it(tmp_path: Path) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=["liba.dll"])
    dll(tmp_path / "app" / "DLLs" / "liba.dll")
    assert agree(root, tmp_path, application=tmp_path / "app") == [MISSING]
