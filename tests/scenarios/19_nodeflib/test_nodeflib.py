"""DF_1_NODEFLIB: the default directories are not searched, and no entry of ld.so.cache that lies in one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.libraries import library
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("flag", ["-Wl,-z,nodefaultlib", ""])
def test_default_directories(tmp_path: Path, system_name: str, flag: str) -> None:
    flags = [flag] if flag else []
    root = library(tmp_path / "app" / "libroot.so", "", *flags, needed=[system_name])
    answer = ask(root).agreed()
    assert answer.kind == ("dependency" if flag else "")


def test_what_it_needs_may_use_them(tmp_path: Path, system_name: str) -> None:
    """The flag is the requester's own."""
    library(tmp_path / "lib" / "libmiddle.so", needed=[system_name], soname="libmiddle.so")
    root = library(
        tmp_path / "app" / "libroot.so", "", "-Wl,-z,nodefaultlib", needed=["libmiddle.so"], rpath="$ORIGIN/../lib"
    )
    assert ask(root).agreed().refusal == ""
