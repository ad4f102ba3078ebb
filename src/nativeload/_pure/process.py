"""This process, through ctypes: its loaded images, its C library, its CPU, and loading one image more.

Nothing here decides what to load.
"""

from __future__ import annotations

import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_RTLD_DI_LINKMAP = 2

_DT_NULL, _DT_STRTAB, _DT_SONAME = 0, 5, 14

# The flags of /proc/cpuinfo that make up each x86-64 level (psABI, table 3.1). Linux says pni for SSE3 and abm for
# LZCNT, and clears avx and what builds on it where the kernel does not save the registers (OSXSAVE).
_LEVELS = (
    frozenset(("cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3")),
    frozenset(("avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave")),
    frozenset(("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl")),
)


_functions: dict[str, Any] = {}


def c_function(name: str, result: str, *arguments: str) -> Any:
    """A function of the C library, its types named as in ctypes. Raises AttributeError where there is none.

    A call releases the GIL. `ctypes.CDLL` and `_ctypes.dlopen` would hold it while a library's constructors run.
    """
    if name in _functions:
        return _functions[name]
    import ctypes

    function: Any = getattr(ctypes.CDLL(None), name)
    function.restype = getattr(ctypes, result)
    function.argtypes = tuple(getattr(ctypes, argument) for argument in arguments)
    return _functions.setdefault(name, function)


def string_at(address: int) -> str:
    import ctypes

    return os.fsdecode(ctypes.string_at(address))


def dlinfo(handle: int, request: int, result: object) -> None:
    """dlinfo(3). Raises OSError."""
    if c_function("dlinfo", "c_int", "c_void_p", "c_int", "c_void_p")(handle, request, result):
        raise OSError(_dlerror())


def program() -> int:
    """The handle of the main program."""
    handle: int = c_function("dlopen", "c_void_p", "c_char_p", "c_int")(None, os.RTLD_LAZY)
    return handle


def image_maps() -> list[tuple[int, str, int]]:
    """(load address, name, address of the dynamic section) of every image, in load order.

    Walked without the linker's lock: dl_iterate_phdr would call Python while it holds that lock, and a thread that
    has the GIL and waits for the lock in dlopen would then never let it go on.
    """
    import ctypes

    start = ctypes.c_void_p()
    dlinfo(program(), _RTLD_DI_LINKMAP, ctypes.byref(start))
    found = []
    node = start.value
    while node:
        # struct link_map of <link.h>: l_addr, l_name, l_ld, l_next, l_prev; musl's struct dso begins with the same
        base, name, dynamic, node, _ = struct.unpack("5P", ctypes.string_at(node, struct.calcsize("5P")))
        found.append((base, string_at(name) if name else "", dynamic))
    return found


def dynamic_strings(base: int, dynamic: int, *tags: int) -> tuple[str | None, ...]:
    """The strings of these tags of a mapped image's dynamic section, None for a tag that is not there."""
    import ctypes

    values: dict[int, int] = {}
    size = struct.calcsize("NN")
    while dynamic:
        tag, value = struct.unpack("NN", ctypes.string_at(dynamic, size))
        if tag == _DT_NULL:
            break
        values[tag] = value
        dynamic += size
    strings = values.get(_DT_STRTAB)
    if strings is None:
        return tuple(None for _ in tags)
    if strings < base:
        # glibc turns this tag into an address in place, but not where the section is read-only (the vdso; RISC-V and
        # MIPS: DL_RO_DYN_SECTION); musl never does.
        strings += base
    return tuple(string_at(strings + values[tag]) if tag in values else None for tag in tags)


def linkmap() -> tuple[tuple[str, str | None], ...]:
    """(path, soname) of every image in this process, in load order. The main program's path is ""."""
    images = [(name, dynamic_strings(base, dynamic, _DT_SONAME)[0]) for base, name, dynamic in image_maps()]
    # musl has argv[0] there
    return tuple(("", soname) if index == 0 else (name, soname) for index, (name, soname) in enumerate(images))


def dlopen(path: str, flags: int, /) -> int:
    """A handle. Raises OSError with dlerror's text. The GIL is released while constructors run."""
    handle = _dlopen(path, flags)
    if handle is None:
        raise OSError(_dlerror())
    return handle


def loaded_handle(path: str, /) -> int | None:
    """The handle of an already mapped image (RTLD_NOLOAD), or None. Maps nothing."""
    return _dlopen(path, os.RTLD_NOLOAD | os.RTLD_LAZY)


def dlsym(handle: int, name: str, /) -> int | None:
    """The address of a symbol, None where there is none."""
    address: int | None = c_function("dlsym", "c_void_p", "c_void_p", "c_char_p")(handle, _encoded(name))
    return address


def _dlopen(path: str, flags: int) -> int | None:
    _error_function()  # looked up now: a look-up after the failure would replace the error's text
    handle: int | None = c_function("dlopen", "c_void_p", "c_char_p", "c_int")(_encoded(path), flags)
    return handle


def _dlerror() -> str:
    text: bytes | None = _error_function()()
    return os.fsdecode(text) if text else "the dynamic linker gives no reason"


def _error_function() -> Any:
    return c_function("dlerror", "c_char_p")


def _encoded(text: str) -> bytes:
    encoded = os.fsencode(text)
    if b"\0" in encoded:
        raise ValueError("embedded null character")
    return encoded


def libc() -> tuple[str, str]:
    """("glibc", "2.36") or ("musl", "1.2.3"; "" where its version cannot be told) of this process."""
    try:
        version: bytes = c_function("gnu_get_libc_version", "c_char_p")()
    except AttributeError:
        return "musl", _musl_version()
    return "glibc", os.fsdecode(version)


def musl_linker() -> str | None:
    """The path of musl's dynamic linker, which is its libc too, None where it is not mapped from a file."""
    for _, name, _ in image_maps():
        if os.path.basename(name).startswith("ld-musl-"):
            return name
    return None


def _musl_version() -> str:
    """musl has no function that says it. `__libc_version` is hidden, yet the only string in libc of its form."""
    import re

    path = musl_linker()
    if path is None:
        return ""
    try:
        with open(path, "rb") as file:
            found = set(re.findall(rb"\0(\d+\.\d+\.\d+)\0", file.read(1 << 24)))
    except OSError:
        return ""
    return os.fsdecode(found.pop()) if len(found) == 1 else ""


def isa_level() -> int:
    """The x86-64 psABI level 1-4 that this CPU and kernel support; 0 on another machine."""
    if os.uname().machine != "x86_64":
        return 0
    flags = _cpu_flags()
    level = 1
    for needed in _LEVELS:
        if not needed <= flags:
            break
        level += 1
    return level


def _cpu_flags() -> frozenset[str]:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key.strip() == "flags":
                    return frozenset(value.split())
    except OSError:  # no /proc: the baseline is all that is known
        pass
    return frozenset()
