"""Where one linker looks, as a backend's `walk` takes it."""

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


_MOST_CACHE = 64 << 20  # bytes; a real one has some hundred thousand


def read_cache(path: str, root: str = "") -> bytes:
    """The bytes of an `ld.so.cache`, b"" where there is none that can be read."""
    try:
        if root:
            from nativeload import roots

            path = roots.below(root, path)
        with open(path, "rb", opener=regular) as file:
            content = file.read(_MOST_CACHE + 1)
            if len(content) > _MOST_CACHE:
                return b""
        core.ldcache_search(content, "libc.so.6", False)
    except (OSError, ValueError):
        return b""
    return content


def lib(default: tuple[str, ...]) -> str:
    """$LIB, which the first default directory is below the root: /lib/x86_64-linux-gnu, /lib64, /usr/lib."""
    first = default[0] if default else "/lib"
    return first.removeprefix("/usr")[1:] if first.startswith(("/lib", "/usr/lib")) else first.rpartition("/")[2]
