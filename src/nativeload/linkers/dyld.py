"""The search rules of macOS's dyld, for files that lie here. It is never asked: no macOS has run this.

Each rule was read in dyld-1378, and is tried on cross-compiled files (docs/explanation/linker-rules.md):
`Loader::getLoader`, `forEachPath`, `forEachResolvedAtPathVar` and `hasExportedSymbol` in Loader.cpp, `loadDependents`,
`matchesPath` and `makeJustInTimeLoaderDisk` in JustInTimeLoader.cpp, `PathOverrides::forEachPathVariant` in
DyldProcessConfig.cpp, `compatibleSlice` in MachOFile.cpp. Not taken into account: DYLD_INSERT_LIBRARIES,
DYLD_IMAGE_SUFFIX, DYLD_VERSIONED_*, LC_DYLD_ENVIRONMENT, hardened programs, cryptexes, and which libraries the shared
cache has: it is taken to have all that is named below its directories.
"""

import os
import posixpath

from nativeload.closure import Problem
from nativeload.formats import macho, machosymbols
from nativeload.linkers.stepwise import Found, unexported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nativeload.closure import Edge
    from nativeload.formats.macho import Slice
    from nativeload.linkers.stepwise import Tried

    Place = tuple[str, str, str | None]

# What has no file since macOS 11: it is in the shared cache (mightBeInSharedCache).
_CACHED = ("/usr/lib/", "/System/Library/", "/System/iOSSupport/", "/System/DriverKit/")
_SWIFT = "/usr/lib/swift/"
# For who was built with an SDK before macOS 14 (Malformed::sdkOnOrAfter2022).
_FALLBACK, _FRAMEWORKS = ("/usr/local/lib", "/usr/lib"), ("/Library/Frameworks", "/System/Library/Frameworks")
_NO_FALLBACK = 14
_UNKNOWN_CWD, _UNKNOWN_PROGRAM = (
    "is relative to the working directory",
    "is relative to the program, which is not known",
)


def is_systems(name: str) -> bool:
    """Whether a name is of what macOS itself has, most of it in the shared cache alone."""
    return name.startswith(_CACHED)


