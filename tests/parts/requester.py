"""A program that needs one file and does nothing, made of nothing: by it, the linker is asked what a library brings.

Written as the ELF specification lays a program out, because a compiler's would need libraries of its own.
"""

from __future__ import annotations

import os
import struct

_BASE = 0x400000
_PAGE = 0x10000  # the largest of any machine
_HEADER, _SEGMENT, _ENTRY, _SYMBOL = 64, 56, 16, 24
_PT_LOAD, _PT_DYNAMIC, _PT_INTERP = 1, 2, 3
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_SYMTAB, _DT_STRSZ, _DT_SYMENT = 0, 1, 5, 6, 10, 11


def requester(needed: str, interpreter: str, machine: int) -> bytes:
    """The program's file: ELF of 64 bits, little-endian, with one DT_NEEDED. It must not be run, only traced."""
    strings = b"\0" + os.fsencode(interpreter) + b"\0" + os.fsencode(needed) + b"\0"
    at_needed = len(os.fsencode(interpreter)) + 2
    at_dynamic = _HEADER + 3 * _SEGMENT
    at_symbols = at_dynamic + 6 * _ENTRY
    at_strings = at_symbols + _SYMBOL
    size = at_strings + len(strings)
    dynamic = (
        (_DT_NEEDED, at_needed),
        (_DT_STRTAB, _BASE + at_strings),
        (_DT_STRSZ, len(strings)),
        (_DT_SYMTAB, _BASE + at_symbols),
        (_DT_SYMENT, _SYMBOL),
        (_DT_NULL, 0),
    )
    segments = (
        (_PT_INTERP, at_strings + 1, at_needed - 1),
        (_PT_LOAD, 0, size),
        (_PT_DYNAMIC, at_dynamic, 6 * _ENTRY),
    )
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        *(b"\x7fELF\2\1\1", 2, machine, 1, _BASE, _HEADER, 0, 0, _HEADER, _SEGMENT, len(segments), 0, 0, 0),
    )
    return b"".join(
        [
            header,
            *(
                struct.pack("<IIQQQQQQ", kind, 7, begin, _BASE + begin, _BASE + begin, length, length, align)
                for kind, begin, length in segments
                for align in [_PAGE if kind == _PT_LOAD else 1]
            ),
            *(struct.pack("<qQ", tag, value) for tag, value in dynamic),
            bytes(_SYMBOL),
            strings,
        ]
    )
