"""The verdict on macOS and Windows: would this file work in this process, for this requirement?"""

import os

from nativeload import abi, core, images
from nativeload.linkers import stepwise
from nativeload.loader import SYSTEM
from nativeload.spec import Rejection, rejection
from nativeload.systems.system import BESIDE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nativeload.closure import Closure
    from nativeload.requirement import Requirement
    from nativeload.spec import Candidate, LibrarySpec, Trace


def judge(candidate: "Candidate", requirement: "Requirement", trace: "Trace | None") -> "LibrarySpec | Rejection":
    """A spec where the candidate will do, else the first reason why it will not."""
    assert SYSTEM is not None
    path = candidate.path.replace(os.sep, "/")  # as the linkers' rules take it
    asked = (*requirement.symbols, *abi.telling(candidate))
    if trace is not None:
        trace.consult(candidate.path)
    try:
        unfit, soname = SYSTEM.unfit(path), SYSTEM.soname(path)
        given = set(SYSTEM.exports(path)) if asked else ()
    except OSError as error:
        archive = images.archive(candidate.path) if isinstance(error, NotADirectoryError) else None
        return rejection("file", images.words(candidate.path, error), errno=error.errno, archive=archive)
    except ValueError as error:
        kind = "machine" if str(error).startswith("is for ") else "format"
        return rejection(kind, str(error), problem=str(error))
    if unfit:
        return rejection("format", unfit, problem=unfit)
    # What its provider declares of the soname is Linux's.
    settled = candidate.replace(path=os.path.normpath(candidate.path), soname=None)
    spec = abi.suits(settled, requirement, soname, {symbol: symbol in given for symbol in asked})
    if isinstance(spec, Rejection) or candidate.origin == "loaded":
        return spec
    return _resolved(path, candidate.siblings, spec)


def _resolved(path: str, siblings: "Iterable[str]", spec: "LibrarySpec") -> "LibrarySpec | Rejection":
    """The spec of a file for which the loader would find all that it needs, with what is to be loaded before it."""
    assert SYSTEM is not None
    there = {SYSTEM.folded(name): place for place, name in core.linkmap() if name and place}
    known = {SYSTEM.folded(os.path.basename(place)): place for place in there.values()} | there
    beside = SYSTEM.siblings(one.replace(os.sep, "/") for one in (os.path.dirname(path), *siblings))
    try:
        found = stepwise.closure(SYSTEM.linker(known, beside), path)
    except (OSError, ValueError) as error:
        return rejection("dependency", f"what it needs cannot be told: {error}", problem=str(error))
    return _lacking(found) or spec.replace(dependencies=tuple(map(os.path.normpath, _first(found))))


def _lacking(found: "Closure") -> Rejection | None:
    """The first reason why the loader would give up."""
    for image in found.images:
        for edge in image.needed:
            facts: Mapping[str, str] = {"name": edge.name, "wanted_by": image.path}
            if edge.fatal is not None:
                reason = f"needs {edge.name}, for which the loader takes {edge.path} ({edge.how}): {edge.fatal}"
                return rejection("dependency", f"{reason} (wanted by {image.path})", **facts, problem=edge.fatal)
            if edge.path is None and not edge.optional:
                reason = f"needs {edge.name}, which is not found (wanted by {image.path})"
                return rejection("dependency", reason, **facts)
    for problem in found.problems:
        return rejection("dependency", f"{problem.detail} (wanted by {problem.image})", problem=problem.detail)
    return None


def _first(found: "Closure") -> list[str]:
    """What is found beside the file alone, each after what it needs itself."""
    needed = {image.path: [edge for edge in image.needed if edge.path] for image in found.images}
    beside = {edge.path for edges in needed.values() for edge in edges if edge.how == BESIDE}
    order: dict[str, None] = {}
    seen, left = {found.root}, [(found.root, iter(needed[found.root]))]
    while left:
        path, edges = left[-1]
        edge = next(edges, None)
        if edge is None:
            left.pop()
            if path in beside:
                order[path] = None
        elif edge.path in needed and edge.path not in seen:
            seen.add(edge.path)
            left.append((edge.path, iter(needed[edge.path])))
    return list(order)
