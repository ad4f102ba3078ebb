"""The facts of one ELF file's headers, on pyelftools.

Everything is read by way of the program headers, as the dynamic linker does: section headers may be stripped.
pyelftools knows the shapes; what it trusts (counts, sizes, strings without an end, UTF-8) is bounded here.
Symbols, versions and notes have modules of their own.
"""

from __future__ import annotations

import io
import os
import sys

from .file import RegularFile, Signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, NoReturn

    from elftools.construct import Construct
    from elftools.elf.structs import ELFStructs

Verneed = tuple[tuple[str, tuple[tuple[str, bool], ...]], ...]
Image = tuple[
    int, str, int, int, int, int, str | None, str | None, tuple[str, ...], tuple[tuple[int, int, str], ...],
    str | None, str | None, int, Verneed, tuple[str, ...], int, str | None, tuple[bool, ...], Signature,
]  # fmt: skip

# A real file has some tens of each. The kernel refuses program headers of more than 64 KiB (fs/binfmt_elf.c).
_MAX_PHDRS_SIZE = 1 << 16
_MAX_DYNAMIC = 1 << 12
_MAX_STRINGS = 1 << 22
_FREE_STRINGS = 1 << 16  # beyond that many bytes, the string table four times over: names may overlap
_MAX_INTERP = 1 << 12
_STRING_STEP = 256
# DT_AUXILIARY and DT_FILTER, as pyelftools calls them or as they stand: what `image` says of them
_FILTERS: dict[str | int, int] = {"DT_AUXILIARY": 1, 0x7FFFFFFD: 1, "DT_FILTER": 2, 0x7FFFFFFF: 2}

_SEGMENT_ENDS = {
    "PT_LOAD": "a loadable segment ends",
    "PT_DYNAMIC": "the dynamic section ends",
    "PT_INTERP": "the interpreter's name ends",
    "PT_NOTE": "the notes end",
    "PT_GNU_PROPERTY": "the notes end",
}
_KINDS = (
    (b"MZ", "a Windows (PE) file"),
    (b"\xcf\xfa\xed\xfe", "a Mach-O file"),
    (b"\xce\xfa\xed\xfe", "a Mach-O file"),
    (b"\xca\xfe\xba\xbe", "a Mach-O file"),
    (b"!<arch>\n", "an archive"),
    (b"!<thin>\n", "an archive"),
)


def image(path: str, symbols: tuple[str, ...] = (), /) -> Image:
    """The facts of `path`, in the order that `_native.pyi` gives, and whether it exports each of `symbols`.

    Raises OSError when it cannot be read or is not a regular file, ValueError when it is not a whole ELF file.
    """
    return facts(path, symbols)[0]


def facts(path: str, symbols: tuple[str, ...] = ()) -> tuple[Image, bool, str | None]:
    """`image`, whether the file has a dynamic section with names in it, and the flaw of its header."""
    from . import notes, versions
    from .symbols import exported

    with RegularFile(path) as file:
        elf = Elf(file)
        found = (
            elf.elf_class,
            elf.byteorder,
            elf.machine,
            elf.flags,
            elf.type,
            elf.osabi,
            elf.interp(),
            elf.tag_string("DT_SONAME"),
            tuple(elf.string(offset) for offset in elf.needed),
            tuple((place, kind, elf.string(offset)) for place, kind, offset in elf.filters),
            elf.tag_string("DT_RPATH"),
            elf.tag_string("DT_RUNPATH"),
            elf.dynamic.get("DT_FLAGS_1", 0),
            versions.verneed(elf),
            versions.verdef(elf),
            notes.isa_needed(elf),
            notes.build_id(elf),
            exported(elf, symbols),
            file.signature,
        )
        return found, "DT_STRTAB" in elf.dynamic, elf.flaw


def _flaw(head: bytes, version: int) -> str | None:
    """What glibc's linker gives up for in a header, besides what is a fact of its own (open_verify in elf/dl-load.c)."""
    if head[6] != 1 or version != 1:
        return "its ELF version is not 1"
    if any(head[9:16]) or (head[7] == 0 and head[8]):
        return "its ELF header has an ABI version or padding that is unknown"
    return None


