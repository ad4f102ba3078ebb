"""Files made to keep a walk, or a question about symbols, from ending: an answer or a typed error, soon and in little."""

from __future__ import annotations

import os
import resource
import struct
import sys
import textwrap
import threading
import time
from importlib import import_module, util
from pathlib import Path
from typing import Any

import pytest

from parts import run
from parts.small_elf import AUXILIARY, FILTER, MACHINE, NEEDED, RPATH, RUNPATH, SONAME, library

BACKEND = os.environ.get("NATIVELOAD_BACKEND") or ("c" if util.find_spec("nativeload._native") else "python")
backend: Any = import_module("nativeload._native" if BACKEND == "c" else "nativeload._pure")
SECONDS = 60 if BACKEND == "c" else 240
MEBIBYTES = 1200  # with the sanitizers' own


def linker(*directories: str | Path, musl: bool = False) -> Any:
    """A linker that looks into these directories last."""
    paths = tuple(map(str, directories))
    rules = (musl, True, False, MACHINE, False, 36, (), paths, (), (), (), "lib", "platform", "", b"", 0, "")
    return backend.linker(rules)


def walk(path: Path, *directories: Path, record: bool = False) -> Any:
    return backend.walk(linker(*directories), ((str(path),),), (), 2 if record else 0)[0]


# Time and memory are bounded as the core is built; the sanitizers, under which the corpus is read, multiply both.
pytestmark = pytest.mark.nosanitize


