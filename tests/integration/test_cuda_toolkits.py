"""Two CUDA toolkits in one environment, from real wheels: a consumer of each gets its own, and never a mixture.

No GPU is needed: nothing here calls the driver. A machine may have CUDA itself, which is never what is expected here.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
from pathlib import Path

import pytest

from integration.projects import nativeload_site, python_path, settled
from parts import run, venv, wheel

RUNTIMES = ("nvidia-cuda-runtime-cu12", "nvidia-cuda-runtime")
FATBINS = ("nvidia-nvfatbin-cu12", "nvidia-nvfatbin")

ASK = """
import json, sys
import nativeload
said = []
for text in sys.argv[2:]:
    try:
        library = nativeload.load(text)
        said.append(library.soname if library.path.startswith(sys.argv[1]) else "system")
    except nativeload.NativeLoadError as error:
        said.append(f"{type(error).__name__}: {error}")
print(json.dumps(said))
"""


@functools.cache
def environment(*distributions: str) -> Path:
    return venv(sys.executable, *map(wheel, distributions))


def ask(python: Path, *requirements: str, home: Path | None = None) -> list[str]:
    """The soname for each requirement, loaded one after the other, or the error's class and text."""
    root = os.fspath(python.parent.parent)
    said: list[str] = run(python, ASK, root, *requirements, env={"PYTHONPATH": python_path()}, home=home).check().json
    return said


@pytest.mark.parametrize(("first", "major"), [("cudart[cuda12]", 12), ("cudart[cuda13]", 13), ("cudart<13", 12)])
def test_what_is_loaded_says_of_which_toolkit_the_rest_is(first: str, major: int) -> None:
    said = ask(environment(*RUNTIMES, *FATBINS), first, "nvfatbin", "cudart")
    assert said == [f"libcudart.so.{major}", f"libnvfatbin.so.{major}", f"libcudart.so.{major}"]


def test_alone_the_newest_is_taken() -> None:
    assert ask(environment(*RUNTIMES, *FATBINS), "nvfatbin", "cudart") == ["libnvfatbin.so.13", "libcudart.so.13"]


@pytest.mark.parametrize("order", [(12, 13), (13, 12)])
def test_consumers_of_both_get_their_own(order: tuple[int, int]) -> None:
    asked = [f"{name}[cuda{major}]" for major in order for name in ("cudart", "nvfatbin")]
    expected = [f"lib{name}.so.{major}" for major in order for name in ("cudart", "nvfatbin")]
    assert ask(environment(*RUNTIMES, *FATBINS), *asked) == expected
    # Whoever does not say which, gets one of those that are there.
    assert ask(environment(*RUNTIMES, *FATBINS), *asked, "nvfatbin")[-1] in expected


def test_a_mixture_is_refused_and_both_are_named() -> None:
    python = environment(*RUNTIMES, FATBINS[1])
    loaded, said = ask(python, "cudart[cuda12]", "nvfatbin")
    assert loaded == "libcudart.so.12"
    assert said.startswith("ABIMismatchError")
    assert "libnvfatbin.so.13: is of cuda13; this process has " in said
    assert "/libcudart.so.12 of cuda12 (nvfatbin[cuda13] asks for this one beside it)" in said
    assert ask(python, "cudart[cuda12]", "nvfatbin[cuda13]") == ["libcudart.so.12", "libnvfatbin.so.13"]


def test_what_is_remembered_is_not_mixed_either(tmp_path: Path) -> None:
    python = environment(*RUNTIMES, *FATBINS)
    (site,) = python.parent.parent.glob("lib/python3*/site-packages")
    for place in (nativeload_site(), site, python.parent.parent / "lib"):
        settled(place)
    for _ in range(2):
        assert ask(python, "nvfatbin", home=tmp_path) == ["libnvfatbin.so.13"]
    assert len(list((tmp_path / ".cache" / "nativeload").iterdir())) == 1
    assert ask(python, "cudart[cuda12]", "nvfatbin", home=tmp_path)[1] == "libnvfatbin.so.12"
    assert ask(python, "nvfatbin", home=tmp_path) == ["libnvfatbin.so.13"]


@pytest.mark.once
def test_of_which_toolkit_a_file_of_no_wheel_is(tmp_path: Path) -> None:
    """The machine's own, in CUDA_HOME: told by its soname."""
    (old,) = environment(*RUNTIMES).parent.parent.rglob("libcudart.so.12")
    home = tmp_path / "cuda" / "lib64"
    home.mkdir(parents=True)
    shutil.copy(old, home)
    code = "import sys, nativeload; one = nativeload.load(sys.argv[1]); print(one.path, *one.abi)"
    env: dict[str, str | Path] = {"PYTHONPATH": python_path(), "CUDA_HOME": home.parent}
    python = environment(RUNTIMES[1])
    assert run(python, code, "cudart[cuda12]", env=env).check().stdout.split() == [f"{home}/libcudart.so.12", "cuda12"]
    assert run(python, code, "cudart[cuda13]", env=env).check().stdout.split()[1:] == ["cuda13"]
    del env["CUDA_HOME"]
    assert "asked for cuda12; it has cuda13" in run(python, code, "cudart[cuda12]", env=env).stderr
