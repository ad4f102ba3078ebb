"""Which library the user, the environment and the site want: every place where that is written, and which counts first.

Places, in order: `prefer` in code; `NATIVELOAD_<NAME>`; the configuration files of a virtual environment, of the user, of
the interpreter, of the site. What is said of one library counts before what is said of all ("*", `NATIVELOAD_PREFER`).
What a choice comes to is `machinery.override`'s; files are written by `commands.prefer`.
"""

import os
import sys

import nativeload
from nativeload import loader
from nativeload.requirement import normal
from nativeload.spec import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nativeload.requirement import Requirement
    from nativeload.spec import Trace

ALL = "*"
FOR_ALL = "NATIVELOAD_PREFER"
TABLES = ("prefer", "override")  # [override] is what the table was called first

# Variables that are nativeload's own: a library of such a name is chosen in a configuration file.
RESERVED = ("NATIVELOAD_BACKEND", "NATIVELOAD_CACHE", "NATIVELOAD_STRICT", FOR_ALL)

ISOLATED = "this interpreter runs isolated (python -I or -E)"
_FORM = 'NAME = "path|wheel|system|wheel-first|system-first|never|DIST"'


class Choice(Record):
    """What is chosen for a library or a virtual name ("*" for all), and where that is written: a variable, "file:line", or in code."""

    __slots__ = ("library", "value", "variable")
    library: str
    variable: str
    value: str

    @property
    def binds(self) -> bool:
        """Whether it is this or an error. An order of places is not, nor what some of all libraries come from."""
        return not self.value.endswith("-first") and (self.library != ALL or self.value in ("wheel", "system", "never"))


def prefer(name: str, value: str | None) -> None:
    """Choose a library for this process, before any variable or file does; None withdraws it.

    Parameters: `name` of a library, of a virtual name ("blas"), or "*" for all; `value`, what a configuration file may
    hold. What is loaded already stays loaded: `load` of a library that contradicts the choice raises OverrideError.
    Raises ValueError for an empty name or value.
    """
    if not name or value == "":
        raise ValueError("prefer(name, value) takes a library's name and what is chosen for it")
    library = ALL if name == ALL else normal(name)
    with nativeload._lock:  # after what another thread loads meanwhile, which asked before
        if value is None:
            loader.preferred.pop(library, None)
        else:
            loader.preferred[library] = value
        loader.asked.clear()  # What was asked before may have another answer now.


def files(*, obeyed: bool = True) -> list[tuple[str, str]]:
    """(whose, path) of each configuration file, the one that counts first; there need be none of them."""
    paths = loader.config_files(obeyed=obeyed)
    if not paths:
        return []
    own, user, site = paths
    if sys.prefix != sys.base_prefix or (os.path.lexists(own) and os.path.isdir(f"{sys.prefix}/conda-meta")):
        order = [("environment", own), ("user", user), ("site", site)]
    else:  # The prefix of an interpreter is whoever's who installed it: this user's own file knows better.
        order = [("user", user), ("interpreter", own), ("site", site)]
    return [(whose, path) for whose, path in order if path]


def choices(
    requirement: "Requirement", trace: "Trace | None" = None, there: "Sequence[tuple[str, str]] | None" = None
) -> "Iterator[Choice]":
    """What is chosen for a library, the one that counts first; then for its virtual name, then for all.

    `there` is what `present` gives, where it has been asked. Raises OverrideError for an unusable configuration file,
    when its turn comes.
    """
    there = present(files(), trace) if there is None else there
    known: dict[str, dict[str, Choice]] = {}
    yield from _of(normal(requirement.stem), loader.variables_of(requirement.name), there, known)
    if requirement.virtual:
        for choice in _of(requirement.virtual, (loader.variable_of(requirement.virtual),), there, known):
            if not member(choice.value, requirement.virtual):  # Which of them it is, is settled.
                yield choice
    yield from _of(ALL, (FOR_ALL,), there, known)


