"""What the process already has. A second copy of a library is a hazard, so the first must do or the search ends."""

import os

import nativeload
from nativeload import catalog, core, loader
from nativeload.loader import SYSTEM
from nativeload.machinery import override
from nativeload.machinery.wheel import WheelFinder
from nativeload.spec import Trace, candidate, rejection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from nativeload.requirement import Requirement
    from nativeload.spec import Candidate

_joined: "tuple[Collection[tuple[str, str | None]], str]" = ((), "")


class LoadedFinder:
    """Finds images of this process by soname: one of the library's name, or that the catalog knows it by."""

    name = "loaded"

    def candidates(self, requirement: "Requirement", trace: Trace) -> "Iterator[Candidate]":
        """Each image of that soname. Raises OverrideError where one contradicts the user's choice, ABIMismatchError
        where one is of a version that will not do, or lacks a symbol.

        An image of other ABI features under another soname is another library, and the chain goes on; so it does
        for a missing symbol where the catalog tells the features by symbols.
        """
        mapped = _mapped(requirement)
        if not mapped:
            usual = SYSTEM.file(requirement.name) if SYSTEM else f"lib{requirement.name}.so*"
            trace.absent(requirement.filename or usual, "not in this process")
            return
        _agree(requirement, mapped, trace)
        shipped = {os.path.normcase(one.path): one for one in WheelFinder().candidates(requirement, Trace())}
        # What was loaded here is what it was then: another version may have been installed at its path meanwhile.
        ours = {os.path.normcase(one.path): one for one in loader.libraries()}
        entry = next(iter(catalog.known(requirement)), None)
        for path, soname in mapped:
            known = shipped.get(os.path.normcase(path))
            own = ours.get(os.path.normcase(path)) or known
            yield candidate(
                path,
                "loaded",
                f"already in this process as {soname}",
                provider=own and own.provider,
                version=own and own.version,
                abi=own.abi if own else (),
                entry=known.entry if known else entry,
            )
            kind = trace.rejection.kind if trace.rejection else ""
            if kind == "version" or (kind == "symbol" and not (entry and entry.abi)):
                raise nativeload.ABIMismatchError(requirement.text, requirement.name, trace.steps)


def _mapped(requirement: "Requirement") -> list[tuple[str, str]]:
    """(path, soname) of the images that carry the library's name."""
    entry = next(iter(catalog.known(requirement)), None) if not requirement.filename else None
    mapped = core.linkmap()
    if SYSTEM is not None:
        known = {SYSTEM.folded(one) for one in SYSTEM.names(requirement, entry)}
        named = ((path, os.path.basename(path)) for path, _ in mapped if path)
        return [(path, one) for path, one in named if SYSTEM.folded(one) in known or SYSTEM.named(requirement, one)]
    sonames = entry.sonames if entry else ()
    stem = requirement.filename.partition(".so")[0] if requirement.filename else f"lib{requirement.name}.so"
    there = mapped_sonames()
    if f"\n{stem}" not in there and not (sonames and any(f"\n{one}\n" in there for one in sonames)):
        return []
    near = [(p, s) for p, s in mapped if s and (s in sonames or requirement.names(s)) and os.path.isabs(p)]
    # A library that answers for the soname is found by what it is declared as.
    return [(p, s) for p, s in near if not p.startswith("/proc/self/fd/")]


def mapped_sonames() -> str:
    """The sonames that this process has, each after a line's end and before one: a look at it tells of most that it
    has none of them.
    """
    global _joined
    mapped, known = core.linkmap(), _joined
    if known[0] is not mapped:
        known = _joined = mapped, "\n".join(["", *(soname for _, soname in mapped if soname), ""])
    return known[1]


def _agree(requirement: "Requirement", mapped: list[tuple[str, str]], trace: Trace) -> None:
    """The user's choice binds what is loaded too."""
    choice = override.choose(requirement)
    if choice is None:
        return
    override.refuse_forbidden(requirement, choice, trace)
    if not choice.binds:
        return
    spec = override.resolve(requirement, choice)
    if not any(same_file(path, spec.path) for path, _ in mapped):
        loaded, soname = mapped[0]
        said = f"{choice.variable}={choice.value} contradicts it"
        trace.rejected(loaded, rejection("soname", said, soname=soname, loaded=loaded, chosen=spec.path))
        reason = f"it means {spec.path}, but this process already has {loaded}"
        raise nativeload.OverrideError(choice.variable, choice.value, reason)


def same_file(one: str, other: str) -> bool:
    """Whether two paths are one file, as the linker sees it: by device and inode."""
    try:
        return one == other or os.path.samefile(one, other)
    except OSError:
        return False
