"""The finders of places on macOS and Windows: the running environment's, and the system's own."""

import os
import sys

from nativeload import catalog, core
from nativeload.loader import SYSTEM
from nativeload.spec import candidate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nativeload.requirement import Requirement
    from nativeload.spec import Candidate, Origin, Trace


class PrefixFinder:
    """Finds libraries in the directories of the running environment that wheels' data files and conda fill."""

    name = "prefix"

    def candidates(self, requirement: "Requirement", trace: "Trace") -> "Iterator[Candidate]":
        """The catalog's names there, then files of the library's name, newest version first."""
        assert SYSTEM is not None
        places = [(os.path.join(sys.prefix, *one.split("/")), "") for one in SYSTEM.prefixes]
        yield from _in(places, "prefix", requirement, trace)


class SystemFinder:
    """Finds in the directories that the loader searches: DYLD_LIBRARY_PATH and what dyld falls back to; the program's,
    those of AddDllDirectory and System32. What is in macOS's shared cache alone has no file that could be judged, and is not found.
    """

    name = "system"

    def candidates(self, requirement: "Requirement", trace: "Trace") -> "Iterator[Candidate]":
        """Each file that the name may mean, in the loader's order."""
        yield from _in(core.search_path(), "system", requirement, trace)


def _in(
    places: "Iterable[tuple[str, str]]", origin: "Origin", requirement: "Requirement", trace: "Trace"
) -> "Iterator[Candidate]":
    assert SYSTEM is not None
    entry = next(iter(catalog.known(requirement)), None)
    first = SYSTEM.names(requirement, entry)
    for directory, kind in places:
        found = SYSTEM.listed(directory, requirement, first, trace) if os.path.isabs(directory) else []
        for path in found:
            yield candidate(path, origin, f"in {directory}{kind and f' ({kind})'}", entry=entry)
        if not found:
            trace.absent(os.path.join(directory, requirement.filename or SYSTEM.file(requirement.name)), "no such file")
