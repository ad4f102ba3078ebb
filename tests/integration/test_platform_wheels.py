"""Small real wheels of macOS and Windows: facts beside LIEF's, closures beside delvewheel's."""

from __future__ import annotations

import json
import os
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
