"""The smallest libraries that say what a test wants them to say, written without a compiler: thousands in a second."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MACHINE = 62  # x86-64: they are never loaded, and the rules of a test say so too
_HEADER, _SEGMENT, _ENTRY, _SYMBOL = 64, 56, 16, 24
_PT_LOAD, _PT_DYNAMIC = 1, 2
NEEDED, HASH, STRTAB, SYMTAB, STRSZ, SONAME, RPATH, RUNPATH = 1, 4, 5, 6, 10, 14, 15, 29
AUXILIARY, FILTER = 0x7FFFFFFD, 0x7FFFFFFF
_GLOBAL_FUNCTION, _DEFINED = 0x12, 1


def library(
    names: Sequence[tuple[int, str]] = (),
    *,
    exports: Sequence[str] = (),
    wants: Sequence[str] = (),
    machine: int = MACHINE,
) -> bytes:
    """A library of 64 bits: dynamic entries that name something, in order, and symbols in a table of DT_HASH.

    A name that occurs twice is in the file once.
    """
    strings, places = bytearray(b"\0"), {"": 0}
    for name in (*(name for _, name in names), *exports, *wants):
        if name not in places:
            places[name] = len(strings)
            strings += name.encode() + b"\0"
    count = 1 + len(exports) + len(wants)
    symbols = bytes(_SYMBOL)
    for name in exports:
        symbols += struct.pack("<IBBHQQ", places[name], _GLOBAL_FUNCTION, 0, _DEFINED, 64, 0)
    for name in wants:
        symbols += struct.pack("<IBBHQQ", places[name], _GLOBAL_FUNCTION, 0, 0, 0, 0)
    buckets = [0] * max(1, count // 2)
    chains = [0] * count
    for index, name in enumerate(exports, 1):
        bucket = _hash(name) % len(buckets)
        chains[index], buckets[bucket] = buckets[bucket], index
    table = struct.pack(f"<{2 + len(buckets) + count}I", len(buckets), count, *buckets, *chains)
    at_symbols = _HEADER + 2 * _SEGMENT
    at_table = at_symbols + len(symbols)
    at_strings = at_table + len(table)
    at_dynamic = -(-(at_strings + len(strings)) // 8) * 8
    entries = [(tag, places[name]) for tag, name in names]
    entries += [(STRTAB, at_strings), (STRSZ, len(strings)), (SYMTAB, at_symbols), (HASH, at_table), (0, 0)]
    dynamic = b"".join(struct.pack("<qQ", *entry) for entry in entries)
    size = at_dynamic + len(dynamic)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        *(b"\x7fELF\2\1\1", 3, machine, 1, 0, _HEADER, 0, 0, _HEADER, _SEGMENT, 2, 0, 0, 0),
    )
    segments = [(_PT_LOAD, 0, size), (_PT_DYNAMIC, at_dynamic, len(dynamic))]
    for kind, begin, length in segments:
        header += struct.pack("<IIQQQQQQ", kind, 5, begin, begin, begin, length, length, 8)
    return header + symbols + table + bytes(strings).ljust(at_dynamic - at_strings, b"\0") + dynamic


def _hash(name: str) -> int:
    """The hash of DT_HASH (the gABI)."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        value = (value ^ (value & 0xF0000000) >> 24) & 0x0FFFFFFF
    return value
