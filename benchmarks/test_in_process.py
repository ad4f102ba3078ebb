"""What one call costs inside a running process, beside its peer: `pytest benchmarks` with pytest-benchmark.

Run by `python -m benchmarks` in an environment that holds nativeload as it is installed.
"""

from __future__ import annotations

import _ctypes
import ctypes.util
import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import nativeload
from nativeload import metadata, requirement
from nativeload.machinery import SystemFinder
from nativeload.spec import Trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

ABSENT = [f"nosuchlibrary{number}" for number in range(100)]
ROUNDS = 5


def listed() -> list[str]:
    """The bare name of every library that `ldconfig -p` lists, once each."""
    lines = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout.splitlines()
    files = [line.split()[0] for line in lines if "=>" in line]
    return sorted({f.partition(".so")[0].removeprefix("lib") for f in files if f.startswith("lib") and ".so" in f})


def system_finder(name: str) -> str | None:
    first = next(iter(SystemFinder().candidates(requirement.parse(name), Trace())), None)
    return first.path if first else None


def whole_chain(name: str) -> str | None:
    spec = nativeload.find_spec(name)
    return spec.path if spec else None


LOOKUPS = {"find_library": ctypes.util.find_library, "system finder": system_finder, "whole chain": whole_chain}


@pytest.mark.parametrize("lookup", LOOKUPS)
@pytest.mark.parametrize("names", ["listed", "absent"])
def test_lookup(benchmark: BenchmarkFixture, lookup: str, names: str) -> None:
    """Each name asked once, nothing remembered between rounds."""
    asked, look = (listed() if names == "listed" else ABSENT), LOOKUPS[lookup]
    rounds = 1 if lookup == "find_library" else ROUNDS
    found = benchmark.pedantic(
        lambda: [look(name) for name in asked], setup=nativeload.invalidate_caches, rounds=rounds
    )
    # ctypes finds no file that is not a shared library of its own; every other name must be found by both.
    assert sum(map(bool, found)) >= len(asked) * 0.9 if names == "listed" else not any(found)
    benchmark.extra_info["names"] = len(asked)


def _pair(path: str) -> None:
    _ctypes.dlclose(_ctypes.dlopen(path, os.RTLD_NOW))


def test_load_of_a_loaded_library(benchmark: BenchmarkFixture) -> None:
    library = nativeload.load("openblas")
    assert benchmark(nativeload.load, "openblas") is library


def test_dlopen_and_dlclose_of_a_loaded_library(benchmark: BenchmarkFixture) -> None:
    benchmark(_pair, nativeload.load("openblas").path)


def declared_by_nativeload(site: str) -> list[Any]:
    nativeload.invalidate_caches()
    return [name for provider in metadata.providers() for name in provider.declared()]


def declared_by_importlib(site: str) -> list[Any]:
    # Its own memory of the directory, which it keeps by modification time, is dropped too.
    finders: Any = importlib.metadata
    finders.FastPath.__new__.cache_clear()
    return list(importlib.metadata.entry_points(group=metadata.GROUP))


SCANS: dict[str, Callable[[str], list[Any]]] = {
    "nativeload": declared_by_nativeload,
    "importlib": declared_by_importlib,
}


@pytest.mark.parametrize("count", [10, 1000, 10000])
@pytest.mark.parametrize("scan", SCANS)
def test_cold_scan(benchmark: BenchmarkFixture, scan: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is declared by so many distributions, one of which declares a library."""
    site = os.environ["TEST_NATIVELOAD_SITES"].format(count)
    assert Path(site).is_dir()
    monkeypatch.setattr(sys, "path", [site])
    assert len(benchmark.pedantic(SCANS[scan], args=(site,), rounds=ROUNDS)) == 1
