"""Libraries that need each other, or themselves: each is mapped once, in the order of the first time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.closures import agree, program
from scenarios.libraries import library

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("length", [1, 2, 3, 7])
def test_a_ring(tmp_path: Path, length: int) -> None:
    for number in range(length):
        after = f"lib{(number + 1) % length}.so"
        library(tmp_path / f"lib{number}.so", soname=f"lib{number}.so", needed=[after], runpath="$ORIGIN")
    main = program(tmp_path / "main", needed=[f"lib{length - 1}.so"], runpath="$ORIGIN")
    numbers = [length - 1, *range(length - 1)]
    assert agree(main, tmp_path) == [f"lib{number}.so" for number in numbers]
    (tmp_path / "lib0.so").unlink()
    assert "no lib0.so" in agree(main, tmp_path)


def test_without_sonames(tmp_path: Path) -> None:
    """Then it is the file that is known again, or the name that it was asked for by."""
    library(tmp_path / "liba.so", needed=["libb.so"], runpath="$ORIGIN")
    library(tmp_path / "libb.so", needed=["liba.so"], runpath="$ORIGIN/.")
    main = program(tmp_path / "main", needed=["liba.so"], runpath="$ORIGIN")
    assert agree(main, tmp_path) == ["liba.so", "libb.so"]


def test_back_to_the_root(tmp_path: Path) -> None:
    """What the library asked about brings, needs that library."""
    library(tmp_path / "liba.so", needed=["libroot.so"], runpath="$ORIGIN")
    root = library(tmp_path / "libroot.so", needed=["liba.so"], runpath="$ORIGIN")
    assert agree(root, tmp_path) == ["liba.so"]
    other = library(tmp_path / "other" / "libroot.so", needed=["liba.so"], runpath=f"{tmp_path}")
    assert agree(other, tmp_path) == ["liba.so", "libroot.so"]
