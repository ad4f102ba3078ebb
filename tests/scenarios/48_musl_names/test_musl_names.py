"""By what musl knows a library again: its file, and the name of the path by which a search has found it first."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from scenarios.closures import agree
from scenarios.libraries import library
from scenarios.muslprograms import NAME, linker, musl, path_file

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nosanitize


def test_a_soname_is_nothing(tmp_path: Path) -> None:
    library(tmp_path / "lib" / "libone.so", soname="liba.so")
    main = musl(tmp_path, "main", ["libone.so", "liba.so"], rpath=f"{tmp_path}/lib")
    assert agree(main, tmp_path) == ["lib/libone.so", "no liba.so"]
    library(tmp_path / "lib" / "liba.so", soname="libone.so")
    assert agree(main, tmp_path) == ["lib/libone.so", "lib/liba.so"]


def test_by_search_it_has_a_name(tmp_path: Path) -> None:
    """So the second who asks gets the first one's."""
    for place in ("one", "two"):
        library(tmp_path / place / "liba.so")
    library(tmp_path / "one" / "libb.so", needed=["liba.so"], rpath=f"{tmp_path}/two")
    main = musl(tmp_path, "main", ["liba.so", "libb.so"], rpath=f"{tmp_path}/one")
    assert agree(main, tmp_path) == ["one/liba.so", "one/libb.so"]
    main = musl(tmp_path, "main", ["libb.so"], rpath=f"{tmp_path}/one")
    assert agree(main, tmp_path) == ["one/libb.so", "two/liba.so"]


def test_by_path_it_has_none(tmp_path: Path) -> None:
    for place in ("one", "two"):
        library(tmp_path / place / "liba.so", soname="liba.so")
    main = musl(tmp_path, "main", [f"{tmp_path}/one/liba.so", "liba.so"], rpath=f"{tmp_path}/two")
    assert agree(main, tmp_path) == ["one/liba.so", "two/liba.so"]
    main = musl(tmp_path, "main", [f"{tmp_path}/one/liba.so", "liba.so"])
    assert agree(main, tmp_path) == ["one/liba.so", "no liba.so"]


def test_by_path_and_then_by_search(tmp_path: Path) -> None:
    """The same file: from then on it has its name."""
    library(tmp_path / "one" / "liba.so")
    library(tmp_path / "two" / "liba.so")
    library(tmp_path / "one" / "libb.so", needed=["liba.so"], rpath=f"{tmp_path}/two")
    path = f"{tmp_path}/one/liba.so"
    main = musl(tmp_path, "main", [path, "liba.so", "libb.so"], rpath=f"{tmp_path}/one")
    assert agree(main, tmp_path) == ["one/liba.so", "one/libb.so"]
    main = musl(tmp_path, "main", [path, "libb.so"], rpath=f"{tmp_path}/one")
    assert agree(main, tmp_path) == ["one/liba.so", "one/libb.so", "two/liba.so"]


@pytest.mark.parametrize("kind", ["link", "copy"])
def test_two_names(tmp_path: Path, kind: str) -> None:
    """The name of a link to a file that is there is not remembered."""
    one = library(tmp_path / "lib" / "liba.so")
    if kind == "link":
        (tmp_path / "lib" / "libb.so").symlink_to("liba.so")
    else:
        shutil.copy(one, tmp_path / "lib" / "libb.so")
    library(tmp_path / "far" / "libb.so")
    library(tmp_path / "lib" / "libz_.so", needed=["libb.so"], rpath=f"{tmp_path}/far")
    main = musl(tmp_path, "main", ["liba.so", "libb.so", "libz_.so"], rpath=f"{tmp_path}/lib")
    found = ["lib/liba.so", *(["lib/libb.so"] if kind == "copy" else []), "lib/libz_.so"]
    assert agree(main, tmp_path) == [*found, *(["far/libb.so"] if kind == "link" else [])]


