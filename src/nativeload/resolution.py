"""The chain: each finder in turn proposes, the ABI verdict disposes, the trace keeps why. Nothing here maps a file."""

import os
import sys

import nativeload
from nativeload import abi, catalog, core, images, loader, metadata, requirement
from nativeload.linkers import host
from nativeload.machinery import LoadedFinder, OverrideFinder, PrefixFinder, SystemFinder, WheelFinder
from nativeload.machinery.loaded import mapped_sonames, same_file
from nativeload.spec import LibrarySpec, Rejection, Trace, candidate, rejection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from nativeload.abc import Finder
    from nativeload.requirement import Requirement
    from nativeload.spec import Candidate

USUAL: "tuple[Finder, ...]" = (LoadedFinder(), OverrideFinder(), WheelFinder(), PrefixFinder(), SystemFinder())
finders = [*USUAL]
# Kinds of rejection that no provider's words about the file, and no other name of it, can change.
_OF_THE_FILE = ("format", "machine", "libc", "isa-level", "symbol")


def resolve(text: str, symbols: tuple[str, ...] = ()) -> tuple[LibrarySpec | None, Trace]:
    """Run the chain for a requirement: the spec, None where nothing will do, and the trace of the search.

    Raises RequirementError, and what a finder raises to end the search: OverrideError, ABIMismatchError.
    """
    trace = Trace()
    return run(requirement.parse(text, symbols), trace), trace


def run(wanted: "Requirement", trace: Trace) -> LibrarySpec | None:
    """The chain for a parsed requirement, recorded in `trace`. Raises UnsearchedError."""
    if loader.SYSTEM is None and not sys.platform.startswith("linux"):
        from nativeload.errors import UnsearchedError

        raise UnsearchedError(sys.platform)
    members = () if wanted.filename else catalog.implementing(wanted.stem)
    if members:
        from nativeload import virtual

        return virtual.run(wanted, members, trace)
    return chain(wanted, finders, trace)


def chain(wanted: "Requirement", links: "Iterable[Finder]", trace: Trace) -> LibrarySpec | None:
    """What the first of some finders finds that will do."""
    refused: set[str] = set()
    catalog.known(wanted, trace)  # anew: what the finders ask for is what it says now
    for finder in links:
        trace.finder = finder.name
        for proposed in finder.candidates(wanted, trace):
            state = trace.consult(proposed.path)
            if state in refused:
                continue  # The same file by another name: what is wrong with its headers was said.
            verdict = _alongside(judged(proposed, wanted, trace), proposed, wanted, trace)
            if not isinstance(verdict, Rejection):
                spec = _only_copy(verdict, proposed, wanted, trace)
                if spec is None:
                    continue
                trace.accepted(spec.path, proposed.reason)
                trace.beside += _beside(proposed)
                return spec
            trace.rejected(proposed.path, verdict)
            if verdict.kind in ("dependency", "symbol-version"):
                trace.lasting = False  # It would do once what it needs is installed, wherever that will be.
            if verdict.kind in _OF_THE_FILE and state != "-":
                refused.add(state)
    return None


def _beside(proposed: "Candidate") -> tuple[str, ...]:
    """How the sonames begin of what must come from one origin with a candidate."""
    if not proposed.entry and not proposed.together:
        return ()
    together = catalog.of_set(proposed.entry.set) if proposed.entry and proposed.entry.set else ()
    named = (soname for one in together for soname in (*one.sonames, f"lib{one.name}.so"))
    return tuple(dict.fromkeys((*named, *(soname for _, soname, _ in proposed.together))))


def judged(proposed: "Candidate", wanted: "Requirement", trace: Trace) -> LibrarySpec | Rejection:
    """The verdict on a candidate, with what is to be loaded before it by its provider's words."""
    if not proposed.requires and not proposed.together:
        return _here(abi.judge(proposed, wanted, trace), proposed, trace)
    from nativeload import before

    first = before.parted(proposed) or before.required(proposed, wanted, trace)
    if isinstance(first, Rejection):
        return first
    paths = [path for one in first for path in (*one.dependencies, one.path)]
    homes = map(os.path.dirname, paths)
    able = proposed.replace(siblings=tuple(dict.fromkeys((*proposed.siblings, *homes))))
    spec = _here(abi.judge(able, wanted, trace), proposed, trace)
    if isinstance(spec, Rejection):
        return spec
    return spec.replace(dependencies=tuple(dict.fromkeys((*paths, *spec.dependencies))))


