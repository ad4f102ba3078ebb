"""A dependency that is not found is named, with the file that needs it, however deep; the linker names it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.libraries import library
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("depth", [0, 1, 4])
def test_named(tmp_path: Path, depth: int) -> None:
    name = "libgone.so.3"
    for level in range(depth, 0, -1):
        library(tmp_path / "lib" / f"lib{level}.so", soname=f"lib{level}.so", needed=[name], runpath="$ORIGIN")
        name = f"lib{level}.so"
    root = library(tmp_path / "app" / "libroot.so", needed=[name], runpath=f"{tmp_path}/lib")
    answer = ask(root).agreed()
    assert answer.kind == "dependency"
    last = tmp_path / "lib" / f"lib{depth}.so" if depth else root
    assert answer.refusal == f"needs libgone.so.3, which is not found (wanted by {last})"
    assert "libgone.so.3" in answer.error
    library(tmp_path / "lib" / "libgone.so.3", soname="libgone.so.3")
    if depth:
        ask(root).agreed()
        assert ask(root).refusal == ""
