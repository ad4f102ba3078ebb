"""Every ELF file below some directories, and which kind each is: as much of its headers as the linker is asked by.

Written apart from nativeload's readers, and with no part of them, because what rests on it judges them.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["program", "library", "extension", "static", "object", "debug", "foreign", "damaged"]

_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NEEDED, _DT_STRTAB, _DT_SONAME, _DT_FLAGS_1 = 1, 5, 14, 0x6FFFFFFB
_DF_1_PIE = 0x08000000
_ET_EXEC, _ET_DYN = 2, 3
_LITTLE, _CLASS_64 = 1, 2
# What an import statement takes for an extension module, and the folder of those whose names say nothing.
_EXTENSION = re.compile(r"(\.cpython-\d+[^/]*|\.abi3|/lib-dynload/[^/]+)\.so$")
_MACHINES = {"x86_64": 62, "aarch64": 183, "riscv64": 243, "ppc64le": 21, "s390x": 22}
MACHINE = _MACHINES.get(os.uname().machine, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ElfFile:
    """One file. `needed` holds its DT_NEEDED as they are written; `interpreter` is "" where it names none."""

    path: Path
    kind: Kind
    interpreter: str = ""
    soname: str = ""
    needed: tuple[str, ...] = ()


def elf_files(*directories: Path, machine: int = MACHINE) -> Iterator[ElfFile]:
    """Every ELF file below these directories, by path: no symlinks, and of several names of an inode the first.

    `foreign` is what is not of this machine, which is one of 64 bits; `debug`, separate debugging symbols.
    """
    seen: set[tuple[int, int]] = set()
    for directory in directories:
        for folder, folders, names in os.walk(os.path.realpath(directory)):
            folders.sort()
            for name in sorted(names):
                path = Path(folder, name)
                status = path.lstat()
                identity = status.st_dev, status.st_ino
                if stat.S_ISREG(status.st_mode) and identity not in seen and _is_elf(path):
                    seen.add(identity)
                    yield read(path, machine)


def _is_elf(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"\x7fELF"
    except OSError:
        return False


def read(path: Path, machine: int = MACHINE) -> ElfFile:
    """The kind of one ELF file."""
    with open(path, "rb") as file:
        head = file.read(64)
        if len(head) < 64 or head[4] != _CLASS_64 or head[5] != _LITTLE:
            return ElfFile(path=path, kind="foreign" if len(head) >= 20 else "damaged")
        file_type, file_machine = struct.unpack_from("<HH", head, 16)
        if file_machine != machine:
            return ElfFile(path=path, kind="foreign")
        if file_type not in (_ET_EXEC, _ET_DYN):
            return ElfFile(path=path, kind="object")
        try:
            return _program_or_library(path, file.fileno(), head, file_type)
        except (struct.error, ValueError):
            return ElfFile(path=path, kind="damaged")


def _program_or_library(path: Path, descriptor: int, head: bytes, file_type: int) -> ElfFile:
    offset, size, count = *struct.unpack_from("<Q", head, 32), *struct.unpack_from("<HH", head, 54)
    table = os.pread(descriptor, size * count, offset)
    segments = [struct.unpack_from("<IIQQQQ", table, size * index) for index in range(count)]
    interpreter = ""
    dynamic: dict[int, list[int]] = {}
    for segment, _, begin, _, _, length in segments:
        if segment == _PT_INTERP:
            interpreter = os.fsdecode(os.pread(descriptor, length, begin).rstrip(b"\0"))
        elif segment == _PT_DYNAMIC:
            content = os.pread(descriptor, length, begin)
            for tag, value in struct.iter_unpack("<qQ", content[: len(content) // 16 * 16]):
                if tag == 0:
                    break
                dynamic.setdefault(tag, []).append(value)
            if not any(dynamic):
                return ElfFile(path=path, kind="debug")  # which has the segments, without what is in them

    def text(tag: int) -> tuple[str, ...]:
        strings = dynamic[_DT_STRTAB][0] if tag in dynamic else 0
        return tuple(_string(descriptor, segments, strings + value) for value in dynamic.get(tag, ()))

    needed, soname = text(_DT_NEEDED), "".join(text(_DT_SONAME))
    is_pie = bool(dynamic.get(_DT_FLAGS_1, [0])[0] & _DF_1_PIE)
    kind: Kind = "extension" if _EXTENSION.search(os.fspath(path)) else "library"
    # libc.so.6 names an interpreter, and is a library; a PIE linked before DF_1_PIE was is told by having no soname.
    if file_type == _ET_EXEC or is_pie or (interpreter and not soname):
        kind = "program" if interpreter else "static"
    return ElfFile(path=path, kind=kind, interpreter=interpreter, soname=soname, needed=needed)


def _string(descriptor: int, segments: list[tuple[int, ...]], address: int) -> str:
    for segment, _, begin, start, _, length in segments:
        if segment == _PT_LOAD and start <= address < start + length:
            content = os.pread(descriptor, 4096, begin + address - start)
            return os.fsdecode(content[: content.index(b"\0")])
    raise ValueError
