"""A name that a later sibling finds is there already when a nephew asks for it: breadth first, as the linker maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.libraries import calls, library, returns
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path


def make(tmp_path: Path, *needed: str) -> Path:
    """root needs these of libfirst.so and libdep.so; libfirst.so needs libdep.so, and has an rpath of its own."""
    library(tmp_path / "root" / "libdep.so", returns("dep", 1), soname="libdep.so")
    library(tmp_path / "nephew" / "libdep.so", returns("dep", 2), soname="libdep.so")
    first = {"soname": "libfirst.so", "runpath": "$ORIGIN/../nephew"}
    library(tmp_path / "root" / "libfirst.so", calls("first", "dep"), needed=["libdep.so"], **first)
    return library(tmp_path / "app" / "libroot.so", calls("root", "first"), needed=needed, runpath="$ORIGIN/../root")


def test_the_sibling_wins(tmp_path: Path) -> None:
    answer = ask(make(tmp_path, "libfirst.so", "libdep.so"), call="root").agreed()
    assert (answer.value, answer.file("libdep.so")) == (1, "root/libdep.so")


def test_without_it_the_nephew_finds_its_own(tmp_path: Path) -> None:
    answer = ask(make(tmp_path, "libfirst.so"), call="root").agreed()
    assert (answer.value, answer.file("libdep.so")) == (2, "nephew/libdep.so")


def test_the_sibling_serves_a_nephew_that_would_find_nothing(tmp_path: Path) -> None:
    library(tmp_path / "lib" / "libdep.so", returns("dep", 1), soname="libdep.so")
    library(tmp_path / "lib" / "libfirst.so", calls("first", "dep"), needed=["libdep.so"], soname="libfirst.so")
    path = "$ORIGIN/../lib"
    both = library(
        tmp_path / "app" / "libboth.so", calls("root", "first"), needed=["libfirst.so", "libdep.so"], runpath=path
    )
    assert ask(both, call="root").agreed().value == 1
    one = library(tmp_path / "app" / "libone.so", calls("root", "first"), needed=["libfirst.so"], runpath=path)
    assert ask(one).agreed().kind == "dependency"
