"""A DT_NEEDED with a slash is a path, absolute or from the working directory: nothing is searched for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.closures import agree, program, started
from scenarios.libraries import library

if TYPE_CHECKING:
    from pathlib import Path


def test_absolute(tmp_path: Path) -> None:
    library(tmp_path / "one" / "liba.so", soname="liba.so")
    library(tmp_path / "two" / "liba.so", soname="liba.so")
    main = program(tmp_path / "bin" / "main", needed=[f"{tmp_path}/one/liba.so"], rpath=f"{tmp_path}/two")
    assert agree(main, tmp_path, env={"LD_LIBRARY_PATH": f"{tmp_path}/two"}) == ["one/liba.so"]
    (tmp_path / "one" / "liba.so").unlink()
    assert agree(main, tmp_path, env={"LD_LIBRARY_PATH": f"{tmp_path}/two"}) == [f"no {tmp_path}/one/liba.so"]


def test_relative(tmp_path: Path) -> None:
    library(tmp_path / "one" / "lib" / "liba.so", soname="liba.so")
    main = program(tmp_path / "bin" / "main", needed=["lib/liba.so"], rpath=f"{tmp_path}/one")
    assert agree(main, tmp_path, cwd=tmp_path / "one") == ["lib/liba.so"]
    assert started(main, tmp_path, cwd=tmp_path / "one") == ["lib/liba.so"]
    assert agree(main, tmp_path, cwd=tmp_path) == ["no lib/liba.so"]


def test_origin_of_what_is_relative(tmp_path: Path) -> None:
    """$ORIGIN is absolute all the same."""
    library(tmp_path / "one" / "lib" / "liba.so", soname="liba.so", needed=["libb.so"], runpath="$ORIGIN")
    library(tmp_path / "one" / "lib" / "libb.so", soname="libb.so")
    main = program(tmp_path / "bin" / "main", needed=["./lib/liba.so"])
    assert agree(main, tmp_path, cwd=tmp_path / "one") == ["./lib/liba.so", "one/./lib/libb.so"]
    assert agree(main, tmp_path, cwd=tmp_path) == ["no ./lib/liba.so"]


def test_it_answers_to_its_soname(tmp_path: Path) -> None:
    library(tmp_path / "one" / "liba.so", soname="liba.so")
    library(tmp_path / "two" / "liba.so", soname="liba.so")
    library(tmp_path / "two" / "libb.so", soname="libb.so", needed=["liba.so"], rpath="$ORIGIN")
    main = program(tmp_path / "main", needed=[f"{tmp_path}/one/liba.so", f"{tmp_path}/two/libb.so"])
    assert agree(main, tmp_path) == ["one/liba.so", "two/libb.so"]
    library(tmp_path / "one" / "liba.so")
    assert agree(main, tmp_path) == ["one/liba.so", "two/libb.so", "two/liba.so"]


def test_the_same_file_by_path_and_by_name(tmp_path: Path) -> None:
    """Without a DT_SONAME its name does not answer: it is looked for, and found to be the same file."""
    library(tmp_path / "one" / "liba.so")
    main = program(tmp_path / "main", needed=[f"{tmp_path}/one/liba.so", "liba.so"], rpath=f"{tmp_path}/one")
    assert agree(main, tmp_path) == ["one/liba.so"]
    main = program(main, needed=[f"{tmp_path}/one/liba.so", "liba.so"])
    assert agree(main, tmp_path) == ["one/liba.so", "no liba.so"]