def test_the_first_name_stays(tmp_path: Path) -> None:
    """Found by a link first, it answers to the link's name and not to its own."""
    library(tmp_path / "lib" / "liba.so")
    (tmp_path / "lib" / "libb.so").symlink_to("liba.so")
    library(tmp_path / "far" / "liba.so")
    library(tmp_path / "lib" / "libz_.so", needed=["liba.so"], rpath=f"{tmp_path}/far")
    main = musl(tmp_path, "main", ["libb.so", "libz_.so"], rpath=f"{tmp_path}/lib")
    assert agree(main, tmp_path) == ["lib/libb.so", "lib/libz_.so", "far/liba.so"]
    main = musl(tmp_path, "main", ["liba.so", "libz_.so"], rpath=f"{tmp_path}/lib")
    assert agree(main, tmp_path) == ["lib/liba.so", "lib/libz_.so"]


@pytest.mark.parametrize(
    "name", ["libc.so", "libc.so.6", "libm.so.6", "libpthread.so.0", "librt.so.1", "libdl.so.2", "libutil.so", "libc.x"]
)
def test_reserved_names(tmp_path: Path, name: str) -> None:
    """They are the linker itself, whatever is found under them."""
    library(tmp_path / "lib" / name)
    library(tmp_path / "lib" / "libcx.so")
    main = musl(tmp_path, "main", [name, "libcx.so"], rpath=f"{tmp_path}/lib")
    assert agree(main, tmp_path) == ["lib/libcx.so"]


@pytest.mark.parametrize("name", ["libcx.so", "libmx.so.6", "libthread_db.so.1", "libc", "libresolv.so.2", "libc-2.so"])
def test_names_that_are_not(tmp_path: Path, name: str) -> None:
    library(tmp_path / "lib" / name)
    main = musl(tmp_path, "main", [name, "libgone_.so"], rpath=f"{tmp_path}/lib")
    assert agree(main, tmp_path) == [f"lib/{name}", "no libgone_.so"]


def test_the_linker_by_its_path(tmp_path: Path) -> None:
    """Its file name alone is searched for."""
    path_file(tmp_path).touch()
    path = str(linker(tmp_path))
    assert agree(musl(tmp_path, "main", [path]), tmp_path) == []
    assert agree(musl(tmp_path, "main", [NAME]), tmp_path) == [f"no {NAME}"]


@pytest.mark.parametrize("both", [True, False])
def test_a_second_c_library(tmp_path: Path, both: bool) -> None:
    """Whatever has a C library's two symbols is not mapped: the linker stands for it."""
    source = "void *stdin; int __libc_start_main(void) { return 0; }" if both else "void *stdin;"
    library(tmp_path / "lib" / "liba.so", source)
    needed = ["liba.so", f"{tmp_path}/lib/liba.so"]
    main = musl(tmp_path, "main", needed, rpath=f"{tmp_path}/lib")
    assert agree(main, tmp_path) == ([] if both else ["lib/liba.so"])
    last = musl(tmp_path, "main", needed[1:])
    assert agree(last, tmp_path) == ([] if both else ["lib/liba.so"])


def test_breadth_first_and_cycles(tmp_path: Path) -> None:
    lib = tmp_path / "lib"
    library(lib / "liba.so", needed=["libb.so", "libd.so"])
    library(lib / "libb.so", needed=["liba.so", "libe.so"])
    for name in ("libd.so", "libe.so"):
        library(lib / name)
    main = musl(tmp_path, "main", ["liba.so", "libb.so"], rpath=str(lib))
    assert agree(main, tmp_path) == [f"lib/lib{name}.so" for name in "abde"]
    main = musl(tmp_path, "main", ["liba.so"], rpath=str(lib))
    assert agree(main, tmp_path) == [f"lib/lib{name}.so" for name in "abde"]


def test_filters_are_unknown(tmp_path: Path) -> None:
    library(tmp_path / "lib" / "libx_.so")
    for kind in ("auxiliary", "filter"):
        library(tmp_path / "lib" / "liba.so", "", f"-Wl,--{kind},libx_.so")
        main = musl(tmp_path, "main", ["liba.so"], rpath=f"{tmp_path}/lib")
        assert agree(main, tmp_path) == ["lib/liba.so"]
    library(tmp_path / "lib" / "liba.so", needed=["libx_.so"])
    assert agree(main, tmp_path) == ["lib/liba.so", "lib/libx_.so"]
