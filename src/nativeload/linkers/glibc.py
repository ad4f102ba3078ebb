"""glibc's dynamic linker: where it looks for a name, in order (ld.so(8); elf/dl-load.c, elf/dl-cache.c).

Where the process runs on musl, the same search without a cache is musl's, whose directories the backend names.
"""

import errno
import os

from nativeload import core, images
from nativeload.spec import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nativeload.images import Image
    from nativeload.spec import Trace

CACHE = "/etc/ld.so.cache"
# ld.so.cache's flags of an entry of this machine's ABI (glibc's dl-cache.h, _DL_CACHE_DEFAULT_ID)
_CACHE_FLAGS = {62: 0x303, 183: 0xA03, 243: 0x1003, 21: 0x503, 22: 0x403}

_LISTINGS = 64  # directories kept; then all are forgotten

# After these errors of open(2) the linker looks into the next directory; after others it gives up this list of them.
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.EACCES)
# What the backends say of a directory, a FIFO or a device: there the linker fails, or waits for ever.
_NO_FILE = (errno.EISDIR, errno.EINVAL)


class Found(Record):
    """A file for a name, the rule that found it, and what makes the linker give up there: "" where nothing does."""

    __slots__ = ("fatal", "how", "image", "path")
    path: str
    how: str
    fatal: str
    image: "Image | None"


