"""Beside cuda-pathfinder, in the same environment: wherever it finds a library so do we; then what it gets wrong."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from integration.projects import python_path
from parts import run, site, venv, wheel

pytestmark = pytest.mark.once
PATHFINDER = "1.9.1"
SMALL = ("cuda-runtime", "nvfatbin", "nvjpeg", "cufile", "cuda-cupti")
WHEELS = [f"nvidia-{name}{cuda}" for name in SMALL for cuda in ("", "-cu12")]

THEIRS = """
import json, sys, warnings
from cuda.pathfinder import DynamicLibNotFoundError, load_nvidia_dynamic_lib
from cuda.pathfinder._dynamic_libs.descriptor_catalog import DESCRIPTOR_CATALOG
names = sys.argv[1:] or [one.name for one in DESCRIPTOR_CATALOG]
found = {}
for name in names:
    try:
        found[name] = load_nvidia_dynamic_lib(name).abs_path
    except Exception:
        found[name] = None
print(json.dumps(found))
"""
OURS = """
import json, sys
import nativeload
found = {}
for name in sys.argv[1:]:
    spec = nativeload.find_spec(name)
    found[name] = spec and spec.path
print(json.dumps(found))
"""


def python() -> Path:
    return venv(sys.executable, wheel("cuda-pathfinder", PATHFINDER), *map(wheel, WHEELS))


def ask(code: str, *names: str, **env: str | Path) -> Any:
    place = env.pop("PYTHONPATH", "")
    path = python_path(*([place] if place else []))
    return run(python(), code, *names, env={"PYTHONPATH": path, **env}).check().json


def test_wherever_it_finds_a_library_so_do_we() -> None:
    theirs = ask(THEIRS)
    ours = ask(OURS, *theirs)
    found = {name for name, path in theirs.items() if path}
    assert {"cudart", "nvfatbin", "nvjpeg", "cufile", "cupti"} <= found
    assert {name for name in found if not ours[name]} == set()
    # The very same file: of two wheels, CUDA 13's.
    assert {name: ours[name] for name in found} == {name: theirs[name] for name in found}


def test_all_of_its_names_are_in_the_catalog() -> None:
    from nativeload import catalog

    assert [name for name in ask(THEIRS) if catalog.lookup(name) is None] == []


@pytest.mark.parametrize("variable", ["CUDA_HOME", "CUDA_PATH"])
@pytest.mark.parametrize("below", ["lib64", "lib"])
def test_an_installation_that_a_variable_names(variable: str, below: str, tmp_path: Path) -> None:
    library = _copied("libnvjpeg.so.12", tmp_path / "cuda" / below)
    env: dict[str, str | Path] = {
        variable: tmp_path / "cuda",
        "PYTHONPATH": python_path(site(wheel("cuda-pathfinder", PATHFINDER))),
    }
    bare = venv(sys.executable)
    assert run(bare, THEIRS, "nvjpeg", env=env).check().json == {"nvjpeg": str(library)}
    assert run(bare, OURS, "nvjpeg", env=env).check().json == {"nvjpeg": str(library)}
    del env[variable]
    assert run(bare, OURS, "nvjpeg", env=env).check().json != {"nvjpeg": str(library)}


def _copied(name: str, directory: Path) -> Path:
    """A copy of a wheel's library, in a directory of its own."""
    (source,) = python().parent.parent.rglob(name)
    directory.mkdir(parents=True)
    return Path(shutil.copy(source, directory / source.name))


def test_01_a_wheel_on_pythonpath_beside_an_older_copy_of_the_system(tmp_path: Path) -> None:
    """It looks for wheels in site-packages alone, and hands out the system's older one without a word."""
    older = _copied("libnvjpeg.so.12", tmp_path / "system")
    wheels = site(wheel("cuda-pathfinder", PATHFINDER), wheel("nvidia-nvjpeg"))
    env: dict[str, str | Path] = {"PYTHONPATH": python_path(wheels), "LD_LIBRARY_PATH": older.parent}
    bare = venv(sys.executable)
    theirs = run(bare, THEIRS, "nvjpeg", env=env).check().json["nvjpeg"]
    ours = run(bare, OURS, "nvjpeg", env=env).check().json["nvjpeg"]
    assert ours == f"{wheels}/nvidia/cu13/lib/libnvjpeg.so.13"
    assert theirs == str(older)


LOADED = """
import ctypes, json, sys
import nativeload

first = nativeload.load("libcudart.so.12")
second = nativeload.load(sys.argv[1])
number = ctypes.c_int()
second.ctypes.cudaRuntimeGetVersion(ctypes.byref(number))
print(json.dumps([first.path, second.path, number.value]))
"""
WITH_ONE_LOADED = """
import ctypes, json, sys

ctypes.CDLL(sys.argv[1])
import nativeload
from cuda.pathfinder import load_nvidia_dynamic_lib

theirs = load_nvidia_dynamic_lib("nvjpeg")
print(json.dumps([theirs.abs_path, theirs.was_already_loaded_from_elsewhere, nativeload.load(sys.argv[2]).path]))
"""


@pytest.mark.parametrize("asked", ["libcudart.so.13", "cudart[cuda13]"])
def test_02_cuda_12_is_loaded_and_13_is_asked_for(asked: str) -> None:
    first, second, number = ask(LOADED, asked)
    assert (os.path.basename(first), os.path.basename(second)) == ("libcudart.so.12", "libcudart.so.13")
    assert number // 1000 == 13


@pytest.mark.parametrize("asked", ["libnvjpeg.so.13", "nvjpeg[cuda13]"])
def test_02_what_is_loaded_carries_one_of_the_librarys_names(asked: str, tmp_path: Path) -> None:
    """It hands out CUDA 12's, which something else has loaded, where CUDA 13's wheel is on PYTHONPATH."""
    loaded = _copied("libnvjpeg.so.12", tmp_path / "elsewhere")
    wheels = site(wheel("cuda-pathfinder", PATHFINDER), wheel("nvidia-nvjpeg"))
    told = run(venv(sys.executable), WITH_ONE_LOADED, loaded, asked, env={"PYTHONPATH": python_path(wheels)}).check()
    assert told.json == [str(loaded), True, f"{wheels}/nvidia/cu13/lib/libnvjpeg.so.13"]


def test_03_a_version_of_it_is_asked_for() -> None:
    """Where a second major version of the library is not asked for by its soname, the first stays the only one."""
    refused = run(python(), LOADED, "cudart>=13", env={"PYTHONPATH": python_path()})
    assert "ABIMismatchError" in refused.stderr
    assert "is version 12" in refused.stderr
    assert (
        json.loads(run(python(), LOADED, "cudart<13", env={"PYTHONPATH": python_path()}).check().stdout)[2] // 1000
        == 12
    )
