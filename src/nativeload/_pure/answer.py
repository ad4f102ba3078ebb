"""An answer that was kept on disk, and whether it still holds. `nativeload/cache.py` writes it, and has the format."""

from __future__ import annotations

import os

from .digest import digest
from .file import OPEN_FLAGS, signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LIMIT = 1 << 18  # bytes; a real answer has about 2,000
_FACTS = 7
_FLAGS = OPEN_FLAGS | getattr(os, "O_NOFOLLOW", 0)


def _read_own(path: str) -> bytes:
    """A regular file that only this user can have written, b"" where it is anything else."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError:
        return b""
    try:
        state = os.fstat(descriptor)
        if state.st_mode & 0o170022 != 0o100000 or state.st_uid != os.geteuid() or state.st_size > _LIMIT:
            return b""
        return os.read(descriptor, state.st_size)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def recall(directory: str, magic: bytes, asked: str, /) -> Any:
    """Four groups of texts, None where no answer to that was kept that still holds."""
    try:
        name = digest(os.fsencode(asked))
    except UnicodeEncodeError:
        return None
    head, _, rest = _read_own(f"{directory}/{name}").partition(b"\n")
    checksum, _, body = rest.partition(b"\n")
    if head != magic or checksum != digest(body).encode():
        return None
    fields, groups, end = os.fsdecode(body).split("\0"), [], 0
    while end < len(fields):
        count = fields[end]
        if not (count.isascii() and count.isdigit() and len(count) <= len(str(_LIMIT))):
            return None
        start, end = end + 1, end + 1 + int(count)
        groups.append(tuple(fields[start:end]))
    if end != len(fields) or len(groups) != 7:
        return None
    (stored, *more), paths, signatures, *answer = groups
    if stored != asked or more or len(answer[0]) != _FACTS or tuple(map(signature, paths)) != signatures:
        return None
    return tuple(answer)
