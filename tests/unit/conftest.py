"""What the tests of single rooms share: libraries compiled once, and a process that remembers no search."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING

import pytest

import nativeload
from unit import specimens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT = 240  # seconds: on a busy machine with sanitizers, ten times what any test takes


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    """A test that waits for what never comes (a FIFO's writer) fails, and the others run."""

    def late(number: int, frame: object) -> None:
        # Not an OSError, which what hangs might well expect.
        pytest.fail(f"still running after {LIMIT} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """libspecimen.so.1, which works. It is shared: copy it."""
    library = specimens.specimen(tmp_path_factory.mktemp("good") / specimens.NAME)
    specimens.age(library.parent)
    return library


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory, the first on this process's path."""
    place = tmp_path / "site"
    place.mkdir()
    monkeypatch.setattr("sys.path", [str(place), *sys.path])
    return place


@pytest.fixture
def fresh(home: Path) -> Iterator[None]:
    """Nothing remembered, in memory or on disk, before and after."""
    nativeload.invalidate_caches()
    yield
    nativeload.invalidate_caches()
