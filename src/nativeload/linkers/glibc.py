"""glibc's dynamic linker for any file, on this system or below another root (ld.so(8); elf/rtld.c, elf/dl-load.c).

Its default directories and its version are read from the linker's own file: no two distributions have the same.
"""

import os

from nativeload import core, roots
from nativeload.linkers import EM_X86_64, Rules, cache_flags, lib, platform, read_cache, rpath, subdirectories
from nativeload.linkers.host import CACHE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from nativeload.images import Image

# The linker of a machine where a file does not name it (glibc's ABI list, shlib-versions).
_NAMES = {
    (3, 32): "/lib/ld-linux.so.2",
    (40, 32): "/lib/ld-linux-armhf.so.3",
    (62, 64): "/lib64/ld-linux-x86-64.so.2",
    (183, 64): "/lib/ld-linux-aarch64.so.1",
    (243, 64): "/lib/ld-linux-riscv64-lp64d.so.1",
    (21, 64): "/lib64/ld64.so.2",
    (22, 64): "/lib/ld64.so.1",
    (258, 64): "/lib64/ld-linux-loongarch-lp64d.so.1",
}
_MOST = 4 << 20  # bytes of a linker's file that are looked at

_linkers: dict[tuple[str, str], tuple[tuple[str, ...], int]] = {}


def rules(image: "Image", origin: str, environ: "Mapping[str, str]", root: str, *, secure: bool = False) -> Rules:
    """How the linker that would run a file looks for what it needs.

    Parameters: the file's facts; `origin`, the directory of the program; the environment in which it starts; `root`,
    the directory that is "/", "" for this system's; `secure` for a privileged program, which obeys no environment.
    """
    own = _linker_of(image)
    told = _told(root, own)[0]
    default = told or (("/lib64", "/usr/lib64") if image.elf_class == 64 else ("/lib", "/usr/lib"))
    level = core.isa_level() if image.machine == EM_X86_64 else 0
    names = [f"x86-64-v{n}" for n in range(level, 1, -1)]
    tokens = {"ORIGIN": origin, "LIB": lib(default), "PLATFORM": platform(image.machine)}
    trusted = default if secure else None
    path = "" if secure else environ.get("LD_LIBRARY_PATH", "")
    return Rules(
        musl=False,
        wide=image.elf_class == 64,
        big=image.byteorder == "big",
        machine=image.machine,
        secure=secure,
        release=release(image, root),
        library_path=tuple(dict.fromkeys(rpath.directories(path, tokens, ":;", trusted))),
        default=default,
        subdirectories=tuple(subdirectories(image.machine, names, release(image, root))),
        hwcaps=tuple(names),
        program_rpath=(),
        lib=tokens["LIB"],
        platform=tokens["PLATFORM"],
        own=own if told else "",
        cache=read_cache(CACHE, root),
        cache_flags=cache_flags(image.machine),
        root=root,
    )


def release(image: "Image", root: str) -> int:
    """The release of the linker that would run a file, 36 for glibc 2.36; 37 where it does not tell."""
    return _told(root, _linker_of(image))[1]


def is_always_listed(image: "Image", root: str) -> bool:
    """Whether the linker itself is in every process's list: until 2.36 only where some file needs it by name."""
    default, release = _told(root, _linker_of(image))
    return bool(default) and release >= 37


def _linker_of(image: "Image") -> str:
    return image.interp or _NAMES.get((image.machine, image.elf_class), "")


def _told(root: str, own: str) -> tuple[tuple[str, ...], int]:
    """(default directories, release) that a linker's own file tells: system_dirs in elf/dl-load.c, and its release."""
    known = _linkers.get((root, own))
    if known is None:
        content = roots.read(root, own, _MOST)
        known = _linkers[root, own] = _directories(content), _release(content)
    return known


def _directories(content: bytes) -> tuple[str, ...]:
    """The texts around "/usr/lib…/" that are directories too: each ends in a slash and a NUL."""
    middle = content.find(b"/\0/usr/lib")
    if middle < 0:
        return ()
    start = content.rfind(b"\0", 0, middle) + 1
    found = []
    while content[start : start + 1] == b"/":
        end = content.find(b"\0", start)
        if content[end - 1 : end] != b"/":
            break
        found.append(os.fsdecode(content[start : end - 1]))
        start = end + 1
    return tuple(found)


def _release(content: bytes) -> int:
    start = content.find(b"\x002.")
    while start >= 0:
        text = content[start + 1 : content.find(b"\0", start + 1)]
        if text[2:].isdigit() and len(text) < 6:
            return int(text[2:])
        start = content.find(b"\x002.", start + 1)
    return 37
