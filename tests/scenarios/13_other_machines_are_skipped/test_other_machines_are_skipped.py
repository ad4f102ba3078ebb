"""A file of the right name but of another class or machine is skipped, and the search goes on to the next directory."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from scenarios.libraries import calls, library, patched, returns
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path

EI_CLASS, E_MACHINE = 4, 18
OTHERS = {"class": (EI_CLASS, b"\x01"), "machine": (E_MACHINE, struct.pack("=H", 0x9026))}  # EM_ALPHA


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("kind", ["rpath", "runpath", "LD_LIBRARY_PATH"])
def test_skipped(tmp_path: Path, other: str, kind: str) -> None:
    good = library(tmp_path / "two" / "libdep.so", returns("dep", 2), soname="libdep.so")
    patched(good, tmp_path / "one" / "libdep.so", *OTHERS[other])
    path = f"{tmp_path}/one:{tmp_path}/two"
    env = {"LD_LIBRARY_PATH": path} if kind == "LD_LIBRARY_PATH" else {}
    paths = {} if env else {kind: path}
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so"], **paths)
    assert ask(root, call="root", env=env).agreed().value == 2
    good.unlink()
    assert ask(root, env=env).agreed().kind == "dependency"


@pytest.mark.parametrize("other", OTHERS)
def test_of_a_path_nothing_else_is_tried(tmp_path: Path, other: str) -> None:
    good = library(tmp_path / "two" / "libdep.so", returns("dep", 2), soname="libdep.so")
    bad = patched(good, tmp_path / "one" / "libdep.so", *OTHERS[other])
    root = library(tmp_path / "app" / "libroot.so", needed=[str(bad)], rpath=f"{tmp_path}/two")
    assert ask(root).agreed().kind == "dependency"
