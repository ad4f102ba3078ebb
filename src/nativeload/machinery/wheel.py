"""Libraries shipped by installed distributions: those declared, then those the catalog knows."""

import os
import sys

import nativeload
from nativeload import catalog, core, declarations, metadata
from nativeload.loader import SYSTEM, machine, name_of
from nativeload.requirement import normal
from nativeload.spec import Provider, candidate, rejection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from nativeload.metadata import Distribution
    from nativeload.requirement import Requirement
    from nativeload.spec import Candidate, Trace


class WheelFinder:
    """Finds what wheels ship. With `distribution`, what that one ships."""

    name = "wheel"

    def __init__(self, distribution: str = "") -> None:
        self._only = normal(distribution)

    def candidates(self, requirement: "Requirement", trace: "Trace") -> "Iterator[Candidate]":
        """Declared by an entry point, in the order of `sys.path`; so for dynamic-library; then the catalog's, in its order."""
        before, found = len(trace), False
        for proposed in self._sources(requirement, trace):
            found = True
            yield proposed
        if not found and len(trace) == before:
            trace.absent(requirement.stem, "no installed distribution declares it or is known to ship it")

    def _sources(self, requirement: "Requirement", trace: "Trace") -> "Iterator[Candidate]":
        providers = metadata.providers(trace)
        wanted = (normal(requirement.stem), normal(requirement.name)) if providers else ()
        others = []
        for distribution in providers:
            if self._only in ("", distribution.name):
                declared = [one for one in distribution.declared() if normal(one[0]) in wanted]
                for library, package in declared:
                    yield from _needing(distribution, _declared(distribution, library, package, trace), trace)
                if not declared:
                    others.append(distribution)
        for distribution in others:
            for library, package in distribution.declared(metadata.DYNAMIC):
                if normal(library) in wanted:
                    yield from _needing(distribution, _registered(distribution, library, package, trace), trace)
        for distribution in providers if requirement.filename else ():
            if self._only in ("", distribution.name):
                named = _by_soname(distribution, requirement.filename, wanted, trace)
                yield from _needing(distribution, named, trace)
        for entry in catalog.known(requirement):
            for wheel in entry.wheels:
                if self._only in ("", normal(wheel.distribution)):
                    found = metadata.find(wheel.distribution, trace)
                    if found is not None:
                        yield from _needing(found, _shipped(found, wheel, entry, trace), trace)


def _needing(distribution: "Distribution", proposals: "Iterator[Candidate]", trace: "Trace") -> "Iterator[Candidate]":
    """The candidates, with what this build of their distribution needs of the machine: PEP 825's `variant.json`."""
    file = f"{distribution.site}/{distribution.directory}/variant.json"
    if not os.path.lexists(file):
        yield from proposals
        return
    from nativeload import properties

    try:
        needs = properties.of_variant(file)
    except nativeload.DeclarationError as error:
        facts = {"distribution": distribution.label, "where": error.where, "problem": error.reason}
        trace.rejected(distribution.label, rejection("declaration", f"DeclarationError: {error}", **facts))
        return
    for proposed in proposals:
        yield proposed.replace(needs=(*proposed.needs, *needs))


def _declared(distribution: "Distribution", library: str, package: str, trace: "Trace") -> "Iterator[Candidate]":
    label = distribution.label
    try:
        libraries = declarations.read(distribution, package, trace)
        declared = libraries.get(normal(library))
        if declared is None:
            known = ", ".join(one.name for one in libraries.values()) or "nothing"
            raise nativeload.DeclarationError(f"{label}'s entry point {library!r}", f"{metadata.FILE} declares {known}")
        if not declared.path:
            raise nativeload.DeclarationError(
                declared.where, f"[library.{declared.name}] has no path for {sys.platform}"
            )
        path, reason = _build(declared, trace)
        if trace.consult(path) == "-" and not os.path.lexists(path):
            raise nativeload.DeclarationError(declared.where, f"{path} does not exist")
    except nativeload.DeclarationError as error:
        _refuse(label, error, trace)
        return
    version = distribution.version
    yield candidate(
        path,
        "wheel",
        f"declared by {label} {version}{reason}",
        provider=Provider(distribution=label, version=version),
        version=declared.version or version or None,
        soname=declared.soname,
        abi=declared.abi,
        entry=catalog.lookup(library),
        siblings=tuple(dict.fromkeys(os.path.dirname(one.path) for one in libraries.values() if one.path)),
        requires=tuple((text, where, _origin(text, libraries, label)) for text, where in declared.requires),
        together=_together(declared, libraries),
    )


