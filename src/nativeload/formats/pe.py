"""The facts of a PE file (a DLL, an extension module, a program), read by pefile. Nothing is mapped.

pefile is given the file in bounded pieces: what makes it loop makes it read, and that ends (`formats.Piece`).
Source of the meanings: Microsoft's PE Format; of API sets, "Windows API sets".
"""

from nativeload.formats import Piece, opened, reader
from nativeload.spec import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_WORK, _READS = 1 << 29, 1 << 22
_SYMBOLS = 1 << 17
_MACHINES = {0x14C: "x86", 0x8664: "amd64", 0xAA64: "arm64", 0x1C0: "arm", 0x1C4: "arm", 0xA641: "arm64ec"}
_DIRECTORIES = {"exports": 0, "imports": 1, "resources": 2, "delayed": 13}
_MANIFEST = 24
_CUT, _LONGEST = 0x1FF, 1 << 16  # bytes of a name: as pefile cuts it, and as it is read


class Import(Record):
    """A DLL that a file needs, as it names it, and what of it: names, and ordinals as "#12"."""

    __slots__ = ("name", "symbols")
    name: str
    symbols: tuple[str, ...]


class PE(Record):
    """The facts of one file.

    `name` is what its export table calls it; `exports` its names, and "#n" of what has none; `forwarders` are
    (name, "DLL.symbol"); `delayed` what is looked for at the first call; `version` that of its VERSIONINFO and
    `strings` the texts there; `manifest` the text.
    """

    __slots__ = (
        "delayed",
        "exports",
        "forwarders",
        "imports",
        "is_dll",
        "machine",
        "manifest",
        "name",
        "signed",
        "strings",
        "version",
    )
    machine: str
    is_dll: bool
    name: str | None
    exports: tuple[str, ...]
    forwarders: tuple[tuple[str, str], ...]
    imports: tuple[Import, ...]
    delayed: tuple[Import, ...]
    version: str
    strings: tuple[tuple[str, str], ...]
    manifest: str
    signed: bool

    @property
    def api_sets(self) -> tuple[str, ...]:
        """The API sets among what it needs: names that stand for no file."""
        return tuple(one.name for one in (*self.imports, *self.delayed) if is_api_set(one.name))


def is_api_set(name: str) -> bool:
    """Whether a DLL's name is one of the contracts that Windows itself keeps a table for."""
    return name.lower().startswith(("api-", "ext-"))


def read(path: str) -> PE:
    """The facts of a file. Raises OSError where it cannot be read, ValueError where it is not a sound PE file."""
    pefile = reader("pefile")
    with opened(path) as file:
        piece = Piece(file, _WORK, _READS)
        if piece.at(0, 2) != b"MZ":
            raise ValueError("not a PE file")
        try:
            parsed = pefile.PE(data=piece, fast_load=True, max_symbol_exports=_SYMBOLS, max_repeated_symbol=_SYMBOLS)
            _refuse_truncated(parsed, len(piece))
            parsed.parse_data_directories(directories=list(_DIRECTORIES.values()))
            return _facts(parsed)
        except (OSError, RecursionError):
            raise
        except Exception as error:  # It may raise anything.
            words = str(error).strip("'\"") or type(error).__name__
            raise ValueError(words if words.startswith("is truncated") else f"not a sound PE file: {words}") from None


def _refuse_truncated(parsed: "Any", size: int) -> None:
    for section in parsed.sections:
        if section.SizeOfRawData and section.PointerToRawData + section.SizeOfRawData > size:
            raise ValueError("is truncated: a section ends beyond the file")


def _facts(parsed: "Any") -> PE:
    table = getattr(parsed, "DIRECTORY_ENTRY_EXPORT", None)
    exports = [(_symbol(parsed, one), one.forwarder) for one in table.symbols] if table else []
    number = parsed.FILE_HEADER.Machine
    directories = parsed.OPTIONAL_HEADER.DATA_DIRECTORY
    return PE(
        machine=_MACHINES.get(number, f"machine {number:#x}"),
        is_dll=bool(parsed.FILE_HEADER.Characteristics & 0x2000),
        name=_text(parsed.get_string_at_rva(table.struct.Name) or b"") if table else None,
        exports=tuple(name for name, _ in exports),
        forwarders=tuple((name, _text(target)) for name, target in exports if target),
        imports=tuple(_imports(parsed, "DIRECTORY_ENTRY_IMPORT")),
        delayed=tuple(_imports(parsed, "DIRECTORY_ENTRY_DELAY_IMPORT")),
        version=_version(parsed),
        strings=tuple(_strings(parsed)),
        manifest=_manifest(parsed),
        signed=len(directories) > 4 and bool(directories[4].Size),
    )


def _imports(parsed: "Any", table: str) -> "Iterator[Import]":
    for one in getattr(parsed, table, ()):
        yield Import(name=_text(one.dll or b""), symbols=tuple(_symbol(parsed, each) for each in one.imports))


def _symbol(parsed: "Any", one: "Any") -> str:
    # pefile guesses a name for some ordinals, and cuts long names.
    if not one.name or getattr(one, "import_by_ordinal", False):
        return f"#{one.ordinal}"
    if len(one.name) >= _CUT:
        start = one.name_offset
        return _text(parsed.__data__[start : start + _LONGEST].partition(b"\0")[0])
    return _text(one.name)


def _version(parsed: "Any") -> str:
    for fixed in getattr(parsed, "VS_FIXEDFILEINFO", ()):
        high, low = fixed.FileVersionMS, fixed.FileVersionLS
        return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"
    return ""


def _strings(parsed: "Any") -> "Iterator[tuple[str, str]]":
    for group in getattr(parsed, "FileInfo", ()):
        for one in group:
            for table in getattr(one, "StringTable", ()):
                for name, value in table.entries.items():
                    yield _text(name), _text(value)


def _manifest(parsed: "Any") -> str:
    resources = getattr(parsed, "DIRECTORY_ENTRY_RESOURCE", None)
    for kind in resources.entries if resources else ():
        if kind.id != _MANIFEST or not hasattr(kind, "directory"):
            continue
        for named in kind.directory.entries:
            for one in named.directory.entries if hasattr(named, "directory") else ():
                if hasattr(one, "data"):
                    found = parsed.get_data(one.data.struct.OffsetToData, one.data.struct.Size)
                    return bytes(found).decode("utf-8", "replace")
    return ""


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
