"""Closures as a tree that a person likes to read: each library once in full, in all that one command shows.

Lines are built of plain strings, and of a walk no more is looked at than is shown: of hundreds of files, most need
what was shown before.
"""

from nativeload.terminal import Paint, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from typing import Protocol

    from nativeload.closure import Closure, Edge, Problem

    class Shown(Protocol):
        """What a tree is drawn of: a `Walked`, or a closure's records."""

        @property
        def root(self) -> str:
            """The file."""

        @property
        def problems(self) -> Sequence[Problem]:
            """What is wrong."""

        @property
        def weak(self) -> Sequence[tuple[str, tuple[str, ...]]]:
            """The symbols that nothing gives and a file can do without, file by file."""

        @property
        def strays(self) -> Sequence[str]:
            """What would be mapped although no file needs it."""

        def needed(self, path: str, passed_over: Container[str] = ()) -> Sequence[Edge]:
            """What a file needs, in order; some of what is passed over may be left out."""

        def finders(self) -> Mapping[str, tuple[str, str]]:
            """{file: the first that needs it by a search, and by what rule it is found}."""


# libc's family: what every C and C++ program has, told by the name before ".so", and where a system keeps it.
_FAMILY = {
    *("libc", "libm", "libmvec", "libdl", "libpthread", "librt", "libutil", "libanl", "libresolv"),
    *("ld-linux", "ld-linux-x86-64", "ld-linux-aarch64", "ld-linux-armhf", "ld-linux-riscv64-lp64d", "ld64"),
    *("libgcc_s", "libstdc++"),
}
_MUSL = ("libc.musl-", "ld-musl-")
_SYSTEM = ("/lib", "/usr/lib")

_DEEPEST = 32  # levels of indentation; what is below is shown at the first level
_CONTINUED = "[needed above]"
_ABOVE, _BELOW = "↑", "↓"


class Tree:
    """Lines, and what they have shown. `verbose` shows libc's family too; `colour` adds SGR codes."""

    def __init__(self, *, verbose: bool = False, colour: bool = False) -> None:
        self.lines: list[str] = []
        self._verbose = verbose
        self._paint = Paint(colour)
        self._seen: set[str] = set()
        self._folded: set[str] = set()

    def add(self, one: "Shown") -> None:
        """A file and below it what it needs; then what is wrong."""
        paint, problems = self._paint, one.problems
        broken = {problem.image for problem in problems if problem.severity == "error"}
        known = one.root in self._seen and one.root not in broken
        mark = f" {paint.dim}{_ABOVE}{paint.off}" if known else ""
        self.lines.append(f"{paint.bold}{printable(one.root)}{paint.off}{mark}")
        drawing = _Drawing(one, broken)
        if not known:
            self._below(drawing, one.root, "")
        for path in drawing.later:  # which grows meanwhile
            if path not in self._seen:
                self.lines.append(f"{printable(path)} {paint.dim}{_CONTINUED}{paint.off}")
                self._below(drawing, path, "")
        for problem in problems:
            self._problem(problem, problem.image in drawing.drawn)
        for path, names in one.weak if self._verbose else ():
            said = f"{printable(path)} can do without {printable(', '.join(names))}, which nothing gives"
            self.lines.append(f"  {paint.dim}{said}{paint.off}")

    def refused(self, path: str, reason: str) -> None:
        """A file that cannot be read."""
        paint = self._paint
        self.lines.append(f"{paint.bold}{printable(path)}{paint.off} {paint.red}{printable(reason)}{paint.off}")

    def _below(self, drawing: "_Drawing", path: str, prefix: str) -> None:
        """The branches below a file that is shown here."""
        self._seen.add(path)
        drawing.drawn.add(path)
        needed = drawing.one.needed(path, () if drawing.broken else self._folded)
        edges = [edge for edge in needed if not self._is_folded(edge, drawing)]
        strays = [] if path != drawing.one.root else [one for one in drawing.one.strays if not self._is_hidden(one)]
        last = len(edges) + len(strays) - 1
        for place, edge in enumerate(edges):
            self._edge(drawing, path, edge, prefix, final=place == last)
        for place, stray in enumerate(strays, len(edges)):
            self._stray(drawing, stray, final=place == last)

    def _edge(self, drawing: "_Drawing", owner: str, edge: "Edge", prefix: str, *, final: bool) -> None:
        paint, path = self._paint, edge.path
        branch = "└── " if final else "├── "
        below = prefix + ("    " if final else "│   ")
        name = printable(edge.name)
        if edge.fatal is not None or path is None:
            self._unresolved(edge, name, prefix + branch, below)
            return
        if path in self._seen and not (path in drawing.broken and path not in drawing.drawn):
            self.lines.append(f"{prefix}{branch}{paint.dim}{name} {_ABOVE}{paint.off}")
            return
        reason = drawing.reason(owner, edge)
        place = f"[{reason}]" if edge.name == path else f"=> {printable(path)} [{reason}]"
        deep = len(below) > 4 * _DEEPEST
        self.lines.append(f"{prefix}{branch}{name} {paint.dim}{place}{f' {_BELOW}' if deep else ''}{paint.off}")
        if deep:
            drawing.later.append(path)
        else:
            self._below(drawing, path, below)

    def _unresolved(self, edge: "Edge", name: str, start: str, below: str) -> None:
        paint = self._paint
        colour = paint.dim if edge.optional else paint.red
        if edge.fatal is not None:
            said = f"the linker gives up at {printable(edge.path or edge.name)}: {printable(edge.fatal)}"
        else:
            said = "not found, and not necessary" if edge.optional else "not found"
        self.lines.append(f"{start}{colour}{name}: {said}{paint.off}")
        for path, rule, why in () if edge.optional else edge.tried:
            reason = f": {printable(why)}" if why else ""
            self.lines.append(f"{below}{paint.dim}{printable(path)} [{rule}]{reason}{paint.off}")

    def _stray(self, drawing: "_Drawing", path: str, *, final: bool) -> None:
        paint, known = self._paint, path in self._seen
        branch = "└── " if final else "├── "
        mark = _ABOVE if known else "[the linker]" if is_family(path) else "[preloaded]"
        self.lines.append(f"{branch}{printable(path)} {paint.dim}{mark}{paint.off}")
        if not known:
            self._below(drawing, path, "    " if final else "│   ")

    def _problem(self, problem: "Problem", drawn: bool) -> None:
        paint = self._paint
        detail = problem.detail
        if drawn and problem.kind == "missing":
            detail = detail.partition("; tried\n")[0]  # these stand above
        first, *rest = detail.split("\n")
        colour = paint.red if problem.severity == "error" else paint.bold
        self.lines.append(f"  {colour}{problem.kind}: {printable(problem.image)} {printable(first)}{paint.off}")
        self.lines += [f"  {paint.dim}{printable(line)}{paint.off}" for line in rest]

    def _is_folded(self, edge: "Edge", drawing: "_Drawing") -> bool:
        path = edge.path
        if self._verbose or path is None or edge.fatal is not None or path in drawing.broken:
            return False
        if path not in self._folded and is_family(path):
            self._folded.add(path)
        return path in self._folded

    def _is_hidden(self, path: str) -> bool:
        return not self._verbose and is_family(path)


