"""What a process has found out once never makes a later answer wrong: files change, libraries are loaded."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from nativeload.linkers import host
from parts import run
from scenarios.libraries import calls, library, returns

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios.ldcache import PrivateCache

# The linker is asked in a child, because what it once has loaded or missed it remembers.
PROGRAM = """
import _ctypes, os, shutil, sys
from nativeload.loading import Loading
from nativeload.linkers import host

def ours(path):
    return Loading(path, (), host.linker()).rejection is None

def theirs(path):
    child = os.fork()
    if child == 0:
        try:
            _ctypes.dlopen(path, os.RTLD_NOW)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0

said = []
for step in sys.argv[2:]:
    command, _, rest = step.partition(" ")
    words = rest.split()
    if command == "load":
        _ctypes.dlopen(words[0], os.RTLD_NOW)
    elif command == "move":
        os.rename(*words)
    elif command == "copy":
        shutil.copyfile(*words)
    elif command == "ask":
        path = words[0] if words else sys.argv[1]
        one, other = ours(path), theirs(path)
        assert one == other, (step, said, one, other)
        said.append(one)
print(*said)
"""


def ask(root: Path, *steps: str, **environment: Path) -> str:
    return run(sys.executable, PROGRAM, root, *steps, env=environment).check().stdout.strip()


def chain(tmp_path: Path) -> Path:
    """root → libmiddle.so → libdep.so, found through LD_LIBRARY_PATH: no rpath is in play."""
    library(tmp_path / "lib" / "libdep.so", returns("dep", 7), soname="libdep.so")
    library(tmp_path / "lib" / "libmiddle.so", calls("middle", "dep"), soname="libmiddle.so", needed=["libdep.so"])
    return library(tmp_path / "app" / "libroot.so", calls("root", "middle"), needed=["libmiddle.so"])


def test_a_dependency_goes_and_comes_back(tmp_path: Path) -> None:
    root = chain(tmp_path)
    here, away = tmp_path / "lib" / "libdep.so", tmp_path / "away.so"
    steps = ["ask", f"move {here} {away}", "ask", f"move {away} {here}", "ask"]
    assert ask(root, *steps, LD_LIBRARY_PATH=tmp_path / "lib") == "True False True"


def test_a_dependency_is_overwritten_in_place(tmp_path: Path) -> None:
    """By a file of the same size: no directory changes, and the time may be the same second."""
    root = chain(tmp_path)
    here, good = tmp_path / "lib" / "libdep.so", tmp_path / "good.so"
    good.write_bytes(here.read_bytes())
    bad = tmp_path / "bad.so"
    bad.write_bytes(b"#" * here.stat().st_size)
    steps = ["ask", f"copy {bad} {here}", "ask", f"copy {good} {here}", "ask"]
    assert ask(root, *steps, LD_LIBRARY_PATH=tmp_path / "lib") == "True False True"


def test_what_satisfied_one_is_not_there_for_another(tmp_path: Path) -> None:
    """The first root gives the very name that libmiddle.so needs; for the second nobody does."""
    root = chain(tmp_path)
    (tmp_path / "lib" / "libdep.so").rename(tmp_path / "away.so")
    giver = library(tmp_path / "app" / "libgiver.so", returns("dep", 1), soname="libdep.so", needed=["libmiddle.so"])
    environment = {"LD_LIBRARY_PATH": tmp_path / "lib"}
    assert ask(root, f"ask {giver}", "ask", f"ask {giver}", **environment) == "True False True"
    assert ask(root, f"load {giver}", "ask", **environment) == "True"


def test_something_is_loaded_in_between(tmp_path: Path) -> None:
    root = chain(tmp_path)
    (tmp_path / "lib" / "libdep.so").rename(tmp_path / "away.so")
    environment = {"LD_LIBRARY_PATH": tmp_path / "lib"}
    assert ask(root, "ask", f"load {tmp_path}/away.so", "ask", **environment) == "False True"


def test_a_file_appears_in_a_directory_that_comes_first(tmp_path: Path, system_name: str) -> None:
    """Found in the system's own directories until LD_LIBRARY_PATH has one of that name, which is a text."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "text").write_text("no library")
    root = library(tmp_path / "app" / "libroot.so", needed=[system_name])
    steps = ["ask", f"copy {tmp_path}/text {tmp_path}/lib/{system_name}", "ask"]
    assert ask(root, *steps, LD_LIBRARY_PATH=tmp_path / "lib") == "True False"


def test_a_subdirectory_for_this_cpu_appears(tmp_path: Path) -> None:
    levels = host.linker().hwcaps
    if not levels:
        pytest.skip("this CPU has no glibc-hwcaps")
    library(tmp_path / "lib" / "libdep.so", returns("dep", 7), soname="libdep.so")
    root = library(
        tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so"], runpath="$ORIGIN/../lib"
    )
    away, here = tmp_path / "away", tmp_path / "lib" / "glibc-hwcaps"
    (away / levels[-1]).mkdir(parents=True)
    (away / levels[-1] / "libdep.so").write_text("no library")
    steps = ["ask", f"move {away} {here}", "ask", f"move {here} {away}", "ask"]
    assert ask(root, *steps) == "True False True"


def test_a_file_of_the_cache_goes(tmp_path: Path, cache: PrivateCache) -> None:
    """Without ldconfig: the cache is as it was, and so is every directory but one."""
    library(cache.directory / "libdep.so.1", returns("dep", 7), soname="libdep.so.1")
    library(cache.directory / "libmiddle.so.1", calls("middle", "dep"), soname="libmiddle.so.1", needed=["libdep.so.1"])
    cache.ldconfig()
    root = library(tmp_path / "app" / "libroot.so", calls("root", "middle"), needed=["libmiddle.so.1"])
    here, away = cache.directory / "libdep.so.1", tmp_path / "away"
    steps = ["ask", f"move {here} {away}", "ask", f"move {away} {here}", "ask"]
    assert cache.execute([sys.executable, "-c", PROGRAM, root, *steps]).stdout.strip() == "True False True"


def test_what_the_system_gives_one_an_inherited_rpath_gives_another(tmp_path: Path, cache: PrivateCache) -> None:
    """The same libmiddle.so.1, whose libdep.so.1 is found in the cache or, for this root, in its rpath: a text."""
    library(cache.directory / "libdep.so.1", returns("dep", 7), soname="libdep.so.1")
    library(cache.directory / "libmiddle.so.1", calls("middle", "dep"), soname="libmiddle.so.1", needed=["libdep.so.1"])
    cache.ldconfig()
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "libdep.so.1").write_text("no library")
    plain = library(tmp_path / "app" / "libplain.so", calls("root", "middle"), needed=["libmiddle.so.1"])
    other = library(
        tmp_path / "app" / "libother.so", calls("root", "middle"), needed=["libmiddle.so.1"], rpath=f"{tmp_path}/two"
    )
    steps = [f"ask {plain}", f"ask {other}", f"ask {plain}"]
    assert cache.execute([sys.executable, "-c", PROGRAM, plain, *steps]).stdout.strip() == "True False True"
