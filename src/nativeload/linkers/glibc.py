"""glibc's dynamic linker: where it looks for a name, in order (ld.so(8); elf/dl-load.c, elf/dl-cache.c).

Where the process runs on musl, the same search without a cache is musl's, whose directories the backend names.
"""

import os

from nativeload import core, images
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

_LISTINGS = 64  # directories kept; then all are forgotten


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
        self.rules = self._rules()
        self.walker = core.linker(self.rules)

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
            from nativeload.linkers.rpath import directories

            origin = os.path.dirname(os.path.realpath("/proc/self/exe"))
            own_rpath = tuple(directories(program, {"ORIGIN": origin, **tokens}))
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

    def directories(self, directory: str, trace: "Trace | None" = None) -> list[str]:
        """The places looked at for one directory: its subdirectories for this CPU, best first, then itself."""
        state = trace.consult(directory) if trace is not None else core.signature(directory)
        known = self._directories.get(directory)
        if known is None or known[0] != state or not os.path.isabs(directory):
            names = subdirectories(self.program.machine, self.hwcaps)
            tops = [top for top in {name.partition("/")[0] for name in names} if os.path.isdir(f"{directory}/{top}")]
            below = [f"{directory}/{name}" for name in names if name.partition("/")[0] in tops]
            known = self._directories[directory] = state, [*below, directory]
        return known[1]

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
