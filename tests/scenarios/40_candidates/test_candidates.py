"""The first file of the right name: one for another class or machine is passed over, one that is wrong ends it all."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from nativeload.linkers import host
from scenarios.closures import GIVES_UP, agree, program
from scenarios.libraries import dynamic_entry, library, patched

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def main(tmp_path: Path) -> Path:
    """A program that needs liba.so: good/ has a good one, bad/, which is searched first, has none yet."""
    library(tmp_path / "good" / "liba.so", soname="liba.so")
    (tmp_path / "bad").mkdir()
    return program(tmp_path / "main", needed=["liba.so"], rpath=f"{tmp_path}/bad:{tmp_path}/good")


def changed(offset: int, content: bytes) -> Callable[[Path], object]:
    """A file like the good one but for some bytes."""
    return lambda path: patched(path.parent.parent / "good" / "liba.so", path, offset, content)


def of_class_32(path: Path) -> None:
    path.write_bytes(b"\x7fELF\x01\x01\x01".ljust(16, b"\0") + struct.pack("<HHI", 3, 3, 1) + bytes(200))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(of_class_32, id="32 bits"),
        pytest.param(changed(18, b"\xb7\x00"), id="machine"),
        pytest.param(lambda path: path.symlink_to("nowhere"), id="dangling"),
    ],
)
def test_passed_over(tmp_path: Path, main: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "bad" / "liba.so")
    assert agree(main, tmp_path) == ["good/liba.so"]
    (tmp_path / "good" / "liba.so").unlink()
    assert agree(main, tmp_path) == ["no liba.so"]


@pytest.mark.parametrize("target", ["liba.so", "x" * 300])
def test_an_error_ends_this_list(tmp_path: Path, main: Path, target: str) -> None:
    """A loop of links, a name too long: the rest of the DT_RPATH is not looked at."""
    (tmp_path / "bad" / "liba.so").symlink_to(target)
    assert agree(main, tmp_path) == ["no liba.so"]
    assert agree(main, tmp_path, env={"LD_LIBRARY_PATH": f"{tmp_path}/good"}) == ["good/liba.so"]
    (tmp_path / "bad" / "liba.so").unlink()
    assert agree(main, tmp_path) == ["good/liba.so"]


def test_a_link_below_a_file(tmp_path: Path, main: Path) -> None:
    """Up to glibc 2.38 an error like these, from then on as if nothing was there."""
    (tmp_path / "bad" / "liba.so").symlink_to("../main/liba.so")
    assert agree(main, tmp_path) == (["no liba.so"] if host.linker().rules.release < 39 else ["good/liba.so"])


@pytest.mark.parametrize("place", ["loop", "file", "x" * 300, "none"])
def test_an_error_of_the_directory_does_not(tmp_path: Path, main: Path, place: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    main = program(main, needed=["liba.so"], rpath=f"{tmp_path}/{place}:{tmp_path}/good")
    assert agree(main, tmp_path) == ["good/liba.so"]
    (tmp_path / "good" / "liba.so").unlink()
    assert agree(main, tmp_path) == ["no liba.so"]


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda path: path.write_text("GROUP ( libreal.so )\n"), id="text"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.write_bytes(b"\x7fELF"), id="truncated"),
        pytest.param(lambda path: path.mkdir(), id="directory"),
        pytest.param(changed(7, b"\x09"), id="FreeBSD"),
        pytest.param(changed(16, b"\x02\x00"), id="ET_EXEC"),
        pytest.param(changed(16, b"\x01\x00"), id="ET_REL"),
        pytest.param(changed(6, b"\x02"), id="version"),
        pytest.param(changed(20, b"\x02"), id="version of the header"),
        pytest.param(changed(8, b"\x01"), id="ABI version"),
        pytest.param(changed(15, b"\x01"), id="padding"),
        pytest.param(lambda path: program(path, "-pie"), id="PIE"),
    ],
)
def test_fatal(tmp_path: Path, main: Path, make: Callable[[Path], object]) -> None:
    bad = tmp_path / "bad" / "liba.so"
    make(bad)
    assert agree(main, tmp_path) == GIVES_UP
    bad.rename(tmp_path / "bad" / "libother.so")
    assert agree(main, tmp_path) == ["good/liba.so"]


def test_fatal_only_where_it_is_reached(tmp_path: Path, main: Path) -> None:
    (tmp_path / "bad" / "liba.so").write_text("text")
    main = program(main, needed=["liba.so"], rpath=f"{tmp_path}/good:{tmp_path}/bad")
    assert agree(main, tmp_path) == ["good/liba.so"]
    (tmp_path / "good" / "liba.so").unlink()
    assert agree(main, tmp_path) == GIVES_UP


def test_the_name_is_not_looked_for_where_it_is_known(tmp_path: Path, main: Path) -> None:
    (tmp_path / "bad" / "liba.so").write_text("text")
    main = program(main, needed=[f"{tmp_path}/good/liba.so", "liba.so"], rpath=f"{tmp_path}/bad")
    assert agree(main, tmp_path) == ["good/liba.so"]
    main = program(main, needed=["liba.so", f"{tmp_path}/good/liba.so"], rpath=f"{tmp_path}/bad")
    assert agree(main, tmp_path) == GIVES_UP


def test_a_file_without_a_dynamic_section(tmp_path: Path, main: Path) -> None:
    bad = library(tmp_path / "bad" / "liba.so", soname="liba.so")
    content = bytearray(bad.read_bytes())
    offset, size, count = *struct.unpack_from("<Q", content, 32), *struct.unpack_from("<HH", content, 54)
    for index in range(count):
        if struct.unpack_from("<I", content, offset + size * index)[0] == 2:
            struct.pack_into("<I", content, offset + size * index, 0)
    bad.write_bytes(content)
    assert agree(main, tmp_path) == GIVES_UP
    library(bad, soname="liba.so")
    assert agree(main, tmp_path) == ["bad/liba.so"]
    assert dynamic_entry(bad, "DT_SONAME")
