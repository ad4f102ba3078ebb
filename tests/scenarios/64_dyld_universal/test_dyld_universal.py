"""Of a universal file the slice of the process's architecture counts, x86_64h before x86_64 on Intel; without one it is passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dylibs import dylib, mapped, places, universal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """It needs a universal liba, of which each slice needs another library."""
    slices = []
    for arch, name in (("x86_64", "intel"), ("x86_64h", "haswell"), ("arm64", "apple")):
        compiled = "arm64" if arch == "arm64" else "x86_64"
        path = dylib(tmp_path / "slices" / name, needed=[f"@loader_path/lib{name}.dylib"], arch=compiled)
        if arch == "x86_64h":
            path.write_bytes(path.read_bytes()[:8] + b"\x08" + path.read_bytes()[9:])
        slices.append((arch, path))
        dylib(tmp_path / "lib" / f"lib{name}.dylib", arch=compiled)
    universal(tmp_path / "lib" / "liba.dylib", *slices)
    universal(tmp_path / "lib" / "old.dylib", slices[0], slices[2])
    universal(tmp_path / "lib" / "other.dylib", slices[0])
    for arch in ("arm64", "x86_64"):
        dylib(tmp_path / arch, needed=["@rpath/liba.dylib"], rpaths=["@loader_path/lib"], arch=arch)
    return tmp_path


@pytest.mark.parametrize(("arch", "expected"), [("arm64", "apple"), ("x86_64", "haswell")])
def test_of_the_architecture(root: Path, arch: str, expected: str) -> None:
    assert mapped(root / arch, root, arch=arch) == ["lib/liba.dylib", f"lib/lib{expected}.dylib"]


def test_without_haswell_s(root: Path) -> None:
    (root / "lib" / "old.dylib").rename(root / "lib" / "liba.dylib")
    assert mapped(root / "x86_64", root, arch="x86_64") == ["lib/liba.dylib", "lib/libintel.dylib"]


def test_without_its_own(root: Path) -> None:
    (root / "lib" / "other.dylib").rename(root / "lib" / "liba.dylib")
    assert mapped(root / "arm64", root) == ["no @rpath/liba.dylib"]
    assert places(root / "arm64", "@rpath/liba.dylib", root) == ["lib/liba.dylib: is for x86_64, not for arm64"]
