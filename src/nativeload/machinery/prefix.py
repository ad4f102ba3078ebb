"""`sys.prefix/lib`: where wheels' data files go, and conda's libraries. Another environment's prefix is not ours."""

import os
import sys

from nativeload import catalog, core
from nativeload.linkers import host
from nativeload.machinery.loaded import same_file
from nativeload.machinery.system import sonames
from nativeload.spec import candidate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from nativeload.requirement import Requirement
    from nativeload.spec import Candidate, Trace


_system: dict[str, bool] = {}
_places: dict[str, object] = {}
# Another thread of the parent may have been looking.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_places.clear)


def _is_system(directory: str, linker: host.Linker) -> bool:
    """Whether a directory is one of the linker's default ones: a distribution's Python has the prefix /usr."""
    if directory not in _system:
        defaults = [place for place, kind in linker.search_path if kind == "default"]
        _system[directory] = any(same_file(directory, place) for place in defaults)
    return _system[directory]


class PrefixFinder:
    """Finds libraries in the lib directory of the running environment."""

    name = "prefix"

    def candidates(self, requirement: "Requirement", trace: "Trace") -> "Iterator[Candidate]":
        """The catalog's sonames there, then files of the library's name, newest version first."""
        directory = f"{sys.prefix}/lib"
        linker = host.linker(trace)
        if _is_system(directory, linker):
            trace.absent(directory, "is a directory of the system's own, where the system finder looks")
            return
        entry = next(iter(catalog.known(requirement)), None)
        places = _places.get(directory) or _places.setdefault(directory, core.places((directory,), ()))
        name = requirement.filename or f"lib{requirement.name}.so"
        found = core.listed(places, name, sonames(requirement, entry), trace.consulted)
        if not found:
            trace.absent(f"{directory}/{requirement.filename or f'lib{requirement.name}.so*'}", "no such file")
        for _, path in found:
            yield candidate(path, "prefix", f"in {directory}", entry=entry)

    def invalidate_caches(self) -> None:
        """Forget what is in the directory."""
        _places.clear()
