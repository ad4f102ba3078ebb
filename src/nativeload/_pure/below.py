"""A path below a directory that it cannot leave: what openat2(2) does with RESOLVE_IN_ROOT."""

from __future__ import annotations

import os
from errno import ELOOP

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
