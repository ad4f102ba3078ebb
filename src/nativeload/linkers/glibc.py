"""glibc's dynamic linker: where it looks for a name, in order (ld.so(8); elf/dl-load.c, elf/dl-cache.c).

Where the process runs on musl, the same search without a cache is musl's, whose directories the backend names.
"""

import os

from nativeload import core, images
from nativeload.loader import signature
from nativeload.spec import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nativeload.images import Image

CACHE = "/etc/ld.so.cache"
# ld.so.cache's flags of an entry of this machine's ABI (glibc's dl-cache.h, _DL_CACHE_DEFAULT_ID)
_CACHE_FLAGS = {62: 0x303, 183: 0xA03, 243: 0x1003, 21: 0x503, 22: 0x403}
_PLATFORM = {62: "x86_64", 183: "aarch64"}
_LIB = {62: "lib/x86_64-linux-gnu", 183: "lib/aarch64-linux-gnu"}


class Found(Record):
    """A file for a name, and the rule that found it. `fatal` is what makes the linker give up there, or ""."""

    __slots__ = ("fatal", "how", "path")
    path: str
    how: str
    fatal: str


class Linker:
    """The search of this process's linker; everything it reads once is kept until `ld.so.cache` changes."""

    def __init__(self) -> None:
        self.signature = signature(CACHE)
        self.program = images.process()
        self.hwcaps = tuple(f"x86-64-v{level}" for level in range(core.isa_level(), 1, -1))
        self.search_path = core.search_path()
        self._cache = _read(CACHE)
        self._directories: dict[str, tuple[str, ...]] = {}
        self._listings: dict[str, tuple[str, dict[str, list[str]]]] = {}
        self.complete: set[str] = set()  # files whose whole closure the system's own directories satisfy

    def expand(self, text: str, origin: str) -> list[str]:
        """The directories of an rpath or runpath, with $ORIGIN, $LIB and $PLATFORM put in."""
        platform, lib = _PLATFORM.get(self.program.machine, ""), _LIB.get(self.program.machine, "lib")
        for token, value in (("ORIGIN", origin), ("PLATFORM", platform), ("LIB", lib)):
            text = text.replace(f"${{{token}}}", value).replace(f"${token}", value)
        return text.split(":")

    def directories(self, directory: str) -> tuple[str, ...]:
        """The places looked at for one directory: its glibc-hwcaps for this CPU, best first, then itself."""
        known = self._directories.get(directory)
        if known is None:
            places = [f"{directory}/glibc-hwcaps/{hwcap}" for hwcap in self.hwcaps]
            known = self._directories[directory] = (*filter(os.path.isdir, places), directory)
        return known

    def find(
        self, name: str, rpath: list[str], runpath: list[str], nodeflib: bool = False, tried: list[str] | None = None
    ) -> Found | None:
        """What the linker takes for a DT_NEEDED `name`, given the requester's directories; None if nothing.

        `tried` collects each path looked at.
        """
        tried = tried if tried is not None else []
        if "/" in name:
            return self._usable(name, "path", tried)
        groups = [("rpath", rpath), *self._own("LD_LIBRARY_PATH"), ("runpath", runpath)]
        for how, directories in groups:
            for directory in directories:
                for place in self.directories(directory or "."):
                    found = self._usable(f"{place}/{name}", how, tried)
                    if found:
                        return found
        if not nodeflib:
            for path in self.cached(name, stem=False):
                found = self._usable(path, "ld.so.cache", tried)
                if found:
                    return found
        for how, directories in self._own("default"):
            for directory in directories:
                for place in self.directories(directory):
                    found = self._usable(f"{place}/{name}", how, tried)
                    if found:
                        return found
        return None

    def _own(self, kind: str) -> list[tuple[str, list[str]]]:
        return [(kind, [directory for directory, k in self.search_path if k == kind])]

    def _usable(self, path: str, how: str, tried: list[str]) -> Found | None:
        tried.append(path)
        try:
            image = images.read(path)
        except ValueError as error:
            return Found(path=path, how=how, fatal=str(error))
        except OSError as error:
            return Found(path=path, how=how, fatal=str(error.strerror)) if os.path.isdir(path) else None
        return Found(path=path, how=how, fatal="") if image.same_kind(self.program) else None

    def cached(self, name: str, stem: bool) -> list[str]:
        """The files `ld.so.cache` holds under a soname, best hwcaps first; with `stem`, of its versions too."""
        if not self._cache:
            return []
        wanted = _CACHE_FLAGS.get(self.program.machine)
        best: dict[str, tuple[int, str]] = {}
        for soname, path, flags, hwcap in core.ldcache_search(self._cache, name, stem):
            if flags != wanted or (hwcap and hwcap not in self.hwcaps):
                continue
            rank = self.hwcaps.index(hwcap) if hwcap else len(self.hwcaps)
            if soname not in best or rank < best[soname][0]:
                best[soname] = rank, path
        return [path for _, path in best.values()]

    def listing(self, directory: str) -> dict[str, list[str]]:
        """The shared libraries of one directory by stem: {"libz.so": ["libz.so", "libz.so.1"]}."""
        state = signature(directory)
        known = self._listings.get(directory)
        if known is None or known[0] != state:
            names: dict[str, list[str]] = {}
            try:
                entries = os.listdir(directory)
            except OSError:
                entries = []
            for entry in entries:
                stem, dot_so, _ = entry.partition(".so")
                if dot_so:
                    names.setdefault(f"{stem}.so", []).append(entry)
            known = self._listings[directory] = state, names
        return known[1]


_linker: Linker | None = None


def linker() -> Linker:
    """This process's linker, made anew when `ld.so.cache` has changed."""
    global _linker
    if _linker is None or _linker.signature != signature(CACHE):
        _linker = Linker()
    return _linker


def forget() -> None:
    """Drop what was read."""
    global _linker
    _linker = None


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read()
        core.ldcache_search(content, "libc.so.6", False)
    except (OSError, ValueError):
        return b""
    return content


def rpaths(path: str, image: "Image", inherited: list[str], linker: Linker) -> tuple[list[str], list[str], list[str]]:
    """(rpath, runpath, rpath to inherit) of a requester: a DT_RUNPATH silences every DT_RPATH, and is not inherited."""
    origin = os.path.dirname(os.path.abspath(path))
    own = [] if image.runpath is not None or image.rpath is None else linker.expand(image.rpath, origin)
    chain = [*own, *inherited]
    if image.runpath is not None:
        return [], linker.expand(image.runpath, origin), chain
    return chain, [], chain
