"""@executable_path: the directory of the program, whoever has the load command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dylibs import dylib, mapped, places

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


def test_in_a_name_and_a_path(tmp_path: Path) -> None:
    from macholib.dyld import dyld_find

    name = "@executable_path/../lib/liba.dylib"
    root = dylib(tmp_path / "root.so", needed=[name, "@rpath/libb.dylib"], rpaths=["@executable_path/../lib"])
    program = dylib(tmp_path / "bin" / "python")
    for one in ("liba", "libb"):
        dylib(tmp_path / "lib" / f"{one}.dylib")
    assert mapped(root, tmp_path, program=program) == ["lib/liba.dylib", "lib/libb.dylib"]
    assert dyld_find(name, executable_path=str(tmp_path / "bin"), env={}) == f"{tmp_path}/bin/../lib/liba.dylib"


def test_is_not_the_requester_s(tmp_path: Path) -> None:
    root = dylib(tmp_path / "root.so", needed=["@executable_path/liba.dylib"])
    dylib(tmp_path / "liba.dylib")
    program = dylib(tmp_path / "bin" / "python")
    assert mapped(root, tmp_path, program=program) == ["no @executable_path/liba.dylib"]


def test_of_a_program_that_is_not_known(tmp_path: Path) -> None:
    """Nothing is looked at: not a path that begins with nothing."""
    name = f"@executable_path{tmp_path}/liba.dylib"
    root = dylib(tmp_path / "root.so", needed=[name])
    dylib(tmp_path / "liba.dylib")
    assert mapped(root, tmp_path) == [f"no {name}"]
    assert "is relative to the program, which is not known" in places(root, name, tmp_path)[0]
