"""The dynamic linker of this process, which says itself where it looks, and whose images count."""

import os

from nativeload import core, images
from nativeload.linkers import Rules, cache_flags, lib, platform, read_cache, subdirectories

CACHE = "/etc/ld.so.cache"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nativeload.spec import Trace


class Linker:
    """The search of this process's linker; what it reads once is kept until `ld.so.cache` changes."""

    def __init__(self, state: str = "") -> None:
        self.signature = state
        self.program = images.process()
        self.isa_level = core.isa_level()
        self.search_path = core.search_path()
        self.relative = [(directory, kind) for directory, kind in self.search_path if not directory.startswith("/")]
        # Nothing is loaded from the current directory.
        absolute = [(directory, kind) for directory, kind in self.search_path if directory.startswith("/")]
        self._own = {kind: [d for d, k in self.search_path if k == kind] for kind in ("LD_LIBRARY_PATH", "default")}
        self.checks_versions = core.libc()[0] == "glibc"  # musl knows no symbol versions, no hwcaps and no cache
        self.hwcaps = [f"x86-64-v{n}" for n in range(self.isa_level, 1, -1)] if self.checks_versions else []
        self._cache = read_cache(CACHE) if self.checks_versions else b""
        self._cached: dict[tuple[str, bool], list[str]] = {}
        self.rules = self._rules()
        self._cache_flags = self.rules.cache_flags
        self.walker = self.rules.walker()
        below = self.rules.subdirectories
        self.named = [(directory, kind) for directory, kind in absolute if kind != "default"]
        self.before = core.places(tuple(directory for directory, _ in self.named), below)
        self.after = core.places(tuple(directory for directory, kind in absolute if kind == "default"), below)

    def _rules(self) -> Rules:
        machine = self.program.machine
        release = int(core.libc()[1].split(".")[1]) if self.checks_versions else 0
        default = tuple(self._own["default"])
        tokens = {"LIB": lib(default), "PLATFORM": platform(machine)}
        # The program's DT_RPATH serves whatever is loaded, its DT_RUNPATH only the program.
        program = self.program.rpath if self.program.runpath is None and self.program.rpath else ""
        if program:
            from nativeload.linkers import rpath

            tokens["ORIGIN"] = os.path.dirname(os.path.realpath("/proc/self/exe"))
            program_rpath = tuple(rpath.directories(program, tokens))
        return Rules(
            musl=not self.checks_versions,
            wide=self.program.elf_class == 64,
            big=self.program.byteorder == "big",
            machine=machine,
            secure=False,
            release=release,
            library_path=tuple(self._own["LD_LIBRARY_PATH"]),
            default=default,
            subdirectories=tuple(subdirectories(machine, self.hwcaps, release)) if self.checks_versions else (),
            hwcaps=tuple(self.hwcaps),
            program_rpath=program_rpath if program else (),
            lib=tokens["LIB"],
            platform=tokens["PLATFORM"],
            own=self.program.interp or "",
            cache=self._cache,
            cache_flags=cache_flags(machine),
            root="",
        )

    def cached(self, name: str, stem: bool) -> list[str]:
        """The files `ld.so.cache` holds under a soname, the best for this CPU; with `stem`, those of its versions after."""
        known = self._cached.get((name, stem))
        if known is None:
            wanted = self._cache_flags
            entries = core.ldcache_search(self._cache, name, stem) if self._cache else []
            best: dict[str, tuple[int, str]] = {}
            for soname, path, flags, hwcap in entries:
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
    known = _linker  # which another thread may forget
    if known is None or known.signature != state:
        known = _linker = Linker(state)
    return known


def forget() -> None:
    """Drop what was read."""
    global _linker
    _linker = None


# Another thread of the parent may have been reading with it.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget)
