"""Names of libraries' files on macOS and Windows: what a name stands for, and what is no name of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nativeload import requirement
from nativeload.spec import Trace
from nativeload.systems.macos import MacOS
from nativeload.systems.windows import Windows

if TYPE_CHECKING:
    from pathlib import Path

    from nativeload.systems.system import System

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("system", "files"),
    [
        (Windows(), "z.dll libz.dll libz-1.dll z-1.2.dll Z.DLL LibZ-1.dll"),
        (MacOS(), "libz.dylib libz.1.dylib libz.1.2.11.dylib"),
    ],
)
def test_what_a_name_stands_for(system: System, files: str) -> None:
    for file in files.split():
        assert system.stands_for("z", system.folded(file)), file
        assert system.stem(file).lower() == "z"


@pytest.mark.parametrize(
    ("system", "files"),
    [
        (Windows(), "z1.dll zlib.dll libz-.dll.txt libzz.dll z-x.dll libz.so z.dylib z -1.dll"),
        (MacOS(), "libz.so libz.a.dylib libzz.dylib z.dylib libz.1.dylib.bak libZ.dylib libz..so"),
    ],
)
def test_what_it_does_not_stand_for(system: System, files: str) -> None:
    for file in files.split():
        assert not system.stands_for("z", system.folded(file)), file


def test_the_newest_of_a_directory_comes_first(tmp_path: Path) -> None:
    for name in ("libz.9.dylib", "libz.10.dylib", "libz.dylib", "libz.10.2.dylib", "libzz.dylib", "zlib.1.dylib"):
        (tmp_path / name).touch()
    trace, wanted = Trace(), requirement.parse("z")
    found = MacOS().listed(str(tmp_path), wanted, ["zlib.1.dylib", "gone.dylib"], trace)
    names = [path.rpartition("/")[2] for path in found]
    assert names == ["zlib.1.dylib", "libz.10.2.dylib", "libz.10.dylib", "libz.9.dylib", "libz.dylib"]
    assert str(tmp_path) in trace.consulted
    assert MacOS().listed(str(tmp_path / "absent"), wanted, [], trace) == []
