"""A DT_NEEDED is satisfied by what is loaded under that DT_SONAME, wherever it came from and whatever its file's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.libraries import calls, library, returns
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path


def test_loaded_first_satisfies(tmp_path: Path) -> None:
    dependency = library(tmp_path / "hidden" / "other-name.so", returns("dep", 7), soname="libdep.so.1")
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so.1"])
    answer = ask(root, call="root", before=[dependency]).agreed()
    assert (answer.value, answer.file("libdep.so.1")) == (7, "hidden/other-name.so")


def test_not_without_it(tmp_path: Path) -> None:
    library(tmp_path / "hidden" / "other-name.so", returns("dep", 7), soname="libdep.so.1")
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so.1"])
    assert ask(root).agreed().kind == "dependency"


def test_loaded_first_beats_own_rpath(tmp_path: Path) -> None:
    loaded = library(tmp_path / "one" / "libdep.so.1", returns("dep", 1), soname="libdep.so.1")
    library(tmp_path / "two" / "libdep.so.1", returns("dep", 2), soname="libdep.so.1")
    root = library(
        tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so.1"], rpath="$ORIGIN/../two"
    )
    assert ask(root, call="root", before=[loaded]).agreed().value == 1
    assert ask(root, call="root").agreed().value == 2


def test_development_name_is_another_name(tmp_path: Path) -> None:
    dependency = library(tmp_path / "hidden" / "libdep.so.1", returns("dep", 7), soname="libdep.so.1")
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so"])
    assert ask(root, before=[dependency]).agreed().kind == "dependency"


def test_found_by_one_name_satisfies_its_soname(tmp_path: Path) -> None:
    """What the walk itself finds under a file's name is known by its DT_SONAME from then on."""
    library(tmp_path / "one" / "libdep.so", returns("dep", 7), soname="libdep.so.1")
    library(tmp_path / "one" / "libmiddle.so", calls("middle", "dep"), soname="libmiddle.so", needed=["libdep.so.1"])
    needed = ["libdep.so", "libmiddle.so"]
    root = library(tmp_path / "app" / "libroot.so", calls("root", "middle"), needed=needed, runpath="$ORIGIN/../one")
    assert ask(root, call="root").agreed().value == 7
    alone = library(
        tmp_path / "app" / "libalone.so", calls("root", "middle"), needed=needed[1:], runpath="$ORIGIN/../one"
    )
    assert ask(alone).agreed().kind == "dependency"
