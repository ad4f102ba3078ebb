"""A symbol is looked for in the one library that the linker had it from, and in what this re-exports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dylibs import closure, dylib

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]

_CALLS = "int dep(void); int root(void) { return dep(); }"
_DEP = "int dep(void) { return 1; }"


def _wrong(root: Path) -> list[str]:
    found = closure(root)
    assert [one.kind for one in found.problems] in ([], ["symbol"])
    return [one.detail.partition(" of ")[0] for one in found.problems]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return dylib(tmp_path / "root.so", _CALLS, needed=["@loader_path/liba.dylib"], stubs=_DEP)


def test_the_library_has_it_or_not(tmp_path: Path, root: Path) -> None:
    dylib(tmp_path / "liba.dylib", _DEP)
    assert _wrong(root) == []
    dylib(tmp_path / "liba.dylib", "int other(void) { return 1; }")
    assert _wrong(root) == ["needs _dep"]


def test_another_library_does_not_serve(tmp_path: Path) -> None:
    """Two-level namespace: that a sibling exports the name helps nobody."""
    needed = ["@loader_path/liba.dylib", "@loader_path/libb.dylib"]
    root = dylib(tmp_path / "root.so", _CALLS, needed=needed[:1], stubs=_DEP)
    dylib(tmp_path / "liba.dylib", needed=needed[1:])
    dylib(tmp_path / "libb.dylib", _DEP)
    assert _wrong(root) == ["needs _dep"]


@pytest.mark.parametrize(("kind", "expected"), [("reexport", []), ("load", ["needs _dep"]), ("upward", ["needs _dep"])])
def test_what_it_re_exports(tmp_path: Path, root: Path, kind: str, expected: list[str]) -> None:
    dylib(tmp_path / "liba.dylib", needed=[("@loader_path/libb.dylib", kind)])
    dylib(tmp_path / "libb.dylib", needed=[("@loader_path/libc.dylib", kind)])
    dylib(tmp_path / "libc.dylib", _DEP, needed=[("@loader_path/liba.dylib", kind)])
    assert _wrong(root) == expected


def test_what_is_re_exported_from_the_shared_cache(tmp_path: Path, root: Path) -> None:
    """What that has is not known here."""
    dylib(tmp_path / "liba.dylib", needed=[("/usr/lib/libx.dylib", "reexport")])
    assert _wrong(root) == []


def test_a_weak_symbol(tmp_path: Path) -> None:
    source = _CALLS.replace("int dep", "__attribute__((weak_import)) int dep", 1)
    root = dylib(tmp_path / "root.so", source, needed=["@loader_path/liba.dylib"], stubs=_DEP)
    dylib(tmp_path / "liba.dylib")
    assert _wrong(root) == []


def test_flat_lookup(tmp_path: Path) -> None:
    """Extension modules have the interpreter's symbols from whoever has them."""
    dylib(tmp_path / "liba.dylib")
    root = dylib(tmp_path / "root.so", _CALLS, "-Wl,-undefined,dynamic_lookup", needed=["@loader_path/liba.dylib"])
    assert _wrong(root) == []
