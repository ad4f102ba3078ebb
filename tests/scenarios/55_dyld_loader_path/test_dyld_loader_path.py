"""@loader_path: the directory of the real file that has the load command, in a name and in an LC_RPATH."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dylibs import dylib, mapped

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


@pytest.mark.parametrize("name", ["@loader_path/lib/liba.dylib", "@loader_path/../root/lib/liba.dylib"])
def test_in_a_name(tmp_path: Path, name: str) -> None:
    root = dylib(tmp_path / "root" / "root.so", needed=[name])
    dylib(tmp_path / "root" / "lib" / "liba.dylib")
    assert mapped(root, tmp_path) == ["root/lib/liba.dylib"]


@pytest.mark.parametrize("name", ["@loader_pathlib/liba.dylib", "@Loader_path/lib/liba.dylib"])
def test_only_as_a_whole(tmp_path: Path, name: str) -> None:
    root = dylib(tmp_path / "root.so", needed=[name])
    dylib(tmp_path / "lib" / "liba.dylib")
    assert mapped(root, tmp_path) == [f"no {name}"]


def test_of_a_dependency_is_its_own(tmp_path: Path) -> None:
    root = dylib(tmp_path / "root.so", needed=["@loader_path/lib/liba.dylib"])
    dylib(tmp_path / "lib" / "liba.dylib", needed=["@loader_path/libb.dylib"])
    dylib(tmp_path / "libb.dylib")
    assert mapped(root, tmp_path) == ["lib/liba.dylib", "no @loader_path/libb.dylib"]
    dylib(tmp_path / "lib" / "libb.dylib")
    assert mapped(root, tmp_path) == ["lib/liba.dylib", "lib/libb.dylib"]


@pytest.mark.parametrize("kind", ["name", "rpath"])
def test_is_the_real_file_s(tmp_path: Path, kind: str) -> None:
    """As F_GETPATH names it: a link to a library has not the directory of its own."""
    root = dylib(tmp_path / "root.so", needed=["@loader_path/links/liba.dylib"])
    needed, rpaths = ("@loader_path/libb.dylib", []) if kind == "name" else ("@rpath/libb.dylib", ["@loader_path"])
    real = dylib(tmp_path / "real" / "liba.dylib", needed=[needed], rpaths=rpaths)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "liba.dylib").symlink_to(real)
    dylib(tmp_path / "links" / "libb.dylib")
    assert mapped(root, tmp_path) == ["real/liba.dylib", f"no {needed}"]
    dylib(tmp_path / "real" / "libb.dylib")
    assert mapped(root, tmp_path) == ["real/liba.dylib", "real/libb.dylib"]


def test_of_a_root_that_is_a_link(tmp_path: Path) -> None:
    root = dylib(tmp_path / "real" / "root.so", needed=["@loader_path/liba.dylib"])
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "root.so").symlink_to(root)
    dylib(tmp_path / "links" / "liba.dylib")
    assert mapped(tmp_path / "links" / "root.so", tmp_path) == ["no @loader_path/liba.dylib"]
    dylib(tmp_path / "real" / "liba.dylib")
    assert mapped(tmp_path / "links" / "root.so", tmp_path) == ["real/liba.dylib"]


def test_dots_go_where_the_links_lead(tmp_path: Path) -> None:
    """The kernel follows the path as it is: ".." of a directory that is a link is not the link's parent."""
    root = dylib(tmp_path / "root.so", needed=["@loader_path/link/../liba.dylib"])
    (tmp_path / "far" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("far/deep")
    dylib(tmp_path / "liba.dylib")
    assert mapped(root, tmp_path) == ["no @loader_path/link/../liba.dylib"]
    dylib(tmp_path / "far" / "liba.dylib")
    assert mapped(root, tmp_path) == ["far/liba.dylib"]


def test_delocate_and_macholib_say_the_same(tmp_path: Path) -> None:
    """Where a file's own directories alone matter, which is what these two know."""
    from delocate.libsana import resolve_dynamic_paths
    from macholib.dyld import dyld_find

    name, rpaths = "@loader_path/lib/liba.dylib", ["@loader_path/none", "@loader_path/lib"]
    root = dylib(tmp_path / "root.so", needed=[name, "@rpath/libb.dylib"], rpaths=rpaths)
    files = [str(dylib(tmp_path / "lib" / one)) for one in ("liba.dylib", "libb.dylib")]
    assert mapped(root, tmp_path) == ["lib/liba.dylib", "lib/libb.dylib"]
    assert dyld_find(name, loader_path=str(tmp_path), env={}) == files[0]
    found = [resolve_dynamic_paths(one, rpaths, str(tmp_path)) for one in (name, "@rpath/libb.dylib")]
    assert found == files
