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
names = ("scipy_cblas_ddot", "scipy_cblas_ddot64_", "cblas_ddot", "cblas_ddot64_")
address = next((library.symbol(name) for name in names if library.ctypes.__dict__.get(name) or hasattr(library.ctypes, name)), 0)
integer = ctypes.c_int64 if "ilp64" in library.abi else ctypes.c_int32
pointer = ctypes.POINTER(ctypes.c_double)
dot = ctypes.CFUNCTYPE(ctypes.c_double, integer, pointer, integer, pointer, integer)
vector = (ctypes.c_double * 3)(1.0, 2.0, 3.0)
print(json.dumps({
    "name": library.name, "path": library.path, "origin": library.origin, "abi": list(library.abi),
    "provider": library.provider and library.provider.distribution,
    "dot": dot(address)(3, vector, 1, vector, 1) if address else None,
}))
"""


@functools.cache
def wheels(*names: str) -> Path:
    return site(*map(wheel, names))


@functools.cache
def debian(*packages: str) -> str:
    """The directories of libraries of Debian packages, for LD_LIBRARY_PATH."""
    return os.pathsep.join(map(os.fspath, library_dirs(deb(*packages))))


OPENBLAS = ("libopenblas0-pthread", "libgfortran5", "libquadmath0")
BOTH = ("scipy-openblas32", "scipy-openblas64")


def load(
    requirement: str, *names: str, system: str = "", before: str = "", home: Path | None = None, **env: str
) -> dict[str, Any]:
    variables = {"PYTHONPATH": python_path(*([wheels(*names)] if names else [])), "LD_LIBRARY_PATH": system, **env}
    found: dict[str, Any] = run(sys.executable, LOAD, before, requirement, env=variables, home=home).check().json
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
