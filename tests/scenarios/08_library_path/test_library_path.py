"""LD_LIBRARY_PATH: after DT_RPATH, before DT_RUNPATH; read when the process starts; split on ':' and ';'."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from scenarios.libraries import calls, library, returns
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path


def make(tmp_path: Path, **paths: str) -> Path:
    for number, place in enumerate(("one", "two"), 1):
        library(tmp_path / place / "libdep.so", returns("dep", number), soname="libdep.so")
    return library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so"], **paths)


@pytest.mark.parametrize(("kind", "value"), [("rpath", 1), ("runpath", 2)])
def test_between_rpath_and_runpath(tmp_path: Path, kind: str, value: int) -> None:
    root = make(tmp_path, **{kind: "$ORIGIN/../one"})
    assert ask(root, call="root", env={"LD_LIBRARY_PATH": tmp_path / "two"}).agreed().value == value
    assert ask(root, call="root").agreed().value == 1


@pytest.mark.parametrize("when", ["os.environ['LD_LIBRARY_PATH']", "os.environb[b'LD_LIBRARY_PATH']"])
def test_read_at_start_only(tmp_path: Path, when: str) -> None:
    root = make(tmp_path)
    place = os.fspath(tmp_path / "one")
    later = f"{when} = {os.fsencode(place) if 'environb' in when else place!r}\n"
    assert ask(root, before=later).agreed().kind == "dependency"
    assert (
        ask(root, before="del os.environ['LD_LIBRARY_PATH']\n", call="root", env={"LD_LIBRARY_PATH": place})
        .agreed()
        .value
        == 1
    )


@pytest.mark.parametrize(
    ("text", "value"), [("{0}/none;{0}/two:{0}/one", 2), ("{0}/none:{0}/one;{0}/two", 1), ("{0}/one{0}", None)]
)
def test_separators(tmp_path: Path, text: str, value: int | None) -> None:
    answer = ask(make(tmp_path), call="root", env={"LD_LIBRARY_PATH": text.format(tmp_path)}).agreed()
    assert answer.value == value


def test_origin_is_the_programs(tmp_path: Path) -> None:
    root = make(tmp_path)
    program = os.path.dirname(os.path.realpath(sys.executable))
    up = "/..".join([""] * len(program.split("/")))
    env = {"LD_LIBRARY_PATH": f"$ORIGIN{up}{tmp_path}/two"}
    assert ask(root, call="root", env=env).agreed().value == 2
    assert ask(root, env={"LD_LIBRARY_PATH": "$ORIGIN/../two"}).agreed().kind == "dependency"
