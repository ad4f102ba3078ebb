"""What comes before a declared library: what it requires, found first; and what of its set the process has already."""

from nativeload import core, requirement
from nativeload.errors import NativeLoadError
from nativeload.machinery.loaded import same_file
from nativeload.requirement import normal
from nativeload.spec import Rejection, Trace, rejection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nativeload.requirement import Requirement
    from nativeload.spec import Candidate, LibrarySpec


def parted(proposed: "Candidate") -> Rejection | None:
    """Why a candidate cannot join what the process has of its set: that comes from another origin."""
    own: dict[str, list[str]] = {}
    for _, name, path in proposed.together:
        own.setdefault(name, []).append(path)
    for loaded, soname in core.linkmap() if own else ():
        if soname in own and loaded and not any(same_file(loaded, path) for path in own[soname]):
            together, origin = proposed.together[0][0], str(proposed.provider or proposed.path)
            reason = f"is of the set {together} of {origin}; this process has {soname} of another origin, from {loaded}"
            return rejection("set", reason, set=together, origin=origin, soname=soname, loaded=loaded)
    return None


def required(proposed: "Candidate", wanted: "Requirement", trace: Trace) -> "list[LibrarySpec] | Rejection":
    """What a candidate requires, in order, each with what it requires itself; or what of it cannot be had."""
    found = []
    for text, where, origin in proposed.requires:
        nested = Trace()
        nested.consulted, nested.above = trace.consulted, (*trace.above, normal(wanted.stem))
        spec, problem = None, ""
        try:
            spec = _find(text, origin, nested)
        except NativeLoadError as error:
            problem = str(error).partition("\n")[0]
        trace.lasting = trace.lasting and nested.lasting
        trace.beside += nested.beside
        if spec is not None and origin and (spec.provider is None or spec.provider.distribution != origin):
            problem = f"it must come from {origin}, as what requires it; it is {spec.path}"
        if spec is None or problem:
            problem = problem or _last(nested)
            reason = f"requires {text} ({where}): {problem}"
            return rejection("dependency", reason, name=text, where=where, problem=problem)
        found.append(spec)
    return found


def _find(text: str, origin: str, trace: Trace) -> "LibrarySpec | None":
    from nativeload import resolution
    from nativeload.machinery import WheelFinder

    wanted = requirement.parse(text)
    if normal(wanted.stem) in trace.above:
        circle = " → ".join((*trace.above[trace.above.index(normal(wanted.stem)) :], wanted.stem))
        trace.rejected(text, rejection("declaration", f"what is required goes in a circle: {circle}", circle=circle))
        return None
    return resolution.chain(wanted, [WheelFinder(origin)], trace) if origin else resolution.run(wanted, trace)


def _last(trace: Trace) -> str:
    """Why a search has found nothing: the reason of what was refused last, else that nothing was there."""
    refused = [step.reason for step in trace.steps if step.verdict == "rejected"]
    return refused[-1] if refused else "no finder has it"
