"""DF_1_NOOPEN, a program, and a position-independent program cannot be opened at run time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parts import cc
from scenarios.libraries import library
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("flag", ["-Wl,-z,nodlopen", ""])
def test_noopen(tmp_path: Path, flag: str) -> None:
    flags = [flag] if flag else []
    closed = library(tmp_path / "app" / "libclosed.so", "", *flags, soname="libclosed.so")
    assert ask(closed).agreed().kind == ("format" if flag else "")
    consumer = library(tmp_path / "app" / "libroot.so", needed=["libclosed.so"], runpath="$ORIGIN")
    assert ask(consumer).agreed().kind == ("dependency" if flag else "")


@pytest.mark.parametrize("flags", [["-no-pie"], ["-pie", "-fPIE"]])
def test_program(tmp_path: Path, flags: list[str]) -> None:
    (tmp_path / "app").mkdir()
    program = cc("int main(void) { return 0; }", tmp_path / "app" / "program", *flags, shared=False)
    assert ask(program).agreed().kind == "format"
