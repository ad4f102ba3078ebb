"""`--check` finds no error in environments of wheels as they are, and one where a library is taken away."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from integration.projects import nativeload_site, provider
from integration.test_consumer import INIT, consumer
from parts import build_wheel, run, site, venv, wheel
from parts.scientific import scientific

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
    pytest.importorskip("cffi")
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


def test_what_nativeload_loads_first_is_no_error(tmp_path: Path) -> None:
    """An extension module whose library another wheel ships, and whose package loads it; and one that forgets to."""
    for init, severity in ((INIT, "warning"), ("from consumer._extension import ask\n", "error")):
        (tmp_path / severity / "provider").mkdir(parents=True)
        provided = build_wheel(provider(tmp_path / severity / "provider"))
        library = site(provided) / "answer_provider" / "lib" / "libanswer.so.1"
        project = consumer(tmp_path / severity / "consumer", library)
        (project / "src" / "consumer" / "__init__.py").write_text(init, encoding="utf-8")
        found = check(venv(sys.executable, provided, build_wheel(project)))["problems"]
        shown = [(one["kind"], one["severity"], one["distribution"]) for one in found]
        assert shown == [("missing", severity, "answer-consumer")]


@pytest.mark.large
def test_scientific_wheels_have_no_error() -> None:
    report = check(scientific())
    assert report["images"] > 400
    assert errors(report) == []
