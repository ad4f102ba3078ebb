"""A program's DT_RPATH serves all that it needs, however far down; its DT_RUNPATH serves itself alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nativeload import resolve
from scenarios.closures import agree, how, program
from scenarios.libraries import library

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """libone.so needs libtwo.so, which needs libthree.so: all in one directory, none with a path of its own."""
    for name, needed in (("one", "two"), ("two", "three"), ("three", "")):
        library(
            tmp_path / "lib" / f"lib{name}.so", soname=f"lib{name}.so", needed=[f"lib{needed}.so"] if needed else []
        )
    return tmp_path


def test_rpath_is_for_all(chain: Path) -> None:
    main = program(chain / "bin" / "main", needed=["libone.so"], rpath=f"{chain}/lib")
    assert agree(main, chain) == ["lib/libone.so", "lib/libtwo.so", "lib/libthree.so"]
    assert how(resolve(main), "libthree.so") == f"rpath of {main}"


def test_runpath_is_for_itself(chain: Path) -> None:
    main = program(chain / "bin" / "main", needed=["libone.so"], runpath=f"{chain}/lib")
    assert agree(main, chain) == ["lib/libone.so", "no libtwo.so"]
    assert how(resolve(main), "libone.so") == "runpath"


def test_without_either(chain: Path) -> None:
    assert agree(program(chain / "bin" / "main", needed=["libone.so"]), chain) == ["no libone.so"]


def test_runpath_of_a_library_silences_every_rpath(chain: Path) -> None:
    """Even an RPATH of the program, for what this library itself asks for; but not for what those ask for."""
    library(chain / "lib" / "libone.so", soname="libone.so", needed=["libtwo.so"], runpath=f"{chain}/none")
    main = program(chain / "bin" / "main", needed=["libone.so"], rpath=f"{chain}/lib")
    assert agree(main, chain) == ["lib/libone.so", "no libtwo.so"]
    library(chain / "lib" / "libone.so", soname="libone.so", needed=["libtwo.so"], runpath="$ORIGIN")
    assert agree(main, chain) == ["lib/libone.so", "lib/libtwo.so", "lib/libthree.so"]


def test_runpath_of_the_program_silences_its_rpath(chain: Path) -> None:
    """Where a file has both, its RPATH is as if it were not there, for those that it loads too."""
    words = ["-Wl,--enable-new-dtags", f"-Wl,-rpath,{chain}/lib"]
    main = program(chain / "bin" / "main", *words, needed=["libone.so"])
    assert agree(main, chain) == ["lib/libone.so", "no libtwo.so"]


def test_nearest_first(chain: Path) -> None:
    """The requester's own RPATH, then its loader's, then the program's."""
    library(chain / "near" / "libthree.so", soname="libthree.so")
    library(chain / "lib" / "libone.so", soname="libone.so", needed=["libtwo.so"], rpath=f"{chain}/near")
    main = program(chain / "bin" / "main", needed=["libone.so"], rpath=f"{chain}/lib")
    assert agree(main, chain)[-1] == "near/libthree.so"
    library(chain / "lib" / "libtwo.so", soname="libtwo.so", needed=["libthree.so"], rpath=f"{chain}/lib")
    assert agree(main, chain)[-1] == "lib/libthree.so"


def test_the_chain_is_of_who_loaded_it_first(chain: Path) -> None:
    """Two ask for one library: the RPATH of the second serves nothing below it."""
    library(chain / "lib" / "libone.so", soname="libone.so", needed=["libtwo.so"])
    library(chain / "lib" / "libother.so", soname="libother.so", needed=["libtwo.so"], rpath=f"{chain}/lib")
    library(chain / "two" / "libtwo.so", soname="libtwo.so", needed=["libthree.so"])
    words = {"rpath": f"{chain}/two"}
    lib = chain / "lib"
    main = program(chain / "bin" / "main", needed=[f"{lib}/libone.so", f"{lib}/libother.so"], **words)
    assert agree(main, chain) == ["lib/libone.so", "lib/libother.so", "two/libtwo.so", "no libthree.so"]
    main = program(chain / "bin" / "main", needed=[f"{lib}/libother.so", f"{lib}/libone.so"], **words)
    assert agree(main, chain) == ["lib/libother.so", "lib/libone.so", "lib/libtwo.so", "lib/libthree.so"]
