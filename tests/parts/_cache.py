"""The cache of parts, and how a tool is run to make one. Nothing here knows what a part is."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

# What a tool sees: the environment as it was before any test changed HOME, so that pip and apt find the
# user's configuration; without what steers the code under test or injects a sanitizer into compilers.
_STEERING = ("NATIVELOAD_", "LD_PRELOAD", "ASAN_OPTIONS", "UBSAN_OPTIONS", "PYTHONMALLOC", "PYTHONPATH")
_TOOL_ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(_STEERING)}


def _root() -> Path:
    if chosen := os.environ.get("TEST_NATIVELOAD_CACHE"):
        return Path(chosen).absolute()
    caches = os.environ.get("XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "nativeload-tests"


# At import, for the same reason.
ROOT = _root()


class PartError(RuntimeError):
    """A part could not be fetched or built: the command and everything it said."""

    def __init__(self, command: Sequence[str], returncode: int, output: str) -> None:
        super().__init__(f"exit status {returncode} from: {' '.join(command)}\n{output}")
        self.command = tuple(command)
        self.returncode = returncode
        self.output = output


def tool(*command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: str = "") -> str:
    """Run a tool (pip, apt-get, a compiler) and return its output; raises `PartError` when it fails."""
    words = [os.fspath(word) for word in command]
    done = subprocess.run(
        words,
        cwd=cwd,
        env=_TOOL_ENVIRONMENT | dict(env or {}),
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise PartError(words, done.returncode, done.stdout)
    return done.stdout


def entry(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """The directory of one part, made by `make(directory)` the first time it is asked for.

    A part is made at its final place, not renamed there, because scripts in an environment hold its path.
    A mark beside it is written last: without the mark, what an interrupted run left is removed.
    """
    directory = ROOT / kind / key
    mark = directory.with_name(f"{key}.made")
    if mark.exists():
        return directory
    directory.parent.mkdir(parents=True, exist_ok=True)
    with open(directory.with_name(f"{key}.lock"), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not mark.exists():
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir()
            make(directory)
            mark.touch()
    return directory


def key_of(*parts: str) -> str:
    """A short name for a part, from everything it is made of."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:20]


def file_digest(path: Path) -> str:
    """The SHA-256 of a file's content."""
    status = path.stat()
    return _file_digest(path, status.st_size, status.st_mtime_ns)


@functools.cache
def _file_digest(path: Path, _size: int, _mtime_ns: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_digest(root: Path, names: Iterable[str] | None = None) -> str:
    """A digest of every file below `root` (or below its entries `names`): paths and contents."""
    tops = [root] if names is None else [root / name for name in names]
    files = [file for top in tops for file in ([top] if top.is_file() else top.rglob("*")) if file.is_file()]
    kept = sorted(file for file in files if "__pycache__" not in file.parts)
    return key_of(*(f"{file.relative_to(root)}:{file_digest(file)}" for file in kept))
