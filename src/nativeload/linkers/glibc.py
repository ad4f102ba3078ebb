"""glibc's dynamic linker: where it looks for a name, in order (ld.so(8); elf/dl-load.c, elf/dl-cache.c).

Where the process runs on musl, the same search without a cache is musl's, whose directories the backend names.
"""

import os

from nativeload import core, images
from nativeload.linkers import directories
from nativeload.linkers.directories import Searched
from nativeload.linkers.hwcaps import platform, subdirectories

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nativeload.spec import Trace

    Rules = tuple[
        bool, bool, bool, int, bool, tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...],
        tuple[str, ...], str, str, str, bytes, int, str,
    ]  # fmt: skip

CACHE = "/etc/ld.so.cache"
# ld.so.cache's flags of an entry of this machine's ABI (glibc's dl-cache.h, _DL_CACHE_DEFAULT_ID)
_CACHE_FLAGS = {62: 0x303, 183: 0xA03, 243: 0x1003, 21: 0x503, 22: 0x403}


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
        self.rules = self._rules()
        self.walker = core.linker(self.rules)
        below = self.rules[7]
        self.before = Searched([(d, k) for d, k in self.search_path if k != "default"], below)
        self.after = Searched([(d, "a default directory") for d in self._own["default"]], below)

    def _rules(self) -> "Rules":
        machine = self.program.machine
        default = tuple(self._own["default"])
        # The first default directory is $LIB below the root: /lib/x86_64-linux-gnu, /lib64, /usr/lib.
        first = default[0] if default else "/lib"
        lib = first.removeprefix("/usr")[1:] if first.startswith(("/lib", "/usr/lib")) else os.path.basename(first)
        tokens = {"LIB": lib, "PLATFORM": platform(machine)}
        # The program's DT_RPATH serves whatever is loaded, its DT_RUNPATH only the program.
        program = self.program.rpath if self.program.runpath is None and self.program.rpath else ""
        if program:
            from nativeload.linkers import rpath

            origin = os.path.dirname(os.path.realpath("/proc/self/exe"))
            own_rpath = tuple(rpath.directories(program, {"ORIGIN": origin, **tokens}))
        return (
            not self.checks_versions,
            self.program.elf_class == 64,
            self.program.byteorder == "big",
            machine,
            False,
            tuple(self._own["LD_LIBRARY_PATH"]),
            default,
            tuple(subdirectories(machine, self.hwcaps)),
            tuple(self.hwcaps),
            own_rpath if program else (),
            lib,
            tokens["PLATFORM"],
            self.program.interp or "",
            self._cache,
            _CACHE_FLAGS.get(machine, 0),
            "",
        )

    def cached(self, name: str, stem: bool) -> list[str]:
        """The files `ld.so.cache` holds under a soname, the best for this CPU; with `stem`, those of its versions after."""
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
            if name in best:
                known = [best.pop(name)[1], *(path for _, path in best.values())]
            if known:  # so there are no more of them than the cache has entries
                self._cached[name, stem] = known
        return known


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
    directories.forget()


# Another thread of the parent may have been reading with it.
os.register_at_fork(after_in_child=forget)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read()
        core.ldcache_search(content, "libc.so.6", False)
    except (OSError, ValueError):
        return b""
    return content
