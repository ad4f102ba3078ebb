"""nativeload in a CPython for Windows, run by Wine: what it says there beside what it says here."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cross.__main__ import CORE, HERE, WARNINGS
from cross.module import headers, module

from nativeload import core
from parts import PartError, execute, unpack, wheel
from parts.windows_python import windows_python, windows_site
from parts.wine import windows_path
from parts.zig import program as zig

if TYPE_CHECKING:
    pass

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
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return windows_site(tmp_path_factory.mktemp("windows") / "site", wheel("pyelftools"))


@pytest.fixture(scope="module")
def with_extension(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    scratch = tmp_path_factory.mktemp("extension")
    include = headers(scratch, HERE / "pyconfig.h")
    made = module([os.fspath(zig())], "x86_64-windows-gnu", WARNINGS, CORE, include, scratch)
    shutil.copytree(site, scratch / "site")
    shutil.copy(made, scratch / "site" / "nativeload")
    return scratch / "site"


@pytest.fixture(scope="module")
def tbb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a real wheel, one of them cut."""
    place = tmp_path_factory.mktemp("tbb")
    unpack(wheel("tbb", platform_tag="win_amd64"), place)
    (whole,) = place.rglob("tbb12.dll")
    whole.with_name("cut.dll").write_bytes(whole.read_bytes()[:50_000])
    return place


def _there(site: Path, *words: str, fails: bool = False) -> str:
    """What the command says there, by a Python without any backend but `_pure`."""
    if not fails:
        return windows_python("-m", "nativeload", *words, path=[site])
    with pytest.raises(PartError) as refused:
        windows_python("-m", "nativeload", *words, path=[site])
    return str(refused.value.output)


def _here(*words: str) -> str:
    return execute([sys.executable, "-m", "nativeload", *words]).stdout


@pytest.mark.parametrize(("action", "refused"), [("--tree", True), ("--explain", True), ("--check", False)])
def test_a_wheel_is_read_there_as_here(site: Path, action: str, refused: bool) -> None:
    path = wheel("tbb", platform_tag="win_amd64")
    said = _there(site, action, windows_path(path), "--json", fails=refused)
    assert json.loads(said) == json.loads(_here(action, os.fspath(path), "--json"))
    assert "libhwloc-15.dll" in said


@pytest.mark.parametrize(("name", "status"), [("tbb12.dll", "problems"), ("cut.dll", "fatal")])
def test_a_file_is_of_that_platform(site: Path, tbb: Path, name: str, status: str) -> None:
    (path,) = tbb.rglob(name)
    said = json.loads(_there(site, "--tree", windows_path(path), "--json", fails=True))
    assert said == json.loads(
        _here("--tree", os.fspath(path), "--platform", "win_amd64", "--python", _PYTHON, "--json")
    )
    assert said["status"] == status


def test_all_that_is_installed_is_checked(site: Path, tbb: Path) -> None:
    assert "0 errors, 0 warnings" in _there(site, "--check")
    assert "warning: Library/bin/cut.dll [format]" in windows_python("-m", "nativeload", "--check", path=[site, tbb])


def _facts(backend: str, site: Path, *arguments: str) -> Any:
    return json.loads(windows_python("-c", _FACTS, *arguments, path=[site], env={"NATIVELOAD_BACKEND": backend}))


def test_the_extension_is_imported_and_says_what_python_says(with_extension: Path) -> None:
    elf = "/lib/x86_64-linux-gnu/libm.so.6"
    asked = (windows_path(elf), windows_path(with_extension))
    name, by_extension = _facts("c", with_extension, *asked)
    assert name == "nativeload._native"
    assert _facts("python", with_extension, *asked) == ["nativeload._pure", by_extension]
    here = core.image(elf, ("cos", "no_such"))[:-1], core.exports(elf)
    assert by_extension[:2] == json.loads(json.dumps(here))


def test_a_library_is_loaded_there_by_either(with_extension: Path, tbb: Path, tmp_path: Path) -> None:
    (library,) = tbb.rglob("tbb12.dll")
    planted = shutil.copy(library, tmp_path / "planted.dll")
    asked = ("-c", _LOADS, windows_path(library), windows_path(planted))
    answers = dict(
        json.loads(windows_python(*asked, path=[with_extension], env={"NATIVELOAD_BACKEND": backend}))
        for backend in ("c", "python")
    )
    said = answers["nativeload._native"]
    assert answers["nativeload._pure"] == said
    assert said[1:] == [
        [None, False], True, [[windows_path(library), "tbb12.dll"]], True, None, True, True, "", said[-1],
    ]  # fmt: skip
    assert said[0][0] == "windows"
    assert said[-1][1].lower() == "c:\\windows\\system32"
