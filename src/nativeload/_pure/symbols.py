"""The dynamic symbols that an ELF file defines and exports: all of them, or whether it has some by name.

A file without a hash table exports nothing: the dynamic linker would find nothing in it either.
"""

from __future__ import annotations

import os
import struct

from .elf import Elf, malformed
from .file import RegularFile
from .hashtables import hash_table
from .relocs import reached

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeVar

    _Fact = TypeVar("_Fact")

_BINDINGS = (1, 2, 10)  # STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE
_VISIBILITIES = (0, 3)  # STV_DEFAULT, STV_PROTECTED

# A sparse file has tables of any length.
_MAX_SYMBOLS = 1 << 22
_MAX_STRTAB = 256 << 20

# One name has a symbol per version.
_MAX_CANDIDATES = 1 << 12


def exports(path: str, /) -> list[str]:
    """The names of the defined, exported dynamic symbols of `path`, without versions, sorted, once each.

    Raises OSError when it cannot be read or is not a regular file, ValueError when it is not a whole ELF file.
    """
    with RegularFile(path) as file:
        names = Symbols(Elf(file)).names()
    return [os.fsdecode(name) for name in sorted(names)]


def exported(elf: Elf, names: tuple[str, ...]) -> tuple[bool, ...]:
    """For each of `names`, whether the file defines and exports it."""
    if not names:
        return ()
    symbols = Symbols(elf)
    return tuple(symbols.has(os.fsencode(name)) for name in names)


def _is_exported(entry: tuple[int, int, int, int]) -> bool:
    _, bind_type, other, section = entry
    return bool(section) and bind_type >> 4 in _BINDINGS and other & 3 in _VISIBILITIES


class Symbols:
    """DT_SYMTAB, and the hash table that says what is in it."""

    def __init__(self, elf: Elf) -> None:
        self._elf = elf
        self._shape = struct.Struct(elf.order + ("IIIBBH" if elf.elf_class == 32 else "IBBHQQ"))
        self._span = elf.table("DT_SYMTAB", "the symbol table")
        self._hash = hash_table(elf) if self._span else None

    def has(self, name: bytes) -> bool:
        if self._hash is None or not name or b"\0" in name:
            return False
        for tried, index in enumerate(self._hash.candidates(name)):
            if tried == _MAX_CANDIDATES:
                malformed(f"more than {_MAX_CANDIDATES} symbols that may be one")
            for offset in self._exported(index, index + 1):
                if self._elf.string_is(offset, name):
                    return True
        return False

    def names(self) -> set[bytes]:
        # the first symbol is none
        offsets = set(self._exported(1, self._count())) - {0} if self._hash else None
        return set(self._strings(sorted(offsets))) - {b""} if offsets else set()

    def defined(self) -> Iterator[tuple[bytes, int]]:
        """(name, index) of each symbol that is exported."""
        found = [
            (entry[0], index) for index, entry in enumerate(self._entries(1, self._count()), 1) if _is_exported(entry)
        ]
        return self._named(found)

    def undefined(self) -> Iterator[tuple[bytes, int, bool]]:
        """(name, index, weak) of what is left undefined; the GNU table has it before all that it hashes."""
        entries = enumerate(self._entries(1, self._ends()[0]), 1)
        found = [
            (name, (index, info >> 4 == 2))
            for index, (name, info, _, section) in entries
            if not section and info >> 4 in (1, 2)
        ]
        for name, (index, weak) in self._named(found):
            yield name, index, weak

    def versions(self) -> tuple[int, ...]:
        """What each symbol has for a version (DT_VERSYM); none where the file does not say."""
        span = self._elf.table("DT_VERSYM", "the versions of symbols")
        if span is None:
            return ()
        count = self._ends()[1]
        content = self._elf.read(span, 0, 2 * count, "the versions of symbols")
        return struct.unpack(f"{self._elf.order}{count}H", content)

    def _ends(self) -> tuple[int, int]:
        """Where what may be undefined ends, and where the symbols do."""
        count = self._count()
        first: int = getattr(self._hash, "first", -1)
        if 0 <= first < count:
            return first, count
        if first >= 0:  # an empty table does not say how many there are
            count = max(count, reached(self._elf))
        if count > _MAX_SYMBOLS:
            malformed(f"more than {_MAX_SYMBOLS} dynamic symbols")
        return count, count

    def _named(self, found: list[tuple[int, _Fact]]) -> Iterator[tuple[bytes, _Fact]]:
        names = self._strings([offset for offset, _ in found]) if found else ()
        return ((name, fact) for name, (_, fact) in zip(names, found, strict=True) if name)

    def _count(self) -> int:
        count = self._hash.count() if self._hash else 0
        if count > _MAX_SYMBOLS:
            malformed(f"more than {_MAX_SYMBOLS} dynamic symbols")
        return count

    def _strings(self, offsets: list[int]) -> Iterator[bytes]:
        start, size = self._elf.strings
        if size > _MAX_STRTAB:
            malformed(f"more than {_MAX_STRTAB} bytes of dynamic strings")
        strings = self._elf.file.read(start, size, "the string table ends")
        budget = 4 * size  # names share tails; a hostile table shares one huge tail a million times
        for offset in offsets:
            stop = strings.find(b"\0", offset)
            if stop < 0 or offset >= size:
                malformed("a symbol's name runs out of the string table")
            budget -= stop - offset
            if budget < 0:
                malformed("the symbols' names overlap beyond measure")
            yield strings[offset:stop]

    def _exported(self, first: int, end: int) -> Iterator[int]:
        """The names' offsets of those of a range of symbols that are defined and exported."""
        return (entry[0] for entry in self._entries(first, end) if _is_exported(entry))

    def _entries(self, first: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """(st_name, st_info, st_other, st_shndx) of a range of symbols."""
        if self._span is None or first >= end:
            return
        size = self._shape.size
        content = self._elf.read(self._span, first * size, (end - first) * size, "the symbol table")
        for fields in self._shape.iter_unpack(content):
            yield (fields[0], *(fields[1:4] if self._elf.elf_class == 64 else fields[3:6]))
