"""What to do next: the packages that install a library, wheels that ship it undeclared, the symbol meant.

Runs only once something has failed and somebody reads why: it may be slow.
"""

import os
import sys

from nativeload import catalog, core, images, installers, loader, metadata, requirement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from nativeload.spec import Step

_NEAREST = 3  # names offered
_CUTOFF = 0.5  # difflib's: how alike a name must be to be offered


def advice(text: str, steps: "Sequence[Step]" = ()) -> list[str]:
    """Lines for the reader of a refusal; `steps` are those of the search."""
    wanted = requirement.parse(text)
    refused = {step.candidate for step in steps}
    needed = [
        step.rejection.facts.get("name") for step in steps if step.rejection and step.rejection.kind == "dependency"
    ]
    lines = [
        f"{command} brings {name}, which is needed"
        for name in dict.fromkeys(needed)
        for entry in filter(None, map(catalog.lookup, catalog.by_soname(str(name))))
        for command in installers.commands(entry)
    ]
    lines += [
        f"{label} ships {path} without declaring it: {loader.variable_of(wanted.name)}={path} uses it"
        for label, path in undeclared(wanted)
        if path not in refused
    ]
    lines += [
        f"{path} is an archive on sys.path: the linker maps only files of their own, so no library in it counts"
        for path in sys.path
        if isinstance(path, str) and os.path.isfile(path)
    ]
    names = [] if wanted.filename else catalog.implementing(wanted.stem)
    entries = list(filter(None, map(catalog.lookup, names))) or catalog.known(wanted)
    for entry in entries:
        known = loader.SYSTEM.known(entry) if loader.SYSTEM else entry.sonames
        sonames = [one.replace("{machine}", loader.machine()) for one in known]
        if wanted.filename and sonames and wanted.filename not in sonames:
            lines.append(f"{entry.name} is known as {', '.join(sonames)}, not by that name: ask for {entry.name!r}")
            continue
        lines += installers.commands(entry) or [f"{entry.name} is {entry.summary}: no package that has it is known"]
    lines += [
        f"{label} is a distribution: ask for what it provides, {' or '.join(map(repr, names))}"
        for label, names in _distribution(wanted.name)
    ]
    if not entries:
        lines += [f"{name!r} is known: is that meant?" for name in _alike(wanted.stem)]
        file = loader.SYSTEM.file(wanted.stem) if loader.SYSTEM else f"lib{wanted.stem}.so"
        lines.append(f"{wanted.name} is not in nativeload's catalog: install what ships {file}")
    lines.append(f"{loader.variable_of(wanted.name)}=/absolute/path/to/the/library")
    return lines


def _distribution(name: str) -> list[tuple[str, list[str]]]:
    """(distribution, its libraries) where the name asked for is that of an installed distribution."""
    found = []
    for one in metadata.distributions():
        if requirement.normal(one.name) == requirement.normal(name):
            names = sorted({library for library, _ in one.declared()}.union(catalog.of_distribution(one.name)))
            found += [(one.label, names)] if names and name not in names else []
    return found


def _alike(name: str) -> list[str]:
    """The library of today's wheels, or of a provider that is installed, whose name is nearest to one asked for."""
    import difflib

    declared = (library for one in metadata.providers() for library, _ in one.declared())
    return difflib.get_close_matches(name.removeprefix("lib"), {*declared, *catalog.names()} - {name}, 1, 0.8)


def undeclared(wanted: requirement.Requirement) -> list[tuple[str, str]]:
    """(distribution, path) of files of the library's name in installed wheels, however they are mangled.

    "libscipy_openblas64_-HASH.so" is taken for openblas: a whole word of the name must be the library's.
    """
    found = []
    for distribution in metadata.distributions():
        for path in distribution.files():
            name = os.path.basename(path)
            if _is_library(name, path) and _mentions(name, wanted.stem):
                found.append((distribution.label, path))
    return found


def _is_library(name: str, path: str) -> bool:
    """Not so a development name's file in a wheel, which is a text that names the library beside it."""
    try:
        if loader.SYSTEM is not None:
            return name.endswith(loader.SYSTEM.suffix) and bool(loader.SYSTEM.soname(path))
        if not (".so" in name and name.startswith("lib")):
            return False
        images.read(path)
    except (OSError, ValueError):
        return False
    return True


def _mentions(name: str, stem: str) -> bool:
    whole = name.partition(loader.SYSTEM.suffix if loader.SYSTEM else ".so")[0].removeprefix("lib")
    words = whole.partition("-")[0].replace("64", "").split("_")
    return whole == stem or whole.startswith(f"{stem}-") or stem in words


def nearest(path: str, symbol: str) -> list[str]:
    """The exported names most like a symbol that is not there."""
    from difflib import get_close_matches

    try:
        names = [*loader.SYSTEM.exports(path)] if loader.SYSTEM else core.exports(path)
    except (OSError, ValueError):
        return []
    # difflib is quadratic in the names' length and slow over 10,000: first those that share the symbol's core.
    core_name = symbol.strip("_").lower()
    related = [name for name in names if core_name in name.lower() or name.strip("_").lower() in core_name]
    related += [name for name in names if name[:4] == symbol[:4]]
    pool = list(dict.fromkeys(related))[:2000] or names[:2000]
    return get_close_matches(symbol, pool, n=_NEAREST, cutoff=_CUTOFF) or sorted(related, key=len)[:_NEAREST]
