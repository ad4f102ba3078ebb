"""glibc-hwcaps in every directory of a program's search, the best level of this CPU first."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest

from nativeload import core
from scenarios.closures import agree, program
from scenarios.libraries import library

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the subdirectories of other machines")

LEVELS = [f"lib/glibc-hwcaps/x86-64-v{level}" for level in (2, 3, 4)]


def best() -> str:
    """The directory of the best level that this CPU has."""
    return LEVELS[core.isa_level() - 2] if core.isa_level() > 1 else "lib"


@pytest.mark.parametrize("kind", ["rpath", "runpath", "LD_LIBRARY_PATH"])
def test_best_first(tmp_path: Path, kind: str) -> None:
    env = {"LD_LIBRARY_PATH": f"{tmp_path}/lib"} if kind == "LD_LIBRARY_PATH" else {}
    main = program(tmp_path / "main", needed=["liba.so"], **({} if env else {kind: f"{tmp_path}/lib"}))
    for place in ("lib", "lib/glibc-hwcaps/x86-64-v5", *LEVELS):
        library(tmp_path / place / "liba.so", soname="liba.so")
    assert agree(main, tmp_path, env=env) == [f"{best()}/liba.so"]
    for place in LEVELS:
        (tmp_path / place / "liba.so").unlink()
    assert agree(main, tmp_path, env=env) == ["lib/liba.so"]


def test_before_the_next_directory_only(tmp_path: Path) -> None:
    """A plain file of an earlier directory beats the best level of a later one."""
    library(tmp_path / "plain" / "liba.so", soname="liba.so")
    library(tmp_path / best() / "liba.so", soname="liba.so")
    main = program(tmp_path / "main", needed=["liba.so"], rpath=f"{tmp_path}/plain:{tmp_path}/lib")
    assert agree(main, tmp_path) == ["plain/liba.so"]
    main = program(main, needed=["liba.so"], rpath=f"{tmp_path}/lib:{tmp_path}/plain")
    assert agree(main, tmp_path) == [f"{best()}/liba.so"]


def test_not_below_a_path(tmp_path: Path) -> None:
    """A DT_NEEDED with a slash, or LD_PRELOAD by path, takes the very file."""
    for place in ("lib", *LEVELS):
        library(tmp_path / place / "liba.so", soname="liba.so")
    main = program(tmp_path / "main", needed=[f"{tmp_path}/lib/liba.so"])
    assert agree(main, tmp_path) == ["lib/liba.so"]
    main = program(main, needed=["liba.so"], runpath="$ORIGIN/lib")
    assert agree(main, tmp_path, env={"LD_PRELOAD": f"{tmp_path}/lib/liba.so"}) == ["lib/liba.so"]
    assert agree(main, tmp_path) == [f"{best()}/liba.so"]


def test_origin_is_the_subdirectory(tmp_path: Path) -> None:
    library(tmp_path / best() / "liba.so", soname="liba.so", needed=["libb.so"], runpath="$ORIGIN")
    b = library(tmp_path / best() / "libb.so", soname="libb.so")
    main = program(tmp_path / "main", needed=["liba.so"], runpath=f"{tmp_path}/lib")
    assert agree(main, tmp_path) == [f"{best()}/liba.so", f"{best()}/libb.so"]
    b.rename(tmp_path / "lib" / "libb.so")
    # The RUNPATH's own directory may have subdirectories, but has none of them.
    assert agree(main, tmp_path) == ([f"{best()}/liba.so", "no libb.so"] if best() != "lib" else ["lib/liba.so"])
