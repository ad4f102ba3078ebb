"""What is loaded answers to its path, its install name and its inode (matchesPath); each exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dylibs import closure, dylib, mapped

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


def _two(tmp_path: Path, install_name: str, name: str) -> list[str]:
    """What a file needs that loads one/liba, which has this install name, and then this name; there is no other file."""
    root = dylib(tmp_path / "root.so", needed=["@loader_path/one/liba.dylib", name])
    dylib(tmp_path / "one" / "liba.dylib", install_name=install_name)
    return mapped(root, tmp_path)


@pytest.mark.parametrize("name", ["@rpath/libx.dylib", "/nowhere/libx.dylib", "libx.dylib"])
def test_by_its_install_name(tmp_path: Path, name: str) -> None:
    """Nothing is searched for a name that is compared as it is."""
    assert _two(tmp_path, name, name) == ["one/liba.dylib"]
    assert _two(tmp_path, f"{name}.no", name) == ["one/liba.dylib", f"no {name}"]


@pytest.mark.parametrize("name", ["@loader_path/libx.dylib", "@executable_path/libx.dylib"])
def test_no_name_that_is_replaced_first(tmp_path: Path, name: str) -> None:
    """Such a name means another file for each who says it, and is compared as what it comes to."""
    assert _two(tmp_path, name, name) == ["one/liba.dylib", f"no {name}"]
    if name[1] == "l":
        assert _two(tmp_path, f"{tmp_path}/libx.dylib", name) == ["one/liba.dylib"]


def test_not_by_the_last_part(tmp_path: Path) -> None:
    assert _two(tmp_path, "@rpath/libx.dylib", "@rpath/sub/libx.dylib")[-1] == "no @rpath/sub/libx.dylib"
    assert _two(tmp_path, "@rpath/libx.dylib", "@rpath/liba.dylib")[-1] == "no @rpath/liba.dylib"


def test_by_its_path(tmp_path: Path) -> None:
    """Where a place in the search is a file that is loaded, that is it; two files are two."""
    root = dylib(tmp_path / "root.so", needed=["@loader_path/one/liba.dylib", "@rpath/liba.dylib"], rpaths=["{0}"])
    dylib(tmp_path / "root.so", needed=["@loader_path/one/liba.dylib", "@rpath/liba.dylib"], rpaths=[f"{tmp_path}/one"])
    dylib(tmp_path / "one" / "liba.dylib", install_name="/DLC/liba.dylib")
    assert mapped(root, tmp_path) == ["one/liba.dylib"]
    how = {edge.name: edge.how for edge in closure(root).images[0].needed}
    assert how["@rpath/liba.dylib"] == f"already loaded as {tmp_path}/one/liba.dylib"


@pytest.mark.parametrize("link", ["symbolic", "hard", "copy"])
def test_by_its_inode(tmp_path: Path, link: str) -> None:
    root = dylib(tmp_path / "root.so", needed=["@loader_path/one/liba.dylib", "@loader_path/two/liba.dylib"])
    one = dylib(tmp_path / "one" / "liba.dylib", install_name="/DLC/liba.dylib")
    (tmp_path / "two").mkdir()
    two = tmp_path / "two" / "liba.dylib"
    if link == "symbolic":
        two.symlink_to(one)
    elif link == "hard":
        two.hardlink_to(one)
    else:
        two.write_bytes(one.read_bytes())
    assert mapped(root, tmp_path) == ["one/liba.dylib", *(["two/liba.dylib"] if link == "copy" else [])]
