"""zig, a C compiler with the headers and linkers of every system: PyPI's `ziglang`, unpacked and not installed."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

from parts._cache import ROOT, entry, tool
from parts.wheels import unpack, wheel


@functools.cache
def _home() -> Path:
    found = wheel("ziglang")
    return entry("tools", f"zig-{found.stem}", lambda directory: unpack_executable(found, directory))


def unpack_executable(path: Path, directory: Path) -> None:
    unpack(path, directory)
    (directory / "ziglang" / "zig").chmod(0o755)


def zig(*words: str | Path, cwd: Path | None = None) -> str:
    """What a zig command says (`zig("cc", "-target", "aarch64-macos", …)`); raises `PartError` when it fails."""
    env = {"PYTHONPATH": os.fspath(_home()), "ZIG_GLOBAL_CACHE_DIR": os.fspath(ROOT / "zig")}
    return tool(sys.executable, "-m", "ziglang", *words, cwd=cwd, env=env)
