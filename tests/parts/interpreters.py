"""Every CPython on this machine that nativeload supports."""

from __future__ import annotations

import concurrent.futures
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

OLDEST = (3, 11)

_ASK = """
import json, os, platform, sys, sysconfig
print(json.dumps({
    "path": getattr(sys, "_base_executable", sys.executable),
    "implementation": platform.python_implementation(),
    "version": platform.python_version(),
    "numbers": sys.version_info[:2],
    "abiflags": sys.abiflags,
    "headers": os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")),
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """One CPython: its program, its full version with the ABI's flags ("3.12.1"), whether it has Python.h, and a stable ABI,
    which a free-threaded one lacks (PEP 703).
    """

    path: Path
    version: str
    minor: tuple[int, int]
    has_headers: bool
    stable_abi: bool


def interpreters() -> list[Interpreter]:
    """The interpreters found, oldest first, one of each version and ABI; PATH decides between equals."""
    with concurrent.futures.ThreadPoolExecutor() as threads:
        answers = list(threads.map(_ask, _programs()))
    found: dict[str, Interpreter] = {}
    for answer in answers:
        if answer is not None:
            found.setdefault(answer.version, answer)
    return sorted(found.values(), key=lambda one: ([int(n) for n in re.findall(r"\d+", one.version)], one.version))


def _programs() -> list[Path]:
    name = re.compile(r"python3(\.\d+t?)?")
    on_path = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    folders = [*on_path, Path("/usr/local/bin"), Path("/usr/bin")]
    for versions in (os.environ.get("PYENV_ROOT", ""), "~/.pyenv"):
        if versions:
            folders += sorted(Path(versions).expanduser().glob("versions/*/bin"))
    programs: dict[str, Path] = {}
    for folder in folders:
        for program in sorted(folder.glob("python3*")):
            if name.fullmatch(program.name) and os.access(program, os.X_OK):
                programs.setdefault(os.path.realpath(program), program)
    return list(programs.values())


def _ask(program: Path) -> Interpreter | None:
    # A pyenv shim for a version that is not selected is there but does not run; one from a virtual
    # environment is answered for by the interpreter it is based on.
    try:
        done = subprocess.run([program, "-I", "-c", _ASK], capture_output=True, timeout=60, check=True)
        answer = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    minor = (int(answer["numbers"][0]), int(answer["numbers"][1]))
    if answer["implementation"] != "CPython" or minor < OLDEST:
        return None
    return Interpreter(
        path=Path(answer["path"]),
        version=answer["version"] + answer["abiflags"],
        minor=minor,
        has_headers=answer["headers"],
        stable_abi="t" not in answer["abiflags"],
    )
