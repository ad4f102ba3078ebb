"""The directories that a dlopen in this process searches, and what put each of them there.

glibc tells the directories (RTLD_DI_SERINFO) but not their kinds: dls_flags is always 0 (add_path in its
elf/dl-load.c). The kinds are told here from what LD_LIBRARY_PATH was and what the images' headers say.
"""

from __future__ import annotations

import os
import struct

from .process import (
    c_function,
    dlinfo,
    dlsym,
    dynamic_strings,
    image_maps,
    libc,
    loaded_handle,
    musl_linker,
    program,
    string_at,
)

_RTLD_DI_SERINFO, _RTLD_DI_SERINFOSIZE = 4, 5
_DT_RPATH, _DT_RUNPATH = 15, 29
_MUSL_DEFAULT = "/lib:/usr/local/lib:/usr/lib"


def search_path() -> list[tuple[str, str]]:
    """(directory, kind) in order; kind is "rpath", "LD_LIBRARY_PATH" or "default"."""
    if libc()[0] == "musl":
        return _musl_search_path()
    requester = _requester()
    return _with_kinds(_directories(requester), requester)


def searched() -> list[str]:
    """The directories of `search_path`, as the linker lists them."""
    if libc()[0] == "musl":
        return [directory for directory, _ in _musl_search_path()]
    return _directories(_requester())


def _requester() -> str:
    """The image that calls dlopen for this package, "" for the program: the one that holds libffi's ffi_call."""
    import _ctypes
    import ctypes

    extension: str = getattr(_ctypes, "__file__", None) or ""
    address = dlsym((loaded_handle(extension) if extension else None) or program(), "ffi_call")
    if address is None:  # libffi is linked into the extension and hidden
        return extension
    where = ctypes.create_string_buffer(struct.calcsize("4P"))  # Dl_info: dli_fname, dli_fbase, …
    if not c_function("dladdr", "c_int", "c_void_p", "c_void_p")(address, where):
        return extension
    base = struct.unpack_from("4P", where)[1]
    return next((name for start, name, _ in image_maps() if start == base), "")


def _directories(requester: str) -> list[str]:
    import ctypes

    handle = (loaded_handle(requester) if requester else None) or program()
    head = struct.calcsize("NIP") - struct.calcsize("P")  # Dl_serinfo up to its array: dls_size, dls_cnt
    size = ctypes.create_string_buffer(head)
    dlinfo(handle, _RTLD_DI_SERINFOSIZE, size)
    length = struct.unpack_from("N", size)[0]
    result = ctypes.create_string_buffer(size.raw, length)
    dlinfo(handle, _RTLD_DI_SERINFO, result)
    count = struct.unpack_from("NI", result)[1]
    entry = struct.calcsize("PI0P")  # Dl_serpath: dls_name, dls_flags
    return [string_at(struct.unpack_from("P", result, head + entry * index)[0]) for index in range(count)]


def _with_kinds(directories: list[str], requester: str) -> list[tuple[str, str]]:
    """The order is DT_RPATHs, LD_LIBRARY_PATH, the requester's DT_RUNPATH, defaults; the last are what nobody named.

    glibc lists a directory once per kind: one that somebody named is a default one too when it comes again, and one
    that is met twice on the way back from the end marks where the defaults begin.
    """
    environment = set(_expanded((_initial_library_path() or "").replace(";", ":").split(":"), _program_directory()))
    named, has_runpath = _named_by_images(requester)
    end = len(directories)
    while end and directories[end - 1] not in directories[end:]:
        directory = directories[end - 1]
        if directory in environment | named and directory not in directories[: end - 1]:
            break
        end -= 1
    kinds = []
    for index, directory in enumerate(directories[:end]):
        # named by both: which of the two comes first depends on whether the requester's is a DT_RUNPATH
        again = directory in directories[:index]
        from_environment = directory in environment and (directory not in named or again != has_runpath)
        kinds.append((directory, "LD_LIBRARY_PATH" if from_environment else "rpath"))
    return kinds + [(directory, "default") for directory in directories[end:]]


def _named_by_images(requester: str) -> tuple[set[str], bool]:
    """The directories of the requester's DT_RUNPATH and of every image's DT_RPATH; whether there is the former."""
    named: set[str] = set()
    has_runpath = False
    for index, (base, name, dynamic) in enumerate(image_maps()):
        rpath, runpath = dynamic_strings(base, dynamic, _DT_RPATH, _DT_RUNPATH)
        # not of a bare name, as the vdso has: it would be looked for in the working directory, which may be gone
        real = os.path.realpath(name) if os.path.isabs(name) else name
        is_requester = real == os.path.realpath(requester) if requester else index == 0
        has_runpath |= is_requester and runpath is not None
        paths = runpath if is_requester and runpath is not None else rpath if runpath is None else None
        if paths:
            origin = os.path.dirname(name) if index else _program_directory()
            named.update(_expanded(paths.split(":"), origin))
    return named, has_runpath


def _expanded(directories: list[str], origin: str) -> list[str]:
    """As glibc lists them: $ORIGIN expanded, trailing slashes cut, "." for an empty one."""
    import re

    if directories == [""]:
        return []
    replaced = (re.sub(r"\$ORIGIN\b|\$\{ORIGIN\}", lambda _: origin, directory) for directory in directories)
    return [(directory.rstrip("/") or "/") if directory else "." for directory in replaced]


def _program_directory() -> str:
    try:
        return os.path.dirname(os.readlink("/proc/self/exe"))
    except OSError:
        return ""


def _initial_library_path() -> str | None:
    """LD_LIBRARY_PATH as the linker read it at start: later changes to os.environ are not in /proc."""
    try:
        with open("/proc/self/environ", "rb") as file:
            variables = file.read().split(b"\0")
    except OSError:
        return os.environ.get("LD_LIBRARY_PATH")
    prefix = b"LD_LIBRARY_PATH="
    return next((os.fsdecode(item[len(prefix) :]) for item in variables if item.startswith(prefix)), None)


def _musl_search_path() -> list[tuple[str, str]]:
    """musl has no RTLD_DI_SERINFO: as load_library of its ldso/dynlink.c, which splits on newlines too."""
    found = [(directory, "LD_LIBRARY_PATH") for directory in _musl_items(_initial_library_path() or "")]
    found += [(directory, "default") for directory in _musl_items(_musl_path_file())]
    return found


def _musl_items(path: str) -> list[str]:
    return [directory for directory in path.replace("\n", ":").split(":") if directory]


def _musl_path_file() -> str:
    linker = musl_linker() or ""
    # /lib/ld-musl-x86_64.so.1 reads /etc/ld-musl-x86_64.path, and /prefix/lib/… reads /prefix/etc/…
    prefix = os.path.dirname(os.path.dirname(linker)).rstrip("/")
    architecture = os.path.basename(linker).removeprefix("ld-musl-").partition(".")[0]
    try:
        with open(f"{prefix}/etc/ld-musl-{architecture}.path", "rb") as file:
            return os.fsdecode(file.read())
    except OSError:
        return _MUSL_DEFAULT
