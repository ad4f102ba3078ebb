"""A DT_NEEDED with a '/' is a path: nothing is searched, and what is loaded answers to it only by that path or inode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.libraries import calls, library, returns
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path


def test_absolute(tmp_path: Path) -> None:
    dependency = library(tmp_path / "one" / "libdep.so", returns("dep", 1), soname="libdep.so")
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=[str(dependency)])
    assert ask(root, call="root").agreed().value == 1
    dependency.unlink()
    assert ask(root).agreed().kind == "dependency"


def test_no_search_path_serves(tmp_path: Path) -> None:
    library(tmp_path / "two" / "libdep.so", returns("dep", 2), soname="libdep.so")
    needed = f"{tmp_path}/one/libdep.so"
    root = library(tmp_path / "app" / "libroot.so", needed=[needed], rpath=f"{tmp_path}/two")
    assert ask(root, env={"LD_LIBRARY_PATH": tmp_path / "two"}).agreed().kind == "dependency"


def test_soname_of_what_is_loaded_does_not_serve(tmp_path: Path) -> None:
    loaded = library(tmp_path / "two" / "libdep.so", returns("dep", 2), soname="libdep.so")
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=[f"{tmp_path}/one/libdep.so"])
    assert ask(root, before=[loaded]).agreed().kind == "dependency"
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "libdep.so").symlink_to(loaded)
    assert ask(root, call="root", before=[loaded]).agreed().value == 2


def test_a_soname_may_be_a_path(tmp_path: Path) -> None:
    name = f"{tmp_path}/nowhere/libdep.so"
    loaded = library(tmp_path / "two" / "libdep.so", returns("dep", 2), soname=name)
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=[name])
    assert ask(root, call="root", before=[loaded]).agreed().value == 2
    assert ask(root).agreed().kind == "dependency"
