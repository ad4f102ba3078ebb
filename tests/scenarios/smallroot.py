"""A root directory of a scenario's own: a linker, what the scenario puts there, and what ldconfig makes of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parts import execute
from parts.roots import inside
from parts.truth import system_linker
from scenarios.ldcache import LDCONFIG

if TYPE_CHECKING:
    from collections.abc import Mapping

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root asks a linker inside another root directory")


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
