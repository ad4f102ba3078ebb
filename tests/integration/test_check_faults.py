"""`--check` names each fault that is put into healthy wheels, and the interpreter's own linker agrees."""

from __future__ import annotations

import functools
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from integration.damage import only
from integration.faults import FAULTS, HARMLESS, Fault
from integration.layouts import bare
from integration.projects import python_path
from nativeload.check.report import KINDS, REQUIRED
from parts import run, site, wheel

pytest.importorskip("cffi", reason="the faults are made in its wheel")

if TYPE_CHECKING:
    from pathlib import Path

CHECK = """
import json, sys
from nativeload.check.command import check
print(json.dumps(check(sys.argv[1:]).to_dict()))
"""
# As an import does it, and as the interpreter of an extension module would: at once, with every symbol.
LOAD = "import ctypes, sys; ctypes.PyDLL(sys.argv[1])"

by_name = functools.partial(pytest.mark.parametrize, "fault", ids=lambda fault: fault.name)


@functools.cache
def healthy(distributions: tuple[str, ...]) -> Path:
    return site(*(wheel(one) for one in distributions))


def _link(source: str, destination: str) -> str:
    """Another name of the same file, or a copy where the cache is on another file system; damage puts new files."""
    try:
        os.link(source, destination)
    except OSError:
        shutil.copy2(source, destination)
    return destination


def broken(fault: Fault, tmp_path: Path) -> Path:
    place = tmp_path / "site"
    shutil.copytree(healthy(fault.of), place, copy_function=_link)
    fault.damage(place)
    return place


def env_of(fault: Fault, place: Path) -> dict[str, str]:
    return {"PYTHONPATH": python_path(place)} | {name: f"{place}/{one}" for name, one in (fault.env or {}).items()}


def check(fault: Fault, place: Path) -> list[dict[str, Any]]:
    problems = run(bare(), CHECK, *fault.of, env=env_of(fault, place)).check().json["problems"]
    return list(problems)


def found(fault: Fault, place: Path) -> list[dict[str, Any]]:
    """The findings of the fault's kind and severity on its file, with its words."""
    # A pattern that stands for nothing is a file that was removed, or one outside.
    images = {os.fspath(one) for one in place.glob(fault.image)} or {
        os.fspath(place / one.relative_to(healthy(fault.of))) for one in healthy(fault.of).glob(fault.image)
    }
    return [
        one
        for one in check(fault, place)
        if (one["kind"], one["severity"]) == (fault.kind, fault.severity)
        and (one["image"] in images or fault.kind in ("two-openmp", "two-mpi", "two-blas"))
        and fault.says in one["detail"]
    ]


def loads(fault: Fault, place: Path) -> bool:
    """Whether this interpreter's linker loads the file, or the statement succeeds."""
    if fault.code:
        return run(bare(), fault.code, env=env_of(fault, place)).returncode == 0
    pattern = fault.loads or fault.image
    path = next(place.glob(pattern), None) or place / only(healthy(fault.of), pattern).relative_to(healthy(fault.of))
    return run(bare(), LOAD, path, env=env_of(fault, place)).returncode == 0


def shown(fault: Fault, place: Path) -> str:
    return "\n".join(f"{one['severity']} {one['kind']} {one['image']}: {one['detail']}" for one in check(fault, place))


@by_name(FAULTS)
def test_each_fault_is_named(fault: Fault, tmp_path: Path) -> None:
    place = broken(fault, tmp_path)
    assert found(fault, place), shown(fault, place)


@by_name([fault for fault in FAULTS if fault.severity == "error" or fault.loads or fault.code])
def test_the_linker_agrees(fault: Fault, tmp_path: Path) -> None:
    """It refuses the file where an error is found, and loads it where there are warnings alone."""
    assert loads(fault, broken(fault, tmp_path)) == (fault.severity == "warning")


@by_name(HARMLESS)
def test_what_is_harmless_is_no_error(fault: Fault, tmp_path: Path) -> None:
    place = broken(fault, tmp_path)
    assert loads(fault, place)
    assert [one for one in check(fault, place) if one["severity"] == "error"] == [], shown(fault, place)


@pytest.mark.parametrize("of", sorted({fault.of for fault in FAULTS}), ids=" ".join)
def test_the_originals_are_healthy(of: tuple[str, ...]) -> None:
    fault = next(fault for fault in FAULTS if fault.of == of)
    assert [one for one in check(fault, healthy(of)) if one["severity"] == "error"] == [], shown(fault, healthy(of))


def test_a_warning_alone_is_no_error(tmp_path: Path) -> None:
    for number, fault in enumerate(fault for fault in FAULTS if fault.severity == "warning"):
        place = broken(fault, tmp_path / str(number))
        assert [one for one in check(fault, place) if one["severity"] == "error"] == [], fault.name


def test_there_are_enough_of_them() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 40
    assert {fault.kind for fault in FAULTS} == set(KINDS) - set(REQUIRED)
