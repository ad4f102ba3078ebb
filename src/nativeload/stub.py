"""An ELF file that has nothing but names, for the linker to follow them; written into memory of this process alone
(memfd_create(2)), so there is no file that others could change before it is loaded.
"""

import os
import struct

from nativeload import core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# elf.h: e_machine of those it is written for; program headers; dynamic tags
MACHINES = (62, 183)
_PT_LOAD, _PT_DYNAMIC, _PT_GNU_STACK = 1, 2, 0x6474E551
_NEEDED, _HASH, _STRTAB, _SYMTAB, _STRSZ, _SYMENT, _SONAME, _RUNPATH = 1, 4, 5, 6, 10, 11, 14, 29
_VERSYM, _VERDEF, _VERDEFNUM = 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD
_PAGE = 0x10000  # the largest that aarch64 has
_HEADERS = 64 + 3 * 56


def stub(needed: str, machine: int, *, soname: str = "", runpath: str = "", versions: "Sequence[str]" = ()) -> bytes:
    """An ELF file of 64 bits, little-endian, that has nothing but names.

    Parameters: `needed`, its DT_NEEDED; `machine`, its e_machine; `soname` and `runpath`, its DT_SONAME and DT_RUNPATH, ""
    for none; `versions` that it defines, so that who wants one of its soname's finds that it is there. Raises ValueError
    for another machine.
    """
    if machine not in MACHINES:
        raise ValueError(f"no stub can be written for machine {machine}")
    strings = b"\0"
    places = {}
    for text in filter(None, (soname, runpath, needed, *versions)):
        places[text] = len(strings)
        strings += os.fsencode(text) + b"\0"
    hashes = struct.pack("<4I", 1, 1, 0, 0)  # one bucket, which is empty, and the null symbol
    symbols = bytes(24)
    verdef = _definitions(soname, versions, places) if versions else b""
    at_hash, at_symbols = _HEADERS, _HEADERS + len(hashes)
    at_verdef = at_symbols + len(symbols)
    at_versym = at_verdef + len(verdef)
    at_strings = at_versym + 2
    at_dynamic = -(-(at_strings + len(strings)) // 16) * 16
    named = ((_NEEDED, needed), (_SONAME, soname), (_RUNPATH, runpath))
    tags = [(tag, places[text]) for tag, text in named if text]
    tags += [(_HASH, at_hash), (_SYMTAB, at_symbols), (_SYMENT, 24), (_STRTAB, at_strings), (_STRSZ, len(strings))]
    tags += [(_VERSYM, at_versym), (_VERDEF, at_verdef), (_VERDEFNUM, len(versions) + 1)] if versions else []
    dynamic = b"".join(struct.pack("<qQ", *tag) for tag in [*tags, (0, 0)])
    size = at_dynamic + len(dynamic)
    # The linker relocates the dynamic section in place: it is writable. Nothing is executable, the stack neither.
    segments = ((_PT_LOAD, 0, size, _PAGE), (_PT_DYNAMIC, at_dynamic, len(dynamic), 8), (_PT_GNU_STACK, 0, 0, 16))
    headers = b"".join(struct.pack("<IIQQQQQQ", kind, 6, at, at, at, n, n, align) for kind, at, n, align in segments)
    ident = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    head = ident + struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, len(segments), 64, 0, 0)
    content = head + headers + hashes + symbols + verdef + bytes(2) + strings
    return content.ljust(at_dynamic, b"\0") + dynamic


def _definitions(soname: str, versions: "Sequence[str]", places: dict[str, int]) -> bytes:
    """DT_VERDEF: the file itself, then each version (the LSB core, "Symbol Versioning")."""
    from elftools.elf.hash import ELFHashTable

    entries = b""
    for index, name in enumerate((soname, *versions), 1):
        following = 28 if index <= len(versions) else 0
        hashed = ELFHashTable.elf_hash(name)
        entries += struct.pack("<HHHHIII", 1, int(index == 1), index, 1, hashed, 20, following)
        entries += struct.pack("<II", places[name], 0)
    return entries


def memory(name: str, content: bytes) -> int:
    """A descriptor of memory that holds this, and that nobody can change; /proc/self/fd/N is its path."""
    import fcntl

    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.write(descriptor, content)
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def dlopen(descriptor: int) -> None:
    """Load what a descriptor holds. It stays open, because the linker knows it by that path, and would take another file
    of its number for it; where the linker refuses (OSError), it is closed."""
    try:
        core.dlopen(f"/proc/self/fd/{descriptor}", os.RTLD_NOW | os.RTLD_LOCAL)
    except OSError:
        os.close(descriptor)
        raise
