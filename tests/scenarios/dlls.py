"""DLLs compiled here by zig, and what Wine's loader maps for one beside what nativeload says: both must say the same.

`windowsloader.c` loads as CPython imports an extension module. Where Windows is known to do otherwise than Wine, a
scenario says so, and what nativeload says is then compared with Microsoft's documentation alone.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pefile

from nativeload.linkers import stepwise
from nativeload.linkers.windows import Windows
from parts._cache import key_of
from parts.wine import execute_windows, unix_path, windows_path
from parts.zig import zig
from scenarios.closures import relative

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nativeload.closure import Closure

MISSING, NO_SYMBOL, BAD_FILE = "error 126", "error 127", "error 193"
_TARGETS = {"amd64": "x86_64-windows-gnu", "x86": "x86-windows-gnu", "arm64": "aarch64-windows-gnu"}
_DELAYED = 13  # IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT
_START = "int __stdcall DllMainCRTStartup(void *a, unsigned b, void *c) { (void)a; (void)b; (void)c; return 1; }\n"


def symbol(name: str) -> str:
    """What the DLL of a name exports, unless it is told otherwise."""
    return "of_" + re.sub(r"\W", "_", name.lower().removesuffix(".dll"))


def dll(
    path: Path,
    *,
    needed: Iterable[str | tuple[str, str]] = (),
    delayed: Iterable[str] = (),
    exports: Iterable[str] | None = None,
    forwards: Mapping[str, str] | None = None,
    machine: str = "amd64",
) -> Path:
    """A DLL at `path`. `needed` are the very names of its imports, or (name, symbol); `delayed` names are looked for by
    whoever calls; `forwards` are {export: "module.symbol"}."""
    given = tuple(exports) if exports is not None else (symbol(path.name),)
    imports = tuple((one, symbol(one)) if isinstance(one, str) else one for one in needed)
    built = _compiled(machine, imports, tuple(delayed), given, tuple((forwards or {}).items()))
    path.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(built, path))


def problems(found: Closure) -> list[tuple[str, str]]:
    """(kind, the start of what is said) of what is wrong."""
    return [(one.kind, one.detail.partition(",")[0].partition(" of ")[0]) for one in found.problems]


def closure(
    root: Path, *, before: Iterable[Path] = (), add: Iterable[Path] = (), application: Path | None = None
) -> Closure:
    """What Windows would map by nativeload; an unreadable root is a ValueError."""
    linker = Windows("amd64", directories=[*map(os.fspath, add)], application=os.fspath(application or ""))
    return stepwise.closure(linker, os.fspath(root), [*map(os.fspath, before)])


def agree(
    root: Path,
    under: Path,
    *,
    before: Iterable[Path] = (),
    add: Iterable[Path] = (),
    application: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> list[str]:
    """What both say is mapped: paths below `under` and names of system modules, sorted; or `["error NUMBER"]`."""
    before, add, application = list(before), list(add), application or under / "no application"
    error, theirs = wine_s(root, before=before, add=add, application=application, env=env, cwd=cwd)
    ours = closure(root, before=before, add=add, application=application)
    if error:
        assert ours.status != "ok", (error, ours)
        return [f"error {error}"]
    assert ours.status == "ok", ours
    here = {one.path.lower() for one in ours.images if os.path.exists(one.path)}
    assert here == {one.lower() for one in theirs if one.startswith(os.fspath(under))}, (theirs, ours)
    # Windows's own modules bring others, which nobody here can know.
    system = {one.path.rpartition("\\")[2].lower() for one in ours.images if one.path.startswith("C:\\")}
    assert system <= {one.rpartition("\\")[2].lower() for one in theirs}, (theirs, ours)
    return sorted([*(relative(one, Path(os.fspath(under).lower())) for one in here), *system])


def wine_s(
    root: Path,
    *,
    application: Path,
    before: Iterable[Path] = (),
    add: Iterable[Path] = (),
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> tuple[int, list[str]]:
    """(Windows's error, the files that are mapped for the root, and the system's) by Wine's loader."""
    application.mkdir(exist_ok=True)
    program = Path(shutil.copy(_program(), application / "program.exe"))
    asked = {
        name: "|".join(map(windows_path, paths))
        for name, paths in (("NL_ADD", add), ("NL_BEFORE", before), ("NL_LOAD", [root]))
    }
    lines = [
        line.partition(" ")[::2]
        for line in execute_windows([program], env={**(env or {}), **asked}, cwd=cwd).splitlines()
    ]
    assert {value for what, value in lines if what in ("add", "before")} <= {"0"}, lines
    (error,) = (int(value) for what, value in lines if what == "error")
    system = [value for what, value in lines if what == "had" and value[:2].upper() == "C:"]
    return error, [*(unix_path(value) for what, value in lines if what == "new"), *system]


