"""Virtual names: `blas` is whichever library implements it that is in the process, is chosen, or is installed.

Which libraries these are, and in what order they are asked for, the catalog says.
"""

import os

from nativeload import catalog, images, preferences, resolution
from nativeload.errors import LibraryNotFoundError, OverrideError, RequirementError
from nativeload.loader import SYSTEM
from nativeload.requirement import normal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from nativeload.preferences import Choice
    from nativeload.requirement import Requirement
    from nativeload.spec import LibrarySpec, Trace


def run(wanted: "Requirement", members: "Sequence[str]", trace: "Trace") -> "LibrarySpec | None":
    """The first library that implements a virtual name: of those in the process, then of those that are found.

    Raises RequirementError for a version, which only libraries have, and OverrideError for a choice that comes to
    nothing.
    """
    name = normal(wanted.stem)
    if wanted.specifier is not None:
        reason = f"{wanted.name} is a virtual name, and only the libraries have versions: {', '.join(members)}"
        raise RequirementError(wanted.text, reason)
    choice = next((one for one in preferences.choices(wanted, trace) if one.library == name), None)
    order = _order(choice, name, members)
    chosen = f", chosen by {choice.variable}={choice.value}" if choice else ""
    trace.finder = "virtual"
    trace.absent(wanted.name, f"a virtual name; asked for in this order: {', '.join(order)}{chosen}")
    refused: OverrideError | None = None
    loaded = [finder for finder in resolution.finders if finder.name == "loaded"]
    for links in (loaded, [finder for finder in resolution.finders if finder not in loaded]):
        for one in order:
            try:
                found = resolution.chain(wanted.replace(name=one, stem=one, virtual=name), links, trace)
            except LibraryNotFoundError:  # never to be loaded
                continue
            except OverrideError as error:
                if choice is None or error.variable != choice.variable:
                    raise
                refused = refused or error
                continue
            if found is not None:
                return found
    if choice is not None and choice.binds and choice.value != "never":
        raise refused or OverrideError(choice.variable, choice.value, _unfit(order[0], trace))
    return None


def _unfit(one: str, trace: "Trace") -> str:
    """That no library will do which is chosen by its name, and what is wrong with the first that is there."""
    step = next((step for step in trace.steps if step.rejection is not None and step.finder != "catalog"), None)
    return f"no {one} is found that will do{f': {step.candidate} {step.reason}' if step else ''}"


def _order(choice: "Choice | None", name: str, members: "Sequence[str]") -> "Sequence[str]":
    """The libraries that are asked for: the one that is chosen by its name or its file, else all of them."""
    if choice is None:
        return members
    one = preferences.member(choice.value, name)
    if one:
        return [one]
    if os.path.isfile(choice.value):
        soname = images.soname(choice.value)  # The verdict says what is wrong with one that cannot be read.
        known = filter(None, map(catalog.lookup, members))
        return [one.name for one in known if soname in (SYSTEM.known(one) if SYSTEM else one.sonames)] or members[:1]
    return members
