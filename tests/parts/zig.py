"""zig, a C compiler with the headers and linkers of every system: PyPI's `ziglang`, unpacked and not installed."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from parts._cache import ROOT, entry, tool
from parts.wheels import unpack, wheel


@functools.cache
def program() -> Path:
    """The program, for who must start it himself."""
    found = wheel("ziglang")

    def make(directory: Path) -> None:
        unpack(found, directory)
        (directory / "ziglang" / "zig").chmod(0o755)

    return entry("tools", found.stem, make) / "ziglang" / "zig"


def zig(*words: str | Path) -> str:
    """What a zig command says (`zig("cc", "-target", "aarch64-macos", …)`); raises `PartError` when it fails."""
    return tool(program(), *words, env={"ZIG_GLOBAL_CACHE_DIR": os.fspath(ROOT / "zig")})