def _refuse(label: str, error: "nativeload.DeclarationError", trace: "Trace") -> None:
    facts = {"distribution": label, "where": error.where, "problem": error.reason}
    trace.rejected(label, rejection("declaration", f"DeclarationError: {error}", **facts))


def _registered(distribution: "Distribution", library: str, package: str, trace: "Trace") -> "Iterator[Candidate]":
    """What an entry point for dynamic-library names: lib<NAME>.so in the package, as that project's 0.2.0 has it."""
    label, version = distribution.label, distribution.version
    try:
        path = declarations.shipped(distribution, package, _file(library), trace)
    except nativeload.DeclarationError as error:
        reason = f"{error.reason}; code of the package that would say where is not run ({metadata.DYNAMIC})"
        _refuse(label, nativeload.DeclarationError(error.where, reason), trace)
        return
    yield candidate(
        path,
        "wheel",
        f"declared for dynamic-library by {label} {version}",
        provider=Provider(distribution=label, version=version),
        version=version or None,
        entry=catalog.lookup(library),
    )


def _file(library: str) -> str:
    return SYSTEM.file(library) if SYSTEM is not None else f"lib{library}.so"


def _by_soname(
    distribution: "Distribution", soname: str, names: "Collection[str]", trace: "Trace"
) -> "Iterator[Candidate]":
    """Libraries of a distribution that have a soname or answer for it, and none of these names."""
    for package in dict.fromkeys(package for _, package in distribution.declared()):
        try:
            libraries = declarations.read(distribution, package, trace)
        except nativeload.DeclarationError:
            continue  # It is said to who asks for one of its libraries.
        for one in libraries.values():
            alias = soname if soname in one.aliases else ""
            own = soname in (one.soname, os.path.basename(one.path)) and normal(one.name) not in names
            for proposed in _declared(distribution, one.name, package, trace) if alias or own else ():
                answers = f", which answers for {soname}" if alias else ""
                yield proposed.replace(alias=alias, reason=f"{proposed.reason}{answers}")


def _build(declared: declarations.Library, trace: "Trace") -> tuple[str, str]:
    """The path of the best build for this machine, and how that is said."""
    for key, path in declared.builds:
        if key in declarations.LEVELS:
            level = core.isa_level()
            if int(key[-1]) <= level:
                return path, f": its build for this CPU, which is x86-64-v{level}"
            continue
        from nativeload import host

        if all(host.supports(text, trace) for text in key.split(",")):
            return path, f": its build for a machine with {key}"
    return declared.path, ""


def _origin(text: str, libraries: "dict[str, declarations.Library]", label: str) -> str:
    """The distribution that what is required must come from: the one that requires it, if it declares it too."""
    return label if normal(name_of(text)) in libraries else ""


def _together(
    declared: declarations.Library, libraries: "dict[str, declarations.Library]"
) -> tuple[tuple[str, str, str], ...]:
    """(set, soname, path) of each library that must come from one origin with one that is declared."""
    if not declared.set:
        return ()
    return tuple(
        (one.set, one.soname or os.path.basename(one.path), path)
        for one in libraries.values()
        if one.set == declared.set and one.path
        for path in dict.fromkeys((one.path, *(build for _, build in one.builds)))
    )


