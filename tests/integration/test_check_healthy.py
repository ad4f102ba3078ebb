"""`--check` finds no error in environments of wheels as they are, and one where a library is taken away."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest

from integration.projects import nativeload_site
from parts import run, venv, wheel
from parts.scientific import scientific

if TYPE_CHECKING:
    from pathlib import Path

# Vendored libraries and none, extension modules for one Python and for all, libraries that ctypes opens.
WHEELS = (
    "cffi",
    "cryptography",
    "intel-openmp",
    "lxml",
    "numpy",
    "pillow",
    "scipy-openblas32",
    "scipy-openblas64",
    "shapely",
    "soundfile",
    "tbb",
    "z3-solver",
)
CHECK = """
import json
from nativeload.check.command import check
print(json.dumps(check().to_dict()))
"""


def environment() -> Path:
    return venv(sys.executable, *(wheel(one) for one in WHEELS))


def check(python: Path) -> dict[str, Any]:
    report: dict[str, Any] = run(python, CHECK, env={"PYTHONPATH": nativeload_site()}).check().json
    return report


def errors(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (one["kind"], one["distribution"], one["detail"]) for one in report["problems"] if one["severity"] == "error"
    ]


def test_small_wheels_have_no_error() -> None:
    report = check(environment())
    assert report["images"] > 60
    assert errors(report) == []
    # What is left is known: libraries that look for optional parts.
    assert {one["distribution"] for one in report["problems"]} <= {"tbb", "intel-openmp"}


def test_a_library_taken_away_is_an_error(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(environment().parent.parent, copy, symlinks=True)
    (gone,) = copy.glob("lib/python*/site-packages/shapely.libs/libgeos_c-*")
    gone.unlink()
    found = errors(check(copy / "bin" / "python"))
    assert {(kind, distribution) for kind, distribution, _ in found} == {("missing", "shapely")}
    assert any(f"needs {gone.name}" in detail for _, _, detail in found)


@pytest.mark.large
def test_scientific_wheels_have_no_error() -> None:
    report = check(scientific())
    assert report["images"] > 400
    assert errors(report) == []
