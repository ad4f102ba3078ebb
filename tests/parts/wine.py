"""Wine, which runs programs of Windows: the machine's, else Debian's packages unpacked; with a drive C of the tests' own."""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from parts._cache import ROOT, PartError, entry
from parts.debian import deb, release

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_DEBIANS = "/usr/lib/wine"  # where wine64's package has it, without the one that puts it on the path
_SECONDS = 120
_MOST = 1 << 20  # bytes that a program says: what a pipe may hold here


@functools.cache
def wine() -> Path:
    """The program that runs Windows's of x86-64."""
    if found := shutil.which("wine64") or shutil.which("wine64", path=_DEBIANS):
        return Path(found)
    # Later releases have no wine64.
    suite = "" if release() == "debian-12" else "bookworm"
    root = deb("wine64", "libwine", "libunwind8", "liblzma5", "libz-mingw-w64", suite=suite)
    programs, libraries = root / "usr/lib/wine", root / "usr/lib/x86_64-linux-gnu/wine/x86_64-windows"
    # What its maintainer script does: without this library, marked as Wine's own, no program starts. The other is a
    # script that looks for the server where it would be installed.
    _place(libraries / "zlib1.dll", _marked((root / "usr/x86_64-w64-mingw32/lib/zlib1.dll").read_bytes()))
    server = programs / "wineserver"
    if not server.samefile(programs / "wineserver64"):
        link = server.with_name(f"{server.name}.{os.getpid()}")
        link.symlink_to("wineserver64")
        link.replace(server)
    return programs / "wine64"


def _marked(library: bytes) -> bytes:
    """A library as Wine takes it for one of its own: the mark is where a program for DOS would be."""
    mark = b"Wine builtin DLL".ljust(32, b"\0")
    return library[:64] + mark + library[64 + len(mark) :]


def _place(path: Path, content: bytes) -> None:
    if path.is_symlink() or not path.exists() or path.read_bytes() != content:
        made = path.with_name(f"{path.name}.{os.getpid()}")
        made.write_bytes(content)
        made.replace(path)


@functools.cache
def _prefix() -> Path:
    def make(directory: Path) -> None:
        _execute(directory, ["wineboot", "--init"])

    return entry("wine", f"prefix-{wine().stat().st_mtime_ns}", make)


def windows_path(path: Path | str) -> str:
    """The path by which Windows's programs know a file of this machine."""
    return "Z:" + os.fspath(path).replace("/", "\\")


def unix_path(path: str) -> str:
    """A path of drive Z as it is here; another as it is."""
    return path[2:].replace("\\", "/") if path[:2].upper() == "Z:" else path


def execute_windows(
    command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> str:
    """What a program of Windows says; raises `PartError` where it fails."""
    return _execute(_prefix(), command, env=env, cwd=cwd)


def _execute(
    prefix: Path, command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> str:
    libraries = wine().parents[1] / "x86_64-linux-gnu"
    given = {
        "PATH": "/usr/bin:/bin",
        "HOME": os.fspath(ROOT / "wine"),
        "LD_LIBRARY_PATH": os.fspath(libraries),
        "WINEPREFIX": os.fspath(prefix),
        "WINEDEBUG": "-all",
        # Neither .NET nor a browser is installed, which it would do by the network.
        "WINEDLLOVERRIDES": "mscoree,mshtml=",
        **(env or {}),
    }
    words = [os.fspath(word) for word in (wine(), *command)]
    for tries_left in (2, 1, 0):
        with _Said() as said, _Said() as complained:
            done = subprocess.run(
                words, env=given, cwd=cwd, stdin=subprocess.DEVNULL, stdout=said.end, stderr=complained.end,
                timeout=_SECONDS, check=False,
            )  # fmt: skip
            output = said.text().replace("\r\n", "\n")
            if not done.returncode:
                break
            # A server that is just ending takes no new program: then this one has said nothing.
            if output or not tries_left:
                raise PartError(words, done.returncode, output + complained.text())
    return output


class _Said:
    """What a program writes into a pipe until it ends; services that it starts keep the pipe open long after.

    Not into a file: of one that it inherits Wine 8 gives no facts, and a Python that asks for them gives up.
    """

    def __init__(self) -> None:
        self._start, self.end = os.pipe()
        fcntl.fcntl(self.end, fcntl.F_SETPIPE_SZ, _MOST)
        os.set_blocking(self._start, False)

    def __enter__(self) -> _Said:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._start)
        os.close(self.end)

    def text(self) -> str:
        try:
            return os.read(self._start, _MOST).decode("utf-8", "surrogateescape")
        except BlockingIOError:
            return ""
