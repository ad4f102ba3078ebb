"""Faults that are put into healthy wheels of macOS and Windows, and what `--check` must say of each.

Nothing of them is loaded, but on Windows what Wine can load without a Python: `loads`, which then must fail.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lief

from nativeload.formats import macho
from scenarios.dlls import dll
from scenarios.dylibs import built_with, dylib, patched, universal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Damage = Callable[[Path], object]

MAC, WINDOWS = "macosx_11_0_arm64", "win_amd64"
_LIBS = {MAC: "shapely/.dylibs", WINDOWS: "shapely.libs"}
_GEOS, _GEOS_C, _LIB = "libgeos.", "libgeos_c.", "shapely/lib."


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is done to shapely's wheel of a platform; `kind` is "" for what is no fault."""

    name: str
    platform: str
    damage: Damage
    kind: str = ""
    image: str = ""
    says: str = ""
    loads: str = ""
    severity: str = "error"


def find(site: Path, start: str) -> Path:
    """The file whose path below the site, or whose name, begins like this."""
    files = [one for one in sorted(site.rglob("*")) if one.suffix in (".so", ".dylib", ".dll", ".pyd")]
    return next(one for one in files if f"/{start}" in f"/{one.relative_to(site)}")


def _remove(start: str) -> Damage:
    return lambda site: find(site, start).unlink()


def _rename(start: str) -> Damage:
    return lambda site: (path := find(site, start)).rename(path.with_name(f"other-{path.name}"))


def _move(platform: str) -> Damage:
    return lambda site: shutil.move(site / _LIBS[platform], site / "elsewhere")


def _cut(start: str, length: int) -> Damage:
    return lambda site: (path := find(site, start)).write_bytes(path.read_bytes()[:length])


def _write(start: str, content: bytes) -> Damage:
    return lambda site: find(site, start).write_bytes(content)


def _directory(start: str) -> Damage:
    def damage(site: Path) -> None:
        path = find(site, start)
        path.unlink()
        path.mkdir()

    return damage


def _copy(source: str, target: str) -> Damage:
    return lambda site: shutil.copy(find(site, source), find(site, target))


def _replace(start: str, old: bytes, new: bytes) -> Damage:
    """Another text of the same length."""
    assert len(old) == len(new)
    return lambda site: (path := find(site, start)).write_bytes(path.read_bytes().replace(old, new))


def _patch(start: str, *changes: tuple[int, bytes]) -> Damage:
    return lambda site: patched(find(site, start), *changes)


def _relink(start: str, name: str, rpath: str) -> Damage:
    """The library that begins like `name` is needed by @rpath, which is this."""

    def damage(site: Path) -> None:
        path = find(site, start)
        fat: Any = lief.MachO.parse(path.as_posix())
        binary = fat[0]
        for one in binary.libraries:
            if f"/{name}" in str(one.name):
                one.name = f"@rpath/{str(one.name).rpartition('/')[2]}"
        if rpath:
            binary.add(lief.MachO.RPathCommand.create(rpath))
        binary.write(path.as_posix())

    return damage


def _too_new(site: Path) -> None:
    built_with(find(site, _GEOS), min_os=99)


def _machine(start: str, number: bytes) -> Damage:
    """Another machine in the header of a PE file."""

    def damage(site: Path) -> None:
        path = find(site, start)
        place = int.from_bytes(path.read_bytes()[0x3C:0x40], "little") + 4
        patched(path, (place, number))

    return damage


def _no_sound_exports(site: Path) -> None:
    path = find(site, _GEOS)
    place, size = macho.read(path.as_posix()).slices[0].exports_at
    patched(path, (place, b"\xff" * size))


def _intel_only(site: Path) -> None:
    path = find(site, _GEOS)
    universal(path, ("x86_64", dylib(site.parent / "intel", arch="x86_64")))


def _without_patch(site: Path) -> None:
    for path in site.rglob("*.py"):
        path.write_bytes(path.read_bytes().replace(b"add_dll_directory", b"add_nothing_there"))


def _mac(name: str, damage: Damage, kind: str = "", image: str = "", says: str = "") -> Fault:
    return Fault(name=f"mac-{name}", platform=MAC, damage=damage, kind=kind, image=image, says=says)


def _windows(name: str, damage: Damage, kind: str = "", image: str = "", says: str = "", loads: str = "") -> Fault:
    return Fault(
        name=f"windows-{name}", platform=WINDOWS, damage=damage, kind=kind, image=image, says=says, loads=loads
    )


