"""The facts of files that are not ELF: `macho.py` and `pe.py`, a reader each. Nothing is mapped, nothing judged.

A usual load imports none of this. The readers are macholib and pefile, which the extra `inspect` installs; they are
given what they may read, in bounded pieces, because neither bounds its work.
"""

import os

from nativeload.errors import ReaderError
from nativeload.tomlfile import regular

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import BinaryIO, Literal

    Format = Literal["elf", "macho", "pe", ""]

_MACHO = (
    b"\xfe\xed\xfa\xce", b"\xce\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf",
)  # fmt: skip


def of(path: str) -> "Format":
    """Which format a file is of, by its first bytes; "" for another. Raises OSError where it cannot be read."""
    with opened(path) as file:
        start = file.read(8)
    if start[:4] == b"\x7fELF":
        return "elf"
    # A Java class begins like a universal file; its eighth byte is no number of architectures.
    if start[:4] in _MACHO and not (start[:3] == b"\xca\xfe\xba" and int.from_bytes(start[4:8], "big") > 40):
        return "macho"
    return "pe" if start[:2] == b"MZ" else ""


def opened(path: str) -> "BinaryIO":
    """A regular file to read, opened without blocking. Raises OSError."""
    return open(path, "rb", opener=regular)


def reader(name: str) -> "ModuleType":
    """macholib's or pefile's module. Raises ReaderError where it is not installed."""
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        raise ReaderError(name.partition(".")[0]) from None


class Piece:
    """A file's bytes as an object that is sliced, read when they are asked for, and only so many of them.

    What loops in a reader reads, so that the bound on bytes and on reads is one on its work. Raises ValueError there.
    """

    def __init__(self, file: "BinaryIO", most: int, reads: int) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._most = most
        self._reads = reads

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, key: "slice | int") -> "bytes | int":
        if not isinstance(key, slice):
            return self.at(key, 1)[0]
        start, stop, step = key.indices(self._size)
        if step != 1:
            raise ValueError("is read in steps")
        return self.at(start, max(stop - start, 0))

    def find(self, wanted: bytes, start: int, stop: int) -> int:
        """Where some bytes are, -1 where they are not."""
        place = self.at(start, stop - start).find(wanted)
        return place if place < 0 else start + place

    def at(self, offset: int, count: int) -> bytes:
        """Some bytes; fewer where the file ends."""
        count = max(min(count, self._size - offset), 0)
        self._most -= count
        self._reads -= 1
        if self._most < 0 or self._reads < 0:
            raise ValueError("asks for more work than any sound file does")
        if not count:
            return b""
        self._file.seek(offset)
        return self._file.read(count)

    def whole(self, offset: int, count: int) -> bytes:
        """Some bytes, all of them. Raises ValueError where the file ends before."""
        found = self.at(offset, count)
        if len(found) != count:
            raise ValueError(f"is truncated: its {count} bytes at {offset} are not all there")
        return found
