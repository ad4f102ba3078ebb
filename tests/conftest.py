"""What every test session has: a known environment, the backend under test, and an account of what was skipped."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# First, so that the parts see the environment as it was.
from parts import _cache
from parts.debian import release
from parts.skips import SkipRecorder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BACKENDS = ("c", "python")


class _NotFreeThreaded:
    """Skips what imports a package of which a free-threaded CPython has no build."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: object = None) -> None:
        if name in ("cffi", "lief") and "t" in sys.abiflags:
            frame, who = sys._getframe(), ""
            while frame.f_back is not None and not who.startswith("test_"):
                frame = frame.f_back
                who = os.path.basename(frame.f_code.co_filename)
            # By its name: of equal words from two modules, pytest-xdist passes on the first.
            pytest.skip(f"{who} needs {name}, of which there is no free-threaded build here", allow_module_level=True)


# Last: for what is not found.
sys.meta_path.append(_NotFreeThreaded())


def _has_extension() -> bool:
    try:
        return importlib.util.find_spec("nativeload._native") is not None
    except ModuleNotFoundError:
        raise pytest.UsageError("nativeload is not installed in this environment") from None


def _backend() -> str:
    return os.environ.get("NATIVELOAD_BACKEND") or ("c" if _has_extension() else "python")


def pytest_configure(config: pytest.Config) -> None:
    backend = _backend()
    if backend not in BACKENDS:
        raise pytest.UsageError(f"NATIVELOAD_BACKEND={backend!r}: not one of {', '.join(BACKENDS)}")
    if backend == "c" and not _has_extension():
        raise pytest.UsageError("NATIVELOAD_BACKEND=c, but nativeload._native is not installed")
    # Of the processes of a parallel session, the one that hears of every test keeps the account.
    if (folder := os.environ.get("TEST_NATIVELOAD_SKIPS")) and not hasattr(config, "workerinput"):
        file = Path(folder, f"{platform.python_version()}{sys.abiflags}-{backend}.jsonl")
        config.pluginmanager.register(SkipRecorder(file.absolute()), "nativeload-skips")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if release() != "debian-12":
        for item in items:
            if item.get_closest_marker("debian12"):
                reason = "this system is not Debian 12, and its packages have other names"
                item.add_marker(pytest.mark.skip(reason=reason))
    if os.environ.get("TEST_NATIVELOAD_ONCE") == "elsewhere":
        for item in items:
            if item.get_closest_marker("once"):
                item.add_marker(pytest.mark.skip(reason="another session runs it"))


def pytest_report_header() -> list[str]:
    place = importlib.util.find_spec("nativeload")
    return [f"nativeload: {place and place.origin}, backend {_backend()}", f"parts: {_cache.ROOT}"]


@pytest.fixture(scope="session")
def backend() -> str:
    """The backend under test: "c" or "python"."""
    return _backend()


@pytest.fixture(scope="session", autouse=True)
def _known_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nobody's home, configuration, cache or overrides decide a result."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith("NATIVELOAD_") and name != "NATIVELOAD_BACKEND":
                patch.delenv(name)
        _move_home(patch, tmp_path_factory.mktemp("home"))
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of this test's own: HOME and the XDG directories are in it, and empty."""
    place = tmp_path / "home"
    place.mkdir()
    _move_home(monkeypatch, place)
    return place


def _move_home(patch: pytest.MonkeyPatch, home: Path) -> None:
    patch.setenv("HOME", os.fspath(home))
    patch.setenv("XDG_CACHE_HOME", os.fspath(home / ".cache"))
    patch.setenv("XDG_CONFIG_HOME", os.fspath(home / ".config"))
    patch.setenv("XDG_DATA_HOME", os.fspath(home / ".local" / "share"))
    patch.setenv("XDG_STATE_HOME", os.fspath(home / ".local" / "state"))