def _here(spec: LibrarySpec | Rejection, candidate: "Candidate", trace: "Trace | None") -> LibrarySpec | Rejection:
    """The spec of a file that suits this machine; of what is loaded already, that is nobody's question.

    Whoever only lists libraries does not ask: for CUDA's, the driver's is mapped to tell.
    """
    if isinstance(spec, Rejection) or spec.origin == "loaded":
        return spec
    needs = candidate.needs
    if candidate.entry:
        needs += catalog.like(candidate.entry, spec.soname)[1]
        for soname, properties in candidate.entry.needs:
            needs += properties if soname == spec.soname else ()
    if not needs:
        return spec
    from nativeload import host

    return host.refusal(needs, trace) or spec


def _alongside(
    spec: LibrarySpec | Rejection, proposed: "Candidate", wanted: "Requirement", trace: Trace
) -> LibrarySpec | Rejection:
    """The spec of a file that may join what this process has of its set, or of CUDA."""
    entry = proposed.entry
    if isinstance(spec, Rejection) or spec.origin == "loaded" or not entry or loader.SYSTEM is not None:
        return spec
    is_cuda = any(feature.startswith("cuda") for wheel in entry.wheels for feature in wheel.abi)
    if not is_cuda and not entry.set:
        return spec
    from nativeload import coherence

    refused = coherence.mixed(spec, entry, wanted) if is_cuda else None
    refused = refused or (coherence.apart(spec, entry, wanted) if entry.set else None)
    trace.lasting = trace.lasting and refused is None
    return refused or spec


def _only_copy(spec: LibrarySpec, proposed: "Candidate", wanted: "Requirement", trace: Trace) -> LibrarySpec | None:
    """The spec, or that of the copy already mapped under its soname: consumers bind to the first one loaded.

    None for the user's choice where another copy is mapped: its finder says that it cannot be honoured.
    """
    if spec.origin == "loaded" or not spec.soname or f"\n{spec.soname}\n" not in mapped_sonames():
        return spec
    for path, soname in core.linkmap():
        if soname == spec.soname and path and not same_file(path, spec.path):
            reason = f"this process already has {soname} from {path}; a second copy is a hazard"
            trace.rejected(spec.path, rejection("soname", reason, soname=soname, loaded=path))
            if spec.origin == "override":
                return None
            trace.finder = "loaded"
            mapped = candidate(path, "loaded", f"already in this process as {soname}", entry=proposed.entry)
            verdict = abi.judge(mapped, wanted)
            if isinstance(verdict, Rejection):
                trace.rejected(path, verdict)
                raise nativeload.ABIMismatchError(wanted.text, wanted.name, trace.steps)
            return verdict
    return spec


def find_spec(requirement: str, *, symbols: "Iterable[str]" = ()) -> "LibrarySpec | None":
    """Say which library `load` would give, without mapping any; None when none would do.

    Parameters are those of `load`. Raises RequirementError for a malformed requirement and OverrideError for an
    override that cannot be honoured.
    """
    wanted = asked(requirement, symbols)
    try:
        return run(wanted, Trace())
    except (nativeload.ABIMismatchError, nativeload.LibraryNotFoundError):
        return None


def asked(text: str, symbols: "Iterable[str]") -> "Requirement":
    """What is asked for; the audit event is raised where `load` raises it: before the text is read."""
    names = loader.names(symbols)
    if isinstance(text, str):
        sys.audit("nativeload.find", text)
    return requirement.parse(text, names)


def failure(text: str, trace: Trace) -> "nativeload.NativeLoadError":
    """The error for a search that found nothing."""
    incompatible = trace.status == "incompatible"
    error = nativeload.ABIMismatchError if incompatible else nativeload.LibraryNotFoundError
    return error(text, requirement.parse(text).name, trace.steps)


def known_sonames(spec: LibrarySpec, text: str) -> tuple[str, ...]:
    """The sonames under which a process may have a library already, or another that implements the virtual name."""
    wanted, asked = requirement.parse(spec.name), requirement.parse(text)
    entry = None if wanted.filename else catalog.lookup(wanted.stem)
    others = [] if asked.filename else map(catalog.lookup, catalog.implementing(asked.stem))
    # A dependency that is loaded first must not become a second copy either.
    own = (spec.soname, *map(images.soname, spec.dependencies))
    known = [soname for one in (entry, *others) if one for soname in one.sonames]
    return tuple(dict.fromkeys((*known, *filter(None, own))))


def invalidate_caches() -> None:
    """Forget what this process read of directories and files, and that of every finder that has this method.

    The cache on disk is left alone: each answer in it is checked against the files it came from. One change shows
    in none of them: an `entry_points.txt` edited in place, because the directory on `sys.path` stands for all that is
    installed in it. After such an edit, remove the cache.
    """
    for module in (catalog, metadata, images, host, *([loader.SYSTEM] if loader.SYSTEM else ())):
        module.forget()
    for finder in finders:
        invalidate = getattr(finder, "invalidate_caches", None)
        if invalidate is not None:
            invalidate()
