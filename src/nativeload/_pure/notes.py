"""The notes of an ELF file that a loader asks for: the build id and the x86-64 level. A broken note is as if absent.

Read by hand: pyelftools takes a note's type for GNU's whoever owns it, and reads as many bytes as a note claims.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .elf import Elf

_NT_GNU_BUILD_ID = 3
_NT_GNU_PROPERTY_TYPE_0 = 5
_GNU_PROPERTY_X86_ISA_1_NEEDED = 0xC0008002
_EM_386, _EM_X86_64 = 3, 62

# Notes of libraries have some hundred bytes; those of core files have megabytes.
_MAX_NOTES = 1 << 16
_MAX_BUILD_ID = 256


def build_id(elf: Elf) -> str | None:
    """The hexadecimal digits of the first NT_GNU_BUILD_ID, None where there is none."""
    for kind, content in _gnu_notes(elf):
        if kind == _NT_GNU_BUILD_ID and 0 < len(content) <= _MAX_BUILD_ID:
            return content.hex()
    return None


def isa_needed(elf: Elf) -> int:
    """The x86-64 level that GNU_PROPERTY_X86_ISA_1_NEEDED asks for: bit n stands for level n + 1, also where
    there is no such level yet. 0 where not said.

    Source: the x86-64 psABI, "Program Property"; glibc's sysdeps/x86/dl-prop.h.
    """
    bits = 0
    if elf.machine in (_EM_386, _EM_X86_64):
        for kind, content in _gnu_notes(elf):
            if kind == _NT_GNU_PROPERTY_TYPE_0:
                for property_type, value in _properties(elf, content):
                    if property_type == _GNU_PROPERTY_X86_ISA_1_NEEDED and len(value) == 4:
                        bits |= struct.unpack(elf.order + "I", value)[0]
    return bits.bit_length()


def _properties(elf: Elf, content: bytes) -> Iterator[tuple[int, bytes]]:
    align = elf.elf_class // 8
    at = 0
    while at + 8 <= len(content):
        kind, size = struct.unpack_from(elf.order + "II", content, at)
        if at + 8 + size > len(content):
            return
        yield kind, content[at + 8 : at + 8 + size]
        at = _aligned(at + 8 + size, align)


def _gnu_notes(elf: Elf) -> Iterator[tuple[int, bytes]]:
    """(type, content) of the notes whose owner is GNU."""
    left = _MAX_NOTES
    for segment in elf.of_type("PT_NOTE", "PT_GNU_PROPERTY"):
        content = elf.file.read(segment.p_offset, min(segment.p_filesz, left), "the notes end")
        left -= len(content)
        # ELF64 notes are aligned to 4 bytes in practice; only property notes have segments aligned to 8
        align = 8 if segment.p_align == 8 else 4
        at = 0
        while at + 12 <= len(content):
            name_size, size, kind = struct.unpack_from(elf.order + "III", content, at)
            start = _aligned(at + 12 + name_size, align)
            if start + size > len(content):
                break
            if content[at + 12 : at + 12 + name_size] == b"GNU\0":
                yield kind, content[start : start + size]
            at = _aligned(start + size, align)


def _aligned(offset: int, align: int) -> int:
    return -(-offset // align) * align
