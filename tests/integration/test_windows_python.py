"""nativeload in a CPython for Windows, run by Wine: what it says there beside what it says here."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from nativeload import core
from parts import PartError, execute, unpack, wheel
from parts.windows_python import windows_python
from parts.wine import windows_path

pytestmark = pytest.mark.once

_PYTHON = f"3.{sys.version_info.minor}"
_FACTS = """
import json, os, sys, nativeload
core, (elf, site) = nativeload.core, sys.argv[1:]
facts = [core.image(elf, ("cos", "no_such"))[:-1], core.exports(elf), core.scan(site, ("nativeload.",))]
facts += [core.digest(b"nativeload"), core.real_name(elf.replace(os.sep, "/")), core.signature(elf + ".absent")]
try:
    core.image(sys.executable)
except ValueError as error:
    facts.append(str(error))
print(json.dumps([core.__name__, facts]))
"""
# A library of a real wheel: before, that it is not there; after, by path and by name, and what it exports.
_LOADS = """
import json, os, sys, nativeload
core, (path, planted) = nativeload.core, sys.argv[1:]
name = os.path.basename(path)
said = [core.libc(), [core.loaded_handle(name), name in [one[1] for one in core.linkmap()]]]
handle = core.dlopen(path, 0)
said += [core.loaded_handle(name) == handle, [one for one in core.linkmap() if one[1] == name]]
said += [core.dlsym(handle, "TBB_runtime_interface_version") is not None, core.dlsym(handle, "no_such")]
os.chdir(os.path.dirname(planted))
for wrong in (path + ".absent", os.path.basename(planted)):
    try:
        core.dlopen(wrong, 0)
    except OSError as error:
        said.append(bool(str(error)))
said += [core.linkmap()[0][0], core.searched()]
print(json.dumps([core.__name__, said]))
"""


@pytest.fixture(scope="module")
def tbb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a real wheel, one of them cut."""
    place = tmp_path_factory.mktemp("tbb")
    unpack(wheel("tbb", platform_tag="win_amd64"), place)
    (whole,) = place.rglob("tbb12.dll")
    whole.with_name("cut.dll").write_bytes(whole.read_bytes()[:50_000])
    return place


def _there(windows_packages: Path, *words: str, fails: bool = False) -> str:
    """What the command says there, by a Python without any backend but `_pure`."""
    if not fails:
        return windows_python("-m", "nativeload", *words, path=[windows_packages])
    with pytest.raises(PartError) as refused:
        windows_python("-m", "nativeload", *words, path=[windows_packages])
    return str(refused.value.output)


def _here(*words: str) -> str:
    return execute([sys.executable, "-m", "nativeload", *words]).stdout


@pytest.mark.parametrize(("action", "refused"), [("--tree", True), ("--explain", True), ("--check", False)])
def test_a_wheel_is_read_there_as_here(windows_packages: Path, action: str, refused: bool) -> None:
    path = wheel("tbb", platform_tag="win_amd64")
    said = _there(windows_packages, action, windows_path(path), "--json", fails=refused)
    assert json.loads(said) == json.loads(_here(action, os.fspath(path), "--json"))
    assert "libhwloc-15.dll" in said


@pytest.mark.parametrize(("name", "status"), [("tbb12.dll", "problems"), ("cut.dll", "fatal")])
def test_a_file_is_of_that_platform(windows_packages: Path, tbb: Path, name: str, status: str) -> None:
    (path,) = tbb.rglob(name)
    own = ("--platform", "win_amd64", "--python", _PYTHON)
    said = json.loads(_there(windows_packages, "--tree", windows_path(path), *own, "--json", fails=True))
    assert said == json.loads(
        _here("--tree", os.fspath(path), "--platform", "win_amd64", "--python", _PYTHON, "--json")
    )
    assert said["status"] == status


def test_without_a_platform_it_is_of_this_very_windows(windows_packages: Path, tbb: Path) -> None:
    """What every Windows has is not asked then: this one has a library that others must install."""
    (path,) = tbb.rglob("tbb12.dll")
    assert json.loads(_there(windows_packages, "--tree", windows_path(path), "--json"))["status"] == "ok"
    said = _there(windows_packages, "--explain", "-m", "_ctypes")
    assert "libffi-8.dll [the directory of the file that is loaded]" in said
    assert "has no extension module" in _there(windows_packages, "--explain", "-m", "json", fails=True)


def test_all_that_is_installed_is_checked(windows_packages: Path, tbb: Path) -> None:
    assert "0 errors, 0 warnings" in _there(windows_packages, "--check")
    assert "warning: Library/bin/cut.dll [format]" in windows_python(
        "-m", "nativeload", "--check", path=[windows_packages, tbb]
    )


def _facts(backend: str, windows_packages: Path, *arguments: str) -> Any:
    return json.loads(
        windows_python("-c", _FACTS, *arguments, path=[windows_packages], env={"NATIVELOAD_BACKEND": backend})
    )


def test_the_extension_is_imported_and_says_what_python_says(windows_extension: Path) -> None:
    elf = "/lib/x86_64-linux-gnu/libm.so.6"
    asked = (windows_path(elf), windows_path(windows_extension))
    name, by_extension = _facts("c", windows_extension, *asked)
    assert name == "nativeload._native"
    assert _facts("python", windows_extension, *asked) == ["nativeload._pure", by_extension]
    here = core.image(elf, ("cos", "no_such"))[:-1], core.exports(elf)
    assert by_extension[:2] == json.loads(json.dumps(here))


def test_a_library_is_loaded_there_by_either(windows_extension: Path, tbb: Path, tmp_path: Path) -> None:
    (library,) = tbb.rglob("tbb12.dll")
    planted = shutil.copy(library, tmp_path / "planted.dll")
    asked = ("-c", _LOADS, windows_path(library), windows_path(planted))
    answers = dict(
        json.loads(windows_python(*asked, path=[windows_extension], env={"NATIVELOAD_BACKEND": backend}))
        for backend in ("c", "python")
    )
    said = answers["nativeload._native"]
    assert answers["nativeload._pure"] == said
    assert said[1:] == [
        [None, False], True, [[windows_path(library), "tbb12.dll"]], True, None, True, True, "", said[-1],
    ]  # fmt: skip
    assert said[0][0] == "windows"
    assert said[-1][1].lower() == "c:\\windows\\system32"
