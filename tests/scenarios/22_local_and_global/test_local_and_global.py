"""RTLD_LOCAL is enough for a consumer that names the library in DT_NEEDED; one that does not needs RTLD_GLOBAL."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from parts import run
from scenarios.libraries import calls, library, returns

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import _ctypes, ctypes, os, sys
import nativeload
for mode in sys.argv[2:]:
    first = nativeload.load("libdep.so.1", mode=mode)
try:
    root = _ctypes.dlopen(sys.argv[1], os.RTLD_NOW)
    print(ctypes.CFUNCTYPE(ctypes.c_int)(_ctypes.dlsym(root, "root"))())
except OSError as error:
    print("undefined symbol: dep" in str(error))
"""


@pytest.mark.parametrize(
    ("needed", "modes", "said"),
    [
        (["libdep.so.1"], ["local"], "7"),
        ([], ["local"], "True"),
        ([], ["global"], "7"),
        ([], ["local", "global"], "7"),
        ([], ["global", "local"], "7"),
    ],
)
def test_mode(tmp_path: Path, needed: list[str], modes: list[str], said: str) -> None:
    library(tmp_path / "lib" / "libdep.so.1", returns("dep", 7), soname="libdep.so.1")
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=needed)
    env = {"LD_LIBRARY_PATH": tmp_path / "lib"}
    assert run(sys.executable, PROGRAM, root, *modes, env=env).check().stdout.strip() == said
