"""Breadth first: all that the program names is looked for before anything that those name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.closures import agree, program
from scenarios.libraries import library

if TYPE_CHECKING:
    from pathlib import Path


def test_an_uncle_answers_to_a_nephew(tmp_path: Path) -> None:
    """Depth first, libfirst.so would find another libdep.so than the program does after it."""
    library(tmp_path / "main" / "libdep.so", soname="libdep.so")
    library(tmp_path / "nephew" / "libdep.so", soname="libdep.so")
    library(tmp_path / "main" / "libfirst.so", soname="libfirst.so", needed=["libdep.so"], runpath="$ORIGIN/../nephew")
    main = program(tmp_path / "bin" / "main", needed=["libfirst.so", "libdep.so"], runpath="$ORIGIN/../main")
    assert agree(main, tmp_path) == ["bin/../main/libfirst.so", "bin/../main/libdep.so"]
    main = program(main, needed=["libfirst.so"], runpath="$ORIGIN/../main")
    assert agree(main, tmp_path) == ["bin/../main/libfirst.so", "bin/../main/../nephew/libdep.so"]


def test_an_uncle_saves_a_nephew(tmp_path: Path) -> None:
    """Depth first, libdep.so would not be found at all."""
    for name, needed in (("libfirst.so", ["libdep.so"]), ("libdep.so", [])):
        library(tmp_path / "lib" / name, soname=name, needed=needed)
    main = program(tmp_path / "main", needed=["libfirst.so", "libdep.so"], runpath=f"{tmp_path}/lib")
    assert agree(main, tmp_path) == ["lib/libfirst.so", "lib/libdep.so"]
    main = program(main, needed=["libfirst.so"], runpath=f"{tmp_path}/lib")
    assert agree(main, tmp_path) == ["lib/libfirst.so", "no libdep.so"]


def test_three_generations(tmp_path: Path) -> None:
    """Row by row, each from left to right; what is missing for one may be found for a later one."""
    lib = tmp_path / "lib"
    for name, needed, path in (
        ("a", ["c", "x"], ""),
        ("b", ["d", "x"], str(lib)),
        ("c", ["e"], str(lib)),
        ("d", ["f"], str(lib)),
        ("e", [], ""),
        ("f", ["c"], ""),
        ("x", [], ""),
    ):
        sonames = [f"lib{one}_.so" for one in needed]
        library(lib / f"lib{name}_.so", soname=f"lib{name}_.so", needed=sonames, runpath=path)
    main = program(tmp_path / "main", needed=["liba_.so", "libb_.so", "libnone_.so"], runpath=str(lib))
    found = [f"lib/lib{name}_.so" for name in ("a", "b", "d", "x", "f")]
    assert agree(main, tmp_path) == [*found, *(f"no lib{name}_.so" for name in ("none", "c", "x", "c"))]
    main = program(main, needed=["liba_.so", "libb_.so", "libc_.so"], rpath=str(lib))
    assert agree(main, tmp_path) == [f"lib/lib{name}_.so" for name in ("a", "b", "c", "x", "d", "e", "f")]


def test_order_of_the_headers(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        library(tmp_path / "lib" / f"lib{name}.so", soname=f"lib{name}.so")
    for order in ("abc", "cab", "bca"):
        main = program(tmp_path / "main", needed=[f"lib{name}.so" for name in order], rpath=f"{tmp_path}/lib")
        assert agree(main, tmp_path) == [f"lib/lib{name}.so" for name in order]
