"""$ORIGIN, $LIB and $PLATFORM, with and without braces, in DT_RPATH, DT_RUNPATH and DT_NEEDED."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

import pytest

from nativeload import linkers
from nativeload.linkers import host
from scenarios.libraries import calls, library, returns
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path

LIB = host.linker().rules.lib
PLATFORM = linkers.platform({"x86_64": 62, "aarch64": 183}.get(platform.machine(), 0))


@pytest.mark.parametrize("kind", ["rpath", "runpath", "needed"])
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("$ORIGIN/../one", "one"),
        ("${ORIGIN}/../one", "one"),
        ("$ORIGIN/..//$ORIGIN/../one", None),
        ("{tmp}/$LIB", LIB),
        ("{tmp}/${LIB}/x", f"{LIB}/x"),
        ("{tmp}/$PLATFORM", PLATFORM),
        ("{tmp}/a${PLATFORM}b", f"a{PLATFORM}b"),
        ("{tmp}/$LIBRARY", "$LIBRARY"),
        ("{tmp}/$LIB_", "$LIB_"),
        ("{tmp}/${LIB", "${LIB"),
        ("{tmp}/$NONE", "$NONE"),
        ("{tmp}/$", "$"),
        ("{tmp}/$$LIB", f"${LIB}"),
    ],
)
def test_token(tmp_path: Path, kind: str, text: str, place: str | None) -> None:
    if place is not None:
        library(tmp_path / place / "libdep.so", returns("dep", 7), soname="libdep.so")
    text = text.replace("{tmp}", os.fspath(tmp_path))
    library(tmp_path / "decoy" / "libdep.so", returns("dep", 1), soname="libdep.so")
    root = tmp_path / "app" / "libroot.so"
    if kind == "needed":
        library(root, calls("root", "dep"), needed=[f"{text}/libdep.so"])
    else:
        library(root, calls("root", "dep"), needed=["libdep.so"], **{kind: text})
    assert ask(root, call="root").agreed().value == (None if place is None else 7)


def test_origin_is_where_the_link_is(tmp_path: Path) -> None:
    """$ORIGIN of a library reached through a symbolic link is the link's directory."""
    library(tmp_path / "real" / "libdep.so", returns("dep", 1), soname="libdep.so")
    root = library(tmp_path / "real" / "libroot.so", calls("root", "dep"), needed=["libdep.so"], rpath="$ORIGIN")
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "libroot.so").symlink_to(root)
    assert ask(root, call="root").agreed().value == 1
    assert ask(tmp_path / "link" / "libroot.so").agreed().kind == "dependency"


def test_origin_of_a_path_with_dots(tmp_path: Path) -> None:
    """A ".." after a symbolic link is not the parent that the text suggests."""
    library(tmp_path / "a" / "one" / "libdep.so", returns("dep", 1), soname="libdep.so")
    library(tmp_path / "one" / "libdep.so", returns("dep", 2), soname="libdep.so")
    root = library(
        tmp_path / "a" / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so"], rpath="$ORIGIN/../one"
    )
    (tmp_path / "a" / "deep").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a" / "deep")
    assert ask(tmp_path / "link" / ".." / "app" / "libroot.so", call="root", under=tmp_path).agreed().value == 1
    assert root.exists()


def test_origin_with_a_colon_in_it(tmp_path: Path) -> None:
    library(tmp_path / "a:b" / "one" / "libdep.so", returns("dep", 1), soname="libdep.so")
    root = library(tmp_path / "a:b" / "libroot.so", calls("root", "dep"), needed=["libdep.so"], rpath="$ORIGIN/one")
    assert ask(root, call="root", under=tmp_path).agreed().value == 1
