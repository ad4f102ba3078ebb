"""ELF files made wrong in one place: little-endian, 64 bits, everything else left as it is.

A string is replaced by one of the same length, because others may share its end. Written apart from nativeload's
readers, because what is made here judges them.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PT_LOAD, PT_DYNAMIC, PT_NOTE = 1, 2, 4
DT_NEEDED, DT_STRTAB, DT_STRSZ, DT_SONAME, DT_RPATH, DT_RUNPATH = 1, 5, 10, 14, 15, 29
DT_RELACOUNT, DT_FLAGS_1, DT_VERNEED, DT_VERDEF = 0x6FFFFFF9, 0x6FFFFFFB, 0x6FFFFFFE, 0x6FFFFFFC
# Of the range for operating systems, and nobody's: no linker looks at it.
NO_TAG = 0x6FFF0000
AARCH64 = 183
_EI_OSABI, _E_TYPE, _E_MACHINE = 7, 16, 18
_ISA_1_NEEDED, _V5 = 0xC0008002, 0b11111


class Patch:
    """The content of one file, to be changed and written."""

    def __init__(self, path: Path) -> None:
        self._content = bytearray(path.read_bytes())
        self._headers, self._size, self._count = (*self._read("<Q", 32), *self._read("<HH", 54))
        (self._dynamic,) = [begin for _, kind, begin, _, _ in self._segments() if kind == PT_DYNAMIC]

    def _read(self, form: str, at: int) -> tuple[int, ...]:
        return struct.unpack_from(form, self._content, at)

    def _segments(self) -> Iterator[tuple[int, int, int, int, int]]:
        """(place of its header, type, offset, address, size in the file)."""
        for at in range(self._headers, self._headers + self._size * self._count, self._size):
            kind, _, begin, address, _, length = self._read("<IIQQQQ", at)
            yield at, kind, begin, address, length

    def _tags(self) -> Iterator[tuple[int, int, int]]:
        """(place, tag, value)."""
        at = self._dynamic
        while (entry := self._read("<qQ", at))[0]:
            yield at, entry[0], entry[1]
            at += 16

    def _offset(self, address: int) -> int:
        for _, kind, begin, start, length in self._segments():
            if kind == PT_LOAD and start <= address < start + length:
                return begin + address - start
        raise ValueError(f"{address:#x} is in no segment")

    def _value(self, wanted: int) -> int:
        (value,) = [value for _, tag, value in self._tags() if tag == wanted]
        return value

    def rename(self, old: str, new: str) -> Patch:
        """Replace a string of the dynamic string table: of a name, a path, a symbol, or a version."""
        assert len(old) == len(new)
        begin = self._offset(self._value(DT_STRTAB))
        whole = b"\0" + os.fsencode(old) + b"\0"
        at = self._content.index(whole, begin, begin + self._value(DT_STRSZ))
        self._content[at : at + len(whole)] = b"\0" + os.fsencode(new) + b"\0"
        return self

    def rename_version(self, old: str, new: str) -> Patch:
        """Replace the name of a symbol version, and its hash wherever the version is needed or defined."""
        self.rename(old, new)
        for tag, size in ((DT_VERNEED, 16), (DT_VERDEF, 20)):
            for _, found, value in self._tags():
                if found == tag:
                    self._rehash(self._offset(value), size, hash_of(old), hash_of(new))
        return self

    def _rehash(self, at: int, size: int, old: int, new: int) -> None:
        """In Elf64_Verneed's list, of which each has a list of names, or Elf64_Verdef's, which has the hash itself."""
        while True:
            if size == 16:
                _, count, _, inner, following = self._read("<HHIII", at)
                entry = at + inner
                for _ in range(count):
                    self._replace(entry, old, new)
                    entry += self._read("<I", entry + 12)[0]
            else:
                self._replace(at + 8, old, new)
                (following,) = self._read("<I", at + 16)
            if not following:
                return
            at += following

    def _replace(self, at: int, old: int, new: int) -> None:
        if self._read("<I", at)[0] == old:
            struct.pack_into("<I", self._content, at, new)

    def retag(self, old: int, new: int, value: int | None = None) -> Patch:
        """Make another tag of an entry of the dynamic section, with its value or a new one."""
        place, before = next((at, value) for at, tag, value in self._tags() if tag == old)
        struct.pack_into("<qQ", self._content, place, new, before if value is None else value)
        return self

    def flags_1(self, flag: int) -> Patch:
        """Set flags of DT_FLAGS_1, in the place of DT_RELACOUNT, which is a mere hint, where there is none."""
        for at, tag, value in self._tags():
            if tag == DT_FLAGS_1:
                struct.pack_into("<qQ", self._content, at, tag, value | flag)
                return self
        return self.retag(DT_RELACOUNT, DT_FLAGS_1, flag)

    def level_5(self) -> Patch:
        """Say that a CPU of x86-64-v5 is needed, which none is, in the place of the build ID, or of whatever the first note says."""
        property_ = struct.pack("<III4sIIII", 4, 16, 5, b"GNU\0", _ISA_1_NEEDED, 4, _V5, 0)
        header, begin, address = next((at, b, a) for at, kind, b, a, _ in self._segments() if kind == PT_NOTE)
        shift = -begin % 8
        self._content[begin + shift : begin + shift + len(property_)] = property_
        place = (begin + shift, address + shift, address + shift, len(property_), len(property_), 8)
        struct.pack_into("<IIQQQQQQ", self._content, header, PT_NOTE, 4, *place)
        return self

    def header(self, *, type: int | None = None, machine: int | None = None, osabi: int | None = None) -> Patch:
        """Change e_type, e_machine or EI_OSABI."""
        for form, at, value in (("<H", _E_TYPE, type), ("<H", _E_MACHINE, machine), ("<B", _EI_OSABI, osabi)):
            if value is not None:
                struct.pack_into(form, self._content, at, value)
        return self

    def __bytes__(self) -> bytes:
        return bytes(self._content)


def hash_of(name: str) -> int:
    """The hash of a symbol version's name (System V ABI, "Hash Table")."""
    value = 0
    for byte in os.fsencode(name):
        value = (value << 4) + byte
        value ^= (value >> 24) & 0xF0
        value &= 0xFFFFFFF
    return value