class _Drawing:
    """The drawing of one closure: what is wrong in it, what it has shown, what it shows after the rest."""

    __slots__ = ("_finders", "broken", "drawn", "later", "one")

    def __init__(self, one: "Shown", broken: set[str]) -> None:
        self.one = one
        self.broken = broken
        self.drawn: set[str] = set()
        self.later: list[str] = []
        self._finders: Mapping[str, tuple[str, str]] | None = None

    def reason(self, owner: str, edge: "Edge") -> str:
        """By what rule a file that `owner` needs is found: where it was loaded already, by what rule that was."""
        how = edge.how
        if how.startswith("already loaded") and edge.path is not None:
            if self._finders is None:
                self._finders = self.one.finders()
            found = self._finders.get(edge.path)
            if found is None:
                return printable(how)
            whose, how = found
            if how == "runpath" and whose != owner:
                how = f"runpath of {whose}"
        rule, of, whose = how.partition(" of ")
        return rule if whose in ("", owner) else f"{rule}{of}{printable(whose.rpartition('/')[2])}"


class _Records:
    """A closure's records as a tree is drawn of them."""

    __slots__ = ("_needed", "problems", "root", "strays", "weak")

    def __init__(self, closure: "Closure") -> None:
        self.root = closure.root
        self.problems = closure.problems
        self.weak = closure.weak
        self._needed = {image.path: image.needed for image in closure.images}
        named = {edge.path for image in closure.images for edge in image.needed}
        self.strays = [path for path in self._needed if path not in named and path != closure.root]

    def needed(self, path: str, passed_over: "Container[str]" = ()) -> "Sequence[Edge]":  # noqa: ARG002
        """What a file needs, in order."""
        return self._needed.get(path, ())

    def finders(self) -> dict[str, tuple[str, str]]:
        """{file: the first that needs it by a search, and by what rule it is found}."""
        found: dict[str, tuple[str, str]] = {}
        for owner, edges in self._needed.items():
            for edge in edges:
                if edge.path is not None and not edge.how.startswith("already loaded"):
                    found.setdefault(edge.path, (owner, edge.how))
        return found


def is_family(path: str) -> bool:
    """Whether a file is of libc's family, where a system keeps it: a wheel's own libstdc++ is not."""
    stem = path.rpartition("/")[2]
    return path.startswith(_SYSTEM) and (stem.partition(".so")[0] in _FAMILY or stem.startswith(_MUSL))


def text(closures: "Sequence[Closure]", *, verbose: bool = False, colour: bool = False) -> str:
    """Each file and below it what it needs, each library once in full; libc's family only if `verbose`."""
    drawn = Tree(verbose=verbose, colour=colour)
    for closure in closures:
        drawn.add(_Records(closure))
    return "\n".join(drawn.lines)
