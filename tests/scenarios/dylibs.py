"""Dylibs of macOS, compiled here by zig, and what nativeload says dyld would map: nothing of them is ever run.

There is no dyld here. What is expected stands in each scenario, from the function of dyld's source that its line in
docs/explanation/linker-rules.md names; that a fixture holds what the scenario is about, LIEF says.
"""

from __future__ import annotations

import functools
import os
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platforms.facts import differences

from nativeload.linkers import stepwise
from nativeload.linkers.dyld import Dyld
from parts._cache import key_of
from parts.zig import zig
from scenarios.closures import relative

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nativeload.closure import Closure

LIBSYSTEM = "/usr/lib/libSystem.B.dylib"
KINDS = {"load": 0xC, "weak": 0x80000018, "reexport": 0x8000001F, "upward": 0x80000023}
_TARGETS = {"arm64": "aarch64-macos", "x86_64": "x86_64-macos"}
_CPUS = {"arm64": (0x100000C, 0), "x86_64": (0x1000007, 3), "x86_64h": (0x1000007, 8)}


def dylib(
    path: Path,
    source: str = "",
    *flags: str,
    install_name: str = "",
    needed: Iterable[str | tuple[str, str]] = (),
    rpaths: Iterable[str] = (),
    arch: str = "arm64",
    stubs: str = "",
) -> Path:
    """A dylib at `path`: `needed` are the very names of its load commands, or (name, kind), wherever such files may be.

    `stubs` is C text of what each of these gives when this one is linked. The install name is by default `@rpath/` and
    the file's name.
    """
    named = [one if isinstance(one, tuple) else (one, "load") for one in needed]
    words = [f"-Wl,-install_name,{install_name or f'@rpath/{path.name}'}", *(f"-Wl,-rpath,{one}" for one in rpaths)]
    linked = [_compiled(arch, stubs, (f"-Wl,-install_name,{name}",)) for name, _ in named]
    image = bytearray(_compiled(arch, source, (*words, *flags, *linked)).read_bytes())
    _arrange(image, named)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(image)
    return path


def patched(path: Path, *changes: tuple[int, bytes]) -> Path:
    """The file with some of its bytes changed."""
    image = bytearray(path.read_bytes())
    for place, content in changes:
        image[place : place + len(content)] = content
    path.write_bytes(image)
    return path


def built_with(path: Path, *, sdk: int = 0, min_os: int = 0, platform: int = 0) -> Path:
    """The file as if built with this SDK, for this least macOS, or for another platform (of LC_BUILD_VERSION)."""
    for place, number, _ in _commands(path.read_bytes()):
        if number == 0x32:
            changes = ((8, platform), (12, min_os << 16), (16, sdk << 16))
            patched(path, *((place + at, struct.pack("<I", value)) for at, value in changes if value))
    return path


def universal(path: Path, *slices: tuple[str, Path]) -> Path:
    """A universal file of these (architecture, file), in this order."""
    content, table, place = b"", b"", 0x4000
    for arch, one in slices:
        image = one.read_bytes()
        table += struct.pack(">IIIII", *_CPUS[arch], place, len(image), 14)
        padded = image + b"\0" * (-len(image) % 0x4000)
        content, place = content + padded, place + len(padded)
    head = struct.pack(">II", 0xCAFEBABE, len(slices)) + table
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head.ljust(0x4000, b"\0") + content)
    return path


def closure(
    root: Path, *, arch: str = "arm64", program: Path | str = "", env: Mapping[str, str] | None = None
) -> Closure:
    """What dyld would map for a file by nativeload; each file of it has the facts that LIEF tells."""
    found = stepwise.closure(Dyld(arch, program=os.fspath(program), environ=env), os.fspath(root))
    for image in found.images:
        if os.path.exists(image.path):
            assert differences(image.path)[1] == []
    return found


def mapped(
    root: Path, under: Path, *, arch: str = "arm64", program: Path | str = "", env: Mapping[str, str] | None = None
) -> list[str]:
    """The files that are mapped for a file: paths below `under` in their order, then "no NAME" for what is missing."""
    found = closure(root, arch=arch, program=program, env=env)
    edges = [edge for image in found.images for edge in image.needed]
    missing = [f"no {edge.name}" for edge in edges if edge.path is None and not edge.optional]
    assert bool(missing) == any(one.kind == "missing" for one in found.problems)
    paths = [image.path for image in found.images[1:] if image.path != LIBSYSTEM]
    return [*(relative(one, under) for one in paths), *missing]


def places(root: Path, name: str, under: Path, **asked: Any) -> list[str]:
    """What was looked at in vain for a name, and why where a file was refused: paths below `under`."""
    found = closure(root, **asked)
    edge = next(edge for image in found.images for edge in image.needed if edge.name == name)
    return [f"{relative(path, under)}{f': {why}' if why else ''}" for path, _, why in edge.tried]


def _arrange(image: bytearray, named: list[tuple[str, str]]) -> None:
    """Give the load commands of dylibs this order and kinds: zig has an order of its own, and one kind."""
    found = {
        bytes(image[place + 24 : place + size]).partition(b"\0")[0].decode(): (place, size)
        for place, number, size in _commands(image)
        if number == KINDS["load"]
    }
    found = {name: place for name, place in found.items() if name in dict(named)}
    assert len(found) == len(named)
    start = min((place for place, _ in found.values()), default=0)
    content = b"".join(
        struct.pack("<I", KINDS[kind]) + image[place + 4 : place + size]
        for (name, kind) in named
        for place, size in (found[name],)
    )
    assert all(start <= place < start + len(content) for place, _ in found.values())
    image[start : start + len(content)] = content


def _commands(image: bytes | bytearray) -> list[tuple[int, int, int]]:
    """(place, number, size) of each load command."""
    found, place = [], 32
    for _ in range(struct.unpack_from("<I", image, 16)[0]):
        number, size = struct.unpack_from("<II", image, place)
        found.append((place, number, size))
        place += size
    return found


@functools.cache
def _compiled(arch: str, source: str, words: tuple[str | Path, ...]) -> Path:
    place = Path(_folder().name) / f"{key_of(arch, source, *(os.fspath(one) for one in words))}.dylib"
    text = place.with_suffix(".c")
    text.write_text(source or "extern int nothing;", encoding="utf-8")
    zig("cc", "-target", _TARGETS[arch], "-shared", "-nostdlib", text, "-o", place, *words)
    return place


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="nativeload-dylibs-")
