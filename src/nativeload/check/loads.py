"""What is mapped with what: the closures of all native files, asked for one by one and kept. Nothing is judged here."""

import os
import sys

from nativeload import core, images, pairs
from nativeload.loading import AGAIN, TERSE
from nativeload.resolver import Resolver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from nativeload.check.files import Native


class Loads:
    """The closures of `files` as this interpreter would have them mapped, where no variable leads the linker.

    `everything` gives all native files of the environment, asked for only where something is wrong.
    """

    def __init__(self, files: "Sequence[Native]", everything: "Callable[[], Sequence[Native]]") -> None:
        self._files = files
        self._everything = everything
        self._names: dict[str, list[Native]] | None = None
        self._distributions: dict[str, str] = {}
        program = os.path.realpath(sys.executable)
        self._resolver = Resolver(environ={})
        _, self._walker = self._resolver.walker(program, self._resolver.image(program))
        self._led: object = None
        walked: Any = core.walk(self._walker, ((program,),), (), AGAIN)
        self.interpreter = tuple(path for path, *_ in walked[0])
        self._paths: dict[str, tuple[str, ...]] = {}
        self._normal: dict[str, frozenset[str]] = {}

    def check(self, path: str) -> "tuple[Any, tuple[tuple[str, bool], ...]]":
        """(the walk, None where all is found; symbols that nothing gives) of a file. Raises OSError and ValueError."""
        paths, walked, wants = core.check(self._walker, ((path,),), self.interpreter, AGAIN | TERSE)
        self._paths[path] = paths
        return walked, wants

    def paths(self, path: str) -> tuple[str, ...]:
        """What a file has mapped, as the linker has their paths."""
        if path not in self._paths:
            try:
                self.check(path)
            except (OSError, ValueError):
                self._paths[path] = ()
        return self._paths[path]

    def mapped(self, path: str) -> frozenset[str]:
        """The same as RECORDs have it: without the "/../" of an rpath."""
        if path not in self._normal:
            self._normal[path] = frozenset(map(os.path.normpath, self.paths(path)))
        return self._normal[path]

    def loaders(self, path: str) -> "list[Native]":
        """The extension modules and programs that have a file mapped."""
        entries = [one for one in self.all() if one.is_extension or one.is_program]
        return [entry for entry in entries if entry.path != path and path in self.mapped(entry.path)]

    def is_needed(self, path: str) -> bool:
        """Whether another of the files looked at has it mapped."""
        return any(path in self.mapped(other) for other in list(self._paths) if other != path)

    def is_whole(self, entry: str, path: str, kind: str, names: tuple[str, ...]) -> bool:
        """Whether a file lacks none of the names where an entry has it mapped."""
        if kind == "symbol":
            return not self.lacking(path, self.paths(entry))
        return kind == "missing" and self._finds(self._walker, entry, path, names)

    def finds_by_variable(self, path: str, names: tuple[str, ...]) -> bool:
        """Whether a file finds all of the names by this process's LD_LIBRARY_PATH."""
        if not os.environ.get("LD_LIBRARY_PATH"):
            return False
        if self._led is None:
            resolver = Resolver(environ={"LD_LIBRARY_PATH": os.environ["LD_LIBRARY_PATH"]})
            program = os.path.realpath(sys.executable)
            _, self._led = resolver.walker(program, resolver.image(program))
        return self._finds(self._led, path, path, names)

    def _finds(self, walker: object, entry: str, path: str, names: tuple[str, ...]) -> bool:
        try:
            walked: Any = core.walk(walker, ((entry,),), (), AGAIN)
        except (OSError, ValueError):
            return False
        edges = [edge for image in walked[0] if os.path.normpath(image[0]) == path for edge in image[3]]
        return all(edge[1] is not None and edge[4] is None for edge in edges if edge[0] in names)

    def lacking(self, path: str, more: tuple[str, ...]) -> list[str]:
        """The symbols that a file does not get from what it needs, the interpreter, or more files."""
        scope = self.interpreter + self.paths(path) + more
        return [name for name, weak in core.undefined(self._walker, path, scope) if not weak]

    # All files by name

    def all(self) -> "Sequence[Native]":
        """Every native file there is."""
        return [one for ones in self._by_name().values() for one in ones]

    def _by_name(self) -> "dict[str, list[Native]]":
        if self._names is None:
            self._names = {}
            for one in (*self._everything(), *self._files):
                if one.path not in self._distributions:
                    self._distributions[one.path] = one.distribution
                    self._names.setdefault(os.path.basename(one.path), []).append(one)
        return self._names

    def named(self, name: str) -> "Sequence[Native]":
        """The files of that name, whether they are there or not."""
        return self._by_name().get(name, ())

    def distribution(self, path: str) -> str:
        """The distribution that a file belongs to, "" for none."""
        self._by_name()
        return self._distributions.get(path, "")

    def shipping(self, name: str) -> "list[Native]":
        """The files that are there and have that name, or that DT_SONAME."""
        found = [one for one in self.named(name) if os.path.exists(one.path)]
        stem = pairs.name_of(name)[0]
        for one in self.all():
            if pairs.name_of(one.path)[0].startswith(stem) and one not in found:
                try:
                    if images.read(one.path).soname == name:
                        found.append(one)
                except (OSError, ValueError):
                    continue
        return found