def malformed(what: str) -> NoReturn:
    raise ValueError(f"malformed: {what}")


def _import_without_debugger() -> None:
    """Import pyelftools without pdb, which its debugging aid wants, and which takes 30 ms.

    On CPython 3.14 pdb also brings the system's zstd, bzip2 and LZMA libraries into the process, where what is loaded
    wins.
    """
    aid = type(sys)("elftools.construct.debug")
    vars(aid).update(Probe=None, Debugger=None)
    sys.modules[aid.__name__] = aid
    try:
        import elftools.construct  # noqa: F401
    except ModuleNotFoundError:  # Elsewhere than on Linux it need not be installed.
        from nativeload.errors import ReaderError

        raise ReaderError("pyelftools") from None
    finally:
        sys.modules.pop(aid.__name__, None)  # whoever wants it gets the real one


class Elf:
    """The header, the program headers and the dynamic section of one open file."""

    def __init__(self, file: RegularFile) -> None:
        if "elftools.construct" not in sys.modules:
            _import_without_debugger()
        from elftools.common.exceptions import ELFError
        from elftools.elf import enums
        from elftools.elf.elffile import ELFFile

        self.file = file
        head = file.read(0, min(64, file.size), "the ELF header ends")
        if not head or not head.startswith(b"\x7fELF"[: len(head)]):
            raise ValueError(f"not an ELF file: {_kind(head)}")
        file.require(0, 64 if head[4:5] == b"\x02" else 52, "the ELF header ends")
        try:
            header = ELFFile(io.BytesIO(head))
        except ELFError as error:
            malformed(str(error))
        self.structs: ELFStructs = header.structs
        self.elf_class: int = header.elfclass
        self.byteorder = "little" if header.little_endian else "big"
        self.order = "<" if header.little_endian else ">"
        # pyelftools names the values it knows and leaves the others numbers.
        self.machine = _number(enums.ENUM_E_MACHINE, header["e_machine"])
        self.type = _number(enums.ENUM_E_TYPE, header["e_type"])
        self.osabi = head[7]
        self.flags: int = header["e_flags"]
        self.flaw = _flaw(head, int.from_bytes(head[20:24], "little" if header.little_endian else "big"))
        self._most = self._budget = _MAX_STRINGS
        self.segments = self._segments(header["e_phoff"], header["e_phnum"], header["e_phentsize"])
        self.dynamic: dict[str | int, int] = {}
        self.needed: list[int] = []
        self.filters: list[tuple[int, int, int]] = []
        self._read_dynamic()
        self.strings = self._string_table()
        self._most = self._budget = min(_MAX_STRINGS, _FREE_STRINGS + 4 * self.strings[1])

    def parse(self, shape: Construct, offset: int, what: str) -> Any:
        """One structure of pyelftools' at a file offset."""
        from elftools.construct import ConstructError

        content = self.file.read(offset, shape.sizeof(), what)
        try:
            return shape.parse(content)
        except ConstructError as error:
            malformed(f"{what}: {error}")

    def _segments(self, offset: int, count: int, size: int) -> list[Any]:
        shape = self.structs.Elf_Phdr
        if count and size != shape.sizeof():
            malformed(f"program headers of {size} bytes each, not {shape.sizeof()}")
        self.file.require(offset, count * size, "the program headers end")
        if count * size > _MAX_PHDRS_SIZE:
            malformed(f"{count} program headers")
        segments = [self.parse(shape, offset + i * size, "the program headers end") for i in range(count)]
        for segment in segments:
            what = _SEGMENT_ENDS.get(segment.p_type)
            if what:  # a library with a segment missing maps all the same, and kills the process when touched
                self.file.require(segment.p_offset, segment.p_filesz, what)
        return segments

    def _read_dynamic(self) -> None:
        """Fill `dynamic` (of a repeated tag the last value, as glibc's elf_get_dynamic_info), `needed` and `filters`."""
        shape = self.structs.Elf_Dyn
        segments = list(self.of_type("PT_DYNAMIC"))
        if not segments:
            return
        start, size = segments[-1].p_offset, shape.sizeof()
        for index in range(segments[-1].p_filesz // size):
            if index == _MAX_DYNAMIC:
                malformed(f"more than {_MAX_DYNAMIC} dynamic entries")
            entry = self.parse(shape, start + index * size, "the dynamic section ends")
            if entry.d_tag == "DT_NULL":
                break
            if entry.d_tag == "DT_NEEDED":
                self.needed.append(entry.d_val)
            elif entry.d_tag in _FILTERS:
                self.filters.append((len(self.needed), _FILTERS[entry.d_tag], entry.d_val))
            else:
                self.dynamic[entry.d_tag] = entry.d_val

    def of_type(self, *types: str) -> Iterator[Any]:
        return (segment for segment in self.segments if segment.p_type in types)

    def locate(self, address: int, what: str) -> tuple[int, int]:
        """(file offset, bytes that the file has from there) of an address: by PT_LOAD, as it would be mapped."""
        for segment in self.of_type("PT_LOAD"):
            if segment.p_vaddr <= address < segment.p_vaddr + segment.p_filesz:
                distance = address - segment.p_vaddr
                return segment.p_offset + distance, segment.p_filesz - distance
        malformed(f"{what} lies outside the loadable segments")

    def table(self, tag: str, what: str) -> tuple[int, int] | None:
        """`locate` of a dynamic tag's address, None where there is no such tag."""
        return self.locate(self.dynamic[tag], what) if tag in self.dynamic else None

    def read(self, span: tuple[int, int], at: int, size: int, what: str) -> bytes:
        """Bytes of a `locate`d span."""
        if at + size > span[1]:
            malformed(f"{what} lies outside the loadable segments")
        return self.file.read(span[0] + at, size, f"{what} ends")

    def _string_table(self) -> tuple[int, int]:
        """(file offset, size) of DT_STRTAB, which is empty where there is none."""
        offset, room = self.table("DT_STRTAB", "the string table") or (0, 0)
        return offset, min(room, self.dynamic.get("DT_STRSZ", room))

    def string(self, index: int) -> str:
        """The string at `index` of the string table."""
        offset, size = self.strings
        if index >= size:
            malformed("a name lies outside the string table")
        return os.fsdecode(self._read_string(offset + index, size - index))

    def string_is(self, index: int, text: bytes) -> bool:
        """Whether the string at `index` is `text`: reads no more of it than that takes."""
        offset, size = self.strings
        if index >= size:
            malformed("a name lies outside the string table")
        if index + len(text) >= size:
            return False
        return self.file.read(offset + index, len(text) + 1, "the string table ends") == text + b"\0"

    def tag_string(self, tag: str) -> str | None:
        return self.string(self.dynamic[tag]) if tag in self.dynamic else None

    def interp(self) -> str | None:
        for segment in self.of_type("PT_INTERP"):
            return os.fsdecode(self._read_string(segment.p_offset, min(segment.p_filesz, _MAX_INTERP)))
        return None

    def _read_string(self, offset: int, limit: int) -> bytes:
        content, step = b"", _STRING_STEP
        while b"\0" not in content:
            if len(content) == limit:
                malformed("a string has no end")
            if len(content) > self._budget:
                break
            content += self.file.read(offset + len(content), min(step, limit - len(content)), "a string ends")
            step *= 2
        found = content.partition(b"\0")[0]
        self._budget -= len(found) + 1
        if self._budget < 0:  # strings may overlap: without this, a small file asks for gigabytes
            malformed(f"more than {self._most} bytes of names")
        return found


def _number(names: Mapping[str, int], value: str | int) -> int:
    return names[value] if isinstance(value, str) else value


def _kind(head: bytes) -> str:
    """What the first bytes of a file that is not ELF say it is."""
    if not head:
        return "empty"
    for magic, kind in _KINDS:
        if head.startswith(magic):
            return kind
    return "a text file" if all(byte in b"\t\n\v\f\r" or 0x20 <= byte != 0x7F for byte in head) else "binary data"
