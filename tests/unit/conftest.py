"""What the tests of single rooms share: libraries compiled once, and a process that remembers no search."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

import nativeload
from unit import specimens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
