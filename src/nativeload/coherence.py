"""Before a library is mapped: whether the process would then have two of what it should have one, two CUDA toolkits
mixed, or a set of the catalog from two origins. Nothing is mapped here.
"""

import os
import warnings

from nativeload import catalog, core, loader, pairs, requirement
from nativeload.errors import CoherenceError, CoherenceWarning
from nativeload.linkers import host
from nativeload.loading import HOW, PROCESS
from nativeload.machinery.loaded import same_file
from nativeload.machinery.wheel import WheelFinder
from nativeload.spec import Rejection, Trace, rejection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from nativeload.catalog import Entry
    from nativeload.requirement import Requirement
    from nativeload.spec import LibrarySpec

CUDA = "cuda"  # The features that tell the toolkit a library is of begin so: cuda12, cuda13.
KINDS = ("two-openmp", "two-mpi", "two-blas")
_CALLER = 5  # check, load_anew, _load, load, and who calls that


def check(spec: "LibrarySpec", before: "Sequence[tuple[str, str | None]]") -> None:
    """Warn of what would meet in the process if the library were loaded; raise CoherenceError where that is strict.

    `before` is what the process has; what it has twice already is nobody's doing here.
    """
    there = [path for path, _ in before if path]
    groups = tuple((path,) for path in (*spec.dependencies, spec.path))
    walked = core.walk(host.linker().walker, groups, (), PROCESS)
    coming = [image[0] for image in walked[0]] if walked else []
    known = {sentence for _, _, sentence in pairs.clashes(there)}
    for kind, _, sentence in pairs.clashes(list(dict.fromkeys((*there, *coming)))):
        if kind in KINDS and sentence not in known:
            if loader.setting("NATIVELOAD_STRICT").lower() not in ("", "0", "off", "no", "false"):
                raise CoherenceError(spec.path, kind, sentence)
            words = (
                f"{spec.path} is loaded beside what should not be there: {sentence} (docs/explanation/one-of-each.md)"
            )
            warnings.warn(words, CoherenceWarning, stacklevel=_CALLER)


def mixed(spec: "LibrarySpec", entry: "Entry", wanted: "Requirement") -> Rejection | None:
    """Why a library of one CUDA toolkit is not for a process that has another one's, unless it is asked for as such.

    A version, a soname or a feature (`cublas[cuda13]`) tells which the consumer was built for: then it gets that.
    """
    toolkit = _toolkit(spec.path, spec.soname or "", entry)
    if not toolkit or wanted.filename or wanted.specifier is not None or toolkit in wanted.features:
        return None
    others: dict[str, str] = {}
    for path, soname in core.linkmap():
        for name in catalog.by_soname(soname) if soname else ():
            one = catalog.lookup(name)
            found = _toolkit(path, soname or "", one) if one else ""
            if found == toolkit:
                return None
            if found:
                others.setdefault(found, path)
    for other, path in others.items():
        reason = f"is of {toolkit}; this process has {path} of {other} ({wanted.name}[{toolkit}] asks for this one beside it)"
        return rejection("set", reason, set=CUDA, origin=toolkit, loaded=path, soname=os.path.basename(path))
    return None


def apart(spec: "LibrarySpec", entry: "Entry", wanted: "Requirement") -> Rejection | None:
    """Why a library cannot join what of its set this process has, or would get with it: that is of another origin.

    An origin is a distribution, else a directory, with what its libraries' own rpaths lead to. A copy that is asked for
    by version, soname or feature may be beside another whose soname its own origin does not have: they are two sets.
    """
    home, groups = _home(spec.path), tuple((path,) for path in (*spec.dependencies, spec.path))
    walked = core.walk(host.linker().walker, groups, (), 0)  # as if the process had nothing
    edges = [edge for image in (walked[0] if walked else ()) for edge in image[3]]
    needed = {name for name, *_ in edges}
    led = {found for _, found, how, *_ in edges if HOW[how] in ("rpath", "runpath")}
    others = {path: soname for path, soname in core.linkmap() if path and soname}
    others |= {found: name for name, found, *_ in edges if found}
    members = catalog.of_set(entry.set)
    particular = wanted.filename or wanted.specifier is not None or wanted.features
    for path, soname in others.items():
        member = next((one for one in members if _carries(one, soname)), None)
        if member is None or path in led or _home(path) == home or _ships(spec, member, path):
            continue
        if particular and soname not in needed and not os.path.lexists(f"{home}/{soname}"):
            continue
        origin = str(spec.provider or home)
        reason = f"is of the set {entry.set} of {origin}; {soname} here is of another origin, from {path}"
        return rejection("set", reason, set=entry.set, origin=origin, soname=soname, loaded=path)
    return None


def _home(path: str) -> str:
    """The directory of a file that links lead to, without what is only for this CPU."""
    return os.path.dirname(os.path.realpath(path)).partition("/glibc-hwcaps/")[0]


def _carries(entry: "Entry", soname: str) -> bool:
    return soname in entry.sonames or f"{soname}.".startswith(f"lib{entry.name}.so.")


def _ships(spec: "LibrarySpec", member: "Entry", path: str) -> bool:
    """Whether the distribution that ships a library has that file for another one."""
    if spec.provider is None:
        return False
    wheel = WheelFinder(spec.provider.distribution)
    return any(same_file(one.path, path) for one in wheel.candidates(requirement.parse(member.name), Trace()))


def _toolkit(path: str, soname: str, entry: "Entry") -> str:
    """The toolkit that a file is of, by the wheels of the catalog that ship one of its soname; "" where that is not sure."""
    found: dict[str, str] = {}
    for wheel in entry.wheels:
        for feature in wheel.abi:
            if feature.startswith(CUDA) and os.path.basename(wheel.path) == soname:
                found[feature] = wheel.path
    if len(found) > 1:  # one soname in both: the directory tells
        found = {feature: place for feature, place in found.items() if path.endswith(f"/{place}")}
    return next(iter(found)) if len(found) == 1 else ""
