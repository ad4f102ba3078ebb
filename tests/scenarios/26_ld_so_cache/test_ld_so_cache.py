"""ld.so.cache: what ldconfig lists and what the linker takes from it is what nativeload finds."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING

import pytest

from nativeload import core
from nativeload.linkers import host
from parts import execute, run
from scenarios.ldcache import LDCONFIG
from scenarios.libraries import library, patched, returns

if TYPE_CHECKING:
    from scenarios.ldcache import PrivateCache

SAMPLE = 150

# Each is loaded in a child of its own: some end the process, or cannot be in one with others.
FIND_AND_LOAD = """
import json, os, sys
import nativeload
from nativeload import core
answers = {}
for name in json.loads(sys.argv[1]):
    spec = nativeload.find_spec(name)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        before = {path for path, _ in core.linkmap()}
        try:
            handle = core.dlopen(name, os.RTLD_LAZY)
            new = [path for path, _ in core.linkmap() if path not in before]
            known = [path for path in before if path and core.loaded_handle(path) == handle]
            os.write(writer, (new or known)[0].encode())
        except OSError as error:
            os.write(writer, f"{error}".encode())
        os._exit(0)
    os.close(writer)
    with open(reader) as pipe:
        answers[name] = [str(spec and spec.path), pipe.read()]
    os.waitpid(child, 0)
print(json.dumps(answers))
"""


def listed() -> dict[str, str]:
    """{soname: path} of this machine's kind, as ldconfig lists them: the best first."""
    kind = {"x86_64": "libc6,x86-64", "aarch64": "libc6,AArch64"}[os.uname().machine]
    lines = execute([LDCONFIG, "-p"]).check().stdout.splitlines()
    found: dict[str, str] = {}
    for line in lines:
        entry = re.fullmatch(r"\t(\S+) \(([^)]*)\) => (.*)", line)
        if entry and re.sub(r", (OS ABI|hwcap): .*", "", entry[2]) == kind and "hwcap" not in entry[2]:
            found.setdefault(entry[1], entry[3])
    return found


def mapped_from_elsewhere(files: dict[str, str]) -> set[str]:
    """The names of a library that this interpreter has from another file: nativeload maps no second copy of it."""
    stems = {
        soname.partition(".so")[0]
        for path, soname in core.linkmap()
        if soname and soname in files and os.path.realpath(files[soname]) != os.path.realpath(path)
    }
    return {name for name in files if name.partition(".so")[0] in stems}


def test_every_name_as_ldconfig_lists_it() -> None:
    linker = host.Linker()
    assert {name: linker.cached(name, stem=False) for name in listed()} == {n: [path] for n, path in listed().items()}


@pytest.mark.nosanitize
def test_a_sample_as_the_linker_loads_it() -> None:
    files = listed()
    names = sorted(files.keys() - mapped_from_elsewhere(files))
    sample = names[:: max(1, len(names) // SAMPLE)]
    answers = run(sys.executable, FIND_AND_LOAD, json.dumps(sample)).check().json
    # A sanitizer's runtime ends the process, or wants more static TLS than is left: no file says how much that is.
    died = [name for name, answer in answers.items() if not answer[1] or "static TLS" in answer[1]]
    assert len(died) <= len(sample) // 20, died
    # One of a debugger's, bound at once, is for a program that has its symbols: the linker says of which file.
    taken = {name: words.removesuffix(": undefined symbol: ps_pdwrite") for name, (_, words) in answers.items()}
    assert not {name: answers[name] for name in answers.keys() - died if answers[name][0] != taken[name]}


def answers(cache: PrivateCache, name: str) -> list[str]:
    """What nativeload finds for a name, and what the linker loads, or says."""
    answer: list[str] = cache.execute([sys.executable, "-c", FIND_AND_LOAD, json.dumps([name])]).json[name]
    return answer


NAME = "libscenario.so.1"


def test_a_directory_of_the_configuration(cache: PrivateCache) -> None:
    good = library(cache.directory / NAME, returns("dep", 1), soname=NAME)
    cache.ldconfig()
    assert answers(cache, NAME) == [str(good)] * 2
    # The directory counts only through the cache.
    other = library(cache.directory / "libother.so.1", returns("dep", 1), soname="libother.so.1")
    assert other.exists()
    found, loaded = answers(cache, "libother.so.1")
    assert (found, "cannot open" in loaded) == ("None", True)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the subdirectories are x86-64's")
def test_best_level_first(cache: PrivateCache) -> None:
    for name in ("x86-64-v4", "x86-64-v3", "x86-64-v2", ""):
        place = cache.directory / "glibc-hwcaps" / name if name else cache.directory
        library(place / NAME, returns("dep", 1), soname=NAME)
    cache.ldconfig()
    for level in range(core.isa_level(), 1, -1):
        best = cache.directory / "glibc-hwcaps" / f"x86-64-v{level}" / NAME
        assert answers(cache, NAME) == [str(best)] * 2
        best.unlink()
        cache.ldconfig()
    assert answers(cache, NAME) == [str(cache.directory / NAME)] * 2


def test_entry_whose_file_is_gone(cache: PrivateCache) -> None:
    good = library(cache.directory / NAME, returns("dep", 1), soname=NAME)
    cache.ldconfig()
    good.unlink()
    found, loaded = answers(cache, NAME)
    assert (found, "cannot open" in loaded) == ("None", True)


def test_entry_whose_file_has_become_a_text(cache: PrivateCache) -> None:
    good = library(cache.directory / NAME, returns("dep", 1), soname=NAME)
    cache.ldconfig()
    good.write_text("INPUT(-lscenario)")
    found, loaded = answers(cache, NAME)
    assert (found, "invalid ELF header" in loaded or "file too short" in loaded) == ("None", True)


def test_entry_whose_file_is_of_another_machine_now(cache: PrivateCache) -> None:
    good = library(cache.directory / NAME, returns("dep", 1), soname=NAME)
    cache.ldconfig()
    patched(good, good, 18, b"\x26\x90")  # e_machine: EM_ALPHA
    found, loaded = answers(cache, NAME)
    assert (found, "cannot open" in loaded) == ("None", True)


@pytest.mark.parametrize("flag", ["-Wl,-z,nodefaultlib", "-Wl,-z,nodelete"])
def test_nodeflib_takes_what_lies_elsewhere(cache: PrivateCache, flag: str) -> None:
    """DF_1_NODEFLIB forbids entries of the default directories, not the cache."""
    library(cache.directory / NAME, returns("dep", 1), soname=NAME)
    consumer = library(cache.directory / "libconsumer.so.1", "", flag, needed=[NAME], soname="libconsumer.so.1")
    cache.ldconfig()
    assert answers(cache, "libconsumer.so.1") == [str(consumer)] * 2
