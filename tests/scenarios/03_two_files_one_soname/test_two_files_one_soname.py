"""Two files of one DT_SONAME would be two copies in one process: the linker maps both, nativeload refuses the second."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from parts import run
from scenarios.libraries import library, returns

if TYPE_CHECKING:
    from pathlib import Path

OVERRIDE = """
import os, sys
import nativeload
from nativeload import core
first = core.dlopen(sys.argv[1], os.RTLD_NOW)
os.environ["NATIVELOAD_TWICE"] = sys.argv[2]
try:
    nativeload.load("twice")
except nativeload.NativeLoadError as error:
    print(type(error).__name__, sys.argv[1] in str(error))
second = core.dlopen(sys.argv[2], os.RTLD_NOW)
print(first != second, len([soname for _, soname in core.linkmap() if soname == "libtwice.so.1"]))
"""

# The name asked for is of the second file's name, not of its DT_SONAME.
FIND = """
import os, sys
import nativeload
for path in sys.argv[1:]:
    nativeload.core.dlopen(path, os.RTLD_NOW)
print(nativeload.find_spec("two").path)
"""


def test_chosen_second_copy(tmp_path: Path) -> None:
    first, second = (
        library(tmp_path / place / "libtwice.so.1", returns("twice", 1), soname="libtwice.so.1")
        for place in ("one", "two")
    )
    lines = run(sys.executable, OVERRIDE, first, second).check().stdout.splitlines()
    assert lines == ["OverrideError True", "True 2"]


def test_found_second_copy(tmp_path: Path) -> None:
    first, second = (
        library(tmp_path / place / f"lib{place}.so.1", returns("twice", 1), soname="libtwice.so.1")
        for place in ("one", "two")
    )
    env = {"LD_LIBRARY_PATH": second.parent}
    assert run(sys.executable, FIND, env=env).check().stdout.strip() == str(second)
    assert run(sys.executable, FIND, first, env=env).check().stdout.strip() == str(first)
