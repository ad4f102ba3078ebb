"""The facts of a Mach-O file, thin or universal: its load commands, by macholib; its symbols are `machosymbols`'.

Nothing is mapped. macholib is given load commands alone, without segments: of these it would read every section.
Source of the numbers: <mach-o/loader.h>, <mach-o/nlist.h>, <mach-o/fat.h>.
"""

import struct
from io import BytesIO

from nativeload.formats import Piece, opened, reader
from nativeload.spec import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_COMMANDS = 1 << 20  # bytes of load commands; real files have some ten thousand
_ARCHITECTURES = 40
WORK, READS = 1 << 29, 1 << 16

_THIN = {
    b"\xce\xfa\xed\xfe": ("<", 28), b"\xcf\xfa\xed\xfe": ("<", 32),
    b"\xfe\xed\xfa\xce": (">", 28), b"\xfe\xed\xfa\xcf": (">", 32),
}  # fmt: skip
_CPUS = {
    7: "i386",
    12: "arm",
    18: "ppc",
    0x1000007: "x86_64",
    0x100000C: "arm64",
    0x200000C: "arm64_32",
    0x1000012: "ppc64",
}
_ARM64E = 2
_KINDS = {0xC: "load", 0x80000018: "weak", 0x8000001F: "reexport", 0x80000023: "upward", 0x20: "lazy"}
_SEGMENTS = {0x1: "IIII", 0x19: "QQQQ"}  # vmaddr, vmsize, fileoff, filesize
_FILETYPES = {
    1: "object",
    2: "execute",
    4: "core",
    6: "dylib",
    7: "dylinker",
    8: "bundle",
    9: "stub",
    10: "dsym",
    11: "kext",
}
_PLATFORMS = {
    1: "macos", 2: "ios", 3: "tvos", 4: "watchos", 5: "bridgeos", 6: "maccatalyst", 7: "iossimulator",
    8: "tvossimulator", 9: "watchossimulator", 10: "driverkit", 11: "visionos",
}  # fmt: skip
_VERSION_MIN = {0x24: "macos", 0x25: "ios", 0x2F: "tvos", 0x30: "watchos"}


class Dylib(Record):
    """A library that a file needs: its name there, "load", "weak", "reexport", "upward" or "lazy", and versions."""

    __slots__ = ("compatibility", "current", "kind", "name")
    name: str
    kind: str
    current: str
    compatibility: str


class Slice(Record):
    """The facts of one architecture; the last four are where its tables are.

    `min_os` and `sdk`, the version of the SDK that it was built with, are "" where none is said.
    """

    __slots__ = (
        "arch",
        "byteorder",
        "compatibility",
        "current",
        "exports_at",
        "filetype",
        "flags",
        "install_name",
        "min_os",
        "needed",
        "offset",
        "platform",
        "rpaths",
        "sdk",
        "signed",
        "size",
        "symbols_at",
        "uuid",
    )
    arch: str
    byteorder: str
    filetype: str
    flags: int
    install_name: str | None
    current: str
    compatibility: str
    needed: tuple[Dylib, ...]
    rpaths: tuple[str, ...]
    platform: str
    min_os: str
    sdk: str
    uuid: str | None
    signed: bool
    offset: int
    size: int
    exports_at: tuple[int, int]
    symbols_at: tuple[int, int, int, int]

    @property
    def soname(self) -> str | None:
        """The name by which others need it: the install name."""
        return self.install_name


class MachO(Record):
    """A file: whether it is universal, and its architectures in its order."""

    __slots__ = ("slices", "universal")
    universal: bool
    slices: tuple[Slice, ...]

    def slice(self, arch: str) -> Slice | None:
        """The facts for an architecture, as dyld chooses; None where it has none.

        For x86_64 on Intel's Haswell and later: x86_64h first (`GradedArchitectures.cpp`).
        """
        wanted = ("x86_64h", arch) if arch == "x86_64" else (arch,)
        return next((one for name in wanted for one in self.slices if one.arch == name), None)


