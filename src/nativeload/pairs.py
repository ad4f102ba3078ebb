"""What must not meet in one process: told from the files that one of them would have mapped."""

import os

from nativeload import images, roots
from nativeload.loader import RIVALS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_HASH = 8  # hexadecimal digits that auditwheel adds to the name of a copy, after a dash
_DIGITS = frozenset("0123456789abcdef")
_OPENMP = RIVALS["openmp"]
_MPI = ("libmpi", "libmpich", "libmpi_abi")
_PROBE = ("dgemm_", "cblas_dgemm")  # BLAS for Fortran and for C, which ATLAS has in a file each

_names: dict[str, tuple[str, str]] = {}


def name_of(path: str) -> tuple[str, str]:
    """(library, major version) of a file's name: ("libgfortran", "5") for "libgfortran-8f1e9814.so.5.0.0"."""
    known = _names.get(path)
    if known is None:
        stem, _, version = path.rpartition("/")[2].partition(".so")
        before, dash, digits = stem.rpartition("-")
        # More than one, where what was copied is a copy.
        while dash and len(digits) == _HASH and _DIGITS.issuperset(digits):
            stem = before
            before, dash, digits = stem.rpartition("-")
        known = _names[path] = stem, version.lstrip(".").partition(".")[0]
    return known


def is_copy(name: str) -> bool:
    """Whether a name is that of a copy which a wheel brings for itself."""
    return name_of(name)[0] != name.partition(".so")[0]


def clashes(paths: "Sequence[str]", root: str = "") -> "Iterator[tuple[str, str, str]]":
    """(kind, path, sentence) of each clash among files, below a root, that would be in one process together."""

    def real(path: str) -> str:
        return os.path.realpath(roots.inside(root, path))

    majors: dict[str, dict[str, str]] = {}
    openmp: dict[str, str] = {}
    mpi: dict[str, str] = {}
    blas = []
    for path in map(os.path.normpath, paths):
        stem, major = name_of(path)
        majors.setdefault(stem, {}).setdefault(major, path)
        if stem in _OPENMP:
            openmp.setdefault(real(path), path)
        if stem in _MPI:
            mpi.setdefault(real(path), path)
        if stem.startswith(RIVALS["blas"]):
            blas.append(path)
    for stem, found in majors.items():
        if len(found) > 1 and "" not in found:
            yield "two-majors", next(iter(found.values())), f"{stem} of two versions: {_listed(found.values())}"
    if len(openmp) > 1:
        yield "two-openmp", next(iter(openmp.values())), f"two OpenMP runtimes: {_listed(openmp.values())}"
    if len(mpi) > 1:
        yield "two-mpi", next(iter(mpi.values())), f"two MPI libraries: {_listed(mpi.values())}"
    given = {path: _given(roots.inside(root, path)) for path in blas} if len(blas) > 1 else {}
    for symbol in _PROBE:
        giving = [path for path, symbols in given.items() if symbol in symbols]
        if len(set(map(real, giving))) > 1:
            yield "two-blas", giving[0], f"two libraries give {symbol}, the first one to both: {_listed(giving)}"
            break


def _given(path: str) -> "set[str]":
    """Those of BLAS's names that a file exports."""
    try:
        return {symbol for symbol, exported in zip(_PROBE, images.read(path, _PROBE).exported, strict=True) if exported}
    except (OSError, ValueError):
        return set()


def _listed(paths: "Iterable[str]") -> str:
    return " and ".join(paths)
