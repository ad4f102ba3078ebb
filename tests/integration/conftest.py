"""The tests of this folder install wheels into new environments. Set TEST_NATIVELOAD_LARGE=1 for those that
fetch hundreds of megabytes; without it they are not collected."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from cross.__main__ import CORE, HERE, WARNINGS
from cross.module import headers, module

from integration import layouts
from integration.projects import provider
from parts import wheel
from parts.windows_python import windows_site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from integration.layouts import Place

# Read now: a session clears nativeload's variables before its first test.
_LARGE = bool(os.environ.get("TEST_NATIVELOAD_LARGE"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "large: fetches hundreds of megabytes; runs where TEST_NATIVELOAD_LARGE is set")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    large = [item for item in items if item.get_closest_marker("large")]
    if large and not _LARGE:
        config.hook.pytest_deselected(items=large)
        items[:] = [item for item in items if item not in large]


@pytest.fixture(scope="session")
def provider_place(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Place]:
    """A provider of `answer` that must not be imported, as (layout, package): made once for all who ask."""
    places: dict[tuple[str, str], Place] = {}

    def place(kind: str, package: str = "answer_provider") -> Place:
        if (kind, package) not in places:
            scratch = tmp_path_factory.mktemp("place")
            (scratch / "project").mkdir()
            source = "." if kind == "editable flat" else "src"
            project = provider(scratch / "project", package=package, source=source)
            places[kind, package] = layouts.install(kind, project, scratch)
        return places[kind, package]

    return place


@pytest.fixture(scope="session")
def windows_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """nativeload and what it needs, for a CPython of Windows; without its extension."""
    return windows_site(tmp_path_factory.mktemp("windows") / "site", wheel("pyelftools"))


@pytest.fixture(scope="session")
def windows_extension(windows_packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the extension, compiled here."""
    scratch = tmp_path_factory.mktemp("extension")
    include = headers(scratch, HERE / "pyconfig.h")
    made = module("x86_64-windows-gnu", WARNINGS, CORE, include, scratch)
    shutil.copytree(windows_packages, scratch / "site")
    shutil.copy(made, scratch / "site" / "nativeload")
    return scratch / "site"


@pytest.fixture
def declaring(tmp_path: Path) -> Callable[..., Path]:
    """A site whose one package declares libraries by (name, path) for a system, and must not be imported."""

    def make(system: str, name: str, *libraries: tuple[str, str]) -> Path:
        site = tmp_path / f"{name} site"
        package, info = site / name, site / f"{name}-1.5.dist-info"
        for place in (package, info):
            place.mkdir(parents=True)
        (package / "__init__.py").write_text("raise SystemExit('a provider was imported')\n")
        tables = (f'[library.{one}]\npath = "lib/lib{one}.so"\n{system} = "{path}"\n' for one, path in libraries)
        (package / "nativeload.toml").write_text("".join(tables))
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
        points = "".join(f"{one} = {name}\n" for one, _ in libraries)
        (info / "entry_points.txt").write_text(f"[nativeload.libraries]\n{points}")
        return site

    return make
