"""What the dynamic linker itself would find, without starting a process."""

from nativeload import catalog
from nativeload.linkers import directories, host
from nativeload.linkers.directories import Searched
from nativeload.requirement import Requirement
from nativeload.spec import candidate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from nativeload.catalog import Entry
    from nativeload.spec import Candidate, Trace


class SystemFinder:
    """Finds by the linker's own order: its rpath, LD_LIBRARY_PATH as at start, `ld.so.cache`, default directories."""

    name = "system"

    def candidates(self, requirement: "Requirement", trace: "Trace") -> "Iterator[Candidate]":
        """Each file that the name may mean, in the order the linker would come to it."""
        linker = host.linker(trace)
        entry = catalog.lookup(requirement.stem)
        seen: set[str] = set()
        for path, how in _paths(linker, requirement, entry, trace):
            if path not in seen:
                seen.add(path)
                yield candidate(path, "system", how, entry=entry)
        if not seen:
            name = requirement.filename or f"lib{requirement.name}.so*"
            trace.absent(name, "not in LD_LIBRARY_PATH, ld.so.cache or the default directories")


def _paths(
    linker: host.Linker, requirement: Requirement, entry: "Entry | None", trace: "Trace"
) -> "Iterator[tuple[str, str]]":
    for directory, kind in linker.relative:
        trace.absent(directory or ".", f"{kind} names the current directory, and nothing is loaded from there")
    yield from _in_directories(linker.before, requirement, entry, trace)
    for path in _cached(linker, requirement, entry):
        yield path, "in ld.so.cache"
    yield from _in_directories(linker.after, requirement, entry, trace)


def _in_directories(
    searched: Searched, requirement: Requirement, entry: "Entry | None", trace: "Trace"
) -> "Iterator[tuple[str, str]]":
    for place, kind, names in searched.look(trace):
        for name in best_first(requirement, entry, names):
            yield f"{place}/{name}", f"in {place} ({kind})"


def _cached(linker: host.Linker, requirement: Requirement, entry: "Entry | None") -> list[str]:
    name = requirement.filename or f"lib{requirement.name}.so"
    exact = [path for soname in _sonames(requirement, entry) for path in linker.cached(soname, stem=False)]
    return exact + linker.cached(name, stem=name.endswith(".so"))


def _sonames(requirement: Requirement, entry: "Entry | None") -> tuple[str, ...]:
    return entry.sonames if entry is not None and not requirement.filename else ()


def best_first(requirement: Requirement, entry: "Entry | None", names: list[str]) -> list[str]:
    """The files of one directory that a requirement's name may mean, given the sorted names in it: the catalog's
    sonames, the development name (what the system holds to be current), then versions, newest first."""
    stem = f"{requirement.filename.partition('.so')[0]}.so" if requirement.filename else f"lib{requirement.name}.so"
    present = [name for name in directories.versions(names, stem) if requirement.names(name)]
    known = [soname for soname in _sonames(requirement, entry) if soname in directories.versions(names, soname)]
    return list(dict.fromkeys((*known, *sorted(present, key=_age)))) if known or present else []


def _age(name: str) -> tuple[bool, list[int]]:
    version = name.partition(".so")[2]
    return bool(version), [-int(part) for part in version.split(".") if part.isdigit()]
