"""A provider is found however it was installed, and its code is not run to find it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from integration import layouts
from integration.projects import LOAD_ANSWER, nativeload_site, python_path
from parts import run, site, wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from integration.layouts import Place

TOP, NAMESPACE = "answer_provider", "answer_namespace.provider"
EVERY = [*layouts.OF_WHEELS, *layouts.OF_PROJECTS]
IN_NAMESPACE = ["venv", "target", "symlinks", *layouts.OF_PROJECTS]

LOAD = """
import json, sys
import nativeload
library = nativeload.load(sys.argv[1])
library.symbol(sys.argv[2])
print(json.dumps([library.path, library.origin, library.provider.distribution, library.version]))
"""


@pytest.mark.parametrize(
    ("kind", "package"), [*((kind, TOP) for kind in EVERY), *((kind, NAMESPACE) for kind in IN_NAMESPACE)]
)
def test_declared(kind: str, package: str, provider_place: Callable[..., Place]) -> None:
    place = provider_place(kind, package)
    found = run(place.python, LOAD_ANSWER, env=place.env).check().json
    assert found["answer"] == 42
    assert found["path"].startswith(os.fspath(place.root))
    assert found["path"].endswith(f"/{package.replace('.', '/')}/lib/libanswer.so.1")
    assert (found["origin"], found["version"], found["soname"]) == ("wheel", "1.5", "libanswer.so.1")
    assert found["provider"] == ["answer-provider", "1.5"]


@pytest.mark.parametrize("kind", EVERY)
def test_declared_is_what_makes_it_found(kind: str, provider_place: Callable[..., Place]) -> None:
    place = provider_place(kind, TOP)
    # The same interpreter, or its likes, without what the layout adds.
    without = layouts.base() if place.python == layouts.base() else layouts.bare()
    result = run(without, LOAD_ANSWER, env={"PYTHONPATH": nativeload_site()})
    assert result.returncode == 1
    assert "LibraryNotFoundError: no library found for 'answer'" in result.stderr


@pytest.mark.parametrize(
    ("distribution", "library", "symbol"),
    [
        pytest.param("soundfile", "sndfile", "sf_open", id="in a package"),
        pytest.param("tbb", "tbb", "TBB_runtime_version", id="in the data directory"),
    ],
)
@pytest.mark.parametrize("kind", layouts.OF_WHEELS)
def test_catalog(kind: str, distribution: str, library: str, symbol: str, tmp_path: Path) -> None:
    place = layouts.OF_WHEELS[kind](wheel(distribution), tmp_path)
    found = run(place.python, LOAD, library, symbol, env=place.env).check().json
    assert found[0].startswith(os.fspath(place.root))
    assert found[1:3] == ["wheel", distribution]

    without = run(layouts.bare(), LOAD, library, symbol, env={"PYTHONPATH": nativeload_site()})
    assert os.fspath(place.root) not in without.stdout


def test_data_files_that_pip_loses_are_missed_by_name(tmp_path: Path) -> None:
    # pip install --target: what a wheel puts into <prefix>/lib is not moved to the target.
    place = site(wheel("tbb"))
    assert not list(place.rglob("libtbb*"))
    explained = run(
        layouts.bare(), "import nativeload; print(nativeload.explain('tbb'))", env={"PYTHONPATH": python_path(place)}
    )
    assert re.search(r"lib/libtbb\.so\.12: tbb \S+ is installed, but has no such file", explained.stdout)
