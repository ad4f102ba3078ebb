"""What a file needs, transitively: whether the linker would find it all, and give every symbol version wanted.

Breadth first, as the linker maps (elf/dl-deps.c). What it would not find but the same provider ships beside the
file is put on the list of what must be loaded first.
"""

import os

from nativeload import core, images
from nativeload.spec import Rejection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from nativeload.images import Image
    from nativeload.linkers.glibc import Linker

    # path, image, inherited rpaths
    Requester = tuple[str, Image, list[str]]


class Closure:
    """What it comes to, to load one file into this process as it is.

    `preload` are the siblings to load first, dependencies before dependents; `paths` has the file that answers to
    each name; `rejection` is what makes the file unusable, None where nothing does.
    """

    def __init__(self, path: str, image: "Image", siblings: tuple[str, ...], linker: "Linker") -> None:
        self.preload: list[str] = []
        self.rejection: Rejection | None = None
        self._linker = linker
        self._process = _this_process(linker)
        self.paths = self._process.paths
        self._images: dict[str, Image] = {}
        self._versions: dict[str, Collection[str] | None] = {}
        self._siblings = dict.fromkeys((os.path.dirname(path), *siblings))
        self._opening: list[str] = []
        self._open(path, image)

    def _open(self, path: str, image: "Image") -> None:
        """What dlopen does with a path, once the siblings that it would miss have been opened, each in its turn."""
        self._opening.append(path)
        missing = self._map(path, image)
        while missing and not self.rejection:
            for name, wanted_by in missing.items():
                self._open_sibling(name, wanted_by)
            if not self.rejection:
                missing = self._map(path, image)
        self._opening.pop()

    def _open_sibling(self, name: str, wanted_by: str) -> None:
        if name in self.paths or self.rejection:
            return
        found = self._sibling(name)
        if found is None:
            self._refuse("dependency", f"needs {name}, which is not found (wanted by {wanted_by})")
        elif found[0] in self._opening:
            self._refuse("dependency", f"needs {name}, which cannot be loaded before it (wanted by {wanted_by})")
        else:
            self._open(*found)
            self.preload.append(found[0])

    def _map(self, path: str, image: "Image") -> dict[str, str]:
        """Resolve all that is needed from one file on, and keep it; or say {name: who needs it} of what is missing."""
        missing: dict[str, str] = {}
        paths = dict(self.paths)
        paths.setdefault(image.soname or path, path)
        queue: list[Requester] = [(path, image, self._linker.program_rpath)]
        for path, image, inherited in queue:
            self._images[path] = image
            rpath, runpath, inherit = self._linker.rpaths(path, image, inherited)
            nodeflib = bool(image.flags_1 & images.DF_1_NODEFLIB)
            for name in image.needed:
                if "$" in name:
                    name = self._linker.expand(name, path)
                if name in paths or name in missing:
                    continue
                known = self._process.requested(name) if self._process.may_know(name) else None
                found = None if known else self._linker.find(name, rpath, runpath, nodeflib)
                known = known or (None if found else self._process.requested(name))
                if known:
                    paths[name] = known
                elif found is None:
                    missing[name] = path
                elif found.image is None or found.fatal:
                    reason = f"needs {name}, for which the linker takes {found.path} ({found.how}): {found.fatal}"
                    self._refuse("dependency", f"{reason} (wanted by {path})")
                    return {}
                else:
                    paths[name] = found.path
                    paths.setdefault(found.image.soname or name, found.path)
                    queue.append((found.path, found.image, inherit))
        if not missing:
            self.paths = paths
            if self._linker.checks_versions:
                self._check_versions(queue)
        return missing

    def _sibling(self, name: str) -> "tuple[str, Image] | None":
        """A file of the same provider with this soname: the only thing by which what is loaded first is recognized."""
        stem = f"{name.partition('.so')[0]}.so"
        for directory in self._siblings:
            entries = self._linker.listing(directory).get(stem, ())
            for entry in sorted(entries, key=lambda entry: entry != name):
                path = f"{directory}/{entry}"
                try:
                    image = images.read(path)
                except (OSError, ValueError):
                    continue
                if image.soname == name and self._linker.refuses(image) == "":
                    return path, image
        return None

    def _check_versions(self, queue: "list[Requester]") -> None:
        """Refuse the first symbol version that a file wants and its giver does not have."""
        for path, image, _ in queue:
            for name, versions in image.verneed:
                giver = self.paths.get(name, "")
                given = self._given(giver)
                for version, weak in versions:
                    if given is None or (given and version not in given and not weak):
                        reason = f"needs {version} of {name}; {_instead(version, giver, given)} (wanted by {path})"
                        return self._refuse("symbol-version", reason)
        return None

    def _given(self, giver: str) -> "Collection[str] | None":
        """`_versions` of the file that answers to a name."""
        if giver not in self._images:
            return self._process.versions(giver)
        if giver not in self._versions:
            self._versions[giver] = _versions(self._images[giver])
        return self._versions[giver]

    def _refuse(self, kind: str, reason: str) -> None:
        self.rejection = self.rejection or Rejection(kind=kind, reason=reason)


