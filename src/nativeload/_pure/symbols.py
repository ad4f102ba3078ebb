"""The dynamic symbols that an ELF file defines and exports: all of them, or whether it has some by name.

The hash tables are read by hand: pyelftools parses every bucket of one into an object to answer one question.
A file without a hash table exports nothing: the dynamic linker would find nothing in it either.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from collections.abc import Iterator

from .elf import Elf, malformed
from .file import RegularFile

_BINDINGS = (1, 2, 10)  # STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE
_VISIBILITIES = (0, 3)  # STV_DEFAULT, STV_PROTECTED
_EM_S390, _EM_ALPHA = 22, 0x9026

# Chains have a handful of entries. One step of a chain costs 1 of this, a symbol that is looked at 64.
_MAX_STEPS = 1 << 20
_SYMBOL_STEPS = 64
_CHAIN_BLOCK = 64


def exports(path: str, /) -> list[str]:
    """The names of the defined, exported dynamic symbols of `path`, without versions, sorted, once each.

    Raises OSError when it cannot be read or is not a regular file, ValueError when it is not a whole ELF file.
    """
    with RegularFile(path) as file:
        elf = Elf(file)
        symbols = _Symbols(elf)
        return [os.fsdecode(name) for name in sorted(symbols.names(symbols.count()))]


def exported(elf: Elf, names: tuple[str, ...]) -> tuple[bool, ...]:
    """For each of `names`, whether the file defines and exports it."""
    if not names:
        return ()
    symbols = _Symbols(elf)
    return tuple(symbols.has(os.fsencode(name)) for name in names)


class _Symbols:
    """DT_SYMTAB and the hash table that says what is in it, of which glibc too prefers the GNU one."""

    def __init__(self, elf: Elf) -> None:
        self._elf = elf
        self._file = elf.file
        self._shape = struct.Struct(elf.order + ("IIIBBH" if elf.elf_class == 32 else "IBBHQQ"))
        self._gnu = elf.table("DT_GNU_HASH", "the GNU hash table")
        self._sysv = None if self._gnu else elf.table("DT_HASH", "the hash table")
        self._table = elf.table("DT_SYMTAB", "the symbol table")
        self._steps = _MAX_STEPS

    def has(self, name: bytes) -> bool:
        if self._table is None or not name or b"\0" in name:
            return False
        if self._gnu:
            candidates = self._gnu_candidates(name)
        elif self._sysv:
            candidates = self._sysv_candidates(name)
        else:
            return False
        for index in candidates:
            self._spend(_SYMBOL_STEPS)
            for offset in self._exported(self._symbols(index, index + 1)):
                if self._elf.string_is(offset, name):
                    return True
        return False

    def count(self) -> int:
        """How many symbols there are, as far as the hash table says."""
        if self._table is None:
            return 0
        if self._gnu:
            return self._gnu_count()
        return self._numbers(self._sysv[0], 2, self._word())[1] if self._sysv else 0

    def names(self, count: int) -> set[bytes]:
        """The names of the exported symbols among the first `count`, of which the very first is none."""
        offsets = set(self._exported(self._symbols(1, count))) - {0} if count > 1 else None
        if not offsets:
            return set()
        start, size = self._elf.strings
        strings = self._file.read(start, size, "the string table ends")
        budget = 4 * size  # names share tails; a hostile table shares one huge tail a million times
        names = set()
        for offset in offsets:
            stop = strings.find(b"\0", offset)
            if stop < 0 or offset >= size:
                malformed("a symbol's name runs out of the string table")
            budget -= stop - offset
            if budget < 0:
                malformed("the symbols' names overlap beyond measure")
            names.add(strings[offset:stop])
        return names - {b""}

    def _symbols(self, first: int, end: int) -> bytes:
        assert self._table is not None
        offset, room = self._table
        if end * self._shape.size > room:
            malformed("the symbol table lies outside the loadable segments")
        return self._file.read(
            offset + first * self._shape.size, (end - first) * self._shape.size, "the symbol table ends"
        )

    def _exported(self, content: bytes) -> Iterator[int]:
        """The names' offsets of those symbols that are defined and exported."""
        wide = self._elf.elf_class == 64
        for fields in self._shape.iter_unpack(content):
            section = fields[3] if wide else fields[5]
            bind_type, other = fields[1:3] if wide else fields[3:5]
            if section and bind_type >> 4 in _BINDINGS and other & 3 in _VISIBILITIES:
                yield fields[0]

    def _gnu_candidates(self, name: bytes) -> Iterator[int]:
        """As do_lookup_x of glibc's elf/dl-lookup.c."""
        from elftools.elf.hash import GNUHashTable

        at, buckets, first, blooms, shift = self._gnu_header()
        bits = self._elf.elf_class
        hashed = GNUHashTable.gnu_hash(name)
        (bloom,) = self._numbers(at + hashed // bits % blooms * bits // 8, 1, bits // 8)
        if not buckets or not (bloom >> hashed % bits) & (bloom >> (hashed >> shift) % bits) & 1:
            return
        at += blooms * bits // 8
        (index,) = self._numbers(at + hashed % buckets * 4, 1, 4)
        if not index:
            return
        if index < first:
            malformed("a hash bucket holds a symbol that is not hashed")
        for value in self._chain(at + buckets * 4, index - first):
            if (value ^ hashed) >> 1 == 0:
                yield index
            index += 1

    def _gnu_header(self) -> tuple[int, int, int, int, int]:
        """(offset of what follows, buckets, first hashed symbol, words of the Bloom filter, its shift)."""
        assert self._gnu is not None
        buckets, first, blooms, shift = self._numbers(self._gnu[0], 4, 4)
        if not blooms:
            malformed("a symbol hash table without a filter")
        return self._gnu[0] + 16, buckets, first, blooms, shift

    def _chain(self, table: int, index: int) -> Iterator[int]:
        """The hash values from `index` on to the one that says it is the last."""
        assert self._gnu is not None
        end = sum(self._gnu)
        while True:
            at = table + index * 4
            if at + 4 > end:
                malformed("a chain of the GNU hash table has no end")
            count = min(_CHAIN_BLOCK, (end - at) // 4)
            for value in self._numbers(at, count, 4):
                self._spend(1)
                yield value
                if value & 1:
                    return
            index += count

    def _gnu_count(self) -> int:
        """The table does not say it, but its last chain ends with the last symbol."""
        at, buckets, first, blooms, _ = self._gnu_header()
        at += blooms * self._elf.elf_class // 8
        last = max(self._numbers(at, buckets, 4), default=0)
        if last < first:
            return first
        return last + sum(1 for _ in self._chain(at + buckets * 4, last - first))

    def _sysv_candidates(self, name: bytes) -> Iterator[int]:
        from elftools.elf.hash import ELFHashTable

        assert self._sysv is not None
        start, word = self._sysv[0], self._word()
        buckets = self._numbers(start, 2, word)[0]
        if not buckets:
            return
        at = start + (2 + ELFHashTable.elf_hash(name) % buckets) * word
        (index,) = self._numbers(at, 1, word)
        while index:
            self._spend(1)
            yield index
            (index,) = self._numbers(start + (2 + buckets + index) * word, 1, word)

    def _word(self) -> int:
        # the two ABIs whose DT_HASH is of 64-bit words
        return 8 if self._elf.elf_class == 64 and self._elf.machine in (_EM_S390, _EM_ALPHA) else 4

    def _numbers(self, offset: int, count: int, size: int) -> array[int]:
        numbers = array("I" if size == 4 else "Q", self._file.read(offset, count * size, "the symbol hash table ends"))
        if self._elf.byteorder != sys.byteorder:
            numbers.byteswap()
        return numbers

    def _spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            malformed("a chain of a hash table is too long")
