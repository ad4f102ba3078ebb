"""The user's choice: `NATIVELOAD_<NAME>`, then `[override]` in the configuration file. It works, or it is an error."""

import os
import sys

from nativeload import abi, loader
from nativeload.errors import DeclarationError, OverrideError
from nativeload.machinery.system import SystemFinder
from nativeload.machinery.wheel import WheelFinder
from nativeload.requirement import normal
from nativeload.spec import Record, Rejection, Trace, candidate
from nativeload.tomlfile import Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from nativeload.abc import Finder
    from nativeload.requirement import Requirement
    from nativeload.spec import Candidate, LibrarySpec

# Variables that are nativeload's own: a library of such a name is overridden in the configuration file.
RESERVED = ("NATIVELOAD_BACKEND", "NATIVELOAD_CACHE")


ISOLATED = "this interpreter runs isolated (python -I or -E)"


class Choice(Record):
    """What the user chose for a library, and where it is written."""

    __slots__ = ("value", "variable")
    variable: str
    value: str


class OverrideFinder:
    """Finds what the user chose, and then nothing else will do."""

    name = "override"

    def candidates(self, requirement: "Requirement", trace: Trace) -> "Iterator[Candidate]":
        """The chosen file, or the candidates of the chosen finder. Raises OverrideError when none of them will do."""
        config = loader.config_file(obeyed=False)
        # Where its directory is not there, one question tells it, also that there is no catalog of the user's.
        there = bool(config) and trace.consult(os.path.dirname(config)) != "-" and trace.consult(config) != "-"
        for where, reason in ignored(requirement, config if there else ""):
            trace.absent(where, f"ignored: {reason}")
        choice = choose(requirement, there=there)
        if choice is None:
            obeyed = "" if sys.flags.isolated else config
            trace.absent(loader.variable_of(requirement.name), f"not set, nor in {obeyed or 'any configuration file'}")
            return
        before = len(trace)
        yield from _proposals(requirement, choice, trace)
        rejection = trace.rejection if len(trace) > before else None
        raise OverrideError(choice.variable, choice.value, rejection.reason if rejection else _nothing(choice))


def choose(requirement: "Requirement", *, there: bool = True) -> Choice | None:
    """What the user chose for a library, None where nothing. Raises OverrideError for an unusable configuration.

    `there` is whether there may be a configuration file at all.
    """
    for variable in loader.variables_of(requirement.name):
        if variable not in RESERVED and loader.setting(variable):
            return Choice(variable=variable, value=loader.setting(variable))
    return configured().get(normal(requirement.stem)) if there else None


def configured() -> dict[str, Choice]:
    """The `[override]` table of the user's configuration file, by library. A file that others can write is not read."""
    path = loader.config_file()
    if not path or not os.path.lexists(path) or untrusted(path):
        return {}
    try:
        document = Document(path)
        table = document.table.get("override", {})
        for key in document.table:
            if key != "override":
                raise DeclarationError(document.where(key), f"unknown key {key!r}; the file has a table [override]")
        good = isinstance(table, dict)
        wrong = [name for name, value in table.items() if not value or type(value) is not str] if good else ["override"]
        if wrong:
            where = document.where(wrong[0], "override")
            raise DeclarationError(where, '[override] holds NAME = "path|wheel|system|DIST"')
    except DeclarationError as error:
        raise OverrideError(error.where, "[override]", error.reason) from None
    return {
        normal(name): Choice(variable=document.where(name, "override"), value=value) for name, value in table.items()
    }


def untrusted(path: str) -> str:
    """Why a configuration file is not the user's word, "" where it is."""
    try:
        state = os.stat(path)
    except OSError:
        return ""
    if state.st_uid not in (os.geteuid(), 0):
        return "it belongs to another user"
    return "others can write it" if state.st_mode & 0o002 else ""


def ignored(requirement: "Requirement", config: str) -> "Iterator[tuple[str, str]]":
    """(where, why) of each choice that is written, perhaps for this library, but not obeyed.

    `config` is the configuration file, "" where there is none.
    """
    if sys.flags.ignore_environment:
        for name in dict.fromkeys((requirement.name, requirement.stem)):
            variable = loader.variable_of(name)
            if os.environ.get(variable):
                yield f"{variable}={os.environ[variable]}", ISOLATED
    if config:
        reason = "this interpreter runs isolated (python -I)" if sys.flags.isolated else untrusted(config)
        if reason:
            yield config, reason


def resolve(requirement: "Requirement", choice: Choice) -> "LibrarySpec":
    """What a choice comes to. Raises OverrideError where it comes to nothing."""
    reason = _nothing(choice)
    for proposed in _proposals(requirement, choice, Trace()):
        verdict = abi.judge(proposed, requirement)
        if not isinstance(verdict, Rejection):
            return verdict
        reason = verdict.reason
    raise OverrideError(choice.variable, choice.value, reason)


def _proposals(requirement: "Requirement", choice: Choice, trace: Trace) -> "Iterator[Candidate]":
    if "/" in choice.value:
        if not os.path.isabs(choice.value):
            raise OverrideError(choice.variable, choice.value, "a path must be absolute")
        trace.consult(choice.value)
        from nativeload import catalog

        entry = catalog.lookup(requirement.stem)
        yield candidate(choice.value, "override", f"chosen by {choice.variable}", entry=entry)
        return
    finders: dict[str, Finder] = {"wheel": WheelFinder(), "system": SystemFinder()}
    finder = finders.get(choice.value, WheelFinder(choice.value))
    for proposed in finder.candidates(requirement, trace):
        reason = f"{proposed.reason}; chosen by {choice.variable}"
        yield proposed.replace(origin="override", reason=reason)


def _nothing(choice: Choice) -> str:
    if choice.value in ("wheel", "system"):
        return f"the {choice.value} finder finds none"
    return f"no installed distribution {choice.value!r} ships the library"
