"""What the system's own linker would load for an ELF file, asked without running anything of that file.

docs/explanation/linker-truth.md says which way of asking is right for which kind of file, and why. Nothing here
imports nativeload, or knows how a linker searches.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parts.elf_files import MACHINE, ElfFile, Kind, read
from parts.requester import requester
from parts.roots import identity, inside

if TYPE_CHECKING:
    from collections.abc import Mapping

_SYSTEM = Path("/")
_LINE = re.compile(r"\t(?:(?P<name>.*) => )?(?P<path>.*?)(?: \(0x[0-9a-f]+\))?$")
_MISSING_ON_MUSL = re.compile(r"Error loading shared library (?P<name>.*?): .* \(needed by .*\)$")
_FATAL = "error while loading shared libraries: "
_TIMEOUT = 60.0
_VDSO = ("linux-vdso", "linux-gate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The linker's answer for one file.

    `libraries` are the names asked for and the path taken for each, None where there is none, in the order in which
    they are loaded, without the file itself and the kernel's vDSO. Where the linker gives up, `error` has its words
    and `libraries` is empty; `complaints` are words after which it goes on when it only lists. `linker` is the one
    that was asked, "" where there is no answer: the kind has no dynamic linker.
    """

    path: str
    kind: Kind
    linker: str = ""
    libraries: tuple[tuple[str, str | None], ...] = ()
    complaints: tuple[str, ...] = ()
    error: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """The names for which there is no file, once for each file that asks."""
        return tuple(name for name, path in self.libraries if path is None)

    def to_dict(self) -> dict[str, Any]:
        """This answer as JSON has it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Truth:
        """The answer that `to_dict` gave."""
        libraries = tuple((name, path) for name, path in record["libraries"])
        return cls(**{**record, "libraries": libraries, "complaints": tuple(record["complaints"])})


@functools.cache
def system_linker() -> str:
    """This process's linker, by the path in its program's PT_INTERP."""
    return read(Path(os.path.realpath(sys.executable))).interpreter


def truth(path: str | Path, env: Mapping[str, str] | None = None, *, root: Path = _SYSTEM, cwd: str = "/") -> Truth:
    """Ask the linker what it would load for the file at `path`.

    `env` is the whole environment that the linker sees, none by default. With `root`, another system's root
    directory, `path` and `cwd` are as inside it, its own linker is asked, and this process must be root.
    """
    file = read(inside(root, os.fspath(path)))
    if file.kind == "program":
        return _program(file, _shown(file.path, root), dict(env or {}), root, cwd)
    if file.kind in ("library", "extension"):
        return _library(file, os.fspath(path), dict(env or {}), root, cwd)
    return Truth(path=os.fspath(path), kind=file.kind)


def _shown(path: Path, root: Path) -> str:
    return f"/{path.relative_to(root)}"


def _program(file: ElfFile, path: str, env: dict[str, str], root: Path, cwd: str) -> Truth:
    """Ask the program's own interpreter. The path is the real one, which is what the kernel would tell it."""
    linker = file.interpreter
    if identity(linker, root) is None:
        return Truth(path=path, kind=file.kind, linker=linker, error=f"there is no interpreter {linker}")
    if Path(linker).name.startswith("ld-musl"):
        return _musl(_run([linker, "--list", path], env, root, cwd), file, path)
    done = _run([linker, path], env | {"LD_TRACE_LOADED_OBJECTS": "1"}, root, cwd)
    return _glibc(done, file, path, linker, root)


def _library(file: ElfFile, path: str, env: dict[str, str], root: Path, cwd: str) -> Truth:
    """Ask by a program that needs the library and nothing else.

    Given to the linker as if it were a program, a library would have no identity and be loaded again when something
    it needs asks for it by another name ("do not fill in this information for the executable", elf/dl-load.c).
    """
    linker = system_linker()
    # Without a name in any file system, so that it can be run inside a root directory that is only read.
    descriptor = os.memfd_create("requester", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, requester(path, linker, MACHINE))
        done = _run(["requester"], env | {"LD_TRACE_LOADED_OBJECTS": "1"}, root, cwd, descriptor)
    finally:
        os.close(descriptor)
    answer = _glibc(done, file, path, linker, root)
    if answer.error:
        return answer
    here = identity(path, root)
    itself = next(one for one in answer.libraries if one[0] == path or (one[1] and identity(one[1], root) == here))
    if itself[1] is None:
        return Truth(path=path, kind=file.kind, linker=linker, error=f"{path}: not taken for a library")
    others = tuple(one for one in answer.libraries if one is not itself)
    return Truth(path=path, kind=file.kind, linker=linker, libraries=others, complaints=answer.complaints)


def _run(
    command: list[str], env: dict[str, str], root: Path, cwd: str, descriptor: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command inside `root` with no more than this environment; with a descriptor, the program that it holds."""

    def enter() -> None:
        os.chroot(root)
        os.chdir(cwd)
        if descriptor is not None:
            os.execve(descriptor, command, env)  # by number, because no /proc is mounted inside

    here = root == _SYSTEM
    return subprocess.run(
        command,
        executable=f"/proc/self/fd/{descriptor}" if here and descriptor is not None else None,
        pass_fds=() if descriptor is None else (descriptor,),
        cwd=cwd if here else None,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=_TIMEOUT,
        check=False,
        # Only where it is needed: Python warns of it in a process that has threads, as a parallel test session's has.
        preexec_fn=None if here else enter,
    )


def _glibc(done: subprocess.CompletedProcess[str], file: ElfFile, path: str, linker: str, root: Path) -> Truth:
    if done.returncode:
        said = done.stderr.partition(_FATAL)[2] or done.stderr or f"exit status {done.returncode}"
        return Truth(path=path, kind=file.kind, linker=linker, error=said.strip())
    # The linker was not loaded by a name; the name it is asked for by is its soname.
    soname = read(inside(root, linker)).soname
    found: list[tuple[str, str | None]] = []
    for line in done.stdout.splitlines():
        shown = _LINE.match(line)
        if shown is None:
            raise AssertionError(f"{linker} said of {path}: {line!r}")
        name, taken = shown["name"] or shown["path"], shown["path"]
        if taken == "not found":
            found.append((name, None))
        elif "/" in taken:
            found.append((soname if taken == linker else name, taken))
        elif taken != "statically linked" and not taken.startswith(_VDSO):
            found.append((name, f"./{taken}"))
    complaints = tuple(line.partition(": ")[2] for line in done.stderr.splitlines())
    return Truth(path=path, kind=file.kind, linker=linker, libraries=tuple(found), complaints=complaints)


def _musl(done: subprocess.CompletedProcess[str], file: ElfFile, path: str) -> Truth:
    """What is missing is said apart from what is found, so of the order only that of either is known."""
    said = [(line, _MISSING_ON_MUSL.match(line)) for line in done.stderr.splitlines()]
    missing: list[tuple[str, str | None]] = [(match["name"], None) for _, match in said if match]
    shown = [match for line in done.stdout.splitlines() if (match := _LINE.match(line))]
    found: list[tuple[str, str | None]] = [(match["name"], match["path"]) for match in shown if match["name"]]
    complaints = tuple(line for line, match in said if not match)
    if done.returncode and not missing:
        return Truth(path=path, kind=file.kind, linker=file.interpreter, error="\n".join(complaints))
    return Truth(
        path=path, kind=file.kind, linker=file.interpreter, libraries=(*found, *missing), complaints=complaints
    )