class Bounded:
    """What is inside ends within the time and the memory that it may take."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, *_: object) -> None:
        assert time.monotonic() - self._began < self._seconds
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < MEBIBYTES << 10


@pytest.mark.parametrize("tag", [NEEDED, AUXILIARY, FILTER])
def test_cycles(tmp_path: Path, tag: int) -> None:
    """Each needs, or is a filter for, the next; the last for the first, and itself."""
    for index in range(50):
        names = [(tag, f"lib{(index + 1) % 50}.so"), (tag, f"lib{index}.so"), (NEEDED, f"lib{(index * 7) % 50}.so")]
        (tmp_path / f"lib{index}.so").write_bytes(library(names))
    with Bounded():
        images = walk(tmp_path / "lib0.so", tmp_path)
    assert len(images) == len({path for path, *_ in images}) == 50
    # the same without the way back: as many, and nothing is fatal
    (tmp_path / "lib49.so").write_bytes(library())
    images = walk(tmp_path / "lib0.so", tmp_path)
    assert len(images) == 50
    assert not any(edge[4] for image in images for edge in image[3])


@pytest.mark.parametrize("tag", [0, RPATH, RUNPATH])
def test_a_chain_of_ten_thousand(tmp_path: Path, tag: int) -> None:
    """Each needs the next, and a name that nothing has: it is looked for in the rpaths of all before it."""
    count = 10_000 if BACKEND == "c" else 1000
    for index in range(count):
        rpath = [(tag, "$ORIGIN")] if tag else []
        (tmp_path / f"lib{index}.so").write_bytes(library([*rpath, (NEEDED, f"lib{index + 1}.so")]))
    (tmp_path / f"lib{count}.so").write_bytes(library([(SONAME, "the end"), (NEEDED, "no such library")]))
    with Bounded():
        images = walk(tmp_path / "lib0.so", tmp_path)
    assert len(images) == count + 1
    assert images[-1][1] == "the end"
    assert images[-1][3][0][1:3] == (None, 0)


def test_names_and_directories_multiply(tmp_path: Path) -> None:
    """4,000 names that nothing has, in each of 100,000 directories."""
    names = [(NEEDED, f"n{index}") for index in range(4000)]
    for tag in (RPATH, RUNPATH) if BACKEND == "c" else (RUNPATH,):
        path = tmp_path / f"lib{tag}.so"
        path.write_bytes(library([*names, (tag, ":".join(f"/none/{index}" for index in range(100_000)))]))
        with Bounded(), pytest.raises(ValueError, match=r"malformed: more than \d+ steps of a search"):
            walk(path)
    path.write_bytes(library([*names[:50], (RUNPATH, ":".join(f"/none/{index}" for index in range(100)))]))
    assert [len(edge[6]) for edge in walk(path, record=True)[0][3]] == [100] * 50


def test_an_origin_that_multiplies(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d" * 200] * 15)
    deep.mkdir(parents=True)
    path = deep / "lib.so"
    path.write_bytes(library([(NEEDED, "none"), (RUNPATH, ":".join(["$ORIGIN"] * 400_000))]))
    with Bounded(), pytest.raises(ValueError, match="steps of a search"):
        walk(path)
    path.write_bytes(library([(NEEDED, "none"), (RUNPATH, ":".join(["$ORIGIN"] * 40))]))
    assert walk(path)[0][3][0][1] is None


def test_a_file_under_thousands_of_names(tmp_path: Path) -> None:
    """Of another machine, and with as much to read as may be: it is read for each of its names."""
    other = library([(NEEDED, "a" * 16_000), *[(SONAME, "a" * 16_000)] * 4000], machine=183)
    (tmp_path / "libx.so").write_bytes(other)
    path = tmp_path / "lib.so"
    aliases = ":".join(str(tmp_path) + "/." * index for index in range(1500 if BACKEND == "c" else 150))
    path.write_bytes(library([(NEEDED, "libx.so"), (RUNPATH, aliases)]))
    with Bounded():
        images = walk(path)
    assert images[0][3][0][1] is None
    (tmp_path / "libx.so").write_bytes(library())
    assert walk(path)[0][3][0][1] == f"{tmp_path}/libx.so"


def test_names_that_overlap_are_not_copied_for_ever(tmp_path: Path) -> None:
    content = bytearray(library([(NEEDED, "n" * 4000)] * 4000))
    path = tmp_path / "lib.so"
    path.write_bytes(content)
    with Bounded(), pytest.raises(ValueError, match=r"malformed: more than \d+ bytes of names"):
        backend.image(str(path))
    path.write_bytes(library([(NEEDED, "n" * 4000)] * 10))
    assert len(backend.image(str(path))[8]) == 10


def test_a_name_of_four_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "lib.so"
    path.write_bytes(library([(NEEDED, "n" * 4_000_000), (RUNPATH, "/a:/b")]))
    with Bounded():
        edge = walk(path, tmp_path, record=True)[0][3][0]
    assert (len(edge[0]), edge[1]) == (4_000_000, None)
    path.write_bytes(library([(NEEDED, "n" * 200), (RUNPATH, f"/a:{tmp_path}")]))
    (tmp_path / ("n" * 200)).write_bytes(library())
    assert walk(path)[0][3][0][1] == f"{tmp_path}/{'n' * 200}"


def test_a_hundred_thousand_symbols(tmp_path: Path) -> None:
    names = [f"symbol_{index}" for index in range(100_000)]
    path, other = tmp_path / "lib.so", tmp_path / "other.so"
    path.write_bytes(library(exports=names))
    other.write_bytes(library(wants=[*names, "another"]))
    with Bounded():
        assert backend.exports(str(path)) == sorted(names)
        assert backend.undefined(linker(), str(other), (str(path),)) == (("another", False),)
        assert len(backend.undefined(linker(), str(other), ())) == 100_001


def test_sparse_files_of_gigabytes(tmp_path: Path) -> None:
    """Tables as long as a file with a hole in it: nothing like as much memory is taken."""
    path = tmp_path / "lib.so"
    content = bytearray(library(exports=["f"], wants=["g"]))
    whole = bytes(content)
    struct.pack_into("<QQ", content, 64 + 32, 2 << 30, 2 << 30)  # the loadable segment is the whole file
    messages: list[str] = []
    for counts in ((1, 0x1FFFFFF0), (0x1FFFFFF0, 3)):
        struct.pack_into("<II", content, 64 + 2 * 56 + 3 * 24, *counts)  # of buckets, of symbols
        path.write_bytes(content)
        os.truncate(path, 2 << 30)
        with Bounded():
            for ask in (backend.exports, undefined_of):
                try:
                    ask(str(path))
                except ValueError as error:
                    messages.append(str(error))
    assert all(message.startswith("malformed: ") for message in messages)
    path.write_bytes(whole)
    assert backend.undefined(linker(), str(path), ()) == (("g", False),)


def test_a_file_that_shrinks(tmp_path: Path) -> None:
    """Cut and restored all the while that it is read: an answer, or that it is truncated; never a signal."""
    names = [f"symbol_{index}" for index in range(20_000)]
    whole = library([(NEEDED, "other.so")], exports=names)
    path, ends = tmp_path / "lib.so", threading.Event()
    path.write_bytes(whole)

    def shrink() -> None:
        while not ends.is_set():
            os.truncate(path, 3000)
            path.write_bytes(whole)
            ends.wait(0.001)

    thread = threading.Thread(target=shrink)
    thread.start()
    outcomes = set()
    try:
        with Bounded():
            for _ in range(200 if BACKEND == "c" else 40):
                for ask in (backend.exports, walk_of, undefined_of):
                    try:
                        outcomes.add(type(ask(str(path))))
                    except (ValueError, OSError) as error:
                        outcomes.add(type(error))
    finally:
        ends.set()
        thread.join()
    assert ValueError in outcomes
    assert backend.exports(str(path)) == sorted(names)


def walk_of(path: str) -> Any:
    return walk(Path(path))


def undefined_of(path: str) -> Any:
    return backend.undefined(linker(), path, (path,))


@pytest.mark.nosanitize
def test_a_long_name_asked_of_the_linker_leaves_the_stack_alone(tmp_path: Path) -> None:
    """glibc puts a name on the stack; a thread has little of it, and a file may hold a name of megabytes."""
    path = tmp_path / "lib.so"
    path.write_bytes(library([(NEEDED, "n" * 3_000_000)]))
    code = """
        import os, sys, threading
        from importlib import import_module
        backend = import_module(sys.argv[2])
        rules = (False, True, False, 62, False, 36, (), (), (), (), (), "lib", "p", "", b"", 0, "")
        threading.stack_size(1 << 20)
        ask = lambda: print(backend.walk(backend.linker(rules), ((sys.argv[1],),), (), 1) is not None)
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    """
    done = run(sys.executable, textwrap.dedent(code), str(path), backend.__name__)
    assert done.check().stdout.strip() == "True"
