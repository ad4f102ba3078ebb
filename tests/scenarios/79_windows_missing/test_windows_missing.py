"""What is missing, at any depth, ends the load; the error does not say what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dlls import MISSING, agree, closure, dll, problems, wine_s

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


def test_at_any_depth(tmp_path: Path) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=["liba.dll"])
    dll(tmp_path / "site" / "liba.dll", needed=["libb.dll"])
    assert agree(root, tmp_path) == [MISSING]
    assert problems(closure(root)) == [("missing", "needs libb.dll")]
    dll(tmp_path / "site" / "libb.dll")
    assert agree(root, tmp_path) == ["site/liba.dll", "site/libb.dll", "site/root.pyd"]


def test_a_symbol(tmp_path: Path) -> None:
    """Windows refuses it (ERROR_PROC_NOT_FOUND, 127); Wine gives a function that ends the process when it is called."""
    root = dll(tmp_path / "site" / "root.pyd", needed=["liba.dll"])
    dll(tmp_path / "site" / "liba.dll", exports=["other"])
    assert problems(closure(root)) == [("symbol", "needs of_liba")]
    assert wine_s(root, application=tmp_path / "app")[0] == 0
    dll(tmp_path / "site" / "liba.dll")
    assert agree(root, tmp_path) == ["site/liba.dll", "site/root.pyd"]
