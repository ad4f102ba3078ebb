"""What a warm load costs in file-system calls: a promise to whoever imports from a slow file system."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from parts import build_wheel, nativeload_wheel, venv, wheel
from parts.file_system import LOAD, beyond_dlopen

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nosanitize


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a package that requires OpenBLAS."""
    root = tmp_path_factory.mktemp("user")
    (root / "user").mkdir()
    (root / "user" / "__init__.py").touch()
    (root / "user" / "nativeload.toml").write_text('[requires]\nopenblas = ">=0.3"\n')
    (root / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "user"\nversion = "1"\n'
        '[tool.setuptools]\npackages = ["user"]\npackage-data = {user = ["nativeload.toml"]}\n'
    )
    return build_wheel(root)


@pytest.fixture(scope="module")
def python(user: Path) -> Path:
    """An environment with nativeload and a wheel of OpenBLAS, unchanged for longer than an answer must rest."""
    made = venv(
        sys.executable, nativeload_wheel(), wheel("scipy-openblas64"), wheel("pyelftools"), wheel("packaging"), user
    )
    (packages,) = made.parent.parent.glob("lib/python*/site-packages")
    time.sleep(max(0.0, packages.stat().st_mtime + 3 - time.time()))
    return made


def load(python: Path, home: Path, option: str = "-I", call: str = f"{LOAD}.path") -> str:
    """One load, which leaves its answer in the cache; the path of what it loaded."""
    code = f"import nativeload; print({call}, end='')"
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


@pytest.mark.skipif(os.environ.get("NATIVELOAD_BACKEND") == "python", reason="ctypes looks for its own files")
def test_what_a_package_requires_takes_five_more(python: Path, tmp_path: Path) -> None:
    """One answer more is read, and the table that it rests on is looked at; the module is imported once besides."""
    call = "nativeload.load_required('user')"
    path = load(python, tmp_path, call=f"{call}['openblas'].path")
    modules = "nativeload, nativeload.required, user"
    warm = beyond_dlopen(python, path, tmp_path, "-I", modules=modules, call=call)
    assert 0 < len(warm) <= 15, "\n".join(warm)
    assert any("user/nativeload.toml" in one for one in warm), "a changed table would not be seen"
    assert sum(one.startswith("open") for one in warm) == 2, "an answer for the table, and one for the library"


def test_a_cold_load_makes_more(python: Path, tmp_path: Path) -> None:
    """The count counts: without an answer to remember the search itself is seen."""
    path = load(python, tmp_path)
    for answer in (tmp_path / ".cache" / "nativeload").iterdir():
        answer.unlink()
    assert len(beyond_dlopen(python, path, tmp_path, "-I")) > 10
