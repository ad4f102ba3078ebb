"""The two kinds of table by which the dynamic linker finds a symbol's name: DT_GNU_HASH and DT_HASH.

Read by hand: pyelftools makes an object of every bucket to answer one question, and follows a chain for ever.
Formats: https://flapenguin.me/elf-dt-gnu-hash and https://gabi.xinuos.com.
"""

from __future__ import annotations

import struct

from .elf import malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .elf import Elf

_EM_S390, _EM_ALPHA = 22, 0x9026

# Real chains have a handful of entries.
_MAX_CHAIN = 1 << 16
_CHAIN_BLOCK = 64
_BUCKET_BLOCK = 1 << 16
_MAX_SYMBOLS = 1 << 22


def hash_table(elf: Elf) -> GnuHash | SysvHash | None:
    """The table that glibc would use: the GNU one where there are both."""
    gnu = elf.table("DT_GNU_HASH", "the symbol hash table")
    if gnu:
        return GnuHash(elf, gnu)
    sysv = elf.table("DT_HASH", "the symbol hash table")
    return SysvHash(elf, sysv) if sysv else None


class _Words:
    """The numbers of a table, in the file's byte order, each read where it is asked for."""

    def __init__(self, elf: Elf, span: tuple[int, int]) -> None:
        self._elf = elf
        self._span = span

    def numbers(self, at: int, count: int, size: int = 4) -> tuple[int, ...]:
        content = self._elf.read(self._span, at, count * size, "the symbol hash table")
        return struct.unpack(f"{self._elf.order}{count}{'I' if size == 4 else 'Q'}", content)

    def room(self, at: int) -> int:
        """The bytes that there are from `at` on."""
        return self._span[1] - at


class GnuHash:
    """DT_GNU_HASH, searched as do_lookup_x of glibc's elf/dl-lookup.c does."""

    def __init__(self, elf: Elf, span: tuple[int, int]) -> None:
        self._words = _Words(elf, span)
        self._bits = elf.elf_class
        self._bucket_count, self.first, self._bloom_count, self._bloom_shift = self._words.numbers(0, 4)
        if not self._bloom_count:
            malformed("a symbol hash table without a filter")
        self._buckets = 16 + self._bloom_count * self._bits // 8
        self._chains = self._buckets + self._bucket_count * 4

    def candidates(self, name: bytes) -> Iterator[int]:
        """The indices of the symbols that may have this name."""
        from elftools.elf.hash import GNUHashTable

        bits, hashed = self._bits, GNUHashTable.gnu_hash(name)
        (bloom,) = self._words.numbers(16 + hashed // bits % self._bloom_count * bits // 8, 1, bits // 8)
        passes = (bloom >> hashed % bits) & (bloom >> (hashed >> self._bloom_shift) % bits) & 1
        if not passes or not self._bucket_count:
            return
        (index,) = self._words.numbers(self._buckets + hashed % self._bucket_count * 4, 1)
        if not index:
            return
        if index < self.first:
            malformed("a hash bucket holds a symbol that is not hashed")
        for step, value in enumerate(self._chain(index)):
            if step == _MAX_CHAIN:
                malformed(f"more than {_MAX_CHAIN} symbols in one hash chain")
            if (value ^ hashed) >> 1 == 0:
                yield index + step

    def count(self) -> int:
        """How many symbols there are. The table does not say it, but its last chain ends with the last symbol."""
        last = 0
        if self._bucket_count > _MAX_SYMBOLS:
            malformed(f"more than {_MAX_SYMBOLS} buckets of symbols")
        for start in range(0, self._bucket_count, _BUCKET_BLOCK):
            block = min(_BUCKET_BLOCK, self._bucket_count - start)
            last = max(last, *self._words.numbers(self._buckets + start * 4, block))
        if last < self.first:
            return self.first
        for _ in self._chain(last):
            last += 1
            if last > _MAX_SYMBOLS:
                malformed(f"more than {_MAX_SYMBOLS} dynamic symbols")
        return last

    def _chain(self, index: int) -> Iterator[int]:
        """The hash values from that of a symbol on, to the one that says it is the last."""
        at = self._chains + (index - self.first) * 4
        while True:
            count = max(1, min(_CHAIN_BLOCK, self._words.room(at) // 4))
            for value in self._words.numbers(at, count):
                yield value
                if value & 1:
                    return
            at += count * 4


class SysvHash:
    """DT_HASH."""

    def __init__(self, elf: Elf, span: tuple[int, int]) -> None:
        self._words = _Words(elf, span)
        # s390x and Alpha have tables of 64-bit words
        self._size = 8 if elf.elf_class == 64 and elf.machine in (_EM_S390, _EM_ALPHA) else 4
        self._bucket_count, self._chain_count = self._words.numbers(0, 2, self._size)

    def candidates(self, name: bytes) -> Iterator[int]:
        """The indices of the symbols that may have this name."""
        from elftools.elf.hash import ELFHashTable

        if not self._bucket_count:
            return
        index = self._word(2 + ELFHashTable.elf_hash(name) % self._bucket_count)
        for _ in range(_MAX_CHAIN):
            if not index:
                return
            yield index
            index = self._word(2 + self._bucket_count + index)
        malformed(f"more than {_MAX_CHAIN} symbols in one hash chain")

    def count(self) -> int:
        """How many symbols there are."""
        return self._chain_count

    def _word(self, index: int) -> int:
        return self._words.numbers(index * self._size, 1, self._size)[0]
