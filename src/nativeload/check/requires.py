"""What packages require by the tables [requires] of their `nativeload.toml`: whether it would be found, and whether
their distributions depend on what ships it. No package is imported, no library mapped.
"""

import os

from nativeload import abi, catalog, images, metadata, required, requirement, resolution
from nativeload.check.report import Finding
from nativeload.errors import DeclarationError
from nativeload.machinery import PrefixFinder, SystemFinder, WheelFinder
from nativeload.requirement import normal
from nativeload.spec import LibrarySpec, Record, Rejection, Trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nativeload.check.files import Native
    from nativeload.requirement import Requirement
    from nativeload.spec import Candidate

    # a file, why it will not do, and what it would be if only that were cured
    Refused = tuple[str, Rejection, LibrarySpec | None]


class Required(Record):
    """A line of a table (`where`): who requires what, and the library that would do, or the files that will not."""

    __slots__ = ("distribution", "refused", "spec", "wanted", "where")
    distribution: str
    wanted: "Requirement"
    where: str
    spec: LibrarySpec | None
    refused: "tuple[Refused, ...]"

    @property
    def file(self) -> str:
        """The `nativeload.toml`."""
        return self.where.rpartition(":")[0]


class Requires:
    """The tables of these files, and what comes of each line."""

    def __init__(self, files: "Sequence[Native]") -> None:
        self._files = files
        self._lines: list[Required] | None = None
        self._unread: list[Finding] = []

    def lines(self) -> list[Required]:
        """Every line of every table that can be read."""
        if self._lines is None:
            self._lines = [line for one in self._files for line in self._read(one)]
        return self._lines

    def before(self, distribution: str, path: str, name: str) -> str:
        """What says that a library of that soname is loaded before a file of a package, "" where nothing does."""
        for one in self.lines():
            if one.distribution == distribution and one.spec and path.startswith(f"{os.path.dirname(one.file)}/"):
                for library in (*one.spec.dependencies, one.spec.path):
                    if name in (images.soname(library), one.spec.alias):
                        return f"{one.where} requires {one.wanted.text}, so that {library} is loaded before"
        return ""

    def findings(self) -> "Iterator[Finding]":
        """What is wrong with the lines."""
        lines = self.lines()
        yield from self._unread
        for number, one in enumerate(lines):
            if one.spec is None:
                yield _unmet(one)
            else:
                yield from _undeclared(one, one.spec)
                yield from _apart(one, one.spec, lines[:number])

    def _read(self, one: "Native") -> list[Required]:
        try:
            table = required.read(one.path, needed=False)
        except DeclarationError as error:
            self._unread.append(_finding("declaration", one.distribution, error.where, error.reason))
            return []
        lines = [_searched(one.distribution, requirement.parse(text), where) for text, where in table]
        # What is refused for want of another of these will do once that one is loaded.
        found = [line.spec.path for line in lines if line.spec]
        found += [path for line in lines for path, _, cured in line.refused if cured]
        there = set(map(images.soname, found))
        return [_cured(line, there) for line in lines]


def _searched(distribution: str, wanted: "Requirement", where: str) -> Required:
    """A line and what is installed for it, whatever this process has loaded and its user has chosen."""
    spec, refused = None, []
    for proposed in _proposed(wanted):
        # What its provider says it requires is looked for too.
        verdict = resolution.judged(proposed, wanted, Trace()) if proposed.requires else abi.judge(proposed, wanted)
        if not isinstance(verdict, Rejection):
            spec = verdict
            break
        cured = _as_it_is(proposed, wanted) if verdict.kind == "dependency" else None
        refused.append((proposed.path, verdict, cured))
    return Required(distribution=distribution, wanted=wanted, where=where, spec=spec, refused=tuple(refused))


def _proposed(wanted: "Requirement") -> "Iterator[Candidate]":
    members = () if wanted.filename else catalog.implementing(wanted.stem)
    for finder in (WheelFinder(), PrefixFinder(), SystemFinder()):
        for name in members or (wanted.name,):
            asked = wanted.replace(name=name, stem=name) if members else wanted
            yield from finder.candidates(asked, Trace())


def _as_it_is(proposed: "Candidate", wanted: "Requirement") -> LibrarySpec:
    return LibrarySpec(
        name=wanted.name,
        path=proposed.path,
        soname=images.soname(proposed.path),
        version=proposed.version,
        abi=proposed.abi,
        origin=proposed.origin,
        provider=proposed.provider,
        dependencies=(),
        alias="",
    )


def _cured(line: Required, there: set[str]) -> Required:
    for _, rejection, cured in line.refused if line.spec is None else ():
        if cured and rejection.facts.get("name") in there:
            return line.replace(spec=cured)
    return line


# What is wrong with a line


def _finding(kind: str, distribution: str, where: str, detail: str, severity: str = "error") -> Finding:
    return Finding(kind=kind, severity=severity, distribution=distribution or None, image=where, detail=detail)  # type: ignore[arg-type]


def _unmet(one: Required) -> Finding:
    """That nothing installed will do."""
    if not one.refused:
        from nativeload.advice import advice

        lines = [f"requires {one.wanted.text}, which no installed distribution provides, nor the system"]
        return _finding("required-missing", one.distribution, one.where, "\n".join(lines + advice(one.wanted.text)))
    kind = "required-version" if all(why.kind == "version" for _, why, _ in one.refused) else "required-refused"
    lines = [f"requires {one.wanted.text}, and what is installed will not do"]
    lines += [f"{path}: {why.reason}" for path, why, _ in one.refused]
    return _finding(kind, one.distribution, one.where, "\n".join(lines))


def _undeclared(one: Required, spec: LibrarySpec) -> "Iterator[Finding]":
    """That the library is there by chance: nothing that the distribution depends on brings it."""
    own = metadata.find(one.distribution) if one.distribution else None
    if spec.provider is None or own is None or not own.directory.endswith(".dist-info"):
        return
    shipping = normal(spec.provider.distribution)
    if shipping not in _dependencies(normal(one.distribution)):
        detail = (
            f"requires {one.wanted.text}, which {spec.provider} ships, and {one.distribution} does not depend on that\n"
            f"add {spec.provider.distribution!r} to project.dependencies, or where it is installed alone, it is not found"
        )
        yield _finding("required-undeclared", one.distribution, one.where, detail, "warning")


def _dependencies(name: str) -> set[str]:
    """The distribution and all that it depends on, itself or through others; extras' too, which may be installed."""
    from packaging.requirements import InvalidRequirement, Requirement

    reached, todo = set(), [name]
    while todo:
        one = todo.pop()
        found = metadata.find(one) if one not in reached else None
        reached.add(one)
        for text in found.headers("Requires-Dist") if found else ():
            try:
                todo.append(normal(Requirement(text).name))
            except InvalidRequirement:
                continue
    return reached


def _apart(one: Required, spec: LibrarySpec, before: "Sequence[Required]") -> "Iterator[Finding]":
    """That another requires another version: no process can have both."""
    for other in before:
        if other.spec is None or normal(other.wanted.stem) != normal(one.wanted.stem) or other.spec.path == spec.path:
            continue
        same = set(one.wanted.features) <= set(other.spec.abi)
        if same and not one.wanted.admits(other.spec.version or ""):
            detail = (
                f"requires {one.wanted.text} ({spec.path}), and {other.where} requires {other.wanted.text} "
                f"({other.spec.path}): a process has one copy of a library, so it can import one of the packages"
            )
            yield _finding("required-apart", one.distribution, one.where, detail, "warning")
