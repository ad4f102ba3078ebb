"""In every directory searched, glibc-hwcaps/x86-64-vN for this CPU comes first; before glibc 2.37 also tls/, x86_64/ …"""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest

from nativeload import core
from nativeload.linkers import host
from scenarios.libraries import calls, library, returns
from scenarios.linker import ask, named

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the subdirectories of other machines")

HERE = 9  # what the library in the directory itself returns
SEARCHED = host.linker().rules.subdirectories
OTHERS = [*(f"glibc-hwcaps/x86-64-v{level}" for level in (4, 3, 2)), "tls", "tls/x86_64", "x86_64", "haswell", "i686"]


def make(tmp_path: Path, subdirectories: dict[str, int], **paths: str) -> Path:
    for subdirectory, number in {**subdirectories, ".": HERE}.items():
        library(tmp_path / "one" / subdirectory / "libdep.so", returns("dep", number), soname="libdep.so")
    return library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so"], **paths)


@pytest.mark.parametrize("kind", ["rpath", "runpath", "LD_LIBRARY_PATH"])
def test_best_level_first(tmp_path: Path, kind: str) -> None:
    directory = f"{tmp_path}/one"
    env = {"LD_LIBRARY_PATH": directory} if kind == "LD_LIBRARY_PATH" else {}
    levels = {f"glibc-hwcaps/x86-64-v{level}": level for level in (2, 3, 4)}
    root = make(tmp_path, levels, **({} if env else {kind: directory}))
    level = core.isa_level()
    assert ask(root, call="root", env=env).agreed().value == (level if level > 1 else HERE)


@pytest.mark.parametrize("subdirectory", dict.fromkeys((*SEARCHED, *OTHERS)))
def test_each_alone(tmp_path: Path, subdirectory: str) -> None:
    """Which are searched on this machine, the linker decides."""
    answer = ask(make(tmp_path, {subdirectory: 1}, runpath=f"{tmp_path}/one"), call="root").agreed()
    assert answer.value == (1 if subdirectory in SEARCHED else HERE)


def test_each_two_in_order(tmp_path: Path) -> None:
    """Each library is met before all those of a later subdirectory: removed one by one, the next is taken."""
    root = make(tmp_path, {name: number for number, name in enumerate(SEARCHED, 10)}, runpath=f"{tmp_path}/one")
    for number, subdirectory in enumerate(SEARCHED, 10):
        assert ask(root, call="root").agreed().value == number
        (tmp_path / "one" / subdirectory / "libdep.so").unlink()
    assert ask(root, call="root").agreed().value == HERE


def test_a_bare_name_too(tmp_path: Path) -> None:
    for subdirectory in ("glibc-hwcaps/x86-64-v2", "."):
        library(tmp_path / "one" / subdirectory / "libdep.so", returns("dep", 1), soname="libdep.so")
    directory = tmp_path / "one" / "glibc-hwcaps" / "x86-64-v2" if core.isa_level() > 1 else tmp_path / "one"
    assert named("libdep.so", env={"LD_LIBRARY_PATH": tmp_path / "one"}).agreed().path == f"{directory}/libdep.so"
