"""Two answers about one file side by side, the linker's and nativeload's: where do they differ, and in what?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from parts.roots import identity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from parts.truth import Truth

What = Literal["files", "order", "names", "spelling", "missing", "status"]

_SYSTEM = Path("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """One difference: what the linker says, and what nativeload says.

    `files`, other files are loaded; `order`, the same ones otherwise; `names`, they answer to another name;
    `spelling`, the same file by another path; `missing`, other names have no file; `status`, whether all is well.
    """

    path: str
    what: What
    linker: Any
    ours: Any

    def __str__(self) -> str:
        return f"{self.path}: {self.what}\n  linker: {self.linker}\n  ours:   {self.ours}"


def compare(truth: Truth, closure: Mapping[str, Any], root: Path = _SYSTEM) -> list[Disagreement]:
    """Every difference between the linker's answer and a closure as its `to_dict` gives it; none is best."""

    def differ(what: What, linker: Any, ours: Any) -> Disagreement:
        return Disagreement(path=truth.path, what=what, linker=linker, ours=ours)

    status = closure["status"]
    if truth.error:
        # What it had loaded until then, it does not list.
        return [] if status == "fatal" else [differ("status", truth.error, status)]
    sound = not truth.missing and not truth.complaints
    found = []
    if status == "fatal" or (truth.missing and status == "ok") or (sound and status != "ok"):
        found.append(differ("status", truth.missing or truth.complaints or "ok", [status, closure.get("problems")]))
    theirs = [(name, path) for name, path in truth.libraries if path is not None]
    ours = _loaded(closure, root)
    found += _differing_files(theirs, ours, truth, root, differ)
    gone = [_last(name) for name in truth.missing]
    lost = [_last(one["name"]) for image in closure["images"] for one in image["needed"] if one["path"] is None]
    if gone != lost:
        found.append(differ("missing", gone, lost))
    return found


def _differing_files(
    theirs: Sequence[tuple[str, str]], ours: Sequence[tuple[str, str]], truth: Truth, root: Path, differ: Any
) -> list[Disagreement]:
    linkers = [identity(path, root) for _, path in theirs]
    files = [identity(path, root) for _, path in ours]
    if sorted(map(str, linkers)) != sorted(map(str, files)):
        extra = [one for one, file in zip(ours, files, strict=True) if file not in linkers]
        absent = [one for one, file in zip(theirs, linkers, strict=True) if file not in files]
        return [differ("files", absent, extra)]
    found = []
    if truth.missing:
        # In a list with gaps, the linker puts itself only somewhere near its place (elf/rtld.c, rtld_multiple_ref).
        itself = identity(truth.linker, root)
        theirs = [one for one, file in zip(theirs, linkers, strict=True) if file != itself]
        ours = [one for one, file in zip(ours, files, strict=True) if file != itself]
    if [identity(path, root) for _, path in theirs] != [identity(path, root) for _, path in ours]:
        return [differ("order", theirs, ours)]
    pairs = [(their, our) for their, our in zip(theirs, ours, strict=True) if their != our]
    # A name with a slash is shown by the linker with its tokens put in.
    if names := [(their[0], our[0]) for their, our in pairs if their[0] != our[0] and "/" not in their[0] + our[0]]:
        found.append(differ("names", [their for their, _ in names], [our for _, our in names]))
    if spellings := [(their[1], our[1]) for their, our in pairs if their[1] != our[1]]:
        found.append(differ("spelling", [their for their, _ in spellings], [our for _, our in spellings]))
    return found


def _loaded(closure: Mapping[str, Any], root: Path) -> list[tuple[str, str]]:
    """(the name first asked for, the path) of every image but the root, in order."""
    names: dict[str, str] = {}
    for image in closure["images"]:
        for one in image["needed"]:
            if one["path"] is not None:
                names.setdefault(one["path"], one["name"])
    # What nobody needs was preloaded, and is called by its path.
    paths = [image["path"] for image in closure["images"][1:]]
    return [(names.get(path, path), _inside(path, root)) for path in paths]


def _inside(path: str, root: Path) -> str:
    """A path as it is inside `root`, whether it was given so or from outside."""
    return path if root == _SYSTEM else path.removeprefix(str(root))


def _last(name: str) -> str:
    return name.rpartition("/")[2]
