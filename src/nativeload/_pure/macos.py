"""This process on macOS, through ctypes: its images and where dyld looks. None of it has run there.

Sources: <mach-o/dyld.h>, <mach-o/loader.h>, dyld(1). As in `process`, nothing here decides what to load.
"""

from __future__ import annotations

import os
import struct

from .process import c_function, string_at

_SIZES = {0xFEEDFACE: 28, 0xFEEDFACF: 32}  # of the header, by its magic number
_LC_ID_DYLIB = 0xD


def linkmap() -> tuple[tuple[str, str | None], ...]:
    """(path, install name) of every image in this process, in load order. The main program's path is ""."""
    count = c_function("_dyld_image_count", "c_uint32")()
    path_of = c_function("_dyld_get_image_name", "c_void_p", "c_uint32")
    header_of = c_function("_dyld_get_image_header", "c_void_p", "c_uint32")
    images = ((place, path_of(place), header_of(place)) for place in range(count))
    # One that has been unloaded meanwhile has neither.
    return tuple((string_at(path) if place else "", install_name(at)) for place, path, at in images if path and at)


def install_name(header: int) -> str | None:
    """What the load commands of a mapped image say; dyld has checked them when it mapped it."""
    import ctypes

    magic, *_, count, size, _ = struct.unpack("7I", ctypes.string_at(header, 28))
    if magic not in _SIZES:
        return None
    commands, place = ctypes.string_at(header + _SIZES[magic], size), 0
    for _ in range(count):
        command, length = struct.unpack_from("2I", commands, place) if place + 8 <= size else (0, 0)
        if length < 8 or place + length > size:
            return None
        if command == _LC_ID_DYLIB and length >= 12:
            start = struct.unpack_from("I", commands, place + 8)[0]
            return os.fsdecode(commands[place + start : place + length].partition(b"\0")[0])
        place += length
    return None


def libc() -> tuple[str, str]:
    """("macos", "15.1"), "" where the system does not tell its version."""
    import ctypes

    text, size = ctypes.create_string_buffer(32), ctypes.c_size_t(31)
    ask = c_function("sysctlbyname", "c_int", "c_char_p", "c_void_p", "c_void_p", "c_void_p", "c_size_t")
    failed = ask(b"kern.osproductversion", text, ctypes.byref(size), None, 0)
    return "macos", "" if failed else os.fsdecode(text.value)


def search_path() -> list[tuple[str, str]]:
    """(directory, kind): DYLD_LIBRARY_PATH, then DYLD_FALLBACK_LIBRARY_PATH or what dyld takes without it."""
    fallback = os.environ.get("DYLD_FALLBACK_LIBRARY_PATH", "/usr/local/lib:/usr/lib")
    listed = ((os.environ.get("DYLD_LIBRARY_PATH", ""), "DYLD_LIBRARY_PATH"), (fallback, "default"))
    return [(directory, kind) for text, kind in listed for directory in text.split(":") if directory]


def searched() -> list[str]:
    """The directories of `search_path`."""
    return [directory for directory, _ in search_path()]
