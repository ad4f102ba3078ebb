"""What `--check` says of faults in wheels of macOS and Windows; of those that Wine can load, Wine refuses each."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from integration.platform_faults import FAULTS, HARMLESS, Fault, find
from nativeload.platforms.closures import Site, findings
from nativeload.platforms.target import targets
from parts import site, wheel
from scenarios.dlls import wine_s

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.once


@pytest.fixture
def broken(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Fault, Path]:
    fault: Fault = request.param
    shutil.copytree(site(wheel("shapely", platform_tag=fault.platform)), tmp_path / "site")
    fault.damage(tmp_path / "site")
    return fault, tmp_path / "site"


def _found(fault: Fault, place: Path) -> list[tuple[str, str, str]]:
    """(kind, file, what is said) of each finding of the fault's severity."""
    where = Site(str(place), targets(fault.platform, "")[0])
    said = findings(where, {one: where.closure(one) for one in where.files()})
    return [(one.kind, one.image, one.detail) for one in said if one.severity == fault.severity]


def _is_loaded(fault: Fault, place: Path) -> bool:
    return wine_s(find(place, fault.loads), application=place.parent / "program")[0] == 0


@pytest.mark.parametrize("broken", FAULTS, ids=lambda fault: fault.name, indirect=True)
def test_a_fault_is_named(broken: tuple[Fault, Path]) -> None:
    fault, place = broken
    found = _found(fault, place)
    assert any(
        kind == fault.kind and f"/{fault.image}" in f"/{image}" and fault.says in detail
        for kind, image, detail in found
    ), found
    assert not fault.loads or not _is_loaded(fault, place)


@pytest.mark.parametrize("broken", HARMLESS, ids=lambda fault: fault.name, indirect=True)
def test_what_is_no_fault(broken: tuple[Fault, Path]) -> None:
    fault, place = broken
    assert _found(fault, place) == []
    assert not fault.loads or _is_loaded(fault, place)
