"""`--explain FILE`: whether one file would load in this process, what with it, and every place where that is looked for."""

import os

from nativeload import abi, images, requirement
from nativeload.errors import ImageError
from nativeload.explanation import Explanation
from nativeload.resolver import Resolver
from nativeload.spec import Record, Rejection, Trace, candidate
from nativeload.terminal import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nativeload.closure import Closure, Edge
    from nativeload.spec import Status


class FileReport(Record):
    """The verdict of this process on a file, and its closure: None where the file cannot be read."""

    __slots__ = ("closure", "verdict")
    verdict: Explanation
    closure: "Closure | None"

    @property
    def status(self) -> "Status":
        """The verdict's."""
        return self.verdict.status

    def to_dict(self) -> "dict[str, Any]":
        """The JSON form: the verdict's, and under "closure" the closure's, each edge with what was "tried"."""
        return {**self.verdict.to_dict(), "closure": self.closure and with_tried(self.closure)}

    def __str__(self) -> str:
        lines = [str(self.verdict)]
        if self.closure is not None:
            lines += ["", "would be mapped, in order, and every place looked at:", *places(self.closure)]
        return "\n".join(lines)


def places(closure: "Closure") -> list[str]:
    """Each file of a closure, what it needs, and where that was looked for: lines of an explanation."""
    lines = []
    for image in closure.images:
        lines.append(f"  {printable(image.path)}")
        for edge in image.needed:
            lines.append(f"    {_found(edge)}")
            lines += [
                f"      {printable(path)} [{rule}]: {printable(why) if why else 'nothing there'}"
                for path, rule, why in edge.tried
            ]
    problems = [line for one in closure.problems for line in _problem(one.kind, one.image, one.detail)]
    lines += ["", "problems:", *problems] if problems else []
    weak = [f"  {printable(path)} {printable(', '.join(names))}" for path, names in closure.weak]
    return lines + (["", "symbols that nothing gives, and they can do without:", *weak] if weak else [])


def _found(edge: "Edge") -> str:
    name = printable(edge.name)
    if edge.fatal is not None:
        return f"{name}: the linker gives up at {printable(edge.path or edge.name)}: {printable(edge.fatal)}"
    if edge.path is None:
        return f"{name}: not found{', and not necessary' if edge.optional else ''}"
    return f"{name} => {printable(edge.path)} [{printable(edge.how)}]"


def _problem(kind: str, image: str, detail: str) -> list[str]:
    first = detail.partition("; tried\n")[0]  # these stand above
    return [f"  {kind}: {printable(image)} {printable(first)}"]


def with_tried(closure: "Closure") -> "dict[str, Any]":
    """A closure's JSON, each edge with what was tried."""
    facts = closure.to_dict()
    for image, said in zip(closure.images, facts["images"], strict=True):
        for edge, one in zip(image.needed, said["needed"], strict=True):
            one["tried"] = [{"path": path, "rule": rule, "why": why} for path, rule, why in edge.tried]
    return facts


def explain(path: str) -> FileReport:
    """What there is to say of a file, by its path."""
    try:
        closure = Resolver(record=True).resolve(path, symbols=True)
    except ImageError:
        closure = None  # The verdict says why.
    return FileReport(verdict=_verdict(path), closure=closure)


def _verdict(path: str) -> Explanation:
    """The verdict on a file, for no requirement but that it load: the search of one candidate."""
    whole = os.path.abspath(path)
    name = os.path.basename(whole)
    wanted = requirement.Requirement(
        text=path, name=name, stem=name, filename="", features=(), specifier=None, symbols=(), virtual=""
    )
    trace = Trace()
    trace.finder = "file"
    verdict = abi.judge(candidate(whole, "override", "named on the command line"), wanted)
    if not os.path.lexists(whole):
        trace.absent(whole, "no such file")
    elif isinstance(verdict, Rejection):
        trace.rejected(whole, verdict)
    else:
        build_id = images.read(whole).build_id
        trace.accepted(whole, f"would load in this process ({f'build ID {build_id}' if build_id else 'no build ID'})")
    spec = None if isinstance(verdict, Rejection) else verdict
    return Explanation(requirement=path, status=trace.status, spec=spec, steps=trace.steps, error="")