def read(path: str) -> MachO:
    """The facts of a file. Raises OSError where it cannot be read, ValueError where it is not a sound Mach-O file."""
    with opened(path) as file:
        piece = Piece(file, WORK, READS)
        start = piece.at(0, 8)
        if start[:4] in (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"):
            places = list(_architectures(piece, wide=start[3] == 0xBF, count=int.from_bytes(start[4:8], "big")))
            return MachO(universal=True, slices=tuple(_slice(piece, *place) for place in places))
        return MachO(universal=False, slices=(_slice(piece, 0, len(piece)),))


def _architectures(piece: Piece, *, wide: bool, count: int) -> "Iterator[tuple[int, int]]":
    if not 0 < count <= _ARCHITECTURES:
        raise ValueError(f"not a sound Mach-O file: it has {count} architectures")
    entry = struct.Struct(">IIQQII" if wide else ">IIIII")
    for found in entry.iter_unpack(piece.whole(8, count * entry.size)):
        if found[2] + found[3] > len(piece):
            raise ValueError("is truncated: an architecture ends beyond the file")
        yield found[2], found[3]


def _slice(piece: Piece, offset: int, size: int) -> Slice:
    magic = piece.at(offset, 4)
    if magic not in _THIN:
        raise ValueError("not a Mach-O file")
    order, header_size = _THIN[magic]
    header = piece.whole(offset, header_size)
    _, cpu, subtype, filetype, count, sizes, flags = struct.unpack_from(f"{order}7I", header)
    if sizes > min(_COMMANDS, size):
        raise ValueError("not a sound Mach-O file: its load commands do not fit into it")
    commands = list(_commands(order, piece.whole(offset + header_size, sizes), count))
    for number, content in commands:
        _whole(order, number, content, size)
    facts = _facts(_decoded(header, order, [one for one in commands if one[0] not in _SEGMENTS]))
    arch = _CPUS.get(cpu, f"cpu {cpu:#x}")
    subtype &= 0xFFFFFF
    if cpu == 0x100000C and subtype == _ARM64E:
        arch = "arm64e"
    elif cpu == 0x1000007 and subtype == 8:
        arch = "x86_64h"
    return Slice(
        arch=arch,
        byteorder="little" if order == "<" else "big",
        filetype=_FILETYPES.get(filetype, str(filetype)),
        flags=flags,
        offset=offset,
        size=size,
        **facts,
    )


def _commands(order: str, content: bytes, count: int) -> "Iterator[tuple[int, bytes]]":
    """(number, bytes) of each load command."""
    place = 0
    for _ in range(count):
        if place + 8 > len(content):
            raise ValueError("not a sound Mach-O file: its load commands end too early")
        number, size = struct.unpack_from(f"{order}II", content, place)
        if size < 8 or place + size > len(content):
            raise ValueError("not a sound Mach-O file: a load command does not fit")
        yield number, content[place : place + size]
        place += size


def _whole(order: str, number: int, content: bytes, size: int) -> None:
    """Refuse a slice of which a segment is not all there."""
    if number in _SEGMENTS:
        fields = struct.Struct(order + _SEGMENTS[number])
        if len(content) < 24 + fields.size:
            raise ValueError("not a sound Mach-O file: a segment's command is too short")
        _, _, offset, length = fields.unpack_from(content, 24)
        if length and offset + length > size:
            raise ValueError("is truncated: a segment ends beyond the file")


def _decoded(header: bytes, order: str, commands: "list[tuple[int, bytes]]") -> "Any":
    """[(number, command, rest)], by macholib, which sees a file that ends after these load commands."""
    macholib = reader("macholib.MachO")
    content = b"".join(one for _, one in commands)
    shorter = header[:16] + struct.pack(f"{order}II", len(commands), len(content)) + header[24:] + content

    class Header(macholib.MachO):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.filename, self.fat, self.allow_unknown_load_commands = "", None, True
            self.headers: list[Any] = []
            self.load(BytesIO(shorter))

    try:
        return [(load.cmd, command, rest) for load, command, rest in Header().headers[0].commands]
    except Exception as error:  # It may raise anything.
        raise ValueError(f"not a sound Mach-O file: {error or type(error).__name__}") from None


def _facts(commands: "Any") -> "dict[str, Any]":
    facts: dict[str, Any] = {
        "install_name": None, "current": "", "compatibility": "", "platform": "", "min_os": "", "sdk": "", "uuid": None,
        "signed": False, "exports_at": (0, 0), "symbols_at": (0, 0, 0, 0),
    }  # fmt: skip
    needed, rpaths = [], []
    for number, command, rest in commands:
        if number in _KINDS:
            needed.append(
                Dylib(
                    name=_string(command.name - 24, rest),
                    kind=_KINDS[number],
                    current=_version(command.current_version),
                    compatibility=_version(command.compatibility_version),
                )
            )
        elif number == 0xD:  # LC_ID_DYLIB
            facts["install_name"] = _string(command.name - 24, rest)
            facts["current"] = _version(command.current_version)
            facts["compatibility"] = _version(command.compatibility_version)
        elif number == 0x8000001C:  # LC_RPATH
            rpaths.append(_string(command.path - 12, rest))
        elif number == 0x32 and facts["platform"] != "macos":  # LC_BUILD_VERSION; some have a second for Catalyst
            facts["platform"] = _PLATFORMS.get(int(command.platform), str(int(command.platform)))
            facts["min_os"], facts["sdk"] = _version(command.minos), _version(command.sdk)
        elif number in _VERSION_MIN:
            facts["platform"] = _VERSION_MIN[number]
            facts["min_os"], facts["sdk"] = _version(command.version), _version(command.sdk)
        elif number == 0x1B:  # LC_UUID
            facts["uuid"] = bytes(command.uuid).hex()
        elif number == 0x1D:  # LC_CODE_SIGNATURE
            facts["signed"] = True
        elif number in (0x22, 0x80000022):  # LC_DYLD_INFO, LC_DYLD_INFO_ONLY
            facts["exports_at"] = int(command.export_off), int(command.export_size)
        elif number == 0x80000033:  # LC_DYLD_EXPORTS_TRIE
            facts["exports_at"] = int(command.dataoff), int(command.datasize)
        elif number == 0x2:  # LC_SYMTAB
            facts["symbols_at"] = tuple(int(getattr(command, one)) for one in ("symoff", "nsyms", "stroff", "strsize"))
    return {**facts, "needed": tuple(needed), "rpaths": tuple(rpaths)}


def _string(start: int, rest: bytes) -> str:
    """A load command's string; `start` is where it is in what follows the fields."""
    if not 0 <= start < len(rest):
        raise ValueError("not a sound Mach-O file: a name is not in its load command")
    return text(rest[start:].partition(b"\0")[0])


def text(name: bytes) -> str:
    """A name as it is in a file."""
    return name.decode("utf-8", "surrogateescape")


def _version(packed: "Any") -> str:
    number = int(getattr(packed, "_version", packed))
    return f"{number >> 16}.{number >> 8 & 0xFF}.{number & 0xFF}"
