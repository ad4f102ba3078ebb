"""All that a file needs is found; then, one after the other, what each of these needs (loadDependents)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dylibs import dylib, mapped

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


def _library(path: Path, *needed: str, **more: list[str]) -> None:
    dylib(path, needed=[f"@loader_path/{one}" for one in needed], **more)  # type: ignore[arg-type]


def test_siblings_before_their_children(tmp_path: Path) -> None:
    _library(tmp_path / "root.so", "a", "b")
    _library(tmp_path / "a", "c")
    for one in "bc":
        _library(tmp_path / one)
    assert mapped(tmp_path / "root.so", tmp_path) == ["a", "b", "c"]


def test_a_child_s_children_before_a_sibling_s(tmp_path: Path) -> None:
    """Not breadth first: the first child's whole tree is loaded before the second child is asked what it needs."""
    _library(tmp_path / "root.so", "a", "b")
    _library(tmp_path / "a", "c")
    _library(tmp_path / "c", "d")
    _library(tmp_path / "b", "e")
    for one in "de":
        _library(tmp_path / one)
    assert mapped(tmp_path / "root.so", tmp_path) == ["a", "b", "c", "d", "e"]


def test_which_decides_a_name(tmp_path: Path) -> None:
    """Both d and e would bring a libx of their own; who is asked first does."""
    _library(tmp_path / "root.so", "a", "b")
    _library(tmp_path / "a", "c")
    _library(tmp_path / "c", "d")
    _library(tmp_path / "b", "e")
    for one in "de":
        dylib(tmp_path / one, needed=["@rpath/libx"], rpaths=[f"@loader_path/of_{one}"])
        dylib(tmp_path / f"of_{one}" / "libx")
    assert mapped(tmp_path / "root.so", tmp_path) == ["a", "b", "c", "d", "of_d/libx", "e"]


def test_whose_paths_serve(tmp_path: Path) -> None:
    """b is found for the root, but asked what it needs by way of a: a's paths serve it as well."""
    _library(tmp_path / "root.so", "a", "b")
    _library(tmp_path / "a", "b", rpaths=["@loader_path/lib"])
    dylib(tmp_path / "b", needed=["@rpath/c"])
    dylib(tmp_path / "lib" / "c")
    assert mapped(tmp_path / "root.so", tmp_path) == ["a", "b", "lib/c"]
    _library(tmp_path / "root.so", "b", "a")
    assert mapped(tmp_path / "root.so", tmp_path) == ["b", "a", "no @rpath/c"]


def test_a_cycle(tmp_path: Path) -> None:
    _library(tmp_path / "root.so", "a")
    _library(tmp_path / "a", "b")
    _library(tmp_path / "b", "a", "root.so")
    assert mapped(tmp_path / "root.so", tmp_path) == ["a", "b"]
