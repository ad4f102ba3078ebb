"""A weak library may be absent; one that is there must have what it needs itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dylibs import closure, dylib, mapped

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


@pytest.mark.parametrize("kind", ["weak", "load"])
def test_it_may_be_absent(tmp_path: Path, kind: str) -> None:
    root = dylib(tmp_path / "root.so", needed=[("@loader_path/liba.dylib", kind)])
    assert mapped(root, tmp_path) == ([] if kind == "weak" else ["no @loader_path/liba.dylib"])
    dylib(tmp_path / "liba.dylib")
    assert mapped(root, tmp_path) == ["liba.dylib"]


def test_what_it_needs_may_not(tmp_path: Path) -> None:
    root = dylib(tmp_path / "root.so", needed=[("@loader_path/liba.dylib", "weak")])
    dylib(tmp_path / "liba.dylib", needed=["@loader_path/libb.dylib"])
    assert mapped(root, tmp_path) == ["liba.dylib", "no @loader_path/libb.dylib"]


def test_one_that_will_not_do_is_as_if_absent(tmp_path: Path) -> None:
    root = dylib(tmp_path / "root.so", needed=[("@loader_path/liba.dylib", "weak")])
    dylib(tmp_path / "liba.dylib", arch="x86_64")
    assert mapped(root, tmp_path) == []
    assert closure(root).status == "ok"
