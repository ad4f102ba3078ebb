"""What macOS and Windows have in common: a library's file by its name, its facts, and where it is looked for."""

import os
from abc import ABC, abstractmethod

from nativeload import core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from nativeload.catalog import Entry, Wheel
    from nativeload.linkers.stepwise import Linker
    from nativeload.requirement import Requirement
    from nativeload.spec import Trace

_MEMO = 256  # files whose facts are kept; then all are forgotten
BESIDE = "beside it"  # the rule by which a file is found that is to be loaded first


class System(ABC):
    """One of them. A path has the system's own separators; names of files are compared as `folded`."""

    suffix: str  # of a library's file, at its end
    variable: str  # by which a program is told of directories
    prefixes: tuple[str, ...]  # below `sys.prefix`, where wheels' data files and conda put libraries

    def __init__(self) -> None:
        self._memo: dict[str, tuple[str, Any]] = {}

    def image(self, path: str) -> "Any":
        """The facts of a file for this machine, read again only when it has changed. Raises OSError, ValueError."""
        state = core.signature(path)
        known = self._memo.get(path)
        if known is None or known[0] != state:
            if len(self._memo) >= _MEMO:
                self._memo.clear()
            known = self._memo[path] = state, self._read(path)
        return known[1]

    @abstractmethod
    def unfit(self, path: str) -> str:
        """Why a file is no library, "" where it is one. Raises OSError, ValueError where it cannot be read."""

    def forget(self) -> None:
        """Drop what was read."""
        self._memo.clear()

    @abstractmethod
    def file(self, name: str) -> str:
        """The usual name of a library's file."""

    @abstractmethod
    def stem(self, name: str) -> str:
        """The library's bare name where a file's is written ("z" of "libz.1.dylib"), else ""."""

    def folded(self, name: str) -> str:
        """A file's name as it is compared."""
        return name

    @abstractmethod
    def stands_for(self, name: str, file: str) -> bool:
        """Whether a file's name, as it is compared, is one that a library's bare name means."""

    @abstractmethod
    def known(self, entry: "Entry") -> tuple[str, ...]:
        """The names of files that the catalog has of a library."""

    @abstractmethod
    def pattern(self, wheel: "Wheel") -> str:
        """Where a wheel has the library's file, "" where it has none for this system."""

    @abstractmethod
    def soname(self, path: str) -> str:
        """The name by which the loader knows a file again. Raises OSError, ValueError."""

    def version(self, path: str) -> str | None:  # noqa: ARG002 - of some none is told
        """The version that a file tells of itself."""
        return None

    @abstractmethod
    def exports(self, path: str) -> "Iterable[str]":
        """The names that a file exports. Raises OSError, ValueError."""

    @abstractmethod
    def linker(self, there: "Mapping[str, str]", siblings: "Mapping[str, str]") -> "Linker":
        """This process's loader: `there` are {name: path} of what it has, `siblings` of what may be loaded before.

        What it finds by `siblings` alone has the rule `BESIDE`.
        """

    @abstractmethod
    def _read(self, path: str) -> "Any":
        """The facts of a file for this machine."""

    def named(self, requirement: "Requirement", file: str) -> bool:
        """Whether a file name is one that a requirement stands for."""
        name = self.folded(file)
        return (
            name == self.folded(requirement.filename)
            if requirement.filename
            else self.stands_for(requirement.name, name)
        )

    def names(self, requirement: "Requirement", entry: "Entry | None") -> tuple[str, ...]:
        """The names by which the catalog knows a library, where it was not asked for by one: they come first."""
        return self.known(entry) if entry is not None and not requirement.filename else ()

    def is_known(self, entry: "Entry", file: str) -> bool:
        """Whether the catalog has a library by a file's name."""
        return self.folded(file) in map(self.folded, self.known(entry))

    def listed(self, directory: str, requirement: "Requirement", first: "Iterable[str]", trace: "Trace") -> list[str]:
        """The paths of a directory's files that a requirement may mean: by the names given first, then by its own."""
        trace.consult(directory)
        try:
            there = {self.folded(name): name for name in sorted(os.listdir(directory), key=_versions)}
        except OSError:
            return []
        wanted = [self.folded(name) for name in first]
        wanted += [name for name in reversed(there) if self.named(requirement, name)]
        return [os.path.join(directory, there[name]) for name in dict.fromkeys(wanted) if name in there]

    def siblings(self, directories: "Iterable[str]") -> "dict[str, str]":
        """{name: path} of the files that lie in some directories, those of the first first."""
        found: dict[str, str] = {}
        for directory in directories:
            try:
                names = sorted(os.listdir(directory))
            except OSError:
                continue
            for name in names:
                found.setdefault(self.folded(name), f"{directory}/{name}")
        return found


def _versions(name: str) -> list[tuple[int, str]]:
    """A file's name as it is ordered: the numbers in it by their value."""
    parts = name.replace("-", ".").split(".")
    return [(int(part), "") if part.isdecimal() and len(part) < 10 else (0, part) for part in parts]
