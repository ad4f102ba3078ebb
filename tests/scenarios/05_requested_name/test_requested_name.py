"""An image also answers to each name by which it was once requested, though its DT_SONAME is another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.libraries import calls, library, returns
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path


def make(tmp_path: Path) -> tuple[Path, Path, Path]:
    """libdep.so, whose DT_SONAME is libdep.so.1; an opener that requests it by its file's name; a library that needs it."""
    dependency = library(tmp_path / "hidden" / "libdep.so", returns("dep", 7), soname="libdep.so.1")
    opener = library(tmp_path / "app" / "libopener.so", needed=["libdep.so"], runpath="$ORIGIN/../hidden")
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so"])
    return dependency, opener, root


def test_requested_by_a_needed(tmp_path: Path) -> None:
    _, opener, root = make(tmp_path)
    answer = ask(root, call="root", before=[opener]).agreed()
    assert (answer.value, answer.file("libdep.so")) == (7, "hidden/libdep.so")


def test_loaded_by_path_it_was_not_requested_by_that_name(tmp_path: Path) -> None:
    dependency, _, root = make(tmp_path)
    assert ask(root, before=[dependency]).agreed().kind == "dependency"


def test_beats_a_file_that_the_search_would_find(tmp_path: Path) -> None:
    dependency, opener, _ = make(tmp_path)
    library(tmp_path / "two" / "libdep.so", returns("dep", 2), soname="libdep.so.1")
    root = library(
        tmp_path / "app" / "librich.so", calls("root", "dep"), needed=["libdep.so"], runpath="$ORIGIN/../two"
    )
    assert ask(root, call="root", before=[opener]).agreed().value == 7
    assert ask(root, call="root", before=[dependency]).agreed().value == 2


def test_requested_through_a_link(tmp_path: Path) -> None:
    """Neither the file's name nor the DT_SONAME: only the linker knows this one."""
    dependency, _, _ = make(tmp_path)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "libalias.so").symlink_to(dependency)
    opener = library(tmp_path / "app" / "libopener2.so", needed=["libalias.so"], runpath="$ORIGIN/../links")
    root = library(tmp_path / "app" / "libroot2.so", calls("root", "dep"), needed=["libalias.so"])
    assert ask(root, call="root", before=[dependency, opener]).agreed().value == 7
    assert ask(root, before=[dependency]).agreed().kind == "dependency"
