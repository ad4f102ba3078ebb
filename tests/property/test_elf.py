"""Any bytes as a library: a verdict or a refusal with a reason, in time and in both readers' ways; never another error."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nativeload import abi, advice, core, requirement
from nativeload.spec import LibrarySpec, Rejection, candidate
from parts import cc

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """
#include <stdio.h>
int answer(void) { return 42; }
int say(void) { return puts("42"); }
__attribute__((weak)) int maybe(void) { return 1; }
"""
WANTED = requirement.parse("specimen>=1", ("answer", "no_such_symbol"))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    directory = tmp_path_factory.mktemp("elf")
    script = directory / "versions.map"
    script.write_text("SPECIMEN_1 { global: answer; }; SPECIMEN_2 { global: say; maybe; local: *; } SPECIMEN_1;")
    flags = ("-Wl,-soname,libspecimen.so.1", "-Wl,-rpath,$ORIGIN", "-Wl,--build-id", f"-Wl,--version-script={script}")
    return cc(SOURCE, directory / "libspecimen.so.1", *flags).read_bytes()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "libspecimen.so.1"


def verdict(file: Path, content: bytes) -> LibrarySpec | Rejection:
    """Judged, and asked for everything else that is ever read of it."""
    # A new file each time: what is known of one is known by its inode and times.
    file.unlink(missing_ok=True)
    file.write_bytes(content)
    found = abi.judge(candidate(str(file), "wheel", "for a test"), WANTED)
    assert isinstance(found, LibrarySpec) or found.reason
    assert type(advice.nearest(str(file), "answre")) is list
    for read in (core.image, core.exports):
        try:
            read(str(file))
        except ValueError as error:
            assert str(error)  # noqa: PT017 - any other error fails the test
    return found


def test_the_library_itself(library: bytes, file: Path) -> None:
    found = verdict(file, library)
    assert isinstance(found, Rejection)
    assert "does not export no_such_symbol" in found.reason
    assert core.exports(str(file)) == ["SPECIMEN_1", "SPECIMEN_2", "answer", "maybe", "say"]


@given(content=st.binary(max_size=300))
def test_any_bytes(content: bytes, file: Path) -> None:
    assert isinstance(verdict(file, content), Rejection)


@given(content=st.binary(max_size=300), ident=st.tuples(*[st.sampled_from([0, 1, 2, 3])] * 3))
def test_any_bytes_behind_an_elf_header(content: bytes, ident: tuple[int, int, int], file: Path) -> None:
    assert isinstance(verdict(file, b"\x7fELF" + bytes(ident) + content), Rejection)


places = st.integers(0, 1 << 16)
wild = st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255)


@settings(max_examples=300)
@given(changes=st.lists(st.tuples(places, wild), min_size=1, max_size=12))
def test_bytes_changed(changes: list[tuple[int, int]], library: bytes, file: Path) -> None:
    content = bytearray(library)
    for place, value in changes:
        content[place % len(content)] = value
    verdict(file, bytes(content))


def _words(library: bytes) -> list[int]:
    """Where the 8-byte words of what is read lie: the header, the program headers, the dynamic section, the notes."""
    (offset,) = struct.unpack_from("<Q", library, 32)
    (count,) = struct.unpack_from("<H", library, 56)
    found = [*range(16, 64, 8), *range(offset, offset + 56 * count, 8)]
    for at in range(offset, offset + 56 * count, 56):
        kind, start, size = *struct.unpack_from("<I", library, at), *struct.unpack_from("<Q16xQ", library, at + 8)
        if kind in (2, 4):  # PT_DYNAMIC, PT_NOTE
            found += range(start, start + size, 8)
    return [place for place in found if place + 8 <= len(library)]


values = st.sampled_from(
    [0, 1, 2, 3, 5, 0xFFFF, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 62, (1 << 63) - 1, (1 << 64) - 1]
)


@settings(max_examples=400)
@given(
    changes=st.lists(st.tuples(places, values | st.integers(0, 1 << 14)), min_size=1, max_size=4),
    size=st.none() | places,
)
def test_words_changed(changes: list[tuple[int, int]], size: int | None, library: bytes, file: Path) -> None:
    """Offsets, sizes, counts and tags that lie: overlong, overlapping, negative, circular."""
    content = bytearray(library)
    words = _words(library)
    for place, value in changes:
        struct.pack_into("<Q", content, words[place % len(words)], value)
    verdict(file, bytes(content[: size % len(content)] if size else content))


@settings(max_examples=200)
@given(content=st.binary(max_size=400), old=st.booleans(), new=st.booleans(), name=st.text(max_size=8))
def test_any_bytes_as_the_linkers_cache(content: bytes, old: bool, new: bool, name: str) -> None:
    head = (b"ld.so-1.7.0\0" + bytes(4) if old else b"") + (b"glibc-ld.so.cache1.1" if new else b"")
    try:
        found = core.ldcache_search(head + content, name.replace("\0", ""), True)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - any other error fails the test
    else:
        assert type(found) is list
