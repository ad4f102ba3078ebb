"""Where musl looks: LD_LIBRARY_PATH, then the path of the requester and of all who led to it, then the defaults."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from scenarios.closures import agree
from scenarios.libraries import library
from scenarios.muslprograms import musl

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nosanitize
KINDS = pytest.mark.parametrize("kind", ["rpath", "runpath"])


@pytest.fixture
def places(tmp_path: Path) -> Path:
    for place in ("one", "two"):
        library(tmp_path / place / "liba.so", soname="liba.so")
    return tmp_path


@KINDS
def test_library_path_beats_either_path(places: Path, kind: str) -> None:
    main = musl(places, "main", ["liba.so"], **{kind: f"{places}/two"})
    assert agree(main, places, env={"LD_LIBRARY_PATH": f"{places}/one"}) == ["one/liba.so"]
    assert agree(main, places) == ["two/liba.so"]


@KINDS
def test_either_path_is_inherited(tmp_path: Path, kind: str) -> None:
    for name, needed in (("one", ["libtwo.so"]), ("two", ["libthree.so"]), ("three", [])):
        library(tmp_path / "lib" / f"lib{name}.so", needed=needed)
    main = musl(tmp_path, "main", ["libone.so"], **{kind: f"{tmp_path}/lib"})
    assert agree(main, tmp_path) == ["lib/libone.so", "lib/libtwo.so", "lib/libthree.so"]
    assert agree(musl(tmp_path, "main", ["libone.so"]), tmp_path) == ["no libone.so"]


def test_runpath_silences_nothing(tmp_path: Path) -> None:
    """The requester's first, whichever it has; then those of who needed it."""
    library(tmp_path / "lib" / "libone.so", needed=["liba.so"], runpath=f"{tmp_path}/near")
    library(tmp_path / "lib" / "liba.so")
    main = musl(tmp_path, "main", ["libone.so"], rpath=f"{tmp_path}/lib")
    assert agree(main, tmp_path) == ["lib/libone.so", "lib/liba.so"]
    library(tmp_path / "near" / "liba.so")
    assert agree(main, tmp_path) == ["lib/libone.so", "near/liba.so"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{0}/one:{0}/two", "one/liba.so"),
        ("{0}/none\n{0}/two", "two/liba.so"),
        ("{0}/one//", "one///liba.so"),
        ("{0}/one;{0}/two", "no liba.so"),
        (":", "no liba.so"),
        ("::{0}/two", "two/liba.so"),
        (".", "./liba.so"),
        ("../one", "../one/liba.so"),
        ("$ORIGIN/one", "no liba.so"),
        ("", "no liba.so"),
    ],
)
def test_items_of_library_path(places: Path, value: str, expected: str) -> None:
    """An empty one is none, and no token is known."""
    main = musl(places, "main", ["liba.so"])
    env = {"LD_LIBRARY_PATH": value.replace("{0}", os.fspath(places))}
    assert agree(main, places, env=env, cwd=places / "two") == [expected]


@KINDS
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$ORIGIN/../one", "bin/../one/liba.so"),
        ("${ORIGIN}/../one", "bin/../one/liba.so"),
        ("{0}/none:$ORIGIN/../one", "bin/../one/liba.so"),
        ("$ORIGINAL", "binAL/liba.so"),
        ("{0}/one:$LIB", "no liba.so"),
        ("{0}/one:$PLATFORM", "no liba.so"),
        ("{0}/one:${ORIGIN", "no liba.so"),
        ("{0}/one:$", "no liba.so"),
        ("{0}/one/", "one//liba.so"),
        ("{0}/none\n{0}/one", "one/liba.so"),
        (":{0}/one", "one/liba.so"),
    ],
)
def test_tokens(places: Path, kind: str, text: str, expected: str) -> None:
    """$ORIGIN alone is known; with another "$" a path is none at all."""
    library(places / "binAL" / "liba.so")
    main = musl(places, "bin/main", ["liba.so"], **{kind: text.replace("{0}", os.fspath(places))})
    assert agree(main, places) == [expected]


def test_origin_through_links(tmp_path: Path) -> None:
    """A program's is the real file's directory, a library's where it was found."""
    library(tmp_path / "real" / "liba.so", needed=["libb.so"], rpath="$ORIGIN")
    library(tmp_path / "real" / "libb.so")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "liba.so").symlink_to("../real/liba.so")
    main = musl(tmp_path, "real/main", ["liba.so"], rpath="$ORIGIN")
    (tmp_path / "links" / "main").symlink_to(main)
    assert agree(tmp_path / "links" / "main", tmp_path) == ["real/liba.so", "real/libb.so"]
    main = musl(tmp_path, "bin/main", ["liba.so"], rpath=f"{tmp_path}/links")
    assert agree(main, tmp_path) == ["links/liba.so", "no libb.so"]


def test_origin_of_what_is_relative(tmp_path: Path) -> None:
    """It stays relative."""
    library(tmp_path / "lib" / "liba.so", needed=["libb.so"], rpath="$ORIGIN")
    library(tmp_path / "lib" / "libb.so")
    main = musl(tmp_path, "main", ["lib/liba.so"])
    assert agree(main, tmp_path, cwd=tmp_path) == ["lib/liba.so", "lib/libb.so"]
    assert agree(main, tmp_path, cwd=tmp_path / "lib") == ["no lib/liba.so"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{0}/two/libp.so", ["two/libp.so", "one/liba.so"]),
        ("{0}/two/libp.so:{0}/two/libq.so", ["two/libp.so", "two/libq.so", "one/liba.so"]),
        (" {0}/two/libp.so\t{0}/two/libq.so\n", ["two/libp.so", "two/libq.so", "one/liba.so"]),
        ("{0}/two/liba.so", ["two/liba.so", "one/liba.so"]),
        ("", ["one/liba.so"]),
    ],
)
def test_preload(places: Path, value: str, expected: list[str]) -> None:
    """Between any white space and colons. By path it answers to no name."""
    for name in ("libp.so", "libq.so"):
        library(places / "two" / name)
    main = musl(places, "main", ["liba.so"], rpath=f"{places}/one")
    assert agree(main, places, env={"LD_PRELOAD": value.replace("{0}", os.fspath(places))}) == expected


def test_preload_by_name(places: Path) -> None:
    """Nobody's path serves there, LD_LIBRARY_PATH does."""
    library(places / "two" / "libp.so", needed=["liba.so"])
    main = musl(places, "main", ["liba.so"], rpath=f"{places}/one")
    env = {"LD_PRELOAD": "libp.so", "LD_LIBRARY_PATH": f"{places}/two"}
    assert agree(main, places, env=env) == ["two/libp.so", "two/liba.so"]


def test_no_subdirectories_no_cache(places: Path) -> None:
    for place in ("glibc-hwcaps/x86-64-v2", "tls", "x86_64"):
        library(places / "one" / place / "liba.so")
    main = musl(places, "main", ["liba.so"], rpath=f"{places}/one")
    assert agree(main, places) == ["one/liba.so"]


def test_nodeflib_is_unknown(places: Path) -> None:
    from scenarios.closures import program
    from scenarios.muslprograms import linker, path_file

    path_file(places).write_text(f"{places}/one")
    main = program(places / "main", "-Wl,-z,nodefaultlib", needed=["liba.so"], linker=str(linker(places)))
    assert agree(main, places) == ["one/liba.so"]
