"""Programs of i386 on x86-64: their own linker, directories and cache entries; each passes over the other's files."""

from __future__ import annotations

import os
import platform
import subprocess
from typing import TYPE_CHECKING

import pytest

from nativeload import resolve
from parts import deb
from parts.truth import system_linker
from scenarios.closures import SYSTEM, TRACED, agree, program, relative
from scenarios.libraries import library
from scenarios.smallroot import below, ldconfig, needs_root, release, small_root

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = [needs_root, pytest.mark.skipif(platform.machine() != "x86_64", reason="of x86-64 alone")]
LINKER = "/lib/ld-linux.so.2"
MAIN = "/bin/main"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with both linkers, and a program of 32 bits that needs liba.so."""
    (linker,) = (file for file in deb("libc6-i386").rglob("lib32/ld-linux.so.2") if file.is_file())
    small_root(tmp_path, linker, at=LINKER)
    program(tmp_path / "bin" / "main", "-m32", needed=["liba.so"])
    return small_root(tmp_path)


def asked(root: Path, path: str = MAIN, *, env: Mapping[str, str] | None = None) -> list[str]:
    """As `agree`, of a program of 32 bits."""

    def enter() -> None:
        os.chroot(root)
        os.chdir("/")

    words = {**(env or {}), **TRACED}
    done = subprocess.run([LINKER, path], env=words, preexec_fn=enter, capture_output=True, text=True, check=True)
    lines = [line.strip().rpartition(" (0x")[0] or line.strip() for line in done.stdout.splitlines()]
    pairs = [line.partition(" => ") for line in lines]
    theirs = [taken for _, _, taken in pairs if taken.startswith("/") and taken != LINKER]
    missing = [name for name, _, taken in pairs if taken == "not found"]
    closure = resolve(path, environ=dict(env or {}), root=root)
    assert [image.path for image in closure.images[1:] if image.path != LINKER] == theirs, (closure, done)
    edges = [edge for image in closure.images for edge in image.needed]
    assert [edge.name for edge in edges if edge.path is None] == missing
    return [*(relative(one, SYSTEM) for one in theirs), *(f"no {name}" for name in missing)]


def test_each_passes_over_the_others(root: Path) -> None:
    library(root / "one" / "liba.so", "", "-m32", soname="liba.so")
    library(root / "two" / "liba.so", soname="liba.so")
    program(root / "bin" / "wide", needed=["liba.so"], rpath="/one:/two")
    program(root / "bin" / "narrow", "-m32", needed=["liba.so"], rpath="/two:/one")
    assert agree("/bin/wide", SYSTEM, root=root) == ["two/liba.so"]
    assert asked(root, "/bin/narrow") == ["one/liba.so"]
    (root / "one" / "liba.so").unlink()
    assert asked(root, "/bin/narrow") == ["no liba.so"]


def test_each_has_its_default_directories(root: Path) -> None:
    for place in ("lib32", "usr/lib32", "lib", "usr/lib"):
        library(root / place / "liba.so", "", "-m32", soname="liba.so")
    for place in ("lib32", "usr/lib32", "lib", "usr/lib"):
        assert asked(root) == [f"{place}/liba.so"]
        (root / place / "liba.so").unlink()
    assert asked(root) == ["no liba.so"]


def test_each_has_its_entries_of_one_cache(root: Path) -> None:
    library(root / "one" / "liba.so", "", "-m32", soname="liba.so")
    library(root / "two" / "liba.so", soname="liba.so")
    ldconfig(root, "/one", "/two")
    program(root / "bin" / "wide", needed=["liba.so"])
    assert agree("/bin/wide", SYSTEM, root=root) == ["two/liba.so"]
    assert asked(root) == ["one/liba.so"]
    (root / "etc" / "ld.so.cache").unlink()
    assert asked(root) == ["no liba.so"]


@pytest.mark.parametrize("place", ["lib32", "i686"])
def test_tokens(root: Path, place: str) -> None:
    token = {"lib32": "$LIB", "i686": "$PLATFORM"}[place]
    library(root / "x" / place / "liba.so", "", "-m32", soname="liba.so")
    program(root / "bin" / "main", "-m32", needed=["liba.so"], runpath=f"/x/{token}")
    assert asked(root) == [f"x/{place}/liba.so"]
    (root / "x" / place / "liba.so").unlink()
    assert asked(root) == ["no liba.so"]


def test_subdirectories(root: Path) -> None:
    """No glibc-hwcaps; up to glibc 2.36, of the older ones, every subset of these."""
    order = ["tls/i686/sse2", "tls/i686", "tls/sse2", "tls", "i686/sse2", "i686", "sse2", "."]
    for place in ("glibc-hwcaps/x86-64-v2", "sse2/tls", *order):
        library(root / "x" / place / "liba.so", "", "-m32", soname="liba.so")
    program(root / "bin" / "main", "-m32", needed=["liba.so"], rpath="/x")
    for place in order:
        taken = place if release(root) < 37 else "."
        assert asked(root) == [os.path.join("x", taken, "liba.so").replace("./", "")]
        (root / "x" / place / "liba.so").unlink()
    assert asked(root) == ["no liba.so"]


def test_environment(root: Path) -> None:
    library(root / "one" / "liba.so", "", "-m32", soname="liba.so")
    library(root / "one" / "libb.so", "", "-m32", soname="libb.so")
    library(root / "two" / "libb.so", soname="libb.so")
    env = {"LD_LIBRARY_PATH": "/two:/one", "LD_PRELOAD": "/two/libb.so libb.so"}
    assert asked(root, env=env) == ["one/libb.so", "one/liba.so"]
    assert asked(root) == ["no liba.so"]
    assert below(root, system_linker()).exists()
