"""A CPython for Windows, which Wine runs: python.org's DLL and extension modules, from a wheel that carries them.

panda3d's wheels for Windows have them for the programs that it freezes. They have neither the standard library, which
is this interpreter's, nor `python.exe` and `python3.dll`, which are linked here.
"""

from __future__ import annotations

import functools
import shutil
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pefile

from parts._cache import entry, file_digest, key_of
from parts.wheels import nativeload_wheel, unpack, wheel
from parts.wine import execute_windows, windows_path
from parts.zig import zig

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DLL = f"python3{sys.version_info.minor}"
_FOLDER = "deploy_libs/"
# What is not the language's, is this system's, or is large and of no use here.
_LEFT_OUT = ("site-packages", "dist-packages", "lib-dynload", "config-3*", "__pycache__", "*.so", "test", "idlelib")
_MAIN = """
__declspec(dllimport) int Py_Main(int, wchar_t **);
int wmain(int count, wchar_t **words) { return Py_Main(count, words); }
"""


@functools.cache
def program() -> Path:
    """`python.exe`, beside what it needs."""
    carrier = wheel("panda3d", platform_tag="win_amd64")

    def make(directory: Path) -> None:
        with zipfile.ZipFile(carrier) as archive:
            for member in archive.infolist():
                name = member.filename.removeprefix(_FOLDER)
                # Windows's own, which Wine has.
                if name != member.filename and not name.startswith("api-ms-"):
                    (directory / name).write_bytes(archive.read(member))
        shutil.copytree(sysconfig.get_path("stdlib"), directory / "Lib", ignore=shutil.ignore_patterns(*_LEFT_OUT))
        _link(directory)

    return entry("windows", key_of(sys.version, carrier.name, file_digest(carrier), _MAIN), make) / "python.exe"


def _link(directory: Path) -> None:
    """`python.exe`, and `python3.dll`, all of whose names lead to the DLL of the version."""
    source, definition, library = (directory / f"made.{kind}" for kind in ("c", "def", "lib"))
    source.write_text(_MAIN)
    definition.write_text(f"LIBRARY {_DLL}.dll\nEXPORTS\nPy_Main\n")
    zig("dlltool", "-m", "i386:x86-64", "-D", f"{_DLL}.dll", "-d", definition, "-l", library)
    compiler = ("cc", "-target", "x86_64-windows-gnu")
    zig(*compiler, "-municode", "-include", "wchar.h", source, library, "-o", directory / "python.exe")
    with pefile.PE(directory / f"{_DLL}.dll", fast_load=False) as parsed:
        names = [one.name.decode() for one in parsed.DIRECTORY_ENTRY_EXPORT.symbols if one.name]
    definition.write_text("LIBRARY python3.dll\nEXPORTS\n" + "".join(f"{one} = {_DLL}.{one}\n" for one in names))
    source.write_text("")
    zig(*compiler, "-shared", "-nostdlib", "-Wl,--no-entry", source, definition, "-o", directory / "python3.dll")


def windows_site(directory: Path, *wheels: Path) -> Path:
    """nativeload's modules without its extension, and wheels, unpacked into a directory for that Python."""
    for one in (nativeload_wheel(), *(wheel(name) for name in ("packaging", "platformdirs", "pefile")), *wheels):
        unpack(one, directory)
    for extension in (directory / "nativeload").glob("_native*.so"):
        extension.unlink()
    return directory


def windows_python(
    *arguments: str, path: Iterable[Path] = (), env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> str:
    """What that Python says; raises `PartError` where it fails. `path` are directories for its `sys.path`."""
    given = {
        "PYTHONPATH": ";".join(map(windows_path, path)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        **(env or {}),
    }
    return execute_windows([program(), *arguments], env=given, cwd=cwd)
