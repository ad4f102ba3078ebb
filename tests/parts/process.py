"""Processes of their own, in an environment that is known: whatever loads a library runs in one."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# All that a process takes over: how to find programs, which backend is under test, and a sanitizer's setting.
_KEPT = ("PATH", "TMPDIR", "NATIVELOAD_BACKEND", "C_INCLUDE_PATH")
_KEPT_UNDER_SANITIZERS = ("LD_PRELOAD", "ASAN_OPTIONS", "UBSAN_OPTIONS", "PYTHONMALLOC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a process left."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The last line of stdout, as JSON."""
        return json.loads(self.stdout.splitlines()[-1])

    def check(self) -> Result:
        """This result, if the process succeeded; else an AssertionError that shows all it said."""
        if self.returncode:
            raise AssertionError(f"exit status {self.returncode}\n{self.stdout}\n{self.stderr}")
        return self


def run(
    python: str | Path,
    code: str,
    *arguments: str | Path,
    options: Sequence[str] = (),
    env: Mapping[str, str | Path] | None = None,
    home: Path | None = None,
    cwd: Path | None = None,
    timeout: float = 120,
) -> Result:
    """Run Python code in a new process; see `execute` for its surroundings. `options` are Python's ("-I")."""
    return execute([python, *options, "-c", code, *arguments], env=env, home=home, cwd=cwd, timeout=timeout)


def execute(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str | Path] | None = None,
    home: Path | None = None,
    cwd: Path | None = None,
    timeout: float = 120,
) -> Result:
    """Run a command in an environment that holds nothing but what is said here.

    HOME and the XDG directories are in `home`, by default a new one that is removed afterwards: give one to
    let two processes share a cache. No NATIVELOAD_*, PYTHON* or LD_* variable is inherited, except the backend
    under test; `env` is added last. A `timeout` in seconds is a failure of the test
    (`subprocess.TimeoutExpired`).
    """
    with tempfile.TemporaryDirectory(prefix="nativeload-home-") as scratch:
        place = Path(scratch) if home is None else home
        done = subprocess.run(
            [os.fspath(word) for word in command],
            cwd=cwd or place,
            env=_environment(place) | {name: os.fspath(value) for name, value in (env or {}).items()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=timeout,
            check=False,
        )
    return Result(returncode=done.returncode, stdout=done.stdout, stderr=done.stderr)


def _environment(home: Path) -> dict[str, str]:
    kept = _KEPT + (_KEPT_UNDER_SANITIZERS if "ASAN_OPTIONS" in os.environ else ())
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "LC_ALL": "C.UTF-8",
        "HOME": os.fspath(home),
        "XDG_CACHE_HOME": os.fspath(home / ".cache"),
        "XDG_CONFIG_HOME": os.fspath(home / ".config"),
        "XDG_DATA_HOME": os.fspath(home / ".local" / "share"),
        "XDG_STATE_HOME": os.fspath(home / ".local" / "state"),
    }


def maps() -> str:
    """Python text that defines `mapped()`: the files this process has mapped, by the kernel's account.

    `run(python, maps() + "import nativeload; before = mapped(); ...; print(mapped() - before)")`
    """
    return (
        "def mapped():\n"
        "    with open('/proc/self/maps', encoding='utf-8', errors='surrogateescape') as lines:\n"
        "        fields = (line.rstrip('\\n').split(maxsplit=5) for line in lines)\n"
        "        return {field[5] for field in fields if len(field) == 6 and field[5].startswith('/')}\n"
    )
