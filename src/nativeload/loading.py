"""What it comes to, to load a file into this process: whether the linker would find all that it needs, and give every
symbol version wanted. What it would not find but the same provider ships beside the file is to be loaded first.
"""

import os

from nativeload import core, images
from nativeload.spec import Rejection, rejection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nativeload.images import Image
    from nativeload.linkers.host import Linker
    from nativeload.spec import Fact

# `core.walk`'s options and numbers
PROCESS, RECORD, AGAIN, TERSE, OWN = 1, 2, 4, 8, 16
HOW = ("not found", "already loaded", "rpath", "LD_LIBRARY_PATH", "runpath", "ld.so.cache", "default", "path")
LOADED = 1
AUXILIARY = 1


class Loading:
    """What it comes to, to load one file into this process as it is.

    `preload` are the siblings to load first, dependencies before dependents; `rejection` is what makes the file
    unusable, None where nothing does.
    """

    def __init__(self, path: str, siblings: tuple[str, ...], linker: "Linker") -> None:
        self.preload: list[str] = []
        self.rejection: Rejection | None = None
        self._linker = linker
        self._known: dict[str, str] = {}
        self._siblings = {place: core.places((place,), ()) for place in (os.path.dirname(path), *siblings)}
        self._opening: list[str] = []
        if core.walk(linker.walker, ((path,),), (), PROCESS | TERSE) is not None:
            self._open(path)

    def _open(self, path: str) -> None:
        """What dlopen does with a path, once the siblings that it would miss have been opened, each in its turn."""
        self._opening.append(path)
        missing = self._map(path)
        while missing and not self.rejection:
            for name, wanted_by in missing.items():
                self._open_sibling(name, wanted_by)
            if not self.rejection:
                missing = self._map(path)
        self._opening.pop()

    def _open_sibling(self, name: str, wanted_by: str) -> None:
        if name in self._known or self.rejection:
            return
        found = self._sibling(name)
        if found is None:
            reason = f"needs {name}, which is not found (wanted by {wanted_by})"
            self._refuse("dependency", reason, name=name, wanted_by=wanted_by)
        elif found in self._opening:
            reason = f"needs {name}, which cannot be loaded before it (wanted by {wanted_by})"
            self._refuse("dependency", reason, name=name, wanted_by=wanted_by, path=found)
        else:
            self._open(found)
            self.preload.append(found)

    def _map(self, path: str) -> dict[str, str]:
        """Resolve all that is needed from one file on, and keep it; or say {name: who needs it} of what is missing."""
        walked: Any = core.walk(self._linker.walker, ((path,),), tuple(self._known.items()), PROCESS | AGAIN)
        missing: dict[str, str] = {}
        names: dict[str, str] = {}
        for wanted_by, soname, isa_needed, edges in walked[0]:
            names.setdefault(soname or wanted_by, wanted_by)
            if isa_needed > 1 and isa_needed > self._linker.isa_level > 0 and wanted_by != path:
                cpu = self._linker.isa_level
                reason = f"it needs a CPU of level x86-64-v{isa_needed}; this one is x86-64-v{cpu}"
                facts = {"name": soname, "path": wanted_by, "needed": isa_needed, "cpu": cpu}
                self._refuse("dependency", f"needs {wanted_by}: {reason}", **facts)
            for name, found, how, _, fatal, kind, _ in edges:
                if kind == AUXILIARY and found is None:
                    continue
                if found is None and fatal is None:
                    missing.setdefault(name, wanted_by)
                    continue
                if how != LOADED and not (found or "").startswith("/"):
                    fatal = fatal or "it depends on the current directory, and nothing is loaded from there"
                if fatal:
                    reason = f"needs {name}, for which the linker takes {found} ({HOW[how]}): {fatal}"
                    facts = {"name": name, "wanted_by": wanted_by, "path": found, "problem": fatal}
                    self._refuse("dependency", f"{reason} (wanted by {wanted_by})", **facts)
                    return {}
                names.setdefault(name, found)
        if not missing:
            self._known |= {name: found for name, found in names.items() if name not in self._known}
            for place, file, version, giver in walked[1][:1]:
                wanted_by, given = walked[0][place][0], newest(version, _given(giver))
                reason = f"needs {version} of {file}; {instead(version, giver)} (wanted by {wanted_by})"
                facts = {"version": version, "library": file, "giver": giver, "given": given, "wanted_by": wanted_by}
                self._refuse("symbol-version", reason, **facts)
        return missing

    def _sibling(self, name: str) -> str | None:
        """A file of the same provider with this soname: the only thing by which what is loaded first is recognized."""
        stem = f"{name.partition('.so')[0]}.so"
        for places in self._siblings.values():
            for _, path in core.listed(places, stem, (name,), {}):
                try:
                    image = images.read(path)
                except (OSError, ValueError):
                    continue
                if image.soname == name and self._would_do(image):
                    return path
        return None

    def _would_do(self, image: "Image") -> bool:
        """Whether the linker maps such a file."""
        good = image.same_kind(images.process()) and not image.unfit
        return good and not image.isa_needed > self._linker.isa_level > 0

    def _refuse(self, kind: str, reason: str, **facts: "Fact | None") -> None:
        self.rejection = self.rejection or rejection(kind, reason, **facts)


def instead(version: str, giver: str | None) -> str:
    """What there is instead of a version: "libc.so.6 gives GLIBC_2.36 at most", for GLIBC_2.38."""
    if giver is None:
        return "nothing has that name"
    given = _given(giver)
    if not given:
        return f"{giver} has no symbol versions"
    best = newest(version, given)
    return f"{giver} gives {f'{best} at most' if best else f'no {_family(version)}_* at all'}"


def newest(version: str, given: tuple[str, ...]) -> str | None:
    """The newest of the versions given that is of a version's family: "GLIBC_2.36", for GLIBC_2.38."""

    def order(name: str) -> list[int]:
        return [int(part) for part in name.rpartition("_")[2].split(".") if part.isdigit()]

    same = [name for name in given if _family(name) == _family(version) and order(name)]
    return max(same, key=order, default=None)


def _family(version: str) -> str:
    return version.rpartition("_")[0]


def _given(giver: str | None) -> tuple[str, ...]:
    try:
        return images.read(giver).verdef if giver else ()
    except (OSError, ValueError):
        return ()
