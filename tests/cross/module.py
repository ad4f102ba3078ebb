"""The extension module for Windows and macOS: compiled with this interpreter's headers, of the stable ABI, and linked.

No Python of those systems is here, so nothing imports it. On Windows it is linked with a library made from the names
that it asks of python3.dll; what else it asks for must be the system's, or it does not link.
"""

from __future__ import annotations

import re
import shutil
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from parts.debian import python_headers
from parts.zig import zig

if TYPE_CHECKING:
    from collections.abc import Sequence

_MACHINES = {"x86_64": "i386:x86-64", "aarch64": "arm64"}
_ENTRY = b"PyInit__native"


def headers(scratch: Path, config: Path) -> Path:
    """Python's headers with the configuration of the targets in place of this machine's."""
    found = [sysconfig.get_path("include")]
    if not (Path(found[0]) / "Python.h").exists():
        found = python_headers("3.11").split(":")
    (home,) = [folder for folder in found if (Path(folder) / "Python.h").exists()]
    copied = scratch / "include"
    shutil.copytree(home, copied)
    shutil.copy(config, copied / "pyconfig.h")
    return copied


def module(target: str, words: Sequence[str], core: Path, include: Path, scratch: Path) -> Path:
    """The linked module. Raises PartError with a warning or a name that nothing has, ValueError without its entry."""
    machine, system = target.split("-")[:2]
    place = scratch / f"module-{target}"
    place.mkdir()
    made = place / ("_native.pyd" if system == "windows" else "_native.abi3.so")
    compiler = ["cc", "-target", target, *words, "-iquote", str(core)]
    flags = ["-DPy_LIMITED_API=0x030b0000", "-isystem", str(include), "-c"]
    objects = [place / f"{source.stem}.o" for source in sorted((core / "binding").glob("*.c"))]
    for file in objects:
        zig(*compiler, *flags, core / "binding" / f"{file.stem}.c", "-o", file)
    libraries: list[str | Path] = []
    if system == "windows":
        names = {name for file in objects for name in re.findall(rb"__imp_(_?Py\w+)", file.read_bytes())}
        definition, library = place / "python3.def", place / "libpython3.a"
        definition.write_bytes(b"LIBRARY python3.dll\nEXPORTS\n" + b"\n".join(sorted(names)) + b"\n")
        kind = ["-m", _MACHINES[machine], "-D", "python3.dll"]
        zig("dlltool", *kind, "-d", definition, "-l", library)
        libraries = [library]
    else:
        libraries = ["-Wl,-undefined,dynamic_lookup"]
    zig(*compiler, "-shared", *objects, *sorted(core.glob("*.c")), *libraries, "-o", made)
    if _ENTRY not in made.read_bytes():
        raise ValueError(f"{made} has no {_ENTRY.decode()}")
    return made