class Dyld:
    """dyld of one architecture. `environ` gives the DYLD_* variables; `program` is the main executable's path."""

    def __init__(self, arch: str, *, program: str = "", environ: "Mapping[str, str] | None" = None) -> None:
        self.arch = arch
        self.program = program
        self.environ = environ or {}
        self._known: dict[str, Slice] = {}
        self._files: dict[str, tuple[str, int, int]] = {}
        self._given: dict[str, frozenset[str]] = {}
        self._faults: dict[tuple[str, ...], list[Problem]] = {}

    def image(self, path: str) -> "Slice":
        """The facts of a file for this architecture. Raises OSError, ValueError."""
        if path not in self._known:
            whole = macho.read(path)
            found = whole.slice(self.arch)
            if found is None:
                raise ValueError(f"is for {' and '.join(one.arch for one in whole.slices)}, not for {self.arch}")
            if found.platform not in ("macos", ""):
                raise ValueError(f"is for {found.platform}, not for macos")
            self._known[path] = found
        return self._known[path]

    def needs(self, path: str) -> "Sequence[tuple[str, bool, bool]]":
        """What its load commands name; it can do without what is weak."""
        return [(one.name, one.kind == "weak", one.kind != "lazy") for one in self.image(path).needed]

    def soname(self, path: str) -> str | None:
        """The install name."""
        return self.image(path).install_name

    def find(self, name: str, chain: "Sequence[str]", loaded: "Sequence[str]") -> Found:
        """A loaded image of that name, where it is no path of the requester's; else each place in turn.

        A place answers with what is loaded by its path, install name or inode, else with a file that will do.
        """
        names = {known: one for one in reversed(loaded) for known in self._names(one)}
        if name.startswith(("@rpath/", "/")) and name in names:
            return Found(names[name], f"already loaded as {name}", [], is_file=True)
        tried: Tried = []
        cached = ""
        for path, rule, unknown in self._places(name, chain):
            shown = posixpath.normpath(path)
            if path in names and not path.startswith("@"):
                return Found(names[path], f"already loaded as {shown}", tried, is_file=True)
            why = self._refusal(path) if unknown is None else unknown
            if why is None:
                real = os.path.realpath(path)
                same = next((one for one in loaded if self._file(one)[1:] == self._file(real)[1:]), None)
                return Found(same or real, f"already loaded as {same}" if same else rule, tried, is_file=True)
            if not why and path.startswith(_CACHED):
                if path == name or path.startswith(_SWIFT):
                    return Found(path, "shared cache", tried)
                # Whether the cache has what a search comes to, nobody here knows: first what has a file.
                cached = cached or (path if rule != "fallback" else "")
            tried.append((shown, rule, why or None))
        return Found(cached or None, "shared cache" if cached else "not found", tried)

    def faults(self, edges: "dict[str, tuple[Edge, ...]]") -> "Iterator[Problem]":
        """Each symbol that a file has from a file here, and that neither this nor what it re-exports has."""
        for path, needed in edges.items():
            givers = {edge.name: edge.path for edge in needed if edge.path in edges}
            key = (path, *(f"{name}\0{giver}" for name, giver in givers.items()))
            if key not in self._faults:
                self._faults[key] = list(self._lacking(path, givers, edges))
            yield from self._faults[key]

    def _lacking(
        self, path: str, givers: "Mapping[str, str | None]", edges: "dict[str, tuple[Edge, ...]]"
    ) -> "Iterator[Problem]":
        reading = path
        try:
            for name, symbols in machosymbols.imports(path, self.image(path)) if givers else ():
                reading = givers.get(name) or ""
                given = self._exports(reading, edges) if reading else None
                lacking = [one for one in symbols if one not in given] if given is not None else []
                if lacking:
                    yield unexported(path, lacking, name, reading)
        except (OSError, ValueError) as error:
            yield Problem(kind="format", image=reading, detail=str(error))

    def _exports(self, path: str, edges: "dict[str, tuple[Edge, ...]]") -> set[str] | None:
        """A file's exports and those of what it re-exports; None where one of these has no file here."""
        found: set[str] = set()
        left = [path]
        for one in left:  # which grows meanwhile
            if one not in self._given:
                self._given[one] = frozenset(machosymbols.exports(one, self.image(one)))
            found |= self._given[one]
            passed_on = {each.name for each in self.image(one).needed if each.kind == "reexport"}
            for edge in edges[one]:
                if edge.name in passed_on:
                    if edge.path not in edges:
                        return None
                    if edge.path not in left:
                        left.append(edge.path)
        return found

    def _names(self, path: str) -> tuple[str | None, str | None]:
        """What a loaded image answers to: its path and its install name (matchesPath)."""
        return self.image(path).install_name, self._file(path)[0]

    def _file(self, path: str) -> tuple[str, int, int]:
        """Its real path, by which dyld calls it, and its device and inode."""
        if path not in self._files:
            real = os.path.realpath(path)
            status = os.stat(real)
            self._files[path] = real, status.st_dev, status.st_ino
        return self._files[path]

    def _refusal(self, path: str) -> str | None:
        """Why a file will not do, "" where there is none; None where it will."""
        if not os.path.isfile(path):
            return "is not a regular file" if os.path.exists(path) else ""
        try:
            image = self.image(path)
        except OSError as error:
            return error.strerror or str(error)
        except ValueError as error:
            return str(error)
        return None if image.filetype == "dylib" else f"is of the type {image.filetype}, not a dylib"

    def _places(self, name: str, chain: "Sequence[str]") -> "Iterator[Place]":
        """(path, rule, why it cannot be looked at) of each place in dyld's order."""
        framework = _partial(name)
        leaf = framework or name.rpartition("/")[2]
        yield from self._listed(f"DYLD_{'FRAMEWORK' if framework else 'LIBRARY'}_PATH", leaf, ())
        if name.startswith("@rpath/"):
            yield from self._of_rpaths(name[len("@rpath") :], chain)
        else:
            path, unknown = self._expanded(name, chain[0])
            yield path, "as it is named" if path == name else name.partition("/")[0], unknown
        is_old = int(self.image(chain[0]).sdk.partition(".")[0] or 0) < _NO_FALLBACK
        default = () if not is_old else _FRAMEWORKS if framework else _FALLBACK
        for place in self._listed(f"DYLD_FALLBACK_{'FRAMEWORK' if framework else 'LIBRARY'}_PATH", leaf, default):
            if place[0] != name:
                yield place

    def _listed(self, variable: str, leaf: str, default: "Sequence[str]") -> "Iterator[Place]":
        given = self.environ.get(variable)
        for directory in default if given is None else given.split(":"):
            path = f"{directory}/{leaf}"
            yield path, "fallback" if given is None else variable, None if path.startswith("/") else _UNKNOWN_CWD

    def _of_rpaths(self, rest: str, chain: "Sequence[str]") -> "Iterator[Place]":
        """The paths of the file that needs it first, then of who led to that, up to the program."""
        program = [self.program] if os.path.isfile(self.program) else []
        for number, owner in enumerate([*chain, *program]):
            for one in self.image(owner).rpaths:
                path, unknown = self._expanded(one, owner)
                rule = one if number == 0 else f"{one} of {owner.rpartition('/')[2]}"
                yield f"{path.rstrip('/')}{rest}", rule, unknown

    def _expanded(self, name: str, owner: str) -> tuple[str, str | None]:
        """The path for a name or an rpath, and why it cannot be looked at."""
        for token, file in (("@loader_path", owner), ("@executable_path", self.program)):
            if name == token or name.startswith(f"{token}/"):
                if not file:
                    return name, _UNKNOWN_PROGRAM
                return f"{os.path.dirname(os.path.realpath(file))}{name[len(token) :]}", None
        return name, None if name.startswith("/") else _UNKNOWN_CWD


def _partial(name: str) -> str:
    """ "Tk.framework/Versions/8.6/Tk" of a path to a framework's library; "" for another name (getFrameworkPartialPath)."""
    start, dot_framework, rest = name.rpartition(".framework/")
    framework = start.rpartition("/")[2]
    is_one = bool(dot_framework) and rest.rpartition("/")[2] == framework
    return f"{framework}{dot_framework}{rest}" if is_one else ""
