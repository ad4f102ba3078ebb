"""A relative name or path is below the working directory of a process that is not here: nothing is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dylibs import dylib, mapped, places

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


@pytest.mark.parametrize("where", ["name", "dotted", "rpath", "variable"])
def test_the_working_directory_answers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    name = {"name": "lib/liba.dylib", "dotted": "./lib/liba.dylib"}.get(where, "@rpath/liba.dylib")
    root = dylib(tmp_path / "root.so", needed=[name], rpaths=["lib"] if where == "rpath" else [])
    env = {"DYLD_LIBRARY_PATH": "lib"} if where == "variable" else {}
    dylib(tmp_path / "lib" / "liba.dylib")
    monkeypatch.chdir(tmp_path)
    assert mapped(root, tmp_path, env=env) == [f"no {name}"]
    assert places(root, name, tmp_path, env=env) == ["lib/liba.dylib: is relative to the working directory"]


def test_an_empty_item_is_the_root_directory(tmp_path: Path) -> None:
    """forEachInColonList drops none: what is looked for is "/liba.dylib"."""
    root = dylib(tmp_path / "root.so", needed=["@loader_path/liba.dylib"])
    asked = places(root, "@loader_path/liba.dylib", tmp_path, env={"DYLD_LIBRARY_PATH": ":/x"})
    assert asked == ["/liba.dylib", "/x/liba.dylib", "liba.dylib"]
