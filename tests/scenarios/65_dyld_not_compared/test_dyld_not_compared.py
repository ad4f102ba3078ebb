"""What dyld reads and does not compare: compatibility versions, the least macOS; whether a file is signed the kernel decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dylibs import built_with, closure, dylib

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


@pytest.mark.parametrize("version", ["1.0.0", "3.0.0"])
def test_compatibility_versions(tmp_path: Path, version: str) -> None:
    """The root was linked with compatibility version 1.0.0; what is there is older or newer."""
    root = dylib(tmp_path / "root.so", needed=["@loader_path/liba.dylib"])
    dylib(tmp_path / "liba.dylib", "", f"-Wl,-compatibility_version,{version}", "-Wl,-current_version,3.1.0")
    found = closure(root)
    assert found.status == "ok"
    (tmp_path / "liba.dylib").unlink()
    assert closure(root).status == "problems"


@pytest.mark.parametrize("least", [11, 99])
def test_the_least_macos(tmp_path: Path, least: int) -> None:
    """It is told in the message of another error only (tooNewErrorAddendum)."""
    root = dylib(tmp_path / "root.so", needed=["@loader_path/liba.dylib"])
    built_with(dylib(tmp_path / "liba.dylib"), min_os=least)
    assert closure(root).status == "ok"


def test_a_signature(tmp_path: Path) -> None:
    """Files for Apple's own machines are signed, Intel's need not be: F_ADDFILESIGS_RETURN asks the kernel."""
    from nativeload.formats import macho

    for arch, expected in (("arm64", True), ("x86_64", False)):
        path = dylib(tmp_path / arch, needed=["@loader_path/none"], arch=arch)
        assert macho.read(str(path)).slices[0].signed == expected
