"""glibc up to 2.36 and from 2.37 on: each release's own linker is asked, and resolve knows one by its file."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

import pytest

from nativeload import core, images, resolve
from nativeload.linkers import glibc
from parts.roots import debian_root, inside
from parts.truth import system_linker
from scenarios.closures import SYSTEM, agree, program
from scenarios.libraries import library
from scenarios.smallroot import below, needs_root, small_root

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    needs_root,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the subdirectories of other machines"),
]
LEGACY = ["tls/x86_64/x86_64", "tls/x86_64", "tls", "x86_64/x86_64", "x86_64"]


@pytest.fixture(scope="module")
def newer() -> Path:
    """The linker of a later release."""
    return inside(debian_root(), system_linker())


def release(root: Path) -> tuple[int, ...]:
    text = glibc.release(images.read(os.fspath(root / "bin" / "main")), os.fspath(root))
    return tuple(map(int, text.split(".")))


def root(directory: Path, linker: Path | None) -> Path:
    program(directory / "bin" / "main", needed=["liba.so"], rpath="/x")
    library(directory / "x" / "liba.so", soname="liba.so")
    return small_root(directory, linker)


def test_legacy_subdirectories(tmp_path: Path, newer: Path) -> None:
    """tls, x86_64 and what comes of them are searched by the older alone."""
    for number, linker in enumerate((None, newer)):
        top = root(tmp_path / str(number), linker)
        is_old = release(top) < (2, 37)
        for place in LEGACY:
            library(top / "x" / place / "liba.so", soname="liba.so")
        for place in LEGACY:
            assert agree("/bin/main", SYSTEM, root=top) == [f"x/{place}/liba.so" if is_old else "x/liba.so"]
            (top / "x" / place / "liba.so").unlink()
        assert agree("/bin/main", SYSTEM, root=top) == ["x/liba.so"]
    assert not is_old


def test_hwcaps_of_both(tmp_path: Path, newer: Path) -> None:
    for number, linker in enumerate((None, newer)):
        top = root(tmp_path / str(number), linker)
        for level in (2, 3, 4):
            library(top / "x" / f"glibc-hwcaps/x86-64-v{level}" / "liba.so", soname="liba.so")
        best = f"x/glibc-hwcaps/x86-64-v{core.isa_level()}/liba.so" if core.isa_level() > 1 else "x/liba.so"
        assert agree("/bin/main", SYSTEM, root=top) == [best]


def test_the_linker_in_the_list(tmp_path: Path, newer: Path) -> None:
    """The newer is in every list; the older where somebody needs it by name."""
    for number, linker in enumerate((None, newer)):
        top = root(tmp_path / str(number), linker)
        listed = system_linker() in [image.path for image in resolve("/bin/main", root=top).images]
        assert listed == (release(top) >= (2, 37))
        library(top / "x" / "liba.so", soname="liba.so", needed=[system_linker().rpartition("/")[2]])
        assert system_linker() in [image.path for image in resolve("/bin/main", root=top).images]
        assert agree("/bin/main", SYSTEM, root=top) == ["x/liba.so"]


def test_each_is_known_by_its_file(tmp_path: Path, newer: Path) -> None:
    assert release(root(tmp_path / "newer", newer)) >= (2, 41)
    here = release(root(tmp_path / "here", None))
    assert here == tuple(map(int, core.libc()[1].split(".")))


def test_a_root_without_its_linker(tmp_path: Path) -> None:
    """There is none to ask; what can be found is found all the same."""
    top = root(tmp_path, None)
    below(top, system_linker()).unlink()
    assert [image.path for image in resolve("/bin/main", root=top).images] == ["/bin/main", "/x/liba.so"]
