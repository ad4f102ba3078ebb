"""Programs of musl: a linker of its own below a scenario's directory, and programs that name it."""

from __future__ import annotations

import functools
import os
import platform
from pathlib import Path

from parts import deb
from parts.roots import inside
from scenarios.closures import program

NAME = f"ld-musl-{platform.machine()}.so.1"


@functools.cache
def _library() -> Path:
    return next(path for path in deb("musl").rglob("libc.so") if path.is_file())


def linker(under: Path) -> Path:
    """musl's linker at under/system/lib, so that its path file is under/system/etc."""
    place = under / "system" / "lib" / NAME
    if not place.is_symlink():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(_library())
    return place


def path_file(under: Path) -> Path:
    """Where that linker reads its default directories from."""
    place = under / "system" / "etc" / NAME.replace(".so.1", ".path")
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def musl(under: Path, path: str, needed: list[str], rpath: str = "", runpath: str = "") -> Path:
    """A program of musl at a path below a directory."""
    return program(under / path, needed=needed, rpath=rpath, runpath=runpath, linker=os.fspath(linker(under)))


def copied(root: Path) -> None:
    """musl's linker inside a root directory, where distributions of musl have it."""
    place = inside(root, f"/lib/{NAME}")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(_library().read_bytes())
    place.chmod(0o755)