class Linker:
    """The search of this process's linker; what it reads once is kept until `ld.so.cache` changes."""

    def __init__(self, state: str = "") -> None:
        self.signature = state
        self.program = images.process()
        self.isa_level = core.isa_level()
        self.search_path = core.search_path()
        self._own = {kind: [d for d, k in self.search_path if k == kind] for kind in ("LD_LIBRARY_PATH", "default")}
        self.checks_versions = core.libc()[0] == "glibc"  # musl knows no symbol versions, no hwcaps and no cache
        self.hwcaps = [f"x86-64-v{n}" for n in range(self.isa_level, 1, -1)] if self.checks_versions else []
        self._cache = _read(CACHE) if self.checks_versions else b""
        self._cached: dict[tuple[str, bool], list[str]] = {}
        self._directories: dict[str, tuple[str, list[str]]] = {}
        self._listings: dict[str, dict[str, list[str]]] = {}
        self._found: dict[str, tuple[str, Found]] = {}
        # The program's DT_RPATH serves whatever is loaded, its DT_RUNPATH only the program.
        self.program_rpath = self.rpaths(os.path.realpath("/proc/self/exe"), self.program, [])[2]

    def rpaths(self, path: str, image: "Image", inherited: list[str]) -> tuple[list[str], list[str], list[str]]:
        """(rpath, runpath, rpath to inherit) of a requester, given what it inherits from those that loaded it."""
        if image.rpath is None and image.runpath is None:
            return inherited, [], inherited
        from nativeload.linkers.rpath import rpaths

        return rpaths(path, image, inherited, self)

    def expand(self, text: str, path: str) -> str:
        """What the file at `path` means by a text with $ORIGIN, $LIB or $PLATFORM in it."""
        from nativeload.linkers.rpath import expand

        return expand(text, path, self)

    def directories(self, directory: str, trace: "Trace | None" = None) -> list[str]:
        """The places looked at for one directory: its subdirectories for this CPU, best first, then itself."""
        state = trace.consult(directory) if trace is not None else core.signature(directory)
        known = self._directories.get(directory)
        if known is None or known[0] != state or not os.path.isabs(directory):
            from nativeload.linkers.hwcaps import subdirectories

            names = subdirectories(self.program.machine, self.hwcaps)
            tops = [top for top in {name.partition("/")[0] for name in names} if os.path.isdir(f"{directory}/{top}")]
            below = [f"{directory}/{name}" for name in names if name.partition("/")[0] in tops]
            known = self._directories[directory] = state, [*below, directory]
        return known[1]

    def find(
        self, name: str, rpath: list[str], runpath: list[str], nodeflib: bool = False, tried: list[str] | None = None
    ) -> Found | None:
        """What the linker takes for a DT_NEEDED, given its requester's directories; `tried` collects each path tried."""
        own = self._own
        usual = not (rpath or runpath or own["LD_LIBRARY_PATH"] or nodeflib or tried is not None)
        known = self._found.get(name) if usual else None
        if known and core.signature(known[1].path) == known[0]:
            return known[1]
        if "/" in name:
            return self._first("path", (name,), tried)
        for how, directories in (("rpath", rpath), ("LD_LIBRARY_PATH", own["LD_LIBRARY_PATH"]), ("runpath", runpath)):
            found = self._first(how, self._below(directories, name), tried) if directories else None
            if found:
                return found
        cached = self.cached(name, stem=False)
        if nodeflib:
            default = tuple(f"{directory}/" for directory in own["default"])
            return self._first("ld.so.cache", [path for path in cached if not path.startswith(default)], tried)
        found = self._first("ld.so.cache", cached, tried)
        if found and found.image and usual:
            self._found[name] = " ".join(map(str, found.image.signature)), found
        return found or self._first("default", self._below(own["default"], name), tried)

    def _below(self, directories: list[str], name: str) -> "Iterator[str]":
        return (f"{place}/{name}" for directory in directories for place in self.directories(directory))

    def _first(self, how: str, paths: "Iterable[str]", tried: list[str] | None) -> Found | None:
        for path in paths:
            if tried is not None:
                tried.append(path)
            try:
                image = images.read(path)
            except ValueError as error:
                return Found(path=path, how=how, fatal=str(error), image=None)
            except OSError as error:
                if error.errno in _NO_FILE:
                    return Found(path=path, how=how, fatal=str(error.strerror), image=None)
                if error.errno in _ABSENT:
                    continue
                return None
            fatal = self.refuses(image)
            if fatal is not None:
                if not fatal and not os.path.isabs(path):
                    fatal = "it depends on the current directory, and nothing is loaded from there"
                return Found(path=path, how=how, fatal=fatal, image=image)
        return None

    def refuses(self, image: "Image") -> str | None:
        """Why the linker gives up at a file of the right name; "" where it maps it, None where it looks further."""
        here = self.program
        same_order = image.byteorder == here.byteorder
        # As the linker reads the field, in its own byte order. Debian's asks for the machine before all that follows;
        # without its patch, a foreign byte order or OSABI ends the search whatever the machine.
        machine = image.machine if same_order else (image.machine & 0xFF) << 8 | image.machine >> 8
        if image.elf_class != here.elf_class or machine != here.machine:
            return None
        if not same_order:
            return "it is of the other byte order"
        if image.osabi not in images.OSABI_ACCEPTED:
            return f"it is for another operating system (ELF OSABI {image.osabi})"
        if image.type != images.ET_DYN or image.flags_1 & images.DF_1_PIE:
            return "it is not a shared library but a program, an object or a core file"
        if image.flags_1 & images.DF_1_NOOPEN:
            return "it is marked not to be opened at run time (DF_1_NOOPEN)"
        if image.isa_needed > self.isa_level > 0:
            return f"it needs a CPU of level x86-64-v{image.isa_needed}; this one is x86-64-v{self.isa_level}"
        return ""

    def cached(self, name: str, stem: bool) -> list[str]:
        """The files `ld.so.cache` holds under a soname, best hwcaps first; with `stem`, of its versions too."""
        known = self._cached.get((name, stem))
        if known is None:
            wanted = _CACHE_FLAGS.get(self.program.machine)
            best: dict[str, tuple[int, str]] = {}
            for soname, path, flags, hwcap in core.ldcache_search(self._cache, name, stem) if self._cache else ():
                if flags != wanted or (hwcap and hwcap not in self.hwcaps):
                    continue
                rank = self.hwcaps.index(hwcap) if hwcap else len(self.hwcaps)
                if soname not in best or rank < best[soname][0]:
                    best[soname] = rank, path
            known = [path for _, path in best.values()]
            if known:  # so there are no more of them than the cache has entries
                self._cached[name, stem] = known
        return known

    def listing(self, directory: str, trace: "Trace | None" = None) -> dict[str, list[str]]:
        """The shared libraries of one directory by stem: {"libz.so": ["libz.so", "libz.so.1"]}."""
        state = trace.consult(directory) if trace is not None else core.signature(directory)
        names = self._listings.get(state)  # by its state: /lib is often /usr/lib
        if names is None:
            names = {}
            try:
                entries = os.listdir(directory)
            except OSError:
                entries = []
            for entry in entries:
                stem, dot_so, _ = entry.partition(".so")
                if dot_so:
                    names.setdefault(f"{stem}.so", []).append(entry)
            if len(self._listings) >= _LISTINGS:
                self._listings.clear()
            self._listings[state] = names
        return names


_linker: Linker | None = None


def linker(trace: "Trace | None" = None) -> Linker:
    """This process's linker, made anew when `ld.so.cache` has changed (since the search that `trace` records began)."""
    global _linker
    state = trace.consult(CACHE) if trace is not None else core.signature(CACHE)
    if _linker is None or _linker.signature != state:
        _linker = Linker(state)
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
