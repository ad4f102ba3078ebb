"""DF_1_NODEFLIB: the default directories are out, also where the cache names them; the rest of the cache is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nativeload.linkers import host
from scenarios.closures import SYSTEM, agree, program
from scenarios.libraries import library
from scenarios.smallroot import below, ldconfig, needs_root, small_root

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_root
DEFAULT = host.linker().rules.default[0]
FLAG = "-Wl,-z,nodefaultlib"


@pytest.mark.parametrize("cached", [False, True])
def test_default_directories(tmp_path: Path, cached: bool) -> None:
    root = small_root(tmp_path)
    library(below(root, f"{DEFAULT}/liba.so"), soname="liba.so")
    if cached:
        ldconfig(root)
    for flags, expected in (([FLAG], "no liba.so"), ([], f"{DEFAULT}/liba.so".lstrip("/"))):
        program(root / "bin" / "main", *flags, needed=["liba.so"])
        assert agree("/bin/main", SYSTEM, root=root) == [expected]


@pytest.mark.parametrize("flags", [[FLAG], []])
def test_other_directories_of_the_cache(tmp_path: Path, flags: list[str]) -> None:
    root = small_root(tmp_path)
    library(root / "opt" / "liba.so", soname="liba.so")
    ldconfig(root, "/opt")
    program(root / "bin" / "main", *flags, needed=["liba.so"])
    assert agree("/bin/main", SYSTEM, root=root) == ["opt/liba.so"]


def test_below_a_default_directory(tmp_path: Path) -> None:
    """A cached directory inside a default one counts as it."""
    root = small_root(tmp_path)
    library(below(root, f"{DEFAULT}/deep/liba.so"), soname="liba.so")
    ldconfig(root, f"{DEFAULT}/deep")
    for flags, expected in (([FLAG], "no liba.so"), ([], f"{DEFAULT}/deep/liba.so".lstrip("/"))):
        program(root / "bin" / "main", *flags, needed=["liba.so"])
        assert agree("/bin/main", SYSTEM, root=root) == [expected]


def test_what_is_loaded_may_use_them(tmp_path: Path) -> None:
    """The flag is the requester's own."""
    root = small_root(tmp_path)
    library(below(root, f"{DEFAULT}/libb.so"), soname="libb.so")
    library(root / "opt" / "liba.so", soname="liba.so", needed=["libb.so"])
    program(root / "bin" / "main", FLAG, needed=["liba.so"], rpath="/opt")
    assert agree("/bin/main", SYSTEM, root=root) == ["opt/liba.so", f"{DEFAULT}/libb.so".lstrip("/")]
    program(root / "bin" / "main", FLAG, needed=["liba.so", "libb.so"], rpath="/opt")
    assert agree("/bin/main", SYSTEM, root=root)[-1] == "no libb.so"


def test_an_rpath_that_names_one(tmp_path: Path) -> None:
    root = small_root(tmp_path)
    library(below(root, f"{DEFAULT}/liba.so"), soname="liba.so")
    program(root / "bin" / "main", FLAG, needed=["liba.so"], runpath=DEFAULT)
    assert agree("/bin/main", SYSTEM, root=root) == [f"{DEFAULT}/liba.so".lstrip("/")]
