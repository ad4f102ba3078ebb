"""Small real wheels of macOS and Windows: facts beside LIEF's, closures beside delvewheel's, and faults put into them."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest
from platforms import oracles
from platforms.facts import differences

from nativeload.platforms import contents, sources
from nativeload.platforms.closures import Site
from nativeload.platforms.target import targets
from parts import run, unpack, wheel

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.once

_MAC, _WINDOWS = "macosx_11_0_arm64", "win_amd64"
_WHEELS = [("kiwisolver", _MAC), ("pillow", _MAC), ("kiwisolver", _WINDOWS), ("shapely", _WINDOWS)]


def _site(tmp_path: Path, name: str, platform: str) -> Path:
    unpack(wheel(name, platform_tag=platform), tmp_path / "site")
    return tmp_path / "site"


def _check(*words: str) -> tuple[int, dict[str, Any]]:
    code = f"import sys; from nativeload.__main__ import _main; sys.exit(_main({['--check', *words, '--json']!r}))"
    found = run(sys.executable, code)
    return found.returncode, json.loads(found.stdout)


@pytest.mark.parametrize(("name", "platform"), _WHEELS)
def test_facts_are_lief_s(tmp_path: Path, name: str, platform: str) -> None:
    found = [differences(one) for one in contents.native(str(_site(tmp_path, name, platform)))]
    assert sum(count for count, _ in found) > 0
    assert [line for _, lines in found for line in lines] == []


@pytest.mark.parametrize("name", ["kiwisolver", "shapely"])
def test_closures_are_delvewheel_s(tmp_path: Path, name: str) -> None:
    site = Site(str(_site(tmp_path, name, _WINDOWS)), targets(_WINDOWS, "")[0])
    for path in site.files():
        added, _ = sources.before(site.directory, path)
        places = [os.path.dirname(path), *added]
        mapped = {os.path.join(site.directory, one.path) for one in site.closure(path).images} - {path}
        here = {one for one in mapped if os.path.exists(one)}
        discovered, absent = oracles.delvewheel(path, places)
        assert here == discovered == oracles.imports(path, places)
        assert site.closure(path).status == ("problems" if absent else "ok")


@pytest.mark.parametrize(("name", "platform"), _WHEELS)
def test_a_wheel_is_sound(name: str, platform: str) -> None:
    status, report = _check(str(wheel(name, platform_tag=platform)))
    assert (status, report["problems"]) == (0, [])
    assert report["images"] > 0


def _dylib(site: Path) -> Path:
    return next(one for one in sorted((site / "PIL" / ".dylibs").iterdir()) if one.name.startswith("libjpeg"))


def _geos(site: Path) -> Path:
    return next(one for one in sorted((site / "shapely.libs").iterdir()) if one.name.startswith("geos-"))


@pytest.mark.parametrize(("name", "platform"), [("pillow", _MAC), ("shapely", _WINDOWS)])
@pytest.mark.parametrize("fault", ["none", "missing", "truncated", "machine", "no-directory"])
def test_a_fault_is_seen(tmp_path: Path, name: str, platform: str, fault: str) -> None:
    site = _site(tmp_path, name, platform)
    library = _dylib(site) if platform == _MAC else _geos(site)
    if fault == "missing":
        library.unlink()
    elif fault == "truncated":
        library.write_bytes(library.read_bytes()[:5000])
    elif fault == "machine":
        content = bytearray(library.read_bytes())
        place = 4 if platform == _MAC else int.from_bytes(content[0x3C:0x40], "little") + 4
        content[place : place + 4] = b"\7\0\0\1" if platform == _MAC else b"\x64\xaa" + content[place + 2 : place + 4]
        library.write_bytes(content)
    elif fault == "no-directory":
        shutil.move(library.parent, site / "elsewhere")
    status, report = _check(f"{site}/", "--platform", platform)
    errors = {one["kind"] for one in report["problems"] if one["severity"] == "error"}
    assert status == (0 if fault == "none" else 1)
    assert bool(errors) == (fault != "none")
    assert errors <= {"missing", "fatal", "format", "machine"}
