"""Where a linker looks for one name, in order (_dl_map_object in glibc's elf/dl-load.c; load_library in musl's
ldso/dynlink.c)."""

from __future__ import annotations

import errno
import os
import stat
from _thread import RLock

from .elf import facts
from .file import signature
from .ldcache import ldcache_search

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .lookup import Given

    # how, whose rpath, the paths to try
    Lists = Iterator[tuple[int, "Node | None", Iterable[str]]]
    # path, how, whose rpath, why the linker gives up there, the facts of a file that will do, what was tried
    Found = tuple[str | None, int, "Node | None", str | None, "Facts | None", "Tries"]
    Tries = tuple[tuple[str, int, str | None], ...]

# What one walk may cost: bytes of paths tried and of directories named, steps from file to file. Names, directories and
# files multiply. Looking for a file costs something besides, and finding one.
_MOST_EFFORT = 128 << 20
_ONE_TRY, _ONE_FILE = 64, 1024
_MOST_KEPT = 1 << 22  # names of symbols that are kept from one question to the next

MISSING, LOADED, RPATH, LIBRARY_PATH, RUNPATH, CACHE, DEFAULT, PATH = range(8)

_ET_EXEC, _ET_DYN = 2, 3
_DF_1_NOOPEN, _DF_1_NODEFLIB, _DF_1_PIE = 0x40, 0x800, 0x8000000
# After these errors of open(2) the linker looks into the next directory; after others it gives up this list of them.
_ABSENT = (errno.ENOENT, errno.EACCES)
_ABSENT_TO_MUSL = (*_ABSENT, errno.ENOTDIR, errno.ENAMETOOLONG)
# What reading the facts says of a directory, a FIFO or a device: there the linker fails, or waits for ever.
_NO_FILE = (errno.EISDIR, errno.EINVAL)


def _libc(name: str) -> str:
    """The C library that a needed name tells, "" for a name of anything else."""
    if name == "libc.so.6" or name.startswith("ld-linux"):
        return "glibc"
    return "musl" if name == "libc.so" or name.startswith(("libc.musl-", "ld-musl-")) else ""


class Facts:
    """What a walk needs of one file."""

    def __init__(self, path: str) -> None:
        found, self.dynamic, self.flaw = facts(path)
        (
            self.elf_class, self.byteorder, self.machine, _, self.type, self.osabi, self.interp, self.soname,
            self.needed, self.filters, self.rpath, self.runpath, self.flags_1, self.verneed, self.verdef,
            self.isa_needed, _, _, self.signature,
        ) = found  # fmt: skip
        self.file = self.signature[:2]
        self.given = frozenset(self.verdef)
        paths = self.rpath or "", self.runpath or ""
        self.size = sum(map(len, (*self.needed, *self.verdef, *paths))) + 8 * len(self.verneed)

    @property
    def is_program(self) -> bool:
        return self.type == _ET_EXEC or (self.interp is not None and self.soname is None)


