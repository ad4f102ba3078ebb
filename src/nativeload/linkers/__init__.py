"""The search rules of one dynamic linker each: `host` for this process, the others for any file. None of them loads.

Here is what those of Linux share: where one looks, as a backend's `walk` takes it, and what of it glibc chooses by the
CPU (elf/dl-hwcaps.c).
"""

import os

from nativeload import core
from nativeload.spec import Record
from nativeload.tomlfile import regular

# ld.so.cache's flags of an entry of a machine's ABI (glibc's dl-cache.h, _DL_CACHE_DEFAULT_ID); 32-bit Arm's are hard-float
_CACHE_FLAGS = {3: 0x3, 40: 0x903, 62: 0x303, 183: 0xA03, 243: 0x1003, 21: 0x503, 22: 0x403}


class Rules(Record):
    """The fields that `nativeload._native.linker` takes, in its order."""

    __slots__ = (  # noqa: RUF023 - the order is the backend's
        "musl",
        "wide",
        "big",
        "machine",
        "secure",
        "release",
        "library_path",
        "default",
        "subdirectories",
        "hwcaps",
        "program_rpath",
        "lib",
        "platform",
        "own",
        "cache",
        "cache_flags",
        "root",
    )
    musl: bool
    wide: bool
    big: bool
    machine: int
    secure: bool
    release: int
    library_path: tuple[str, ...]
    default: tuple[str, ...]
    subdirectories: tuple[str, ...]
    hwcaps: tuple[str, ...]
    program_rpath: tuple[str, ...]
    lib: str
    platform: str
    own: str
    cache: bytes
    cache_flags: int
    root: str

    def walker(self) -> object:
        """A linker that follows these rules."""
        return core.linker(tuple(self._fields().values()))


def cache_flags(machine: int) -> int:
    """The flags of a cache's entries that a machine's linker takes, 0 where they are not known."""
    return _CACHE_FLAGS.get(machine, 0)


EM_386, EM_X86_64 = 3, 62
_PLATFORMS = {EM_386: "i686", EM_X86_64: "x86_64", 183: "aarch64"}
_platforms: dict[int, str] = {}


def subdirectories(machine: int, hwcaps: list[str], release: int) -> list[str]:
    """What glibc 2.`release` looks into below each directory of a search before the directory itself, in order."""
    named = [f"glibc-hwcaps/{name}" for name in hwcaps]
    if machine not in (EM_386, EM_X86_64) or release >= 37:
        return named
    # Until then: every subset of these names, the fullest first.
    names = ["tls", platform(machine), "x86_64" if machine == EM_X86_64 else "sse2"]
    if names[1] == "haswell" and core.isa_level() > 3:
        names.insert(2, "avx512_1")
    bits = range(len(names) - 1, -1, -1)
    subsets = range(2 ** len(names) - 1, 0, -1)
    legacy = ["/".join(name for bit, name in zip(bits, names, strict=True) if subset >> bit & 1) for subset in subsets]
    return list(dict.fromkeys(named + legacy))


def platform(machine: int) -> str:
    """What $PLATFORM stands for: AT_PLATFORM, and on an Intel what glibc calls it (sysdeps/x86/cpu-features.c)."""
    if machine not in _platforms:
        haswell = machine == EM_X86_64 and core.isa_level() > 2 and _is_intel()
        _platforms[machine] = "haswell" if haswell else _PLATFORMS.get(machine, "")
    return _platforms[machine]


def _is_intel() -> bool:
    try:
        with open("/proc/cpuinfo", "rb", buffering=0) as file:
            return b"GenuineIntel" in file.read(200)
    except OSError:
        return False


_MOST_CACHE = 64 << 20  # bytes; a real one has some hundred thousand


def read_cache(path: str, root: str = "") -> bytes:
    """The bytes of an `ld.so.cache`, b"" where there is none that can be read."""
    try:
        if root:
            from nativeload import roots

            path = roots.below(root, path)
        with open(path, "rb", buffering=0, opener=regular) as file:
            size = min(os.fstat(file.fileno()).st_size, _MOST_CACHE)
            content = file.read(size + 1)
            if len(content) > size:
                return b""
        core.ldcache_search(content, "libc.so.6", False)
    except (OSError, ValueError):
        return b""
    return content


def lib(default: tuple[str, ...]) -> str:
    """$LIB, which the first default directory is below the root: /lib/x86_64-linux-gnu, /lib64, /usr/lib."""
    first = default[0] if default else "/lib"
    return first.removeprefix("/usr")[1:] if first.startswith(("/lib", "/usr/lib")) else first.rpartition("/")[2]
