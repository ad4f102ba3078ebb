"""The program and the linker as others name them: each is there before all that is mapped, and has its own names."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from nativeload import resolve
from parts import execute
from parts.elf_files import read
from parts.truth import system_linker
from scenarios.closures import SYSTEM, TRACED, agree, program, started
from scenarios.libraries import library
from scenarios.smallroot import needs_root, small_root

if TYPE_CHECKING:
    from pathlib import Path


def test_the_program_by_its_path(tmp_path: Path) -> None:
    """It is not known again by its file: it would be loaded, and no program can be."""
    main = tmp_path / "main"
    for needed, expected in (([str(main)], "fatal"), ([], "ok")):
        library(tmp_path / "liba.so", soname="liba.so", needed=needed)
        program(main, needed=["liba.so"], rpath=str(tmp_path))
        done = execute([main], env=TRACED)
        assert resolve(main, environ={}).status == expected, done
        assert (done.returncode == 0) == (expected == "ok"), done


def test_the_program_by_its_soname(tmp_path: Path) -> None:
    library(tmp_path / "liba.so", soname="liba.so", needed=["main.x"])
    main = program(tmp_path / "main", "-Wl,-soname,main.x", needed=["liba.so"], rpath=str(tmp_path))
    assert started(main, tmp_path) == ["liba.so"]
    assert [edge.name for image in resolve(main, environ={}).images for edge in image.needed if not edge.path] == []
    main = program(main, "-Wl,-soname,main.y", needed=["liba.so"], rpath=str(tmp_path))
    assert [edge.name for image in resolve(main, environ={}).images for edge in image.needed if not edge.path] == [
        "main.x"
    ]


def test_the_linker_by_its_soname(tmp_path: Path) -> None:
    """Whatever file the program names as its interpreter."""
    shutil.copy(system_linker(), tmp_path / "ld.so")
    soname = read(tmp_path / "ld.so").soname
    library(tmp_path / "liba.so", soname="liba.so", needed=[soname])
    words = {"rpath": str(tmp_path), "linker": str(tmp_path / "ld.so")}
    main = program(tmp_path / "main", needed=["liba.so"], **words)
    assert agree(main, tmp_path) == ["liba.so"]
    main = program(main, needed=["liba.so", str(tmp_path / "ld.so")], **words)
    assert agree(main, tmp_path) == ["liba.so"]
    assert resolve(main, environ={}).images[-1].path == str(tmp_path / "ld.so")


def test_not_to_be_opened_at_run_time(tmp_path: Path) -> None:
    """DF_1_NOOPEN is about dlopen, not about what a program starts with."""
    library(tmp_path / "liba.so", "", "-Wl,-z,nodlopen", soname="liba.so")
    main = program(tmp_path / "main", needed=["liba.so"], rpath=str(tmp_path))
    assert agree(main, tmp_path) == ["liba.so"]
    root = library(tmp_path / "libroot.so", needed=["liba.so"], rpath=str(tmp_path))
    assert resolve(root, environ={}).status == "fatal"  # as dlopen says; scenario 20


@needs_root
@pytest.mark.parametrize("kind", ["rpath", "runpath", "LD_LIBRARY_PATH"])
@pytest.mark.parametrize("text", ["/", "//"])
def test_the_root_directory(tmp_path: Path, kind: str, text: str) -> None:
    root = small_root(tmp_path)
    library(root / "liba.so", soname="liba.so")
    env = {"LD_LIBRARY_PATH": text} if kind == "LD_LIBRARY_PATH" else {}
    program(root / "bin" / "main", needed=["liba.so"], **({} if env else {kind: text}))
    assert agree("/bin/main", SYSTEM, root=root, env=env) == ["liba.so"]
    os.unlink(root / "liba.so")
    assert agree("/bin/main", SYSTEM, root=root, env=env) == ["no liba.so"]