_G, _C = "geos-", "geos_c-"
FAULTS = [
    _mac("removed", _remove(_GEOS), "missing", _GEOS_C, "needs @loader_path/libgeos."),
    _mac("removed-deeper", _remove(_GEOS_C), "missing", _LIB, "needs @loader_path/.dylibs/libgeos_c."),
    _mac("renamed", _rename(_GEOS), "missing", _GEOS_C, "needs @loader_path/libgeos."),
    _mac("moved", _move(MAC), "missing", _LIB, "needs @loader_path/.dylibs/libgeos_c."),
    _mac(
        "needs-another-name", _replace(_LIB, b".dylibs/libgeos_c", b".dylibs/libgeos_x"), "missing", _LIB, "libgeos_x"
    ),
    _mac(
        "rpath-elsewhere", _relink(_GEOS_C, "libgeos.", "@loader_path/lib"), "missing", _GEOS_C, "needs @rpath/libgeos."
    ),
    _mac("rpath-cut", _relink(_GEOS_C, "libgeos.", ""), "missing", _GEOS_C, "needs @rpath/libgeos."),
    _mac("relative", _replace(_LIB, b"@loader_path/.dylibs", b"./oader_path/.dylibs"), "missing", _LIB, "relative to"),
    _mac(
        "build-path", _replace(_LIB, b"@loader_path/.dylibs", b"/opt/homebrew/xxxlib"), "missing", _LIB, "/opt/homebrew"
    ),
    _mac("machine", _patch(_GEOS, (4, b"\7\0\0\1\3")), "missing", _GEOS_C, "needs @loader_path/libgeos."),
    _mac("universal-without", _intel_only, "missing", _GEOS_C, "needs @loader_path/libgeos."),
    _mac("platform", lambda site: built_with(find(site, _GEOS), platform=2), "missing", _GEOS_C, "libgeos."),
    _mac("bundle", _patch(_GEOS, (12, b"\x08")), "missing", _GEOS_C, "needs @loader_path/libgeos."),
    _mac("truncated", _cut(_GEOS, 5000), "format", _GEOS, "is truncated"),
    _mac("empty", _write(_GEOS, b""), "missing", _GEOS_C, "needs @loader_path/libgeos."),
    _mac("text", _write(_GEOS, b"version https://git-lfs"), "missing", _GEOS_C, "needs @loader_path/libgeos."),
    _mac("elf", _write(_GEOS, b"\x7fELF" + bytes(60)), "missing", _GEOS_C, "needs @loader_path/libgeos."),
    _mac("directory", _directory(_GEOS), "missing", _GEOS_C, "needs @loader_path/libgeos."),
    _mac("symbol", _copy(_GEOS, _GEOS_C), "symbol", _LIB, "does not export it"),
    _mac("exports", _no_sound_exports, "format", _GEOS, "exports trie"),
    _mac("module-truncated", _cut(_LIB, 5000), "format", _LIB, "is truncated"),
    _mac("module-of-another-machine", _patch(_LIB, (4, b"\7\0\0\1\3")), "machine", _LIB, "is for x86_64"),
    Fault(
        name="mac-too-new",
        platform=MAC,
        damage=_too_new,
        kind="machine",
        image=_GEOS,
        says="is built for macOS 99.0",
        severity="warning",
    ),
    _windows("removed", _remove(_G), "missing", _C, "needs geos-", loads=_C),
    _windows("removed-deeper", _remove(_C), "missing", _LIB, "needs geos_c-"),
    _windows("runtime-removed", _remove("msvcp140-"), "missing", _G, "needs msvcp140-", loads=_C),
    _windows("renamed", _rename(_G), "missing", _C, "needs geos-", loads=_C),
    _windows("moved", _move(WINDOWS), "missing", _LIB, "needs geos_c-"),
    _windows("no-add_dll_directory", _without_patch, "missing", _LIB, "needs geos_c-"),
    _windows("needs-another-name", _replace(_LIB, b"geos_c-", b"geos_x-"), "missing", _LIB, "needs geos_x-"),
    _windows("32-bits", _machine(_G, b"\x4c\x01"), "missing", _C, "needs geos-", loads=_C),
    _windows("arm64", _machine(_G, b"\x64\xaa"), "fatal", _C, "is for arm64", loads=_C),
    _windows("truncated", _cut(_G, 5000), "fatal", _C, "is truncated", loads=_C),
    _windows("empty", _write(_G, b""), "fatal", _C, "not a PE file", loads=_C),
    _windows("text", _write(_G, b"version https://git-lfs"), "fatal", _C, "not a PE file", loads=_C),
    _windows("elf", _write(_G, b"\x7fELF" + bytes(60)), "fatal", _C, "not a PE file", loads=_C),
    _windows("symbol", _copy("msvcp140-", _C), "symbol", _LIB, "does not export it"),
    _windows("module-truncated", _cut(_LIB, 5000), "format", _LIB, "is truncated"),
    _windows("module-of-another-machine", _machine(_LIB, b"\x64\xaa"), "machine", _LIB, "is for arm64"),
]
HARMLESS = [
    _mac("nothing", lambda site: None),
    _mac("install-name", _replace(_GEOS, b"/DLC/shapely/.dylibs/libgeos.", b"/DLX/shapely/.dylibs/libgeos.")),
    _mac("rpath", _relink(_GEOS_C, "libgeos.", "@loader_path")),
    _mac("another-python", _rename("shapely/_geos.")),
    _windows("nothing", lambda site: None, loads=_C),
    _windows("in-capitals", _replace(_LIB, b"geos_c-", b"GEOS_C-")),
    _windows("delayed", lambda site: dll(site / "shapely.libs" / "x.dll", delayed=["nothing.dll"]), loads="x.dll"),
]