def _shipped(
    distribution: "Distribution", wheel: catalog.Wheel, entry: catalog.Entry, trace: "Trace"
) -> "Iterator[Candidate]":
    label, version = distribution.label, distribution.version
    paths = [path for path in _places(distribution, wheel, trace) if not entry.by or _own(distribution, path)]
    if not paths:
        pattern = SYSTEM.pattern(wheel) if SYSTEM is not None else wheel.path or wheel.data
        problem = "has no such file" if pattern else f"is known to have none for {sys.platform}"
        pattern = pattern or entry.name
        reason = f"{label} {version} is installed, but {problem}"
        trace.rejected(pattern, rejection("declaration", reason, distribution=label, where=pattern, problem=problem))
    # What it needs of other wheels the linker does not find: it is looked for where these have it.
    siblings = tuple(dict.fromkeys(_depended(entry, wheel, {entry.name}, trace))) if paths else ()
    for path in paths:
        yield candidate(
            path,
            "wheel",
            f"shipped by {label} {version}, which the catalog knows",
            provider=Provider(distribution=label, version=version),
            version=version if wheel.version else None,
            abi=wheel.abi,
            needs=wheel.needs,
            entry=entry,
            siblings=siblings,
        )


def _depended(entry: catalog.Entry, wheel: catalog.Wheel, seen: "set[str]", trace: "Trace") -> "Iterator[str]":
    """The directories of the libraries that one depends on, in installed wheels of the same ABI features."""
    for known in filter(None, (catalog.lookup(name) for name in entry.depends if name not in seen)):
        seen.add(known.name)
        for other in known.wheels:
            found = metadata.find(other.distribution, trace)
            if found is not None and (not wheel.abi or not other.abi or wheel.abi == other.abi):
                yield from map(os.path.dirname, _places(found, other, trace))
                yield from _depended(known, other, seen, trace)


def _places(distribution: "Distribution", wheel: catalog.Wheel, trace: "Trace") -> "Iterator[str]":
    """The files a catalog's path stands for in one installation."""
    pattern = SYSTEM.pattern(wheel) if SYSTEM is not None else wheel.path or wheel.data
    if not pattern:
        return
    pattern = pattern.replace("{machine}", machine())
    if wheel.data:
        # Where an installer put the data files, its RECORD knows: prefix, user base or target directory.
        known = list(distribution.files())
        for path in known:
            if _stands_for(f"/{pattern}", path.replace(os.sep, "/")) and trace.consult(path) != "-":
                yield path
        return
    for site in dict.fromkeys((distribution.site, *metadata.sites())):
        directory, _, name = f"{site}/{pattern}".rpartition("/")
        for path in _matching(directory, name, trace):
            yield path
            return


def _own(distribution: "Distribution", path: str) -> bool:
    """Whether a distribution installed a file, and inside its environment: what another says of it is not believed."""
    site, prefix = distribution.site, ""
    above, _, python = os.path.dirname(site).rpartition("/")
    if python.startswith("python") and os.path.basename(site).endswith("-packages"):
        prefix = os.path.dirname(above)  # lib/python3.N/site-packages
    inside = any(path.startswith(f"{home}{os.sep}") for home in (site, prefix, sys.prefix) if home)
    return inside and path in distribution.files()


def _matching(directory: str, name: str, trace: "Trace") -> list[str]:
    if "{soversion}" not in name:
        path = f"{directory}/{name}"
        return [path] if trace.consult(path) != "-" else []
    trace.consult(directory)
    try:
        entries = sorted(os.listdir(directory))
    except OSError:
        return []
    return [f"{directory}/{entry}" for entry in entries if _stands_for(name, entry)]


def _stands_for(pattern: str, path: str) -> bool:
    """Whether a path ends in what a pattern says; "{soversion}" is digits and dots, so no other library matches."""
    before, soversion, after = pattern.partition("{soversion}")
    if not soversion:
        return path == pattern or path.endswith(pattern if pattern.startswith("/") else f"/{pattern}")
    start = path.rfind(before)
    version = path[start + len(before) : len(path) - len(after)] if start >= 0 and path.endswith(after) else ""
    return version.replace(".", "").isdigit() and version[0] != "."
