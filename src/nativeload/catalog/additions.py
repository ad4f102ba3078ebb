"""What the catalog is given beside its own data: by the user, in `catalog/` beside the configuration file, and by
distributions, through the entry point group `nativeload.catalog` (name = family, value = the package that holds
FAMILY.toml). A bad entry is named and skipped. Nothing here imports a package of a distribution.
"""

import os

from nativeload import catalog, loader, metadata
from nativeload.errors import DeclarationError
from nativeload.requirement import normal
from nativeload.spec import Trace, rejection
from nativeload.tomlfile import regular

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from nativeload.catalog import Entry

_LIMIT = 1 << 20  # characters
_texts: dict[str, tuple[str, str]] = {}  # {path: (its state, its text as names are compared)}
# {path: (its state, the sound entries by each of their names and "=" and soname, (where, what is wrong) of the others)}
_files: "dict[str, tuple[str, dict[str, Entry], list[tuple[str, str]]]]" = {}


def directory() -> str:
    """The user's directory of data files, "" where none is obeyed."""
    config = loader.config_file()
    return config and f"{os.path.dirname(config)}/catalog"


def of_user(name: str, trace: Trace) -> "Entry | None":
    """The user's entry for a name."""
    return _first(name, _user_files(trace), trace)


def of_distributions(name: str, trace: Trace) -> "Entry | None":
    """The entry for a name of the first distribution on `sys.path` that has one; none of a library that another
    distribution declares, because what is known by the entry's sonames would be taken for it.
    """
    files = _distributed_files(trace, name)
    return _first(name, (file for file in files if _mentions(file[0], name, trace)), trace)


def everything() -> "tuple[list[Entry], list[tuple[str, str]]]":
    """(sound entries, (where, what is wrong)) of all additions; what the shipped catalog has is no distribution's."""
    entries: dict[str, Entry] = {}
    trace = Trace()
    for path, by in (*_user_files(trace), *_distributed_files(trace)):
        for one in dict.fromkeys(_file(path, by, trace).values()):
            if catalog.lookup(one.name) == one:
                entries.setdefault(one.name, one)
    return list(entries.values()), [(s.candidate, s.reason) for s in trace.steps]


def _first(name: str, files: "Iterator[tuple[str, str]]", trace: Trace) -> "Entry | None":
    for path, by in files:
        found = _file(path, by, trace).get(name)
        if found is not None:
            return found
    return None


def _mentions(path: str, name: str, trace: Trace) -> bool:
    """Whether a file has the name in its text: only then is it worth reading. One that cannot be read might."""
    state = trace.consult(path)
    known = _texts.get(path)
    if known is None or known[0] != state:
        try:
            with open(path, encoding="utf-8", opener=regular) as file:
                known = _texts[path] = state, normal(file.read(_LIMIT))
        except (OSError, ValueError):
            return True
    return name.removeprefix("=") in known[1]


def _user_files(trace: Trace) -> "Iterator[tuple[str, str]]":
    home = directory()
    if not home or trace.consult(home) == "-":
        return
    from nativeload.preferences import untrusted

    for path in [home, *(f"{home}/{name}" for name in sorted(os.listdir(home)) if name.endswith(".toml"))]:
        reason = untrusted(path)
        if reason:
            _refused(trace, path, f"ignored: {reason}")
        elif path != home:
            yield path, ""
        if reason and path == home:
            return


def _distributed_files(trace: Trace, name: str = "") -> "Iterator[tuple[str, str]]":
    """(file, distribution); with `name`, unless another distribution declares a library of that name."""
    providers = list(metadata.providers(trace))
    declaring = {one.name for one in providers for library, _ in one.declared() if name and normal(library) == name}
    for distribution in providers:
        if declaring - {distribution.name}:
            continue
        for family, package in distribution.declared(catalog.GROUP):
            label = f"{distribution.label}'s entry point"
            parts = package.split(".")
            if not all(part.isidentifier() for part in (normal(family), *parts)):
                _refused(trace, label, f"{family} = {package}: not a family's and a package's name")
                continue
            try:
                homes = metadata.package_directories(package, distribution.site, f"{family}.toml")
            except DeclarationError as error:
                _refused(trace, label, str(error))
                continue
            path = next((f"{home}/{family}.toml" for home in homes if os.path.lexists(f"{home}/{family}.toml")), "")
            if path:
                yield path, distribution.label
            else:
                _refused(trace, label, f"there is no {family}.toml in {' or '.join(homes) or f'package {package}'}")


def _file(path: str, by: str, trace: Trace) -> "dict[str, Entry]":
    """The sound entries of a file, by each of their names; what is wrong with the others becomes a step."""
    state = trace.consult(path)
    known = _files.get(path)
    if known is None or known[0] != state:
        from nativeload.catalog import validation

        entries: dict[str, Entry] = {}
        sound, problems = validation.read(path, by)
        for one in sound:
            for name in (one.name, *one.names, *(f"={soname}" for soname in one.sonames)):
                entries.setdefault(normal(name), one)
        known = _files[path] = state, entries, problems
    for where, reason in known[2]:
        _refused(trace, where, reason)
    return known[1]


def _refused(trace: Trace, where: str, reason: str) -> None:
    before, trace.finder = trace.finder, "catalog"
    text = f"not in the catalog: {reason}"
    trace.rejected(where, rejection("declaration", text, where=where, problem=reason))
    trace.finder = before
