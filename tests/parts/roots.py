"""Another system's root directory: made by debootstrap, and read as a process inside would read it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from parts._cache import PartError, entry, key_of, tool
from parts.debian import archive, deb

# With a linker newer than Debian 12's, and with libraries that are reached through links of update-alternatives.
SUITE = "forky"
INCLUDED = ("python3-numpy",)


def debian_root(suite: str = SUITE, *included: str) -> Path:
    """A root directory of Debian with the smallest set of packages and these: some hundred MB, made once, by root."""
    packages = included or INCLUDED

    def make(directory: Path) -> None:
        if os.geteuid() != 0:
            raise PartError(["debootstrap", suite], 1, "only root makes a root directory")
        script = deb("debootstrap") / "usr/share/debootstrap"
        program = deb("debootstrap") / "usr/sbin/debootstrap"
        options = ["--variant=minbase", f"--include={','.join(packages)}"]
        # The rules of a suite that this debootstrap is too old to know are those of sid.
        rules = next(one for one in (script / "scripts" / suite, script / "scripts/sid") if one.exists())
        tool(program, *options, suite, directory, archive(), rules, env={"DEBOOTSTRAP_DIR": os.fspath(script)})

    return entry("roots", key_of(suite, *sorted(packages)), make)


def inside(root: Path, path: str) -> Path:
    """The file that a path means to a process whose root directory is `root`: every symlink is followed in there."""
    todo = _reversed_parts(path)
    here: list[str] = []
    links = 0
    while todo:
        part = todo.pop()
        if part == "..":
            here = here[:-1]
            continue
        try:
            target = os.readlink(root.joinpath(*here, part))
        except OSError:
            here.append(part)
            continue
        links += 1
        if links > 40:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        if target.startswith("/"):
            here = []
        todo += _reversed_parts(target)
    return root.joinpath(*here)


def _reversed_parts(path: str) -> list[str]:
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


def identity(path: str, root: Path = Path("/")) -> tuple[int, int] | None:
    """The device and inode that a path means inside `root`; None where it means nothing."""
    try:
        status = os.stat(inside(root, path))
    except OSError:
        return None
    return status.st_dev, status.st_ino
