"""What cannot be opened: the search goes on, in the next directory or, after a loop of links, only in the next list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.libraries import calls, library, returns
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path


def make(tmp_path: Path) -> Path:
    library(tmp_path / "two" / "libdep.so", returns("dep", 2), soname="libdep.so")
    path = f"{tmp_path}/one:{tmp_path}/two"
    return library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so"], runpath=path)


def test_dangling_link(tmp_path: Path) -> None:
    root = make(tmp_path)
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "libdep.so").symlink_to(tmp_path / "nowhere")
    assert ask(root, call="root").agreed().value == 2


def test_a_file_in_a_directorys_place(tmp_path: Path) -> None:
    root = make(tmp_path)
    (tmp_path / "one").write_text("no directory")
    assert ask(root, call="root").agreed().value == 2


def test_forbidden(tmp_path: Path) -> None:
    root = make(tmp_path)
    library(tmp_path / "one" / "libdep.so", returns("dep", 1), soname="libdep.so").chmod(0)
    # Without its capabilities, root too may read only what the file's mode lets it.
    before = "ctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())\n"
    assert ask(root, call="root", before=before).agreed().value == 2


@pytest.mark.parametrize(("third", "value"), [("", None), ("three", 3)])
def test_loop_of_links(tmp_path: Path, third: str, value: int | None) -> None:
    """The linker gives up that list of directories: a good file in its next one is never looked at."""
    library(tmp_path / "three" / "libdep.so", returns("dep", 3), soname="libdep.so")
    library(tmp_path / "two" / "libdep.so", returns("dep", 2), soname="libdep.so")
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "libdep.so").symlink_to("libdep.so")
    env = {"LD_LIBRARY_PATH": f"{tmp_path}/one:{tmp_path}/two"}
    runpath = f"{tmp_path}/{third}" if third else ""
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so"], runpath=runpath)
    assert ask(root, call="root", env=env).agreed().value == value
    (tmp_path / "one" / "libdep.so").unlink()
    assert ask(root, call="root", env=env).agreed().value == 2