@functools.cache
def _program() -> Path:
    source = Path(__file__).with_name("windowsloader.c")
    place = Path(_folder().name, "program.exe")
    target = ("-target", _TARGETS["amd64"])
    # In two steps: with -nostdlib zig gives no headers.
    zig("cc", *target, "-c", "-Os", "-Wall", "-Wextra", "-Werror", source, "-o", place.with_suffix(".o"))
    start = ("-Wl,--subsystem,console", "-Wl,-e,mainCRTStartup")
    zig("cc", *target, "-nostdlib", "-s", place.with_suffix(".o"), "-lkernel32", *start, "-o", place)
    return place


@functools.cache
def _compiled(
    machine: str,
    imports: tuple[tuple[str, str], ...],
    delayed: tuple[str, ...],
    exports: tuple[str, ...],
    forwards: tuple[tuple[str, str], ...],
) -> Path:
    place = Path(_folder().name, key_of(repr((machine, imports, delayed, exports, forwards))) + ".dll")
    text = _START + "".join(f"__declspec(dllexport) int {one}(void) {{ return 1; }}\n" for one in exports)
    for number, (_, name) in enumerate(imports):
        text += f"__declspec(dllimport) int {name}(void);\n"
        text += f"__declspec(dllexport) int (*wants_{number}(void))(void) {{ return &{name}; }}\n"
    directives = [f"/export:{name}={target}" for name, target in forwards]
    if delayed:
        text += _delay_table(delayed)
        directives.append("/export:delay_table,DATA")
    if directives:
        text += f'__asm__(".section .drectve,\\"yn\\"\\n.ascii \\" {" ".join(directives)}\\"\\n.text");\n'
    place.with_suffix(".c").write_text(text, encoding="utf-8")
    libraries = [_import_library(machine, name, wanted) for name, wanted in imports]
    zig(
        "cc",
        "-target",
        _TARGETS[machine],
        "-shared",
        "-nostdlib",
        "-s",
        place.with_suffix(".c"),
        *libraries,
        "-o",
        place,
    )
    if delayed:
        _point_at_delay_table(place)
    return place


def _delay_table(names: tuple[str, ...]) -> str:
    """Assembler text of a table of IMAGE_DELAYLOAD_DESCRIPTOR: no linker here makes one."""
    lines = ['.section .didat,"dw"', ".globl delay_table", "delay_table:"]
    for number in range(len(names)):
        fields = "".join(f"\\n.rva {what}{number}" for what in ("name", "module", "addresses", "names"))
        lines.append(f".long 1{fields}\\n.long 0, 0, 0")
    lines.append(".long 0, 0, 0, 0, 0, 0, 0, 0")
    for number, name in enumerate(names):
        lines += [f"module{number}: .quad 0", f"addresses{number}: .quad 0, 0"]
        lines += [f"names{number}: .rva wanted{number}\\n.long 0\\n.quad 0"]
        lines += [f'name{number}: .asciz \\"{name}\\"', f'wanted{number}: .word 0\\n.asciz \\"{symbol(name)}\\"']
    text = "\\n".join(line.replace('"dw"', '\\"dw\\"') for line in [*lines, ".text"])
    return f'__asm__("{text}");\nextern char delay_table[];\n'


def _point_at_delay_table(path: Path) -> None:
    with pefile.PE(path, fast_load=False) as parsed:
        (table,) = (one.address for one in parsed.DIRECTORY_ENTRY_EXPORT.symbols if one.name == b"delay_table")
        place = parsed.OPTIONAL_HEADER.DATA_DIRECTORY[_DELAYED].get_file_offset()
    image = bytearray(path.read_bytes())
    struct.pack_into("<II", image, place, table, 64)
    path.write_bytes(image)


@functools.cache
def _import_library(machine: str, name: str, wanted: str) -> Path:
    place = Path(_folder().name, key_of(machine, name, wanted) + ".lib")
    text = f'LIBRARY "{name}"\nEXPORTS\n {wanted}\n'
    place.with_suffix(".def").write_text(text, encoding="utf-8")
    kind = {"amd64": "i386:x86-64", "x86": "i386", "arm64": "arm64"}[machine]
    zig("dlltool", "-m", kind, "-d", place.with_suffix(".def"), "-l", place)
    return place


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="nativeload-dlls-")
