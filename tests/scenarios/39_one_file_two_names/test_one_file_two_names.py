"""One inode is mapped once, under however many names and links it is asked for; a copy is another file."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from scenarios.closures import agree, program
from scenarios.libraries import library

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("soname", ["", "liba.so", "libelse.so"])
@pytest.mark.parametrize("kind", ["link", "hard link", "copy"])
def test_two_names(tmp_path: Path, kind: str, soname: str) -> None:
    a = library(tmp_path / "lib" / "liba.so", soname=soname)
    b = tmp_path / "lib" / "libb.so"
    if kind == "link":
        b.symlink_to("liba.so")
    elif kind == "hard link":
        os.link(a, b)
    else:
        shutil.copy(a, b)
    for order in (["liba.so", "libb.so"], ["libb.so", "liba.so"]):
        main = program(tmp_path / "main", needed=order, rpath=f"{tmp_path}/lib")
        expected = [f"lib/{name}" for name in order]
        # libb.so first, and then liba.so, which is the copy's DT_SONAME.
        once = kind != "copy" or (soname == "liba.so" and order[0] == "libb.so")
        assert agree(main, tmp_path) == (expected[:1] if once else expected)


def test_two_directories_that_are_one(tmp_path: Path) -> None:
    """The first way to a file names it, though a later one leads to the same directory."""
    library(tmp_path / "real" / "liba.so")
    library(tmp_path / "real" / "libb.so", needed=["liba.so"], rpath=f"{tmp_path}/link")
    (tmp_path / "link").symlink_to("real")
    main = program(tmp_path / "main", needed=["libb.so", f"{tmp_path}/real/liba.so"], rpath=f"{tmp_path}/real")
    assert agree(main, tmp_path) == ["real/libb.so", "real/liba.so"]
    main = program(main, needed=["libb.so"], rpath=f"{tmp_path}/real")
    assert agree(main, tmp_path) == ["real/libb.so", "link/liba.so"]


def test_the_name_of_the_link_is_known_from_then_on(tmp_path: Path) -> None:
    """Found under a second name, a file answers to that name too, wherever it would have been found else."""
    library(tmp_path / "lib" / "liba.so", soname="liba.so")
    (tmp_path / "lib" / "libb.so").symlink_to("liba.so")
    library(tmp_path / "other" / "libb.so", soname="libb.so")
    library(tmp_path / "lib" / "libc_.so", soname="libc_.so", needed=["libb.so"], runpath=f"{tmp_path}/other")
    main = program(tmp_path / "main", needed=["liba.so", "libb.so", "libc_.so"], rpath=f"{tmp_path}/lib")
    assert agree(main, tmp_path) == ["lib/liba.so", "lib/libc_.so"]
    main = program(main, needed=["liba.so", "libc_.so"], rpath=f"{tmp_path}/lib")
    assert agree(main, tmp_path) == ["lib/liba.so", "lib/libc_.so", "other/libb.so"]


def test_links_of_links(tmp_path: Path) -> None:
    library(tmp_path / "real" / "liba.so.1.2.3", soname="liba.so.1")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "liba.so.1").symlink_to("../real/liba.so.1.2")
    (tmp_path / "real" / "liba.so.1.2").symlink_to(tmp_path / "real" / "liba.so.1.2.3")
    main = program(tmp_path / "main", needed=["liba.so.1"], rpath=f"{tmp_path}/lib")
    assert agree(main, tmp_path) == ["lib/liba.so.1"]
    (tmp_path / "real" / "liba.so.1.2.3").unlink()
    assert agree(main, tmp_path) == ["no liba.so.1"]
    (tmp_path / "real" / "liba.so.1.2").unlink()
    (tmp_path / "real" / "liba.so.1.2").symlink_to("liba.so.1.2")
    library(tmp_path / "next" / "liba.so.1", soname="liba.so.1")
    main = program(main, needed=["liba.so.1"], rpath=f"{tmp_path}/lib:{tmp_path}/next")
    agree(main, tmp_path)
