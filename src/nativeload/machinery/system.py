"""What the dynamic linker itself would find, without starting a process."""

from nativeload import catalog, core, loader
from nativeload.linkers import host
from nativeload.spec import candidate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from nativeload.catalog import Entry
    from nativeload.requirement import Requirement
    from nativeload.spec import Candidate, Trace


class SystemFinder:
    """Finds by the linker's own order: its rpath, LD_LIBRARY_PATH as at start, `ld.so.cache`, default directories."""

    name = "system"

    def candidates(self, requirement: "Requirement", trace: "Trace") -> "Iterator[Candidate]":
        """Each file that the name may mean, in the order the linker would come to it; then what is below a directory
        that an environment variable names, where the catalog says so ("CUDA_HOME/lib64").
        """
        entry = next(iter(catalog.known(requirement)), None)
        seen: set[str] = set()
        for path, how in _paths(host.linker(trace), requirement, sonames(requirement, entry), trace):
            if path not in seen:
                seen.add(path)
                yield candidate(path, "system", how, entry=entry)
        for path, how in _at_home(requirement, entry, trace) if entry is not None and entry.homes else ():
            if path not in seen:
                seen.add(path)
                yield candidate(path, "system", how, entry=entry)
        if not seen:
            name = requirement.filename or f"lib{requirement.name}.so*"
            trace.absent(name, "not in LD_LIBRARY_PATH, ld.so.cache or the default directories")


def sonames(requirement: "Requirement", entry: "Entry | None") -> tuple[str, ...]:
    """The sonames by which the catalog knows a library, where it was not asked for by one: they come first."""
    return entry.sonames if entry is not None and not requirement.filename else ()


def _at_home(requirement: "Requirement", entry: "Entry", trace: "Trace") -> "Iterator[tuple[str, str]]":
    """Files below what the environment variables of an entry name. Answers of these are not kept: the variable may
    change.
    """
    name = requirement.filename or f"lib{requirement.name}.so"
    for home in entry.homes:
        variable, _, below = home.partition("/")
        directory = loader.setting(variable)
        if directory.startswith("/"):
            directory = f"{directory.rstrip('/')}/{below}".rstrip("/")
            places = core.places((directory,), ())
            for _, path in core.listed(places, name, sonames(requirement, entry), trace.consulted):
                trace.lasting = False
                yield path, f"in {directory} (${variable})"


def _paths(
    linker: host.Linker, requirement: "Requirement", first: tuple[str, ...], trace: "Trace"
) -> "Iterator[tuple[str, str]]":
    name = requirement.filename or f"lib{requirement.name}.so"
    for directory, kind in linker.relative:
        trace.absent(directory or ".", f"{kind} names the current directory, and nothing is loaded from there")
    for number, path in core.listed(linker.before, name, first, trace.consulted) if linker.named else ():
        yield path, f"in {path.rpartition('/')[0]} ({linker.named[number][1]})"
    for soname in first:
        for path in linker.cached(soname, stem=False):
            yield path, "in ld.so.cache"
    for path in linker.cached(name, stem=name.endswith(".so")):
        yield path, "in ld.so.cache"
    for _, path in core.listed(linker.after, name, first, trace.consulted):
        yield path, f"in {path.rpartition('/')[0]} (a default directory)"