class _Process:
    """What a process has mapped, by the names that satisfy a DT_NEEDED (_dl_map_object in glibc's elf/dl-load.c)."""

    def __init__(self, linker: "Linker", linkmap: list[tuple[str, str | None]]) -> None:
        self.state = (linker, linkmap)
        self.paths: dict[str, str] = {}
        self._versions: dict[str, Collection[str] | None] = {"": None}
        for path, soname in linkmap:
            self.paths.setdefault(soname or path, path)
            self.paths.setdefault(path, path)
        self._files = {path.rpartition("/")[2] for path, _ in linkmap}.difference(self.paths)

    def may_know(self, name: str) -> bool:
        """Whether an image has this file name, though another DT_SONAME: it may have been requested by it."""
        return name in self._files

    def requested(self, name: str) -> str | None:
        """The image that answers to a name because it was once requested by it, which the linker alone knows."""
        handle = core.loaded_handle(name)
        if not handle:
            return None
        return next((path for path, _ in self.state[1] if path and core.loaded_handle(path) == handle), None)

    def versions(self, path: str) -> "Collection[str] | None":
        """`_versions` of an image; as if it defined none where its file cannot be read any more."""
        if path not in self._versions:
            try:
                self._versions[path] = _versions(images.read(path))
            except (OSError, ValueError):
                self._versions[path] = ()
        return self._versions[path]


_process: _Process | None = None


def _this_process(linker: "Linker") -> _Process:
    """What is mapped now; read anew when the link map has changed."""
    global _process
    linkmap = core.linkmap()
    if _process is None or _process.state != (linker, linkmap):
        _process = _Process(linker, linkmap)
    return _process


def _versions(image: "Image") -> "Collection[str] | None":
    """The symbol versions that a file gives. Where it defines none, the linker lets every version wanted of it pass.

    None where it has no DT_VERSYM either, because it wants none itself: then an assertion fails (check_match in
    elf/dl-lookup.c) that ends the process, as one does where nothing has the name (_dl_check_map_versions).
    """
    return frozenset(image.verdef) if image.verdef or image.verneed else None


def _instead(version: str, giver: str, given: "Collection[str] | None") -> str:
    """What there is instead of a version: "libc.so.6 gives GLIBC_2.36 at most", for GLIBC_2.38."""
    if given is None:
        return f"{giver} has no symbol versions" if giver else "nothing has that name"
    family = version.rpartition("_")[0]

    def order(name: str) -> list[int]:
        return [int(part) for part in name.rpartition("_")[2].split(".") if part.isdigit()]

    same = [name for name in given if name.rpartition("_")[0] == family and order(name)]
    return f"{giver} gives {f'{max(same, key=order)} at most' if same else f'no {family}_* at all'}"