class Linker:
    """The rules, and what was read of files: their facts, or why there are none."""

    def __init__(
        self,
        musl: bool,
        wide: bool,
        big: bool,
        machine: int,
        secure: bool,
        release: int,
        library_path: tuple[str, ...],
        default: tuple[str, ...],
        subdirectories: tuple[str, ...],
        hwcaps: tuple[str, ...],
        program_rpath: tuple[str, ...],
        lib: str,
        platform: str,
        own: str,
        cache: bytes,
        cache_flags: int,
        root: str,
    ) -> None:
        self.musl, self.release, self.machine, self.own = musl, release, machine, own
        self.absent = _ABSENT_TO_MUSL if musl else _ABSENT if release < 39 else (*_ABSENT, errno.ENOTDIR)
        self.kind = (64 if wide else 32, "big" if big else "little")
        self.trusted = default if secure else None
        self.library_path, self.default, self.program_rpath = library_path, default, program_rpath
        self.subdirectories, self.hwcaps = subdirectories, hwcaps
        self.tokens = {"LIB": lib, "PLATFORM": platform}
        self.cache, self.cache_flags = cache, cache_flags
        self.root = root
        self.lock = RLock()  # whoever walks has all that follows for himself
        self.starts = False  # a program: nothing is loaded by dlopen
        self.preloading = False  # what LD_PRELOAD names is looked for
        self.spent = 0  # of what this walk may cost
        self._images: dict[str, tuple[str, Facts | str]] = {}
        self._seen: set[str] = set()
        self._given: dict[str, Given] = {}
        self._places: dict[str, list[str]] = {}

    def spend(self, effort: int) -> None:
        """Count what a walk costs; ValueError where it has had its share."""
        self.spent += effort
        if self.spent > _MOST_EFFORT:
            raise ValueError(f"malformed: more than {_MOST_EFFORT} steps of a search")

    def next_round(self) -> None:
        """From here on, what was read is looked at again."""
        self._seen.clear()
        self._places.clear()

    def real(self, path: str) -> str:
        """Where a path is on this machine: below the root, which neither ".." nor a link leads out of."""
        from nativeload import roots

        return roots.inside(self.root, path)

    def is_libc(self, path: str) -> bool:
        """Whether a file is a C library, as musl knows one, its own or another (load_library in ldso/dynlink.c)."""
        try:
            return all(facts(self.real(path), ("__libc_start_main", "stdin"))[0][17])
        except (OSError, ValueError):
            return False

    def real_below(self, path: str) -> str:
        """Where a path is, as it is below the root, when all links are followed."""
        real = os.path.realpath(self.real(path))
        return real.removeprefix(os.path.realpath(self.root)) if self.root else real

    def may_preload(self, path: str) -> bool:
        """Whether LD_PRELOAD may mean a file of a directory: for a privileged program, what is set-user-ID."""
        if self.trusted is None or not self.preloading:
            return True
        return bool(self.mode(path) & stat.S_ISUID)

    def mode(self, path: str) -> int:
        """The kind and the permissions of what is at a path, 0 where there is nothing."""
        try:
            return os.stat(self.real(path)).st_mode
        except (OSError, ValueError):
            return 0

    def facts(self, path: str) -> Facts | str:
        """The facts of a file, or what is wrong with its content. Raises OSError."""
        known = self._images.get(path)
        real = self.real(path)
        if known is None or (path not in self._seen and signature(real) != known[0]):
            facts: Facts | str
            try:
                facts = Facts(real)
                state = " ".join(map(str, facts.signature))
            except ValueError as error:
                facts, state = str(error), signature(real)
            known = self._images[path] = state, facts
        self._seen.add(path)
        return known[1]

    def given(self, path: str) -> Given:
        """What a file exports, nothing where it cannot be read."""
        from .lookup import Given

        if path not in self._given:
            if sum(len(one.symbols) for one in self._given.values()) > _MOST_KEPT:
                self._given.clear()
            self._given[path] = Given(self.real(path))
        return self._given[path]

    def places(self, directory: str) -> list[str]:
        """The places looked at for one directory: the subdirectories that it has, then itself."""
        if directory not in self._places:
            self.spend(_ONE_TRY + len(directory))
            tops = {name.partition("/")[0] for name in self.subdirectories}
            there = {top for top in tops if self.mode(f"{directory}/{top}")}
            below = [f"{directory}/{name}" for name in self.subdirectories if name.partition("/")[0] in there]
            self._places[directory] = [*below, directory]
        return self._places[directory]

    def cached(self, name: str, nodeflib: bool) -> list[str]:
        """The file that ld.so.cache holds under a name, for the best subdirectory that this CPU takes."""
        best: list[tuple[int, str]] = []
        self.spend(len(self.cache) // 24)
        for _, path, flags, hwcap in ldcache_search(self.cache, name, False) if self.cache else ():
            # i386's linker also takes entries of no C library (dl-cache.h)
            taken = flags == self.cache_flags or (self.cache_flags == 3 and flags == 1)
            if taken and (hwcap is None or hwcap in self.hwcaps):
                best.append((self.hwcaps.index(hwcap) if hwcap is not None else len(self.hwcaps), path))
        path = min(best, key=lambda hit: hit[0])[1] if best else ""
        if not path or (nodeflib and path.startswith(tuple(f"{directory}/" for directory in self.default))):
            return []
        return [path]

    def is_own(self, facts: Facts) -> bool:
        """Whether a file is a library that this linker would map: others have other rules."""
        same = (facts.elf_class, facts.byteorder, facts.machine) == (*self.kind, self.machine)
        libcs = (_libc(name) for name in facts.needed)
        return same and facts.interp is None and (next(filter(None, libcs), "") == "musl") == self.musl

    def refuses(self, facts: Facts) -> str | None:
        """Why the linker gives up at a file of the right name; "" where it takes it, None where it looks further."""
        same_order = facts.byteorder == self.kind[1]
        # As the linker reads the field, in its own byte order. Debian's asks for the machine before all that follows;
        # without its patch, a foreign byte order or OSABI ends the search whatever the machine.
        machine = facts.machine if same_order else (facts.machine & 0xFF) << 8 | facts.machine >> 8
        if facts.elf_class != self.kind[0] or machine != self.machine:
            return "it is of another machine" if self.musl else None
        if not same_order:
            return "it is of the other byte order"
        if not facts.dynamic:
            return "it has no dynamic section"
        if facts.flaw and not self.musl:
            return facts.flaw
        if facts.osabi not in (0, 3) and not self.musl:
            return "it is for another operating system"
        if facts.type != _ET_DYN or (facts.flags_1 & _DF_1_PIE and not self.musl):
            return "it is not a shared library but a program, an object or a core file"
        if facts.flags_1 & _DF_1_NOOPEN and not self.musl and not self.starts:
            return "it is marked not to be opened at run time (DF_1_NOOPEN)"
        return ""


class Node:
    """A file that is mapped, and what its headers say of where others are."""

    def __init__(self, path: str, facts: Facts, loader: Node | None, linker: Linker) -> None:
        from nativeload.linkers import rpath

        self.path, self.facts = path, facts
        # the nearest of those that wanted it whose rpath serves
        self.above: Node | None = loader if loader is None or loader.bequeaths(linker.musl) else loader.above
        self.done = False
        self.named = False  # by musl, which knows a file by the name of the first path by which a search has found it
        self.edges: list[tuple[tuple[str, str | None, int, int, str | None, int, Tries], Node | None]] = []
        self.filters: list[Node] = []
        self._trusted = linker.trusted if facts.is_program else None
        self._release = linker.release
        self._tokens = {"ORIGIN": _origin(path, facts, linker), **linker.tokens}
        for text in (facts.rpath or "", facts.runpath or ""):
            longest = max(map(len, self._tokens.values()))
            linker.spend(len(text) + text.count("$") * longest + (text.count(":") + 1) * _ONE_TRY)
        self.rpath: list[str] = []
        self.runpath: list[str] = []
        if linker.musl:  # where either path serves like the other, and is inherited
            self.rpath = self._musl_directories(facts.runpath if facts.runpath is not None else facts.rpath or "")
        elif facts.runpath is not None:  # silences the DT_RPATH
            self.runpath = rpath.directories(facts.runpath, self._tokens, ":", self._trusted, linker.release)
        elif facts.rpath:
            self.rpath = rpath.directories(facts.rpath, self._tokens, ":", self._trusted, linker.release)

    def _musl_directories(self, text: str) -> list[str]:
        """musl knows $ORIGIN alone, which need not end there, and takes a path with any other token for none.

        The path is expanded before it is split (fixup_rpath, path_open).
        """
        whole, *parts = text.split("$")
        if parts and self._trusted is not None:
            return []  # whoever starts it chooses its path
        for part in parts:
            token = next((one for one in ("ORIGIN", "{ORIGIN}") if part.startswith(one)), None)
            if token is None:
                return []
            whole += self._tokens["ORIGIN"] + part[len(token) :]
        return [item for item in whole.replace("\n", ":").split(":") if item]

    def bequeaths(self, musl: bool) -> bool:
        """Whether what is loaded by this file, or by what it loads, is looked for in its rpath."""
        if musl:
            return self.facts.rpath is not None or self.facts.runpath is not None
        return self.facts.rpath is not None and self.facts.runpath is None

    def loaders(self) -> Iterator[Node]:
        """This node, and of who wanted it, who wanted that, and on up, those whose rpath serves."""
        node: Node | None = self
        while node is not None:
            yield node
            node = node.above

    def has_token(self, text: str) -> bool:
        """Whether a text has a dynamic string token in it."""
        from nativeload.linkers import rpath

        return "$" in text and rpath.expand(text, dict.fromkeys(self._tokens, "\0")) != text

    def expand(self, text: str) -> str:
        """What this file means by a text with dynamic string tokens in it."""
        from nativeload.linkers import rpath

        return rpath.expand(text, self._tokens, self._trusted, self._release)


def _origin(path: str, facts: Facts, linker: Linker) -> str:
    """$ORIGIN of a program is where its real file is, of anything else where it was found."""
    if facts.is_program:
        return os.path.dirname(linker.real_below(path))
    directory = os.path.dirname(path)
    if linker.musl:
        return path.rpartition("/")[0] if "/" in path else "."
    return directory if directory.startswith("/") else os.path.join("/" if linker.root else os.getcwd(), directory)


def search(linker: Linker, requester: Node | None, name: str, record: bool) -> Found:
    """What a linker takes for a name, as a node needs it."""
    tries: list[tuple[str, int, str | None]] = []
    for how, owner, paths in _lists(linker, requester, name):
        for path in paths:
            facts, fatal, why, goes_on = _try(linker, path)
            if facts is not None and how != PATH and not linker.may_preload(path):
                facts, why = None, "a privileged program preloads only what is set-user-ID"
            if fatal is not None or facts is not None:
                return path, how, owner, fatal, facts, tuple(tries)
            if record:
                tries.append((path, how, why))
            if not goes_on and linker.musl:
                return None, MISSING, None, None, None, tuple(tries)
            if not goes_on:
                break
    return None, MISSING, None, None, None, tuple(tries)


def _try(linker: Linker, path: str) -> tuple[Facts | None, str | None, str | None, bool]:
    """(facts of a file that will do, why the linker gives up here, why it looks further, whether in this list)."""
    linker.spend(_ONE_TRY + len(path))
    try:
        facts = linker.facts(path)
        linker.spend(_ONE_FILE + (0 if isinstance(facts, str) else facts.size))
    except OSError as error:
        words = os.strerror(error.errno or 0)
        if error.errno in _NO_FILE:
            return None, words, None, False
        absent = error.errno in linker.absent
        if not absent and not linker.musl:  # another error counts only in a directory that is one (open_path)
            absent = not stat.S_ISDIR(linker.mode(os.path.dirname(path) or "."))
        return None, None, None if error.errno == errno.ENOENT else words, absent
    if isinstance(facts, str):
        return None, facts, None, False
    refusal = linker.refuses(facts)
    if refusal is None:
        return None, None, "it is of another class or machine", True
    return (None, refusal, None, False) if refusal else (facts, None, None, False)


def _lists(linker: Linker, requester: Node | None, name: str) -> Lists:
    """The paths to try, list by list."""

    def below(directories: Iterable[str]) -> Iterator[str]:
        return (f"{place}/{name}" for directory in directories for place in linker.places(directory))

    if "/" in name:
        yield PATH, None, (name,)
        return
    if linker.musl:
        yield LIBRARY_PATH, None, below(linker.library_path)
        for node in requester.loaders() if requester is not None else ():
            linker.spend(1)
            yield RPATH, node, below(node.rpath)
        yield DEFAULT, None, below(linker.default)
        return
    nodeflib = requester is not None and bool(requester.facts.flags_1 & _DF_1_NODEFLIB)
    if requester is None or requester.facts.runpath is None:
        for node in requester.loaders() if requester is not None else ():
            linker.spend(1)
            yield RPATH, node, below(node.rpath)
        yield RPATH, None, below(linker.program_rpath)
    yield LIBRARY_PATH, None, below(linker.library_path)
    if requester is not None:
        yield RUNPATH, requester, below(requester.runpath)
    if linker.trusted is None or not linker.preloading:
        yield CACHE, None, linker.cached(name, nodeflib)
    if not nodeflib:
        yield DEFAULT, None, below(linker.default)
