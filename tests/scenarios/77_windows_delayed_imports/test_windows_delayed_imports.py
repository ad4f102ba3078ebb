"""Delayed imports are looked for at the first call: nothing is mapped for them, and they may be missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dlls import MISSING, agree, closure, dll

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


def test_it_is_not_mapped(tmp_path: Path) -> None:
    root = dll(tmp_path / "site" / "root.pyd", delayed=["liba.dll"])
    dll(tmp_path / "site" / "liba.dll")
    assert agree(root, tmp_path) == ["site/root.pyd"]
    assert [edge.how for edge in closure(root).images[0].needed] == [
        "the directory of the file that is loaded, at the first call"
    ]
    assert agree(dll(tmp_path / "site" / "root.pyd", needed=["liba.dll"]), tmp_path)[0] == "site/liba.dll"


def test_it_may_be_missing(tmp_path: Path) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=["liba.dll"], delayed=["libb.dll"])
    assert agree(root, tmp_path) == [MISSING]
    dll(tmp_path / "site" / "liba.dll", delayed=["libc.dll", "libd.dll"])
    assert agree(root, tmp_path) == ["site/liba.dll", "site/root.pyd"]
