"""The fallback directories: by the last part, after all else; without a variable only for what is built with an old SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dylibs import built_with, dylib, mapped, places

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


def test_of_the_variable(tmp_path: Path) -> None:
    """It serves whoever asks, old or new, and takes the place of the default ones."""
    root = dylib(tmp_path / "root.so", needed=["@loader_path/here/liba.dylib"])
    dylib(tmp_path / "two" / "liba.dylib")
    env = {"DYLD_FALLBACK_LIBRARY_PATH": f"{tmp_path}/one:{tmp_path}/two"}
    assert mapped(root, tmp_path, env=env) == ["two/liba.dylib"]
    assert mapped(root, tmp_path) == ["no @loader_path/here/liba.dylib"]
    dylib(tmp_path / "here" / "liba.dylib")
    assert mapped(root, tmp_path, env=env) == ["here/liba.dylib"]


@pytest.mark.parametrize(
    ("sdk", "expected"), [(13, ["/usr/local/lib/liba.dylib", "/usr/lib/liba.dylib"]), (14, []), (15, [])]
)
def test_without_the_variable(tmp_path: Path, sdk: int, expected: list[str]) -> None:
    """Which SDK counts is the requester's (requestorNeedsFallbacks); macOS 14's and later have none."""
    root = built_with(dylib(tmp_path / "root.so", needed=["@loader_path/liba.dylib"]), sdk=sdk)
    assert places(root, "@loader_path/liba.dylib", tmp_path) == ["liba.dylib", *expected]
    assert places(root, "@loader_path/liba.dylib", tmp_path, env={"DYLD_FALLBACK_LIBRARY_PATH": "/none"}) == [
        "liba.dylib",
        "/none/liba.dylib",
    ]


def test_of_frameworks(tmp_path: Path) -> None:
    name = "A.framework/A"
    root = built_with(dylib(tmp_path / "root.so", needed=[f"/Library/Frameworks/{name}"]), sdk=13)
    dylib(tmp_path / "two" / name)
    env = {"DYLD_FALLBACK_FRAMEWORK_PATH": f"{tmp_path}/two"}
    assert mapped(root, tmp_path, env=env) == [f"two/{name}"]
    asked = places(root, f"/Library/Frameworks/{name}", tmp_path)
    assert asked == [
        f"/Library/Frameworks/{name}",
        f"/System/Library/Frameworks/{name}",
    ]  # the first is not asked again
