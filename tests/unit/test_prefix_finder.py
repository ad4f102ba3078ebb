"""The prefix finder: the running environment's own lib directory, and no other environment's."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

import nativeload
from nativeload import machinery
from unit.specimens import LINKER_SCRIPT, NAME, specimen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def lib(fresh: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The lib directory of this process's prefix, with the prefix finder alone."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    before = list(nativeload.finders)
    nativeload.finders[:] = [machinery.PrefixFinder()]
    (tmp_path / "prefix" / "lib").mkdir(parents=True)
    yield tmp_path / "prefix" / "lib"
    nativeload.finders[:] = before


def _path(requirement: str = "specimen") -> str | None:
    spec = nativeload.find_spec(requirement)
    return spec.path if spec else None


def test_it_finds(lib: Path, good: Path) -> None:
    assert _path() is None
    shutil.copy(good, lib)
    assert _path() == str(lib / NAME)
    assert _path("libspecimen.so") == _path("libspecimen.so.1") == str(lib / NAME)
    assert _path("libspecimen.so.2") is None
    spec = nativeload.find_spec("specimen")
    assert spec is not None
    assert (spec.origin, spec.version) == ("prefix", "1")


def test_another_environments_prefix_is_not_ours(
    lib: Path, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conda" / "lib").mkdir(parents=True)
    shutil.copy(good, tmp_path / "conda" / "lib")
    for variable in ("CONDA_PREFIX", "VIRTUAL_ENV", "PREFIX"):
        monkeypatch.setenv(variable, str(tmp_path / "conda"))
    assert _path() is None
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "conda"))
    assert _path() == str(tmp_path / "conda" / "lib" / NAME)


def test_the_text_file_of_an_mpi_wheel_is_passed_over(lib: Path) -> None:
    (lib / "libmpi.so").write_bytes(LINKER_SCRIPT)
    assert _path("mpi") is None
    (step,) = [one for one in nativeload.explain("libmpi.so").steps if one.candidate == str(lib / "libmpi.so")]
    assert (step.verdict, step.reason) == ("rejected", "not an ELF file: a text file")
    specimen(lib / "libmpi.so.12", soname="libmpi.so.12")
    assert _path("mpi") == str(lib / "libmpi.so.12")


def test_newest_first(lib: Path) -> None:
    for version in ("9", "10", "10.2"):
        specimen(lib / f"libspecimen.so.{version}", soname=f"libspecimen.so.{version.partition('.')[0]}")
    spec = nativeload.find_spec("specimen")
    assert spec is not None
    assert spec.soname == "libspecimen.so.10"
    assert _path("specimen<10") == str(lib / "libspecimen.so.9")


def test_the_systems_own_prefix_is_the_systems(lib: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Debian's python3, sys.prefix/lib is /usr/lib: which of its files is taken, the linker says."""
    monkeypatch.setattr(sys, "prefix", "/usr")
    step = nativeload.explain("specimen").steps[-1]
    assert (step.verdict, step.candidate) == ("absent", "/usr/lib")
    assert "the system's own" in step.reason


def test_a_link_that_leads_out_is_followed(lib: Path, good: Path) -> None:
    (lib / "libspecimen.so").symlink_to(good)
    assert _path() == str(lib / "libspecimen.so")


@pytest.mark.parametrize("name", ["..", "libspecimen.so/..", "libspecimen.so.1/x"])
def test_no_name_climbs(name: str, lib: Path) -> None:
    with pytest.raises(nativeload.RequirementError):
        nativeload.find_spec(name)
