"""What has the device and inode of a loaded file is that file, whatever the path; a copy is another library."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from parts import run
from scenarios.libraries import library, returns

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import os, sys
import nativeload
from nativeload import core
first = core.dlopen(sys.argv[1], os.RTLD_NOW)
os.environ["NATIVELOAD_SAME"] = sys.argv[2]
try:
    print(nativeload.load("same").handle == first)
except nativeload.OverrideError:
    print("refused")
print(core.dlopen(sys.argv[2], os.RTLD_NOW) == first)
"""


@pytest.mark.parametrize(
    ("again", "lines"), [(os.symlink, ["True"] * 2), (os.link, ["True"] * 2), (shutil.copy, ["refused", "False"])]
)
def test_by_another_path(tmp_path: Path, again: object, lines: list[str]) -> None:
    first = library(tmp_path / "one" / "libsame.so.1", returns("same", 1), soname="libsame.so.1")
    second = tmp_path / "libsame.so.1"
    assert callable(again)
    again(first, second)
    assert run(sys.executable, PROGRAM, first, second).check().stdout.splitlines() == lines
