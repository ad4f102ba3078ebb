"""LD_PRELOAD: mapped after the program and before all that it needs, found as if the program needed it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from scenarios.closures import agree, program, started
from scenarios.libraries import library

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "text/libtext.so"


@pytest.fixture
def main(tmp_path: Path) -> Path:
    """A program that needs liba.so of lib/, where its DT_RUNPATH leads; other/ has libraries that nobody needs."""
    for name in ("a", "b", "w"):
        library(tmp_path / "lib" / f"lib{name}.so", soname=f"lib{name}.so")
    library(tmp_path / "other" / "libb.so", soname="libb.so")
    library(tmp_path / "other" / "liba.so", soname="liba.so")
    (tmp_path / "text").mkdir()
    (tmp_path / TEXT).write_text("not ELF")
    return program(tmp_path / "bin" / "main", needed=["liba.so"], runpath="$ORIGIN/../lib")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{0}/other/libb.so", ["other/libb.so", "lib/liba.so"]),
        ("libb.so", ["lib/libb.so", "lib/liba.so"]),
        ("libw.so {0}/other/libb.so", ["lib/libw.so", "other/libb.so", "lib/liba.so"]),
        ("libw.so:libb.so", ["lib/libw.so", "lib/libb.so", "lib/liba.so"]),
        (" :libw.so: libb.so:: ", ["lib/libw.so", "lib/libb.so", "lib/liba.so"]),
        ("libw.so\tlibb.so", ["lib/liba.so"]),
        ("libw.so;libb.so", ["lib/liba.so"]),
        ("libb.so libb.so {0}/lib/libb.so", ["lib/libb.so", "lib/liba.so"]),
        ("{0}/other/liba.so", ["other/liba.so"]),
        ("libgone.so libb.so", ["lib/libb.so", "lib/liba.so"]),
        ("{0}/text/libtext.so libb.so", ["lib/libb.so", "lib/liba.so"]),
        ("{0}/other libb.so", ["lib/libb.so", "lib/liba.so"]),
        ("./libb.so", ["./libb.so", "lib/liba.so"]),
        ("$ORIGIN/../other/libb.so", ["bin/../other/libb.so", "lib/liba.so"]),
        ("", ["lib/liba.so"]),
    ],
)
def test_names(tmp_path: Path, main: Path, value: str, expected: list[str]) -> None:
    env = {"LD_PRELOAD": value.replace("{0}", os.fspath(tmp_path))}
    expected = [one.replace("lib/", "bin/../lib/", 1) if one.startswith("lib/") else one for one in expected]
    assert started(main, tmp_path, env=env, cwd=tmp_path / "other") == expected
    assert agree(main, tmp_path, env=env, cwd=tmp_path / "other") == expected


def test_its_loader_is_the_program(tmp_path: Path, main: Path) -> None:
    """So the program's DT_RPATH serves what it needs, and a DT_RUNPATH of the program does not."""
    library(tmp_path / "other" / "libb.so", soname="libb.so", needed=["libw.so"])
    env = {"LD_PRELOAD": f"{tmp_path}/other/libb.so"}
    assert agree(main, tmp_path, env=env) == ["other/libb.so", "bin/../lib/liba.so", "no libw.so"]
    main = program(main, needed=["liba.so"], rpath=f"{tmp_path}/lib")
    assert agree(main, tmp_path, env=env) == ["other/libb.so", "lib/liba.so", "lib/libw.so"]


def test_all_of_them_before_what_one_needs(tmp_path: Path, main: Path) -> None:
    library(tmp_path / "other" / "libb.so", soname="libb.so", needed=["libw.so"], runpath=f"{tmp_path}/lib")
    library(tmp_path / "lib" / "libd.so", soname="libd.so")
    env = {"LD_PRELOAD": f"{tmp_path}/other/libb.so libd.so"}
    origin = "bin/../lib"
    assert agree(main, tmp_path, env=env) == ["other/libb.so", f"{origin}/libd.so", f"{origin}/liba.so", "lib/libw.so"]


def test_before_a_library_too(tmp_path: Path, main: Path) -> None:
    """Where a library is asked about, the process that would load it has no path for what is preloaded."""
    root = library(main.parent / "libroot.so", needed=["liba.so"], rpath=f"{tmp_path}/lib")
    env = {"LD_PRELOAD": f"{tmp_path}/other/libb.so libw.so"}
    assert agree(root, tmp_path, env=env) == ["other/libb.so", "lib/liba.so"]
    assert agree(root, tmp_path) == ["lib/liba.so"]


def test_it_finds_by_library_path(tmp_path: Path, main: Path) -> None:
    env = {"LD_PRELOAD": "libb.so", "LD_LIBRARY_PATH": f"{tmp_path}/other"}
    assert agree(main, tmp_path, env=env) == ["other/libb.so", "other/liba.so"]
