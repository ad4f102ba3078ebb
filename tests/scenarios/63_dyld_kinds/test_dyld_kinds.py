"""A re-exported and an upward library are mapped like any other, and neither may be absent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dylibs import dylib, mapped

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]

KINDS = pytest.mark.parametrize("kind", ["reexport", "upward"])


@KINDS
def test_it_is_mapped(tmp_path: Path, kind: str) -> None:
    root = dylib(tmp_path / "root.so", needed=[("@rpath/liba.dylib", kind)], rpaths=["@loader_path/lib"])
    assert mapped(root, tmp_path) == ["no @rpath/liba.dylib"]
    dylib(tmp_path / "lib" / "liba.dylib")
    assert mapped(root, tmp_path) == ["lib/liba.dylib"]


@KINDS
def test_up_and_down(tmp_path: Path, kind: str) -> None:
    """What it names above it is what is loaded: an upward link is for a cycle."""
    root = dylib(tmp_path / "root.so", needed=["@rpath/liba.dylib"], rpaths=["@loader_path/lib"])
    dylib(tmp_path / "lib" / "liba.dylib", needed=["@rpath/libb.dylib"])
    dylib(tmp_path / "lib" / "libb.dylib", needed=[("@rpath/liba.dylib", kind)])
    assert mapped(root, tmp_path) == ["lib/liba.dylib", "lib/libb.dylib"]
