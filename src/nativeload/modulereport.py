"""`--explain -m MODULE`: what importing a module would map, and what of it cannot be resolved; nothing is imported.

Each extension module is resolved as the interpreter would load it: after the interpreter's own libraries, those that
are loaded first as far as that is declared, and the extension modules before it that load. What Python code does
besides, such as importing another distribution, nobody knows who does not run it.
"""

import os
import sys

from nativeload import declarations, metadata, modules
from nativeload.closure import Closure, Problem
from nativeload.errors import DeclarationError, ImageError
from nativeload.filereport import with_tried
from nativeload.resolver import Resolver
from nativeload.spec import Record, Trace
from nativeload.terminal import printable
from nativeload.treereport import closure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Literal

    Status = Literal["ok", "problems", "not-found"]

_KINDS = {
    "package": "a package in {}",
    "extension": "an extension module, {}",
    "python": "Python code, {}",
    "built-in": "a part of the interpreter",
}


class Step(Record):
    """A file that would be loaded by itself: what asks for it, and what it adds to what is mapped by then."""

    __slots__ = ("closure", "name")
    name: str
    closure: Closure


class ModuleReport(Record):
    """A module; the files that the process has; what is loaded first; the extension modules, each in its turn."""

    __slots__ = ("extensions", "first", "module", "process")
    module: modules.Module
    process: tuple[str, ...]
    first: tuple[Step, ...]
    extensions: tuple[Step, ...]

    @property
    def status(self) -> "Status":
        """Whether the module is there, and everything that it would load is found."""
        if self.module.kind == "absent":
            return "not-found"
        return "ok" if all(one.closure.status == "ok" for one in (*self.first, *self.extensions)) else "problems"

    def to_dict(self) -> "dict[str, Any]":
        """The JSON form: {"version": 1, "module", "status", "kind", "places", "reason", "process", "first", "extensions"}."""
        return {
            "version": 1,
            "module": self.module.name,
            "status": self.status,
            "kind": self.module.kind,
            "places": list(self.module.places),
            "reason": self.module.reason,
            "process": list(self.process),
            "first": [{"name": one.name, "closure": with_tried(one.closure)} for one in self.first],
            "extensions": [{"module": one.name, "closure": with_tried(one.closure)} for one in self.extensions],
        }

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def explain(name: str, after: "Sequence[str]" = ()) -> ModuleReport:
    """What importing a module would map where the files of `after` have been loaded before. Raises ImageError for one
    of these that cannot be read.
    """
    module = modules.find(name)
    resolver = Resolver(record=True)
    loaded = [os.path.realpath(sys.executable)] if sys.executable else []
    for path in after:
        resolver.image(path)
        loaded.append(path)
    process = _mapped(resolver, loaded)
    first = _in_order(resolver, [*_declared(module), *_required(module)], loaded)
    found = [_load(resolver, one.name, one.path, loaded) for one in modules.extensions(module)]
    checked = [_initialized(step) for step in found]
    return ModuleReport(module=module, process=process, first=tuple(first), extensions=tuple(checked))


def _mapped(resolver: Resolver, loaded: "Sequence[str]") -> tuple[str, ...]:
    if not loaded:
        return ()
    try:
        return tuple(resolver.mapped(loaded))
    except ImageError:
        return tuple(loaded)


def _load(resolver: Resolver, name: str, path: str, loaded: list[str]) -> Step:
    """What a file would add; the next find it loaded if it loads."""
    found = closure(resolver, path, loaded, symbols=True)
    if found.status == "ok":
        loaded.append(path)
    return Step(name=name, closure=found)


def _in_order(resolver: Resolver, files: "Sequence[tuple[str, str]]", loaded: list[str]) -> list[Step]:
    """What (path, where) would add, each after what it needs of the others, as `load_required` loads them."""
    steps: list[Step] = []
    late = dict(files)
    while late:
        tried = [_load(resolver, why, path, loaded) for path, why in late.items()]
        done = [step for step in tried if step.closure.status == "ok"]
        steps += done or tried
        late = {step.closure.root: step.name for step in tried if step not in done} if done else {}
    return steps


def _required(module: modules.Module) -> "Iterator[tuple[str, str]]":
    """(path, where) of what the module's package requires by its table, as far as it is there."""
    from nativeload import required
    from nativeload.check.files import Native
    from nativeload.check.requires import Requires

    file = required.file_of(module.name) if module.kind != "absent" else ""
    for line in Requires([Native(distribution="", path=file)]).lines() if file else ():
        if line.spec:
            yield from ((path, line.where) for path in (*line.spec.dependencies, line.spec.path))


def _initialized(step: Step) -> Step:
    extension = modules.Extension(name=step.name, path=step.closure.root)
    if not step.closure.images or modules.is_initialized(extension):
        return step
    detail = f"does not export {modules.initializer(step.name)}, by which the import would initialize it"
    problem = Problem(kind="initializer", image=extension.path, detail=detail)
    changed = step.closure.replace(status="problems", problems=(*step.closure.problems, problem))
    return step.replace(closure=changed)


def _declared(module: modules.Module) -> "Iterator[tuple[str, str]]":
    """(path, where) of the libraries that the module's own package declares: it ships them, so it loads them first."""
    top = module.name.partition(".")[0]
    trace = Trace()
    for distribution in metadata.providers() if module.kind != "absent" else ():
        packages = dict.fromkeys(package for _, package in distribution.declared())
        for package in packages:
            if package.partition(".")[0] != top:
                continue
            try:
                libraries = declarations.read(distribution, package, trace)
            except (DeclarationError, OSError):
                continue  # `--list` says what is wrong with it.
            yield from ((library.path, library.where) for library in libraries.values())


def _lines(report: ModuleReport) -> "Iterator[str]":
    module = report.module
    if module.kind == "absent":
        yield f"{printable(module.name)}: not found: {printable(module.reason)}"
        return
    places = " and ".join(map(printable, module.places))
    yield f"{module.name}: {_KINDS[module.kind].format(places)}"
    if report.process:
        yield f"in a process that has {printable(report.process[0])} and {len(report.process) - 1} more files mapped"
    if not report.first and not report.extensions:
        yield "no extension module: it maps nothing by itself"
        return
    for title, steps in (
        ("loaded first, as declared:", report.first),
        ("would be mapped, in order:", report.extensions),
    ):
        if steps:
            yield ""
            yield title
        for step in steps:
            yield f"  {printable(step.name)}"
            yield from (f"    {line}" for line in _added(step.closure))
    broken = [step for step in (*report.first, *report.extensions) if step.closure.status != "ok"]
    if broken:
        yield ""
        yield "cannot be resolved:"
    for step in broken:
        for problem in step.closure.problems:
            first, *rest = problem.detail.split("\n")
            yield f"  {printable(step.name)}: {problem.kind}: {printable(problem.image)} {printable(first)}"
            yield from (f"  {printable(line)}" for line in rest)
    if any(problem.kind == "missing" for step in broken for problem in step.closure.problems):
        yield "what Python code loads before is not known: say it with --after NAME"


def _added(found: Closure) -> "Iterator[str]":
    """The files that a closure adds, each with the rule by which it is found."""
    reasons: dict[str | None, str] = {}
    for image in found.images:
        for edge in image.needed:
            if not edge.how.startswith("already loaded"):
                reasons.setdefault(edge.path, edge.how)
    for image in found.images:
        reason = reasons.get(image.path)
        yield printable(image.path) + (f" [{printable(reason)}]" if reason and image.path != found.root else "")
    if not found.images and not found.problems:
        yield f"{printable(found.root)} (loaded already)"
