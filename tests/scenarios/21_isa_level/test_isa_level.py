"""A file whose note demands an x86-64 level that the CPU has not is refused, and so is whatever needs it."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest

from nativeload import core
from parts.compiler import isa_note
from scenarios.libraries import library
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the note is of x86-64")


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_level(tmp_path: Path, level: int) -> None:
    library(tmp_path / "app" / "libneedy.so", isa_note(level), "-Wl,--build-id=none", soname="libneedy.so")
    enough = level <= core.isa_level()
    assert ask(tmp_path / "app" / "libneedy.so").agreed().kind == ("" if enough else "isa-level")
    root = library(tmp_path / "app" / "libroot.so", needed=["libneedy.so"], runpath="$ORIGIN")
    assert ask(root).agreed().kind == ("" if enough else "dependency")
