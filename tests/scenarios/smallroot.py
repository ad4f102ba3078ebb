"""A root directory of a scenario's own: a linker, what the scenario puts there, and what ldconfig makes of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nativeload import images
from nativeload.linkers import glibc, host
from parts import deb, execute
from parts.roots import inside
from parts.truth import system_linker
from scenarios.ldcache import LDCONFIG

if TYPE_CHECKING:
    from collections.abc import Mapping

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root asks a linker inside another root directory")


# Whose glibc is 2.41 and 2.43; "" is this system.
SUITES = ["", "trixie", "forky"]


def libc_of(suite: str) -> tuple[Path, Path]:
    """The linker and the C library of a suite of Debian, "" for this system's."""
    linker = Path(os.path.realpath(system_linker()))
    if not suite:
        return linker, next(
            file for place in host.linker().rules.default if (file := Path(place, "libc.so.6")).exists()
        )
    (found,) = (one for one in deb("libc6", suite=suite).rglob(linker.name) if not one.is_symlink())
    return found, found.with_name("libc.so.6")


def release(root: Path, path: str = "/bin/main") -> int:
    """The release of the glibc that runs a program of the root: 36 for 2.36."""
    return glibc.release(images.read(os.fspath(below(root, path))), os.fspath(root))


def add_libc(root: Path, libc: Path) -> None:
    """Put a C library where this system has its own."""
    place = below(root, os.fspath(libc_of("")[1]))
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(libc, place)


def small_root(directory: Path, linker: Path | None = None, *, at: str = "") -> Path:
    """A root with this linker, by default the system's, at the path that programs name."""
    place = inside(directory, at or system_linker())  # where links lead is not below it
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(linker or os.path.realpath(system_linker()), place)
    (directory / "etc").mkdir(exist_ok=True)
    return directory


def below(root: Path, path: str) -> Path:
    """Where a path of the root is on this machine, where no link is on the way."""
    return root / path.lstrip("/")


def ldconfig(root: Path, *directories: str) -> None:
    """Make the root's ld.so.cache, of its default directories and these."""
    (root / "etc" / "ld.so.conf").write_text("".join(f"{one}\n" for one in directories))
    execute([LDCONFIG, "-X", "-r", root]).check()


def links(root: Path, targets: Mapping[str, str]) -> None:
    """Symbolic links: where in the root, and the very text of each."""
    for name, target in targets.items():
        link = below(root, name)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
