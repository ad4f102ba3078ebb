"""What a program of its own needs to find libraries: LD_LIBRARY_PATH, for its linker knows nothing of this process; on
macOS DYLD_LIBRARY_PATH, on Windows PATH.

A directory is put into it, never a link or a copy made: `$ORIGIN` of a library behind a link is the link's directory,
and what it opens beside itself would not be there. So what has another file name than its soname is an error.
"""

import os
import sys

from nativeload import core, images, inventory, resolution
from nativeload.errors import LibraryNotFoundError, RequirementError, SearchPathError
from nativeload.loader import SYSTEM
from nativeload.machinery.loaded import same_file
from nativeload.resolver import Resolver
from nativeload.spec import Trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nativeload.closure import Closure
    from nativeload.requirement import Requirement

VARIABLE = SYSTEM.variable if SYSTEM else "LD_LIBRARY_PATH"
_SPLIT = os.pathsep if SYSTEM else ":;\n"  # where it is split, by glibc or by musl


def environ(*requirements: str, environ: "Mapping[str, str] | None" = None) -> dict[str, str]:
    """The environment in which a program that links these libraries finds them: `subprocess.run(…, env=environ("foo"))`.

    Parameters: `requirements` as for `load`; `environ`, the environment to start from, by default this process's.
    It is a copy, whose LD_LIBRARY_PATH begins with the directories of the libraries, and of what they need, that the
    linker would not find without (ld.so(8)). What it finds already adds nothing. Nothing is mapped. On macOS and Windows,
    whose loaders are not asked, DYLD_LIBRARY_PATH or PATH begins with the directories of all of them.

    Raises what `load` raises for a library that is not found or will not do; SearchPathError where no directory makes
    a linker find it: its file has another name than its soname, or another file of that name comes first.
    """
    path = SearchPath(os.environ if environ is None else environ)
    for requirement in requirements:
        path.take(requirement)
    return path.environ()


class SearchPath:
    """An environment to start programs in, and the libraries that they are to find there."""

    def __init__(self, environ: "Mapping[str, str]") -> None:
        self._environ = dict(environ)
        self._directories: list[str] = []
        self._files: dict[str, str] = {}  # by the name that a linker looks for
        self._asked: list[str] = []

    def environ(self) -> dict[str, str]:
        """The environment, with the directories before those that it had."""
        if not self._directories:
            return dict(self._environ)
        # An empty item would be the current directory.
        before = self._environ.get(VARIABLE)
        return {**self._environ, VARIABLE: os.pathsep.join([*self._directories, *([before] if before else ())])}

    def take(self, requirement: str) -> None:
        """Have programs find what `load` would give. Raises what `environ` raises."""
        names = self._find(resolution.asked(requirement, ()))
        if SYSTEM is not None:
            for name in names:
                self._add(name, None)
            return
        self._asked += [name for name in names if name not in self._asked]
        self._lead(_without_rpath(), *self._asked)

    def serve(self, program: str) -> None:
        """Have one program find all that it needs, on Linux. Raises what `environ` raises, and ImageError."""
        if SYSTEM is None:
            self._lead(program)

    def _find(self, wanted: "Requirement") -> list[str]:
        """The names that a linker looks for, of what `load` would load, the library last; their files are kept."""
        trace = Trace()
        spec = resolution.run(wanted, trace)
        if spec is None:
            raise resolution.failure(wanted.text, trace)
        if spec.alias:
            raise SearchPathError(
                spec.alias, spec.path, f"its soname is {spec.soname}: an alias is of this process alone"
            )
        names = []
        for path in (*spec.dependencies, spec.path):
            # What is linked with a file without a soname asks for the file's name.
            soname = images.soname(path)
            names.append((os.path.basename(soname) if SYSTEM else soname) or os.path.basename(path))
            self._files.setdefault(names[-1], path)
        return names

    def _lead(self, file: str, *names: str) -> None:
        """Add directories until the linker finds what a file needs, and these names as if it needed them."""
        while True:
            environ = self.environ()
            preloads = (environ.get("LD_PRELOAD"), *names)
            environ["LD_PRELOAD"] = ":".join(name for name in preloads if name)
            closure = Resolver(environ=environ).resolve(file)
            lacking = next(self._lacking(closure, names), None)
            if lacking is None:
                return
            self._add(*lacking)

    def _lacking(self, closure: "Closure", names: tuple[str, ...]) -> "Iterator[tuple[str, str | None]]":
        """(name, what is found instead) of each that must be found and is not."""
        for name in self._asked:
            found = [one.path for one in closure.images if name in (one.soname, os.path.basename(one.path))]
            if found and not same_file(found[0], self._files[name]):
                yield name, found[0]
            elif not found and name in names:
                yield name, None
        for image in closure.images:
            for edge in image.needed:
                if edge.fatal or (edge.path is None and not edge.optional):
                    yield edge.name, edge.path

    def _add(self, name: str, instead: "str | None") -> None:
        """Add the directory where a name is to be found."""
        path = self._files.get(name) or self._files[self._find_needed(name)]
        directory = os.path.dirname(path)
        if SYSTEM is not None and directory in self._directories:
            return
        if not same_file(f"{directory}/{name}", path):
            reason = f"the linker looks for a file called {name} (make a directory with such a link, for {VARIABLE})"
            raise SearchPathError(name, path, reason)
        if any(letter in directory for letter in _SPLIT):
            raise SearchPathError(name, path, f"{VARIABLE} cannot hold {directory!r} (install it elsewhere)")
        if directory in self._directories:
            found = (
                f"takes {instead}" if instead else "does not take it: it is for another machine, or obeys no variable"
            )
            raise SearchPathError(name, path, f"the program's linker {found}")
        self._directories.append(directory)

    def _find_needed(self, name: str) -> str:
        try:
            wanted = resolution.asked(name, ())
        except RequirementError as error:
            raise LibraryNotFoundError(name, name, ()) from error
        # Wheels know their libraries by other names than the sonames.
        known = [one.name for one in inventory.provided() if one.path and images.soname(one.path) == name]
        found = self._find(wanted.replace(name=known[0], stem=known[0]) if known else wanted)[-1]
        if found != name:
            raise SearchPathError(name, self._files[found], f"its soname is {found}")
        return name


def _without_rpath() -> str:
    """A file with which a search is what the linker does for every program: the C library."""
    own = [path for path, soname in core.linkmap() if soname and soname.startswith("libc.") and os.path.isabs(path)]
    return own[0] if own else sys.executable