def _of(
    library: str,
    variables: "tuple[str, ...]",
    there: "Sequence[tuple[str, str]]",
    known: "dict[str, dict[str, Choice]]",
) -> "Iterator[Choice]":
    """What is chosen for one name; `there` are the files, `known` keeps what was read of them."""
    if library in loader.preferred:
        yield Choice(library=library, variable=f"prefer({library!r})", value=loader.preferred[library])
    for variable in variables:
        value = loader.setting(variable)
        if value and (variable not in RESERVED or library == ALL):
            yield Choice(library=library, variable=variable, value=value)
    for whose, path in there:
        if path not in known:
            known[path] = read(path, whose)
        if library in known[path]:
            yield known[path][library]


def is_path(value: str) -> bool:
    """Whether a choice is a file or a directory."""
    return "/" in value or os.sep in value


def member(name: str, virtual: str) -> str:
    """The library of the catalog that a name stands for, where that implements a virtual name; else ""."""
    from nativeload import catalog

    entry = None if is_path(name) else catalog.lookup(name)
    return entry.name if entry and virtual in map(normal, entry.virtual) else ""


def present(known: "Sequence[tuple[str, str]]", trace: "Trace | None" = None) -> list[tuple[str, str]]:
    """Those of `files` that there are; with a `trace` that is consulted."""
    if trace is None:
        return [(whose, path) for whose, path in known if os.path.lexists(path)]
    return [(whose, path) for whose, path in known if _is_there(path, whose, trace)]


def _is_there(path: str, whose: str, trace: "Trace") -> bool:
    """Whether there is a file. Of most users there is not even the directory, which tells it of all that lies there."""
    if whose == "user" and trace.consult(path.rpartition(os.sep)[0]) == "-":
        return False
    return trace.consult(path) != "-"


def read(path: str, whose: str) -> dict[str, Choice]:
    """The choices in a configuration file, by library; none of one that is not there, or that others can write."""
    if not os.path.lexists(path) or untrusted(path, whose):
        return {}
    from nativeload.tomlfile import Document

    found: dict[str, Choice] = {}
    try:
        document = Document(path)
        for key, table in document.table.items():
            if key not in TABLES:
                raise nativeload.DeclarationError(
                    document.where(key), f"unknown key {key!r}; the file has a table [prefer]"
                )
            for name, value in table.items() if isinstance(table, dict) else [(key, "")]:
                where = document.where(name, key) if name != key else document.where(key)
                library = ALL if name == ALL else normal(name)
                if not value or type(value) is not str:
                    raise nativeload.DeclarationError(where, f"[{key}] holds {_FORM}")
                if library in found:
                    raise nativeload.DeclarationError(
                        where, f"{name} is chosen twice, before in {found[library].variable}"
                    )
                found[library] = Choice(library=library, variable=where, value=value)
    except nativeload.DeclarationError as error:
        raise nativeload.OverrideError(error.where, "[prefer]", error.reason) from None
    return found


def untrusted(path: str, whose: str = "user") -> str:
    """Why a configuration file is nobody's word, "" where it is.

    An environment's and an interpreter's may belong to whom these belong to: Python runs their code. Windows says of no
    file whose it is without asking for access rights, which is not done.
    """
    if sys.platform == "win32":
        return ""
    try:
        state = os.stat(path)
        owners = {os.geteuid(), 0}
        if whose in ("environment", "interpreter"):
            owners.add(os.stat(sys.prefix).st_uid)
    except OSError:
        return ""
    if state.st_uid not in owners:
        return "it belongs to another user"
    return "others can write it" if state.st_mode & 0o002 else ""


def ignored(requirement: "Requirement", there: "Sequence[tuple[str, str]]") -> "Iterator[tuple[str, str]]":
    """(where, why) of each choice that is written, perhaps for this library, but not obeyed; `there` is `present`'s."""
    if sys.flags.ignore_environment:
        for variable in (*loader.variables_of(requirement.name), FOR_ALL):
            if os.environ.get(variable):
                yield f"{variable}={os.environ[variable]}", ISOLATED
    if sys.flags.isolated:
        for _, path in files(obeyed=False):
            if os.path.lexists(path):
                yield path, "this interpreter runs isolated (python -I)"
    for whose, path in there:
        reason = untrusted(path, whose)
        if reason:
            yield path, reason
