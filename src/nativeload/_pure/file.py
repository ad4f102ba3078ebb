"""Opening a regular file without ever blocking, and reading ranges of it that it really has.

Nothing here knows what the file contains.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

Signature = tuple[int, int, int, int, int]


def _read_at(descriptor: int, count: int, offset: int) -> bytes:
    """pread(2) for Windows, which has none, of a file that nobody else reads by this descriptor."""
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, count)


_pread = getattr(os, "pread", _read_at)

# O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever. O_NOCTTY: a terminal must not become ours.
# Windows has none of these three, nor what they are against.
_ONLY = ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY")
OPEN_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in _ONLY)


def signature(path: str, /) -> str:
    """Device, inode, size, mtime and ctime (ns) of a file or directory; "-" where there is none."""
    try:
        state = os.stat(path)
    except (OSError, ValueError):
        return "-"
    return f"{state.st_dev} {state.st_ino} {state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}"


_LINKS = 40  # symbolic links followed, as the kernel does


class RegularFile:
    """An open regular file whose every read is checked against its size. A context manager."""

    __slots__ = ("_fd", "signature", "size")

    def __init__(self, path: str) -> None:
        """Raises OSError: as `open(2)`, EISDIR for a directory, EINVAL for anything else that is not a file."""
        try:
            self._fd = os.open(path, OPEN_FLAGS)
        except OSError as error:
            # Sockets, and devices with nothing behind them, are refused by open(2) itself.
            if error.errno in (errno.ENXIO, errno.ENODEV):
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path) from None
            raise
        try:
            status = os.fstat(self._fd)
            if not stat.S_ISREG(status.st_mode):
                code = errno.EISDIR if stat.S_ISDIR(status.st_mode) else errno.EINVAL
                raise OSError(code, os.strerror(code), path)
        except BaseException:
            os.close(self._fd)
            raise
        self.size = status.st_size
        self.signature: Signature = (
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )

    def __enter__(self) -> RegularFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def require(self, offset: int, size: int, what: str) -> None:
        """Raises ValueError unless the file holds bytes `offset` to `offset + size`; `what` says which."""
        if offset + size > self.size:
            raise ValueError(f"truncated: {what} at {offset + size}, the file at {self.size}")

    def read(self, offset: int, size: int, what: str) -> bytes:
        """Exactly these bytes. Raises ValueError when the file ends, or has meanwhile been cut, before them."""
        self.require(offset, size, what)
        parts = []
        while size:
            part = _pread(self._fd, size, offset)
            if not part:
                raise ValueError(f"truncated: {what} at {offset + size}, the file at {offset}")
            parts.append(part)
            offset += len(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def signatures(paths: tuple[str, ...], /) -> tuple[str, ...]:
    """`signature` of each path."""
    return tuple(signature(path) for path in paths)


def real_name(path: str, /) -> str:
    """The file name at the end of a chain of symbolic links."""
    for _ in range(_LINKS):
        try:
            path = os.path.join(os.path.dirname(path), os.readlink(path))
        except OSError:
            break
    return os.path.basename(path)
