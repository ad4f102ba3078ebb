"""ld.so.cache, then the default directories, each system with its own: asked inside a root directory."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest

from nativeload import core, resolve
from nativeload.linkers import host
from scenarios.closures import SYSTEM, agree, how, program
from scenarios.libraries import library
from scenarios.smallroot import below, ldconfig, needs_root, small_root

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_root
DEFAULT = list(host.linker().rules.default)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a program that needs liba.so."""
    program(tmp_path / "root" / "bin" / "main", needed=["liba.so"])
    return small_root(tmp_path / "root")


def asked(root: Path) -> list[str]:
    return agree("/bin/main", SYSTEM, root=root)


def put(root: Path, directory: str, name: str = "liba.so", **words: str) -> Path:
    return library(below(root, directory) / name, soname="liba.so", **words)


def test_default_directories_in_order(root: Path) -> None:
    files = [put(root, place) for place in DEFAULT]
    for place, file in zip(DEFAULT, files, strict=True):
        assert asked(root) == [f"{place}/liba.so".lstrip("/")]
        assert how(resolve("/bin/main", root=root), "liba.so") == "default"
        file.unlink()
    assert asked(root) == ["no liba.so"]


def test_the_cache_first(root: Path) -> None:
    put(root, "/opt/lib")
    put(root, DEFAULT[0])
    assert asked(root) == [f"{DEFAULT[0]}/liba.so".lstrip("/")]
    ldconfig(root, "/opt/lib")
    assert asked(root) == ["opt/lib/liba.so"]
    assert how(resolve("/bin/main", root=root), "liba.so") == "ld.so.cache"


def test_configured_but_not_cached(root: Path) -> None:
    """A directory in ld.so.conf counts only once ldconfig has run."""
    (root / "etc" / "ld.so.conf").write_text("/opt/lib\n")
    put(root, "/opt/lib")
    assert asked(root) == ["no liba.so"]
    ldconfig(root, "/opt/lib")
    assert asked(root) == ["opt/lib/liba.so"]


def test_cached_and_gone(root: Path) -> None:
    """The next place is the default directories, not another entry of the cache."""
    first, second = put(root, "/opt/first"), put(root, "/opt/second")
    ldconfig(root, "/opt/first", "/opt/second")
    assert asked(root) == ["opt/first/liba.so"]
    first.unlink()
    assert asked(root) == ["no liba.so"]
    put(root, DEFAULT[-1])
    assert asked(root) == [f"{DEFAULT[-1]}/liba.so".lstrip("/")]
    assert second.exists()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the subdirectories of other machines")
def test_cached_for_a_level(root: Path) -> None:
    level = f"/opt/lib/glibc-hwcaps/x86-64-v{min(core.isa_level(), 3)}"
    put(root, "/opt/lib")
    put(root, level)
    put(root, "/opt/lib/glibc-hwcaps/x86-64-v4")
    ldconfig(root, "/opt/lib")
    best = f"/opt/lib/glibc-hwcaps/x86-64-v{core.isa_level()}" if core.isa_level() > 1 else "/opt/lib"
    assert asked(root) == [f"{best}/liba.so".lstrip("/")]
    (below(root, best) / "liba.so").unlink()
    assert asked(root) == ["no liba.so"]


def test_after_all_other_places(root: Path) -> None:
    for place in ("/opt/lib", "/own"):
        put(root, place)
    ldconfig(root, "/opt/lib")
    for words in ({"rpath": "/own"}, {"runpath": "/own"}):
        program(root / "bin" / "main", needed=["liba.so"], **words)
        assert asked(root) == ["own/liba.so"]
    program(root / "bin" / "main", needed=["liba.so"])
    assert agree("/bin/main", SYSTEM, root=root, env={"LD_LIBRARY_PATH": "/own"}) == ["own/liba.so"]
    assert asked(root) == ["opt/lib/liba.so"]


def test_a_damaged_cache_is_none(root: Path) -> None:
    put(root, "/opt/lib")
    ldconfig(root, "/opt/lib")
    cache = root / "etc" / "ld.so.cache"
    cache.write_bytes(cache.read_bytes().replace(b"glibc-ld", b"glibc-xx"))
    assert asked(root) == ["no liba.so"]
