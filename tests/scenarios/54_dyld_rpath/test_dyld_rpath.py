"""@rpath: the LC_RPATHs of who needs it, of who led to that, up to the program; the first that has a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dylibs import dylib, mapped, places

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


def test_in_their_order(tmp_path: Path) -> None:
    root = dylib(tmp_path / "root.so", needed=["@rpath/liba.dylib"], rpaths=["@loader_path/one", f"{tmp_path}/two/"])
    dylib(tmp_path / "two" / "liba.dylib")
    assert mapped(root, tmp_path) == ["two/liba.dylib"]
    assert places(root, "@rpath/liba.dylib", tmp_path) == ["one/liba.dylib"]
    dylib(tmp_path / "one" / "liba.dylib")
    assert mapped(root, tmp_path) == ["one/liba.dylib"]


def test_without_one(tmp_path: Path) -> None:
    dylib(tmp_path / "liba.dylib")
    assert mapped(dylib(tmp_path / "root.so", needed=["@rpath/liba.dylib"]), tmp_path) == ["no @rpath/liba.dylib"]


def test_of_who_led_to_it(tmp_path: Path) -> None:
    root = dylib(tmp_path / "root.so", needed=["@loader_path/x/liba.dylib"], rpaths=["@loader_path/lib"])
    dylib(tmp_path / "x" / "liba.dylib", needed=["@rpath/libb.dylib"])
    assert mapped(root, tmp_path) == ["x/liba.dylib", "no @rpath/libb.dylib"]
    dylib(tmp_path / "lib" / "libb.dylib")
    assert mapped(root, tmp_path) == ["x/liba.dylib", "lib/libb.dylib"]


def test_its_own_come_first(tmp_path: Path) -> None:
    root = dylib(tmp_path / "root.so", needed=["@rpath/liba.dylib"], rpaths=["@loader_path/far"])
    dylib(tmp_path / "far" / "liba.dylib", needed=["@rpath/libb.dylib"], rpaths=["@loader_path/../near"])
    for place in ("far", "near"):
        dylib(tmp_path / place / "libb.dylib")
    assert mapped(root, tmp_path) == ["far/liba.dylib", "near/libb.dylib"]
    (tmp_path / "near" / "libb.dylib").unlink()
    assert mapped(root, tmp_path) == ["far/liba.dylib", "far/libb.dylib"]


def test_no_sibling_s(tmp_path: Path) -> None:
    """Who did not lead to it does not serve it."""
    needed = ["@loader_path/x/liba.dylib", "@loader_path/x/libb.dylib"]
    root = dylib(tmp_path / "root.so", needed=needed)
    dylib(tmp_path / "x" / "liba.dylib", rpaths=["@loader_path/../lib"])
    dylib(tmp_path / "x" / "libb.dylib", needed=["@rpath/libc.dylib"])
    dylib(tmp_path / "lib" / "libc.dylib")
    assert mapped(root, tmp_path)[-1] == "no @rpath/libc.dylib"


def test_the_program_s_come_last(tmp_path: Path) -> None:
    root = dylib(tmp_path / "root.so", needed=["@rpath/liba.dylib"], rpaths=["@loader_path/one"])
    program = dylib(tmp_path / "bin" / "python", rpaths=["@executable_path/../lib"])
    dylib(tmp_path / "lib" / "liba.dylib")
    assert mapped(root, tmp_path, program=program) == ["lib/liba.dylib"]
    assert mapped(root, tmp_path) == ["no @rpath/liba.dylib"]
    dylib(tmp_path / "one" / "liba.dylib")
    assert mapped(root, tmp_path, program=program) == ["one/liba.dylib"]


def test_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many names by many paths are bounded work."""
    root = dylib(tmp_path / "root.so", needed=["@rpath/liba.dylib"], rpaths=[f"/none/{one}" for one in range(9)])
    monkeypatch.setattr("nativeload.linkers.stepwise._PLACES", 11)
    assert mapped(root, tmp_path) == ["no @rpath/liba.dylib"]
    monkeypatch.setattr("nativeload.linkers.stepwise._PLACES", 10)
    with pytest.raises(ValueError, match="leads to more than 10 places"):
        mapped(root, tmp_path)
