"""The search rules of macOS's dyld, for files that lie here: read in its source, never run here.

Sources: dyld's `DyldProcessConfig.cpp` (PathOverrides::forEachPathVariant), `Loader.cpp` (forEachResolvedAtPathVar,
getLoader), and dyld(1).
"""

import os
import posixpath

from nativeload.formats import macho
from nativeload.linkers.stepwise import Found

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nativeload.closure import Edge, Problem
    from nativeload.formats.macho import Slice
    from nativeload.linkers.stepwise import Tried

# What has no file since macOS 11: it is in the shared cache.
_CACHED = ("/usr/lib/", "/System/")
_FALLBACK = "/usr/local/lib:/usr/lib"
_FRAMEWORKS = "/Library/Frameworks:/System/Library/Frameworks"


class Dyld:
    """dyld of one architecture. `environ` gives the DYLD_* variables; `program` is the main executable's path."""

    def __init__(self, arch: str, *, program: str = "", environ: "Mapping[str, str] | None" = None) -> None:
        self.arch = arch
        self.program = program
        self.environ = environ or {}
        self._known: dict[str, Slice] = {}

    def image(self, path: str) -> "Slice":
        """The facts of a file for this architecture. Raises OSError, ValueError."""
        if path not in self._known:
            whole = macho.read(path)
            found = whole.slice(self.arch)
            if found is None:
                raise ValueError(f"is for {' and '.join(one.arch for one in whole.slices)}, not for {self.arch}")
            self._known[path] = found
        return self._known[path]

    def needs(self, path: str) -> "Sequence[tuple[str, bool, bool]]":
        """What its load commands name; it can do without what is weak."""
        return [(one.name, one.kind == "weak", one.kind != "lazy") for one in self.image(path).needed]

    def soname(self, path: str) -> str | None:
        """The install name."""
        return self.image(path).install_name

    def faults(self, edges: "dict[str, tuple[Edge, ...]]") -> "Iterator[Problem]":  # noqa: ARG002
        """None: which symbols are there, dyld asks of each library for itself, and of the shared cache's."""
        return iter(())

    def find(self, name: str, chain: "Sequence[str]", loaded: "Sequence[str]") -> Found:
        """A loaded image of that install name; else each place in turn, of which a file that will not do is passed over."""
        for path in loaded:
            if name == self.image(path).install_name:
                return Found(path, f"already loaded as {name}", [], is_file=True)
        tried: Tried = []
        for path, rule in self._places(name, chain):
            if not os.path.exists(path):
                if path.startswith(_CACHED):
                    return Found(path, "shared cache", tried)
                tried.append((path, rule, None))
                continue
            for one in loaded:
                if os.path.samefile(one, path):
                    return Found(one, f"already loaded as {one}", tried, is_file=True)
            why = self._refusal(path)
            if why is None:
                return Found(path, rule, tried, is_file=True)
            tried.append((path, rule, why))
        return Found(None, "not found", tried)

    def _refusal(self, path: str) -> str | None:
        try:
            image = self.image(path)
        except OSError as error:
            return error.strerror or str(error)
        except ValueError as error:
            return str(error)
        return None if image.filetype in ("dylib", "stub") else f"is of the type {image.filetype}, not a dylib"

    def _places(self, name: str, chain: "Sequence[str]") -> "Iterator[tuple[str, str]]":
        """(path, rule) of each place in dyld's order."""
        leaf = _partial(name)
        if leaf is not None:
            yield from self._listed("DYLD_FRAMEWORK_PATH", leaf)
        else:
            yield from self._listed("DYLD_LIBRARY_PATH", name.rpartition("/")[2])
        if name.startswith("@rpath/"):
            yield from self._of_rpaths(name[len("@rpath/") :], chain)
        else:
            path = self._expanded(name, chain[0])
            yield path, "as it is named" if path == name else name.partition("/")[0]
        if leaf is not None:
            yield from self._listed("DYLD_FALLBACK_FRAMEWORK_PATH", leaf, _FRAMEWORKS)
        else:
            # Not what is in the shared cache: a name below /usr/lib was looked for there.
            yield from self._listed("DYLD_FALLBACK_LIBRARY_PATH", name.rpartition("/")[2], _FALLBACK, cached=False)

    def _listed(
        self, variable: str, leaf: str, default: str = "", *, cached: bool = True
    ) -> "Iterator[tuple[str, str]]":
        given = self.environ.get(variable, "")
        for directory in filter(None, (given or default).split(":")):
            path = f"{directory.rstrip('/')}/{leaf}"
            if cached or given or os.path.exists(path) or not path.startswith(_CACHED):
                yield path, variable if given else "fallback"

    def _of_rpaths(self, rest: str, chain: "Sequence[str]") -> "Iterator[tuple[str, str]]":
        """The paths of the file that needs it first, then of who needed that, up to the program."""
        for number, owner in enumerate(chain):
            for one in self.image(owner).rpaths:
                rule = f"{one}" if number == 0 else f"{one} of {owner.rpartition('/')[2]}"
                yield posixpath.normpath(f"{self._expanded(one, owner)}/{rest}"), rule

    def _expanded(self, name: str, owner: str) -> str:
        for token, directory in (
            ("@loader_path", os.path.dirname(os.path.realpath(owner))),
            ("@executable_path", os.path.dirname(self.program)),
        ):
            if name == token or name.startswith(f"{token}/"):
                return posixpath.normpath(f"{directory}{name[len(token) :]}")
        return name


def _partial(name: str) -> str | None:
    """ "Tk.framework/Versions/8.6/Tk" of a path to a framework's library; None for another name."""
    leaf = name.rpartition("/")[2]
    place = name.rfind(f"/{leaf}.framework/")
    return name[place + 1 :] if place >= 0 else None
