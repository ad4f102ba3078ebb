"""Loading a library by its path helps a consumer without an rpath, but only if the library has a DT_SONAME."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.libraries import calls, library, returns
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("soname", "value"), [("libdep.so", 7), ("", None)])
def test_preload(tmp_path: Path, soname: str, value: int | None) -> None:
    dependency = library(tmp_path / "hidden" / "libdep.so", returns("dep", 7), soname=soname)
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so"])
    assert ask(root, call="root", before=[dependency]).agreed().value == value
