"""DYLD_LIBRARY_PATH before the name itself, by its last part; DYLD_FRAMEWORK_PATH for what is of a framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dylibs import dylib, mapped

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]

_FRAMEWORK = "A.framework/Versions/3/A"


@pytest.mark.parametrize("name", ["@rpath/sub/liba.dylib", "@loader_path/here/liba.dylib", "{0}/here/liba.dylib"])
def test_before_any_name(tmp_path: Path, name: str) -> None:
    name = name.replace("{0}", str(tmp_path))
    root = dylib(tmp_path / "root.so", needed=[name], rpaths=["@loader_path"])
    for place in ("here", "sub", "two"):
        dylib(tmp_path / place / "liba.dylib", install_name=f"/{place}")
    env = {"DYLD_LIBRARY_PATH": f"{tmp_path}/one:{tmp_path}/two"}
    assert mapped(root, tmp_path, env=env) == ["two/liba.dylib"]
    assert mapped(root, tmp_path) == ["sub/liba.dylib" if name[1] == "r" else "here/liba.dylib"]


def test_not_where_the_name_is_loaded_already(tmp_path: Path) -> None:
    """A full path is compared with what is loaded before any search (loadDependents)."""
    here = str(tmp_path / "here" / "liba.dylib")
    root = dylib(tmp_path / "root.so", needed=["@loader_path/one/libb.dylib", here])
    dylib(tmp_path / "one" / "libb.dylib", install_name=here)
    dylib(tmp_path / "two" / "liba.dylib")
    env = {"DYLD_LIBRARY_PATH": f"{tmp_path}/two"}
    assert mapped(root, tmp_path, env=env) == ["one/libb.dylib"]
    dylib(tmp_path / "one" / "libb.dylib")
    assert mapped(root, tmp_path, env=env) == ["one/libb.dylib", "two/liba.dylib"]


def test_frameworks_have_their_own(tmp_path: Path) -> None:
    root = dylib(tmp_path / "root.so", needed=[f"@loader_path/here/{_FRAMEWORK}"])
    for place in ("here", "two"):
        dylib(tmp_path / place / _FRAMEWORK)
    dylib(tmp_path / "two" / "A")
    two = str(tmp_path / "two")
    assert mapped(root, tmp_path, env={"DYLD_FRAMEWORK_PATH": two}) == [f"two/{_FRAMEWORK}"]
    assert mapped(root, tmp_path, env={"DYLD_LIBRARY_PATH": two}) == [f"here/{_FRAMEWORK}"]


def test_what_is_no_framework_s_library(tmp_path: Path) -> None:
    """The file must have the framework's name (getFrameworkPartialPath)."""
    root = dylib(tmp_path / "root.so", needed=["@loader_path/here/A.framework/Libraries/liba.dylib"])
    dylib(tmp_path / "two" / "liba.dylib")
    two = str(tmp_path / "two")
    assert mapped(root, tmp_path, env={"DYLD_LIBRARY_PATH": two}) == ["two/liba.dylib"]
    assert mapped(root, tmp_path, env={"DYLD_FRAMEWORK_PATH": two})[0].startswith("no ")
