"""What a file needs, transitively: whether the linker would find it all, and give every symbol version wanted.

Breadth first, as the linker maps (elf/dl-deps.c). What it would not find but the same provider ships beside the
file is put on the list of what must be loaded first.
"""

import os

from nativeload import core, images
from nativeload.linkers import glibc
from nativeload.spec import Rejection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nativeload.images import Image
    from nativeload.linkers.glibc import Linker

    # path, image, inherited rpaths
    Requester = tuple[str, Image, list[str]]


class Closure:
    """The walk over one file's dependencies.

    `preload` are the siblings to load first, dependencies before dependents; `rejection` is what makes the file
    unusable, None where nothing does.
    """

    def __init__(self, path: str, image: "Image", siblings: tuple[str, ...], linker: "Linker") -> None:
        self.preload: list[str] = []
        self.rejection: Rejection | None = None
        self._linker = linker
        self._siblings = (os.path.dirname(path), *siblings)
        self._paths = _in_process()
        if image.soname:
            self._paths[image.soname] = path
        program_rpath = [directory for directory, kind in linker.search_path if kind == "rpath"]
        self._walk((path, image, program_rpath))
        self.preload.reverse()

    def _walk(self, root: "Requester") -> None:
        queue = [root]
        sound = True
        for requester in queue:
            path, image, inherited = requester
            if path in self._linker.complete:
                continue
            queue += self._needed(path, image, inherited)
            self.rejection = self.rejection or self._versions(path, image)
            if self.rejection:
                return
            sound = sound and not (inherited or image.rpath or image.runpath)
        if sound and not self.preload:
            self._linker.complete.update(path for path, _, _ in queue)

    def _needed(self, path: str, image: "Image", inherited: list[str]) -> "list[Requester]":
        """Resolve one requester's DT_NEEDED entries; those found are requesters in their turn."""
        rpath, runpath, inherit = glibc.rpaths(path, image, inherited, self._linker)
        found_here: list[Requester] = []
        for name in image.needed:
            if name in self._paths:
                continue
            found = self._linker.find(name, rpath, runpath, bool(image.flags_1 & images.DF_1_NODEFLIB))
            target = found.path if found else self._sibling(name)
            if found and found.fatal:
                self._refuse(f"needs {name}, for which the linker takes {found.path} ({found.how}): {found.fatal}")
                return []
            if target is None:
                self._refuse(f"needs {name}, which is not found (wanted by {path})")
                return []
            self._paths[name] = target
            found_here.append((target, images.read(target), inherit))
        return found_here

    def _sibling(self, name: str) -> str | None:
        """A file of the same provider with this soname, noted to be loaded first."""
        for directory in self._siblings:
            names = self._linker.listing(directory)
            stem = f"{name.partition('.so')[0]}.so"
            for entry in sorted(names.get(stem, ()), key=lambda entry: entry != name):
                path = f"{directory}/{entry}"
                try:
                    image = images.read(path)
                except (OSError, ValueError):
                    continue
                # A name satisfies a DT_NEEDED only through the DT_SONAME of what is already loaded.
                if image.soname == name and image.same_kind(self._linker.program):
                    self.preload.append(path)
                    return path
        return None

    def _versions(self, path: str, image: "Image") -> Rejection | None:
        """The first symbol version that the file wants and its giver does not have."""
        for name, versions in image.verneed:
            giver = self._paths.get(name)
            facts = _present(giver) if giver else None
            if facts is None or (facts.verneed and not facts.verdef):
                continue  # Without version definitions the linker lets every version pass.
            given = facts.verdef
            if versions and not given and core.libc()[0] == "glibc":
                # No DT_VERSYM at all fails an assertion (check_match in elf/dl-lookup.c), and that ends the process.
                reason = f"needs {versions[0][0]} of {name}; {giver} has no symbol versions (wanted by {path})"
                return Rejection(kind="symbol-version", reason=reason)
            for version, weak in versions:
                if given and version not in given and not weak:
                    have = _newest(version, given)
                    reason = f"needs {version} of {name}; {giver} gives {have} (wanted by {path})"
                    return Rejection(kind="symbol-version", reason=reason)
        return None

    def _refuse(self, reason: str) -> None:
        self.rejection = Rejection(kind="dependency", reason=reason)


def _in_process() -> dict[str, str]:
    """{soname or file name: path} of what is mapped: the names that a DT_NEEDED would be satisfied by."""
    mapped: dict[str, str] = {}
    for path, soname in core.linkmap():
        if path and os.path.isabs(path):
            mapped.setdefault(soname or path, path)
    return mapped


def _present(path: str) -> "Image | None":
    """A file's facts; None where it is mapped and has gone from the disk since."""
    try:
        return images.read(path)
    except (OSError, ValueError):
        return None


def _newest(version: str, given: tuple[str, ...]) -> str:
    """ "GLIBC_2.36 at most", for a message about GLIBC_2.38."""
    family = version.rpartition("_")[0]

    def order(name: str) -> list[int]:
        return [int(part) for part in name.rpartition("_")[2].split(".") if part.isdigit()]

    same = [name for name in given if name.rpartition("_")[0] == family and order(name)]
    return f"{max(same, key=order)} at most" if same else f"no {family}_* at all"
