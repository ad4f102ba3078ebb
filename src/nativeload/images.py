"""The facts of one file, read from its headers by the backend. Nothing is mapped, nothing judged."""

import os

from nativeload import core
from nativeload.loader import SYSTEM
from nativeload.spec import Record, rejection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from nativeload.spec import Rejection, Trace

# elf.h's numbers that a verdict turns on
_ET_DYN = 3
_DF_1_NOOPEN = 0x40
_DF_1_PIE = 0x8000000
_OSABI_ACCEPTED = (0, 3)  # ELFOSABI_SYSV, ELFOSABI_GNU

_MEMO = 4096  # images kept; then all are forgotten

_memo: "dict[tuple[str, tuple[str, ...]], tuple[str, Image]]" = {}


class Image(Record):
    """One ELF file's facts; fields as `nativeload._native.image` gives them, `exported` for the symbols asked."""

    __slots__ = (  # noqa: RUF023 - the order is the backend's
        "elf_class",
        "byteorder",
        "machine",
        "flags",
        "type",
        "osabi",
        "interp",
        "soname",
        "needed",
        "filters",
        "rpath",
        "runpath",
        "flags_1",
        "verneed",
        "verdef",
        "isa_needed",
        "build_id",
        "exported",
        "signature",
    )
    elf_class: int
    byteorder: str
    machine: int
    flags: int
    type: int
    osabi: int
    interp: str | None
    soname: str | None
    needed: tuple[str, ...]
    filters: tuple[tuple[int, int, str], ...]
    rpath: str | None
    runpath: str | None
    flags_1: int
    verneed: tuple[tuple[str, tuple[tuple[str, bool], ...]], ...]
    verdef: tuple[str, ...]
    isa_needed: int
    build_id: str | None
    exported: tuple[bool, ...]
    signature: tuple[int, int, int, int, int]

    def same_kind(self, other: "Image") -> bool:
        """Same class, byte order and machine: what the linker asks before it looks further."""
        return (self.elf_class, self.byteorder, self.machine) == (other.elf_class, other.byteorder, other.machine)

    @property
    def unfit(self) -> "Rejection | None":
        """Why no linker of its machine maps it as a library, None where one does."""
        if self.osabi not in _OSABI_ACCEPTED:
            reason = f"is for another operating system (ELF OSABI {self.osabi})"
            return rejection("machine", reason, osabi=self.osabi)
        if self.type != _ET_DYN or self.flags_1 & _DF_1_PIE:
            reason = "is not a shared library but a program, an object or a core file"
            return rejection("format", reason, type=self.type, flags_1=self.flags_1)
        if self.flags_1 & _DF_1_NOOPEN:
            reason = "is marked not to be opened at run time (DF_1_NOOPEN)"
            return rejection("format", reason, type=self.type, flags_1=self.flags_1)
        return None

    @property
    def libc(self) -> str:
        """ "glibc", "musl", or "" where the file names no C library."""
        return libc(self.needed)


def libc(needed: "Iterable[str]") -> str:
    """The C library among names that are needed: "glibc", "musl", or ""."""
    for name in needed:
        if name == "libc.so.6" or name.startswith("ld-linux"):
            return "glibc"
        if name == "libc.so" or name.startswith(("libc.musl-", "ld-musl-")):
            return "musl"
    return ""


def made(facts: "tuple[Any, ...]") -> Image:
    """The record of what a backend's `image` gives."""
    return Image(**dict(zip(Image.__slots__, facts, strict=True)))


def soname(path: str) -> str:
    """The name by which the linker knows a file again, "" where it has none or cannot be read."""
    try:
        if SYSTEM is not None:
            return SYSTEM.soname(path)
        return read(path).soname or ""
    except (OSError, ValueError):
        return ""


def read(path: str, symbols: tuple[str, ...] = (), trace: "Trace | None" = None) -> Image:
    """The facts of a file, read again only when its signature has changed.

    Raises OSError where it cannot be read, ValueError where it is not a sound ELF file.
    """
    state = trace.consult(path) if trace is not None else ""
    known = _memo.get((path, symbols))
    if known is not None and known[0] == (state or core.signature(path)):
        return known[1]
    image = made(core.image(path, symbols))
    if len(_memo) >= _MEMO:
        _memo.clear()
    _memo[path, symbols] = " ".join(map(str, image.signature)), image
    return image


def words(path: str, error: Exception) -> str:
    """What is wrong with a path that cannot be read; an archive in the middle of it is named."""
    if isinstance(error, NotADirectoryError):
        return f"lies inside {archive(path)}, which is a file (an archive?): the linker maps only files of their own"
    if not isinstance(error, OSError):
        return str(error)
    from errno import EINVAL

    if error.errno == EINVAL:
        return "is not a regular file (a FIFO, a socket or a device)"
    return error.strerror or str(error)


def archive(path: str) -> str:
    """The file in the middle of a path, where a directory should be."""
    while path and not os.path.isfile(path):
        path = os.path.dirname(path)
    return path


def forget() -> None:
    """Drop what was read."""
    _memo.clear()


def process() -> Image:
    """The running program's own image: what a library must be like to be mapped here."""
    return read("/proc/self/exe")
