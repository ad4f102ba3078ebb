"""LD_LIBRARY_PATH as a program starts with it: what it means, what it beats and what it loses to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from scenarios.closures import agree, program, started
from scenarios.libraries import library

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def main(tmp_path: Path) -> Path:
    """A program that needs liba.so, which is in one/, two/ and "lib/"."""
    for place in ("one", "two", "lib"):
        library(tmp_path / place / "liba.so", soname="liba.so")
    return program(tmp_path / "bin" / "main", needed=["liba.so"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{0}/one:{0}/two", "one/liba.so"),
        ("{0}/two:{0}/one", "two/liba.so"),
        ("{0}/none;{0}/two:{0}/one", "two/liba.so"),
        ("{0}/one//", "one/liba.so"),
        (":", "./liba.so"),
        ("{0}/none:", "./liba.so"),
        (";{0}/one", "./liba.so"),
        ("{0}/none::{0}/one", "./liba.so"),
        ("../lib", "../lib/liba.so"),
        (".", "./liba.so"),
        ("$ORIGIN/../two", "bin/../two/liba.so"),
        ("${ORIGIN}/../two", "bin/../two/liba.so"),
        ("{0}/$LIB/../two:{0}/one", "one/liba.so"),
        ("{0}/$UNKNOWN:{0}/one", "one/liba.so"),
        ("{0}/${ORIGIN", "no liba.so"),
        ("", "no liba.so"),
    ],
)
def test_items(tmp_path: Path, main: Path, value: str, expected: str) -> None:
    env = {"LD_LIBRARY_PATH": value.replace("{0}", os.fspath(tmp_path))}
    assert agree(main, tmp_path, env=env, cwd=tmp_path / "two") == [expected]


def test_origin_is_the_real_files_directory(tmp_path: Path, main: Path) -> None:
    """The kernel tells the linker which file the program is, not by which link it was started."""
    link = tmp_path / "links" / "deep" / "main"
    link.parent.mkdir(parents=True)
    link.symlink_to(main)
    library(tmp_path / "links" / "one" / "liba.so", soname="liba.so")
    env = {"LD_LIBRARY_PATH": "$ORIGIN/../one"}
    assert agree(link, tmp_path, env=env) == ["bin/../one/liba.so"]
    assert started(link, tmp_path, env=env) == ["bin/../one/liba.so"]


def test_origin_is_the_programs_for_every_library(tmp_path: Path, main: Path) -> None:
    """Not that of the library that asks."""
    library(tmp_path / "two" / "libb.so", soname="libb.so", needed=["liba.so"])
    library(tmp_path / "bin" / "liba.so", soname="liba.so")
    main = program(main, needed=["libb.so"], runpath=f"{tmp_path}/two")
    assert agree(main, tmp_path, env={"LD_LIBRARY_PATH": "$ORIGIN"}) == ["two/libb.so", "bin/liba.so"]
    assert agree(main, tmp_path) == ["two/libb.so", "no liba.so"]


@pytest.mark.parametrize(("kind", "expected"), [("rpath", "two/liba.so"), ("runpath", "one/liba.so")])
def test_between_rpath_and_runpath(tmp_path: Path, main: Path, kind: str, expected: str) -> None:
    main = program(main, needed=["liba.so"], **{kind: f"{tmp_path}/two"})
    assert agree(main, tmp_path, env={"LD_LIBRARY_PATH": f"{tmp_path}/one"}) == [expected]
    assert agree(main, tmp_path) == ["two/liba.so"]


def test_a_text_file_in_it_is_fatal(tmp_path: Path, main: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "liba.so").write_text("not ELF")
    env = {"LD_LIBRARY_PATH": f"{tmp_path}/text:{tmp_path}/one"}
    assert agree(main, tmp_path, env=env) == ["gives up"]
    (tmp_path / "text" / "liba.so").unlink()
    assert agree(main, tmp_path, env=env) == ["one/liba.so"]
