"""A DT_RPATH serves what its file loads, and so on down, after their own; a DT_RUNPATH serves its file alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.libraries import calls, library, returns
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path


def chain(tmp_path: Path, kind: str, **middle: str) -> Path:
    """root → libmiddle.so → libdep.so, all but root in one directory that root names."""
    library(tmp_path / "one" / "libdep.so", returns("dep", 1), soname="libdep.so")
    library(
        tmp_path / "one" / "libmiddle.so", calls("middle", "dep"), soname="libmiddle.so", needed=["libdep.so"], **middle
    )
    return library(
        tmp_path / "app" / "libroot.so", calls("root", "middle"), needed=["libmiddle.so"], **{kind: f"{tmp_path}/one"}
    )


@pytest.mark.parametrize(("kind", "value"), [("rpath", 1), ("runpath", None)])
def test_inherited(tmp_path: Path, kind: str, value: int | None) -> None:
    assert ask(chain(tmp_path, kind), call="root").agreed().value == value


def test_own_rpath_comes_first(tmp_path: Path) -> None:
    root = chain(tmp_path, "rpath", rpath="$ORIGIN/../two")
    assert ask(root, call="root").agreed().value == 1
    library(tmp_path / "two" / "libdep.so", returns("dep", 2), soname="libdep.so")
    assert ask(root, call="root").agreed().value == 2


def test_runpath_silences_what_is_inherited(tmp_path: Path) -> None:
    root = chain(tmp_path, "rpath", runpath=f"{tmp_path}/none")
    assert ask(root).agreed().kind == "dependency"


def test_through_a_runpath(tmp_path: Path) -> None:
    """It silences DT_RPATHs for its own file, not for what that file loads in its turn."""
    library(tmp_path / "one" / "libdep.so", returns("dep", 1), soname="libdep.so")
    library(tmp_path / "two" / "liblow.so", calls("low", "dep"), soname="liblow.so", needed=["libdep.so"])
    middle = {"needed": ["liblow.so"], "runpath": f"{tmp_path}/two"}
    library(tmp_path / "one" / "libmiddle.so", calls("middle", "low"), soname="libmiddle.so", **middle)  # type: ignore[arg-type]
    root = library(
        tmp_path / "app" / "libroot.so", calls("root", "middle"), needed=["libmiddle.so"], rpath=f"{tmp_path}/one"
    )
    assert ask(root, call="root").agreed().value == 1


def test_not_by_what_was_loaded_first(tmp_path: Path) -> None:
    """Of two that need one library, it is the requester's DT_RPATH that counts, not that of the root of another load."""
    root = chain(tmp_path, "rpath")
    alone = library(tmp_path / "app" / "libalone.so", calls("alone", "dep"), needed=["libmiddle.so", "libother.so"])
    assert ask(alone, before=[root]).agreed().kind == "dependency"
