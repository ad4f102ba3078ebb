"""Paths below a directory that they cannot leave: what openat2(2) does with RESOLVE_IN_ROOT."""

import os
from errno import ELOOP

from nativeload.tomlfile import regular

_LINKS = 40  # symbolic links followed, as the kernel does


def below(root: str, path: str) -> str:
    """Where `path` is on this machine when `root` is its "/": links are followed there, and ".." ends there.

    Raises OSError where there are too many links.
    """
    rest = [part for part in reversed(path.split("/")) if part not in ("", ".")]
    found: list[str] = []
    links = 0
    while rest:
        part = rest.pop()
        if part == "..":
            if not os.path.isdir("/".join((root, *found))):
                return "/".join((root, *found, "."))  # which the kernel refuses, as it would refuse this path
            del found[-1:]
            continue
        whole = "/".join((root, *found, part))
        try:
            target = os.readlink(whole)
        except OSError:
            found.append(part)
            continue
        links += 1
        if links > _LINKS:
            raise OSError(ELOOP, os.strerror(ELOOP), path)
        if target.startswith("/"):
            found.clear()
        rest.extend(one for one in reversed(target.split("/")) if one not in ("", "."))
    return "/".join((root, *found))


def inside(root: str, path: str) -> str:
    """`below`, or the path itself where there is no root."""
    return below(root, path) if root else path


def read(root: str, path: str, limit: int = 64 << 20) -> bytes:
    """The first `limit` bytes of a regular file, b"" where there is none that can be read."""
    try:
        with open(inside(root, path), "rb", opener=regular) as file:
            return file.read(limit)
    except (OSError, ValueError):
        return b""
