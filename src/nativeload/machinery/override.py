"""What the user's choice comes to (`preferences` says which it is). It works, or it is an error."""

import os

import nativeload
from nativeload import abi, catalog, core, loader, machinery, preferences
from nativeload.loader import SYSTEM
from nativeload.machinery.wheel import WheelFinder
from nativeload.spec import Rejection, Trace, candidate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from nativeload.abc import Finder
    from nativeload.preferences import Choice
    from nativeload.requirement import Requirement
    from nativeload.spec import Candidate, LibrarySpec


class OverrideFinder:
    """Finds what the user chose, and then, unless only an order of places was chosen, nothing else will do."""

    name = "override"

    def candidates(self, requirement: "Requirement", trace: Trace) -> "Iterator[Candidate]":
        """The chosen file, or the candidates of the chosen place. Raises OverrideError when none of them will do,
        LibraryNotFoundError where the library is never to be loaded.
        """
        files = preferences.files()
        there = preferences.present(files, trace)
        ignored = list(preferences.ignored(requirement, there))
        for where, reason in ignored:
            trace.absent(where, f"ignored: {reason}")
        chosen = preferences.choices(requirement, trace, there)
        choice = next(chosen, None)
        if choice is None:
            places = [path for whose, path in files if whose == "user" or (whose, path) in there]
            _nothing_chosen(requirement, [where for where, _ in ignored], places, trace)
            return
        _beaten(chosen, choice, trace)
        refuse_forbidden(requirement, choice, trace)
        before = len(trace)
        yield from _proposals(requirement, choice, trace)
        if choice.binds:
            rejection = trace.rejection if len(trace) > before else None
            raise nativeload.OverrideError(
                choice.variable, choice.value, rejection.reason if rejection else _nothing(choice)
            )


def _nothing_chosen(requirement: "Requirement", ignored: list[str], places: list[str], trace: Trace) -> None:
    where = " or ".join(places) or "any configuration file"
    variable = loader.variable_of(requirement.name)
    if ignored and any(one.startswith(f"{variable}=") for one in ignored):
        trace.absent(requirement.name, f"not chosen in {where}")
    else:
        trace.absent(variable, f"not set, nor in {where}")


def _beaten(others: "Iterator[Choice]", choice: "Choice", trace: Trace) -> None:
    """Note what else is chosen and does not count; an unusable file that does not count stops nothing."""
    try:
        for other in others:
            trace.absent(f"{other.variable}={other.value}", f"not used: {choice.variable} counts before it")
    except nativeload.OverrideError as error:
        trace.absent(error.variable, f"not used: {choice.variable} counts before it; {error.reason}")


def refuse_forbidden(requirement: "Requirement", choice: "Choice", trace: Trace) -> None:
    """Raise LibraryNotFoundError for a library that is chosen never to be loaded."""
    if choice.value == "never":
        trace.absent(f"{choice.variable}=never", "the library is never to be loaded")
        raise nativeload.LibraryNotFoundError(requirement.text, requirement.name, trace.steps)


def choose(requirement: "Requirement") -> "Choice | None":
    """The choice that counts for a library, None where nothing is chosen. Raises OverrideError."""
    return next(preferences.choices(requirement), None)


def resolve(requirement: "Requirement", choice: "Choice") -> "LibrarySpec":
    """What a choice comes to. Raises OverrideError where it comes to nothing."""
    reason = _nothing(choice)
    for proposed in _proposals(requirement, choice, Trace()):
        verdict = abi.judge(proposed, requirement)
        if not isinstance(verdict, Rejection):
            return verdict
        reason = verdict.reason
    raise nativeload.OverrideError(choice.variable, choice.value, reason)


def _proposals(requirement: "Requirement", choice: "Choice", trace: Trace) -> "Iterator[Candidate]":
    chosen = f"chosen by {choice.variable}"
    if preferences.is_path(choice.value):
        if not os.path.isabs(choice.value):
            raise nativeload.OverrideError(choice.variable, choice.value, "a path must be absolute")
        state = trace.consult(choice.value)
        entry = next(iter(catalog.known(requirement)), None)
        # A directory by a library's name is no place of libraries: the verdict says what is wrong with it.
        mark = SYSTEM.suffix if SYSTEM is not None else ".so"
        if state != "-" and mark not in os.path.basename(choice.value) and os.path.isdir(choice.value):
            for path in _inside(requirement, choice.value, trace):
                yield candidate(path, "override", f"in {os.path.dirname(path)}; {chosen}", entry=entry)
        elif choice.library != preferences.ALL:
            yield candidate(choice.value, "override", chosen, entry=entry)
        return
    if choice.value == "wheel-first":  # as it is
        return
    system = machinery.SystemFinder()
    finders: dict[str, Finder] = {"wheel": WheelFinder(), "system": system, "system-first": system}
    finder = finders.get(choice.value, WheelFinder(choice.value))
    for proposed in finder.candidates(requirement, trace):
        reason = f"{proposed.reason}; {chosen}"
        yield proposed.replace(origin="override" if choice.binds else proposed.origin, reason=reason)


def _inside(requirement: "Requirement", directory: str, trace: Trace) -> list[str]:
    """The files that a name stands for in a directory of libraries, or in those of an installation's prefix."""
    homes = (directory, f"{directory}/lib", f"{directory}/lib64")
    entry = catalog.lookup(requirement.stem)
    if SYSTEM is not None:
        places = [directory, *(os.path.join(directory, one) for one in ("lib", "bin"))]
        first = SYSTEM.names(requirement, entry)
        return [path for one in places for path in SYSTEM.listed(one, requirement, first, trace)]
    from nativeload.machinery.system import sonames

    names = sonames(requirement, entry)
    wanted = requirement.filename or f"lib{requirement.name}.so"
    return [path for _, path in core.listed(core.places(homes, ()), wanted, names, trace.consulted)]


def _nothing(choice: "Choice") -> str:
    if choice.value in ("wheel", "system"):
        return f"the {choice.value} finder finds none"
    if preferences.is_path(choice.value):
        return "no such library is in that directory, its lib or its lib64"
    return f"no installed distribution {choice.value!r} ships the library"
