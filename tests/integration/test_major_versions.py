"""Two major versions of one library, each in a wheel of its own: never one for the other, never both by one name.

A machine may have CUDA itself; what is found there is not what these tests are of.
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

import pytest

from integration.projects import python_path
from parts import run, venv, wheel

OLD, NEW = "nvidia-cuda-runtime-cu12", "nvidia-cuda-runtime"


@functools.cache
def environment(*distributions: str) -> Path:
    return venv(sys.executable, *map(wheel, distributions))


def ask(python: Path, *requirements: str) -> list[str]:
    """The soname for each requirement, loaded one after the other; "system" for one that is the machine's; or the
    error's class and text."""
    code = """
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
    root = os.fspath(python.parent.parent)
    said: list[str] = run(python, code, root, *requirements, env={"PYTHONPATH": python_path()}).check().json
    return said


def refused(said: str) -> bool:
    return said == "system" or said.startswith(("LibraryNotFoundError: ", "ABIMismatchError: "))


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("cudart", "libcudart.so.13"),
        ("cudart>=13", "libcudart.so.13"),
        ("cudart<13", "libcudart.so.12"),
        ("cudart~=12.0", "libcudart.so.12"),
        ("libcudart.so.12", "libcudart.so.12"),
        ("libcudart.so.13", "libcudart.so.13"),
    ],
)
def test_the_major_version_asked_for(requirement: str, expected: str) -> None:
    (said,) = ask(environment(OLD, NEW), requirement)
    assert said == expected


@pytest.mark.parametrize(
    "requirement", ["libcudart.so.1", "libcudart.so.1>=12", "libcudart.so.130", "cudart>=14", "cudart<12"]
)
def test_a_major_version_that_is_not_there(requirement: str) -> None:
    assert refused(ask(environment(OLD, NEW), requirement)[0])


def test_a_refusal_names_both_versions() -> None:
    (said,) = ask(environment(OLD, NEW), "cudart>=999")
    for distribution in (OLD, NEW):
        version = wheel(distribution).name.split("-")[1]
        assert f"is version {version} (of {distribution}); >=999 was asked for" in said


@pytest.mark.parametrize(("alone", "major"), [(OLD, 12), (NEW, 13)])
def test_one_major_version_does_not_stand_for_another(alone: str, major: int) -> None:
    python = environment(alone)
    other = 25 - major
    assert ask(python, f"cudart>={major},<{major + 1}") == [f"libcudart.so.{major}"]
    assert ask(python, f"libcudart.so.{major}") == [f"libcudart.so.{major}"]
    for requirement in (f"cudart>={other},<{other + 1}", f"libcudart.so.{other}", "libcudart.so.1"):
        assert refused(ask(python, requirement)[0])


def test_two_major_versions_are_not_mixed_by_one_name() -> None:
    for first, second in (("cudart>=13", "cudart<13"), ("cudart<13", "cudart>=13")):
        loaded, said = ask(environment(OLD, NEW), first, second)
        assert loaded.startswith("libcudart.so.1")
        assert said.startswith("ABIMismatchError")
        assert "loaded   rejected" in said
