"""The `ld.so.cache` of glibc: its entries of a name. Nothing here opens a file.

Format: glibc's sysdeps/generic/dl-cache.h (struct cache_file_new, struct cache_extension).
"""

from __future__ import annotations

import os
import struct
import sys

_OLD_MAGIC = b"ld.so-1.7.0"
_OLD_HEADER, _OLD_ENTRY = 16, 12
_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER, _ENTRY = 48, 24
_EXTENSION_MAGIC = 0xEAA42174
_TAG_GLIBC_HWCAPS = 1
_MAX_SECTIONS = 64  # they are looked at for every name; glibc writes two
# the high half of an entry's hwcap: bit 62 says glibc-hwcaps, the ten bits below are an x86 ISA level
_HWCAP_EXTENSION, _HWCAP_ISA_LEVEL = 0x40000000, 0x3FF


def ldcache_search(cache: bytes, name: str, stem: bool, /) -> list[tuple[str, str, int, str | None]]:
    """Entries named `name`, with `stem` also `name`.anything, in order: (name, path, flags, hwcaps).

    Raises ValueError when `cache` is not a cache of the new format, or is truncated.
    """
    start = _start(cache)
    order = _byteorder(cache[start + 28])
    (count,) = struct.unpack_from(order + "I", cache, start + 20)
    end = start + _HEADER + count * _ENTRY
    _require(cache, end, "the entries end")
    subdirectories = _hwcaps(cache, start, order)
    wanted = os.fsencode(name)
    exact, longer = wanted + b"\0", wanted + b"."
    found = []
    budget = 4 * len(cache)  # entries may share a string: a hostile cache shares one huge string a thousand times
    for flags, key, value, _, hwcap in struct.iter_unpack(order + "iIIIQ", cache[start + _HEADER : end]):
        if not (cache.startswith(exact, start + key) or (stem and cache.startswith(longer, start + key))):
            continue
        hwcaps = None
        if hwcap:
            # anything but the extension bit is a legacy mask, which no glibc from 2.37 on reads
            if hwcap >> 32 & ~_HWCAP_ISA_LEVEL != _HWCAP_EXTENSION or hwcap & 0xFFFFFFFF >= len(subdirectories):
                continue
            hwcaps = _string(cache, start + subdirectories[hwcap & 0xFFFFFFFF])
        entry = (_string(cache, start + key), _string(cache, start + value), flags, hwcaps)
        budget -= len(entry[0]) + len(entry[1]) + len(hwcaps or "")
        if budget < 0:
            raise ValueError("malformed: the strings of the entries overlap")
        found.append(entry)
    return found


def _require(cache: bytes, end: int, what: str) -> None:
    if end > len(cache):
        raise ValueError(f"truncated: {what} at {end}, the cache at {len(cache)}")


def _start(cache: bytes) -> int:
    """Where the new format starts, from which its strings' offsets count: at 0, or after an old-format cache."""
    start = 0
    if cache.startswith(_OLD_MAGIC) and len(cache) >= _OLD_HEADER:
        (count,) = struct.unpack_from("=I", cache, 12)
        # aligned as struct cache_file_new is (ALIGN_CACHE in dl-cache.h): its entries hold a uint64_t
        start = -(-(_OLD_HEADER + count * _OLD_ENTRY) // 8) * 8
        _require(cache, start, "the old-format entries end")
    magic = cache[start : start + len(_MAGIC)]
    if not magic or not _MAGIC.startswith(magic):
        what = "empty" if not cache else "the old format alone" if start else f"no {_MAGIC.decode()} in it"
        raise ValueError(f"not an ld.so.cache: {what}")
    _require(cache, start + _HEADER, "the header ends")
    return start


def _byteorder(flags: int) -> str:
    # cache_file_new_flags_endian_*: 2 little, 3 big, 0 not said (written before glibc 2.33, for this machine)
    return {2: "<", 3: ">"}.get(flags & 3, "<" if sys.byteorder == "little" else ">")


def _hwcaps(cache: bytes, start: int, order: str) -> tuple[int, ...]:
    """The offsets of the names of the glibc-hwcaps subdirectories; none where there is no extension that is known.

    The extension's own offsets count from the start of the file, even after an old-format cache, but those of the
    names count as all strings' do. glibc 2.36 itself mistakes the latter, so that `ldconfig -p` prints nonsense for
    `ldconfig -c compat`.
    """
    (at,) = struct.unpack_from(order + "I", cache, start + 32)
    if not at:
        return ()
    _require(cache, at + 8, "the extension's header ends")
    magic, count = struct.unpack_from(order + "II", cache, at)
    if magic != _EXTENSION_MAGIC:
        return ()
    end = at + 8 + count * 16
    _require(cache, end, "the extension's sections end")
    if count > _MAX_SECTIONS:
        raise ValueError(f"malformed: more than {_MAX_SECTIONS} sections of the extension")
    names: tuple[int, ...] = ()
    for tag, _, offset, size in struct.iter_unpack(order + "IIII", cache[at + 8 : end]):
        if tag == _TAG_GLIBC_HWCAPS:
            _require(cache, offset + size, "the names of hwcaps end")
            names = struct.unpack_from(f"{order}{size // 4}I", cache, offset)
            break
    return names


def _string(cache: bytes, offset: int) -> str:
    end = cache.find(b"\0", offset)
    if end < 0:
        raise ValueError("malformed: a string has no end, or lies outside the cache")
    return os.fsdecode(cache[offset:end])
