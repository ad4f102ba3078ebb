"""A file of the right name that is no shared library of this system ends the search, though a later one is good."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from parts import cc
from scenarios.libraries import calls, library, patched, returns
from scenarios.linker import ask

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EI_DATA, EI_OSABI, E_TYPE = 5, 7, 16


def text(path: Path, good: Path) -> None:
    path.write_text("INPUT(-ldep)\n")


def empty(path: Path, good: Path) -> None:
    path.touch()


def directory(path: Path, good: Path) -> None:
    path.mkdir()


def header_alone(path: Path, good: Path) -> None:
    path.write_bytes(good.read_bytes()[:40])


def other_byte_order(path: Path, good: Path) -> None:
    patched(good, path, EI_DATA, b"\x02" if good.read_bytes()[EI_DATA] == 1 else b"\x01")


def other_system(path: Path, good: Path) -> None:
    patched(good, path, EI_OSABI, b"\x09")  # FreeBSD


def object_file(path: Path, good: Path) -> None:
    cc("int dep(void) { return 1; }", path, "-c", shared=False)


def fixed_program(path: Path, good: Path) -> None:
    cc("int main(void) { return 0; }", path, "-no-pie", shared=False)


def pie_program(path: Path, good: Path) -> None:
    cc("int main(void) { return 0; }", path, "-pie", "-fPIE", shared=False)


def core_file(path: Path, good: Path) -> None:
    patched(good, path, E_TYPE, struct.pack("=H", 4))


CASES = [text, empty, directory, header_alone, other_byte_order, other_system]
CASES += [object_file, fixed_program, pie_program, core_file]


@pytest.mark.parametrize("make", CASES)
def test_fatal(tmp_path: Path, make: Callable[[Path, Path], None]) -> None:
    good = library(tmp_path / "two" / "libdep.so", returns("dep", 2), soname="libdep.so")
    (tmp_path / "one").mkdir()
    path = f"{tmp_path}/one:{tmp_path}/two"
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so"], runpath=path)
    assert ask(root, call="root").agreed().value == 2
    make(tmp_path / "one" / "libdep.so", good)
    answer = ask(root).agreed()
    assert answer.kind == "dependency"
    assert f"{tmp_path}/one/libdep.so" in answer.refusal
