"""What is below /usr/lib and /System/Library has no file: the shared cache has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dylibs import closure, dylib, mapped

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


@pytest.mark.parametrize(
    "name", ["/usr/lib/libz.1.dylib", "/System/Library/Frameworks/Accelerate.framework/Versions/A/Accelerate"]
)
def test_by_its_name(tmp_path: Path, name: str) -> None:
    found = closure(dylib(tmp_path / "root.so", needed=[name]))
    assert found.status == "ok"
    assert [edge.how for edge in found.images[0].needed if edge.name == name] == ["shared cache"]


@pytest.mark.parametrize(
    "name", ["/usr/local/lib/libz.1.dylib", "/Library/A.framework/A", "/opt/homebrew/lib/liba.dylib"]
)
def test_not_elsewhere(tmp_path: Path, name: str) -> None:
    assert mapped(dylib(tmp_path / "root.so", needed=[name]), tmp_path) == [f"no {name}"]


def test_where_a_search_comes_to_it(tmp_path: Path) -> None:
    """Only what is found nowhere is taken to be there: which libraries the cache has, nobody here knows."""
    root = dylib(tmp_path / "root.so", needed=["@rpath/liba.dylib"], rpaths=["/usr/lib", "@loader_path/lib"])
    assert mapped(root, tmp_path) == ["/usr/lib/liba.dylib"]
    dylib(tmp_path / "lib" / "liba.dylib")
    assert mapped(root, tmp_path) == ["lib/liba.dylib"]


def test_swift_s_own(tmp_path: Path) -> None:
    rpaths = ["/usr/lib/swift", "@loader_path/lib"]
    root = dylib(tmp_path / "root.so", needed=["@rpath/libswiftCore.dylib"], rpaths=rpaths)
    dylib(tmp_path / "lib" / "libswiftCore.dylib")
    assert mapped(root, tmp_path) == ["/usr/lib/swift/libswiftCore.dylib"]
