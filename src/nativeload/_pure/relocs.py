"""How many symbols a file's relocations reach: those that the linker will look for."""

from __future__ import annotations

import struct

from .elf import malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .elf import Elf

_DT_RELA = 7
_MAX_RELOCS = 256 << 20  # bytes of one table
_TABLES = (("DT_RELA", "DT_RELASZ"), ("DT_REL", "DT_RELSZ"), ("DT_JMPREL", "DT_PLTRELSZ"))


def reached(elf: Elf) -> int:
    """One more than the last symbol that DT_RELA, DT_REL or DT_JMPREL names."""
    count = 0
    word, symbol = (8, 32) if elf.elf_class == 64 else (4, 8)
    for tag, size_tag in _TABLES:
        span, size = elf.table(tag, "the relocations"), elf.dynamic.get(size_tag, 0)
        if span is None or not size:
            continue
        if size > _MAX_RELOCS:
            malformed(f"more than {_MAX_RELOCS} bytes of relocations")
        addends = tag == "DT_RELA" or (tag == "DT_JMPREL" and elf.dynamic.get("DT_PLTREL") == _DT_RELA)
        entry = word * (3 if addends else 2)
        content = elf.read(span, 0, size - size % entry, "the relocations")
        for fields in struct.iter_unpack(elf.order + ("Q" if word == 8 else "I") * (3 if addends else 2), content):
            count = max(count, (fields[1] >> symbol) + 1)
    return count
