"""A dozen of the catalog's matrix: from a wheel or a Debian package, loaded, called, and its version compared.

All of it: `python -m tests.catalog matrix` ([its results](../../docs/explanation/catalog-matrix.md)).
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from catalog import matrix
from integration.projects import python_path
from nativeload import catalog
from parts import deb, library_dirs, venv, wheel
from parts._cache import tool

pytestmark = pytest.mark.once
WHEELS = ["scipy-openblas64", "tbb", "mpich", "libusb-package", "soundfile", "nvidia-cuda-runtime-cu12"]
PACKAGES = ["zlib1g", "libzstd1", "libsqlite3-0", "libsodium23", "libpng16-16", "libarchive13"]
NEEDED = {"libpng16-16": ["zlib1g"], "libarchive13": ["libxml2", "libicu72", "libnettle8", "libacl1", "liblz4-1"]}
CASES = [
    pytest.param(case, id=case.name, marks=pytest.mark.debian12 if case.kind == "deb" else ())
    for case in matrix.cases()
    if (case.kind == "wheel" and case.packages[0] in WHEELS) or (case.kind == "deb" and case.packages[0] in PACKAGES)
]


def row(case: matrix.Case) -> matrix.Row:
    env: dict[str, str | Path] = {"PYTHONPATH": python_path()}
    if case.kind == "wheel":
        fetched = wheel(case.packages[0])
        python, version = venv(sys.executable, fetched), fetched.name.split("-")[1]
        return matrix.judged(case, matrix.probe(case, python, env), python.parent.parent, version)
    name = case.packages[0]
    root = deb(name, *NEEDED.get(name, ()))
    env["LD_LIBRARY_PATH"] = os.pathsep.join(map(str, library_dirs(root)))
    version = tool("apt-cache", "show", "--no-all-versions", name).partition("Version: ")[2].partition("\n")[0]
    return matrix.judged(case, matrix.probe(case, sys.executable, env), root, version)


@pytest.mark.parametrize("case", CASES)
def test_loaded_called_and_compared(case: matrix.Case) -> None:
    assert row(case).wrong == ""


def test_what_does_not_hold_is_said() -> None:
    case = next(case for case in matrix.cases() if case.library == "z" and case.kind == "deb")
    root = deb("zlib1g")
    env: dict[str, str | Path] = {"PYTHONPATH": python_path()}
    env["LD_LIBRARY_PATH"] = os.pathsep.join(map(str, library_dirs(root)))
    told = matrix.probe(case, sys.executable, env)
    assert matrix.judged(case, told, root, "1:1.1.4-1").wrong.startswith(f"says {told['told']}, its package 1.1.4")
    assert matrix.judged(case, told, Path("/elsewhere"), told["told"]).wrong == f"found {told['path']}"
    other = replace(case, table={**case.table, "sonames": ["libz.so.2"]})
    assert matrix.judged(other, told, root, told["told"]).wrong == "its soname is libz.so.1"
    assert matrix.judged(replace(case, wheel={"abi": ["ilp64"]}), told, root, told["told"]).wrong == "has []"


def test_each_library_with_a_package_is_a_case() -> None:
    libraries = {case.library for case in matrix.cases()}
    without = set(catalog.names()) - libraries
    assert without == {"cuda", "nvcudla", "nvml"}


@pytest.mark.parametrize(
    ("version", "plain"),
    [
        ("1:1.2.13.dfsg-1", "1.2.13"),
        ("3.40.1-2+deb12u2", "3.40.1"),
        ("0.3.21+ds-4", "0.3.21"),
        ("1.0.8-5+b1", "1.0.8"),
        ("6.4.2+dfsg-10", "6.4.2"),
        ("1:2.1.5-2", "2.1.5"),
    ],
)
def test_the_upstream_version(version: str, plain: str) -> None:
    assert matrix.upstream(version) == plain
