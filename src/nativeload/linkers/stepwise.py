"""A closure found step by step: all that a file needs, then, one after the other, all that these need, and so on down.

`dyld` and `windows` answer for one name at a time; what is met twice and what is wrong is the same for both. The order
is dyld's (JustInTimeLoader::loadDependents); of Windows's loader none is known that changes an answer.
"""

from nativeload.closure import Closure, Edge, Mapped, Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Protocol

    from nativeload.closure import Status

    Tried = list[tuple[str, str, str | None]]

    class Linker(Protocol):
        """What answers for one file and one name; `chain` is a file and who needed it, up to the first."""

        def needs(self, path: str) -> Sequence[tuple[str, bool, bool]]:
            """(name, whether it can do without, whether it is mapped at once) in order. Raises OSError, ValueError."""

        def find(self, name: str, chain: Sequence[str], loaded: Sequence[str]) -> "Found":
            """The file that answers to a name."""

        def soname(self, path: str) -> str | None:
            """The name that a file has for others."""

        def faults(self, edges: dict[str, tuple[Edge, ...]]) -> Iterator[Problem]:
            """What is wrong with the symbols of files that are found."""


_MOST = 4096  # files of one closure
_PLACES = 1 << 18  # looked at for it
_NAMED = 8  # symbols in a sentence


class Found:
    """The answer: the path or None, by what rule; whether it is a file here to go on with; what was tried.

    `also` are names that the file itself leads to for who asked, and that must be found as well.
    """

    __slots__ = ("also", "fatal", "how", "is_file", "path", "tried")

    def __init__(
        self, path: str | None, how: str, tried: "Tried", *, is_file: bool = False, fatal: str | None = None
    ) -> None:
        self.path, self.how, self.tried, self.is_file, self.fatal = path, how, tried, is_file, fatal
        self.also: tuple[str, ...] = ()


def closure(linker: "Linker", path: str, loaded: "Iterable[str]" = ()) -> Closure:
    """The closure of a file, where those of `loaded` have been loaded before.

    Raises OSError or ValueError where the file itself cannot be read.
    """
    there = _walk(linker, [*loaded], {})
    edges = _walk(linker, [path], there)
    given = [
        edge.path
        for owner in edges.values()
        for edge in owner
        if edge.path and edge.fatal is None and (edge.path in edges or not edge.optional)
    ]
    order = dict.fromkeys([path, *given])
    problems = [*_missing(edges), *linker.faults(edges)]
    return Closure(
        root=path,
        status=_status(problems),
        images=tuple(
            Mapped(path=one, soname=linker.soname(one) if one in edges else None, needed=edges.get(one, ()))
            for one in order
            if one not in there
        ),
        problems=tuple(problems),
        weak=(),
    )


def unexported(path: str, symbols: "Sequence[str]", name: str, giver: str) -> Problem:
    """That a file needs symbols of a library by this name, and the file that is found for it has them not."""
    more = f" and {len(symbols) - _NAMED} more" if len(symbols) > _NAMED else ""
    detail = f"needs {', '.join(symbols[:_NAMED])}{more} of {name}; {giver} does not export it"
    return Problem(kind="symbol", image=path, detail=detail)


def _status(problems: "Sequence[Problem]") -> "Status":
    if any(one.kind == "fatal" for one in problems):
        return "fatal"
    return "problems" if any(one.severity == "error" for one in problems) else "ok"


def _walk(linker: "Linker", roots: "list[str]", there: "dict[str, tuple[Edge, ...]]") -> "dict[str, tuple[Edge, ...]]":
    """{file: what it needs} in the order in which they are asked, without those of `there`."""
    edges: dict[str, tuple[Edge, ...]] = {}
    known = dict.fromkeys([*there, *roots])
    left: list[tuple[str, tuple[str, ...]]] = [(one, ()) for one in reversed(roots)]
    places = 0
    while left:
        path, above = left.pop()
        if path in edges:
            continue
        chain = (path, *above)
        found, below = [], []
        names = list(linker.needs(path))
        for name, optional, at_once in names:  # which grows meanwhile
            answer = linker.find(name, chain, [*known])
            places += 1 + len(answer.tried)
            if places > _PLACES:
                raise ValueError(f"leads to more than {_PLACES} places")
            names += [one for one in ((also, optional, at_once) for also in answer.also) if one not in names]
            how = answer.how if at_once else f"{answer.how}, at the first call"
            found.append(
                Edge(
                    name=name,
                    path=answer.path,
                    how=how,
                    fatal=answer.fatal,
                    optional=optional,
                    tried=tuple(answer.tried),
                )
            )
            target = answer.path
            if at_once and answer.is_file and answer.fatal is None and target is not None and target not in there:
                known[target] = None
                if len(known) > _MOST:
                    raise ValueError(f"needs more than {_MOST} files")
                below.append((target, chain))
        edges[path] = tuple(found)
        left += reversed(below)
    return edges


def _missing(edges: "dict[str, tuple[Edge, ...]]") -> "Iterator[Problem]":
    for path, needed in edges.items():
        for edge in needed:
            if edge.fatal is not None:
                detail = f"needs {edge.name}: the linker gives up at {edge.path}: {edge.fatal}"
                yield Problem(kind="fatal", image=path, detail=detail)
            elif edge.path is None and not edge.optional:
                refused = "".join(f"; {one} {why}" for one, _, why in edge.tried if why)
                places = "".join(f"\n  {one} ({rule}){f': {why}' if why else ''}" for one, rule, why in edge.tried)
                detail = f"needs {edge.name}, which is not found{refused}" + (f"; tried{places}" if places else "")
                yield Problem(kind="missing", image=path, detail=detail)
