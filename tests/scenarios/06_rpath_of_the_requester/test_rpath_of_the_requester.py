"""A DT_RPATH or DT_RUNPATH is searched in its order; without one, a library in another directory is not found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.libraries import calls, library, returns
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("kind", ["rpath", "runpath"])
@pytest.mark.parametrize(("directories", "value"), [("one:two", 1), ("two:one", 2), ("none:two", 2), ("none", None)])
def test_in_order(tmp_path: Path, kind: str, directories: str, value: int | None) -> None:
    for number, place in enumerate(("one", "two"), 1):
        library(tmp_path / place / "libdep.so", returns("dep", number), soname="libdep.so")
    path = ":".join(f"{tmp_path}/{name}//" for name in directories.split(":"))
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so"], **{kind: path})
    assert ask(root, call="root").agreed().value == value


@pytest.mark.parametrize("kind", ["rpath", "runpath"])
def test_semicolon_is_part_of_a_name(tmp_path: Path, kind: str) -> None:
    library(tmp_path / "one" / "libdep.so", returns("dep", 1), soname="libdep.so")
    library(tmp_path / "a;b" / "libdep.so", returns("dep", 2), soname="libdep.so")
    path = f"{tmp_path}/none;{tmp_path}/one"
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so"], **{kind: path})
    assert ask(root).agreed().kind == "dependency"
    root = library(
        tmp_path / "app" / "libroot2.so", calls("root", "dep"), needed=["libdep.so"], **{kind: f"{tmp_path}/a;b"}
    )
    assert ask(root, call="root").agreed().value == 2
