"""What a warm load costs in file-system calls: a promise to whoever imports from a slow file system."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from parts import nativeload_wheel, venv, wheel
from parts.file_system import beyond_dlopen

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nosanitize


@pytest.fixture(scope="module")
def python() -> Path:
    """An environment with nativeload and a wheel of OpenBLAS, unchanged for longer than an answer must rest."""
    made = venv(sys.executable, nativeload_wheel(), wheel("scipy-openblas64"), wheel("pyelftools"))
    (packages,) = made.parent.parent.glob("lib/python*/site-packages")
    time.sleep(max(0.0, packages.stat().st_mtime + 3 - time.time()))
    return made


def load(python: Path, home: Path, option: str = "-I") -> str:
    """One load, which leaves its answer in the cache; the path of what it loaded."""
    code = "import nativeload; print(nativeload.load('openblas').path, end='')"
    environment = {"HOME": os.fspath(home)}
    return subprocess.run(
        [python, option, "-c", code], env=environment, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.skipif(os.environ.get("NATIVELOAD_BACKEND") == "python", reason="ctypes looks for its own files")
@pytest.mark.parametrize("option", ["-I", "-E"], ids=["isolated", "obeys files"])
def test_a_warm_load_makes_at_most_ten_calls(option: str, python: Path, tmp_path: Path) -> None:
    path = load(python, tmp_path, option)
    extra = beyond_dlopen(python, path, tmp_path, option)
    assert 0 < len(extra) <= 10, "\n".join(extra)
    assert any(path in call for call in extra), "the library itself is looked at, or a changed one would be loaded"


def test_a_cold_load_makes_more(python: Path, tmp_path: Path) -> None:
    """The count counts: without an answer to remember the search itself is seen."""
    path = load(python, tmp_path)
    for answer in (tmp_path / ".cache" / "nativeload").iterdir():
        answer.unlink()
    assert len(beyond_dlopen(python, path, tmp_path, "-I")) > 10
