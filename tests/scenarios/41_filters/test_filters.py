"""DT_AUXILIARY and DT_FILTER: a filter comes before the library that names it; without an auxiliary one it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.closures import PRINTS, agree, program, ran
from scenarios.libraries import library

if TYPE_CHECKING:
    from pathlib import Path

KINDS = pytest.mark.parametrize("kind", ["auxiliary", "filter"])


def made(tmp_path: Path, **needs: list[str]) -> None:
    """Libraries of these letters: a plain word is the letter of one needed, "auxiliary x" or "filter x" another."""
    for name, words in needs.items():
        flags = []
        needed = []
        for word in words:
            kind, _, other = word.rpartition(" ")
            if kind:
                flags.append(f"-Wl,--{kind},lib{other}_.so")
            else:
                needed.append(f"lib{other}_.so")
        library(
            tmp_path / f"lib{name}_.so", "", *flags, soname=f"lib{name}_.so", needed=needed, rpath=str(tmp_path)
        )  # the flags come first, and so do their entries


def mapped(tmp_path: Path, *needed: str) -> str:
    """The letters of what a program maps that needs these, as the linker and we say, the program running."""
    names = [f"lib{name}_.so" for name in needed]
    main = program(tmp_path / "main", needed=names, rpath=str(tmp_path), source=PRINTS)
    found = ran(main, tmp_path)
    return "fails" if found == ["fails"] else "".join(name[3] for name in found)


@KINDS
def test_before_it(tmp_path: Path, kind: str) -> None:
    made(tmp_path, a=[f"{kind} x"], b=[], x=[])
    assert mapped(tmp_path, "a", "b") == "xab"
    made(tmp_path, a=["x"])
    assert mapped(tmp_path, "a", "b") == "abx"


def test_missing(tmp_path: Path) -> None:
    """An auxiliary one may be missing, a filter may not."""
    made(tmp_path, a=["auxiliary x"], b=[])
    assert mapped(tmp_path, "a", "b") == "ab"
    made(tmp_path, a=["filter x"])
    assert mapped(tmp_path, "a", "b") == "fails"


def test_that_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "libx_.so").write_text("text")
    made(tmp_path, a=["auxiliary x"], b=[])
    assert mapped(tmp_path, "a", "b") == "ab"
    made(tmp_path, a=["filter x"])
    assert mapped(tmp_path, "a", "b") == "fails"


@pytest.mark.parametrize("kinds", [("auxiliary", "auxiliary"), ("filter", "auxiliary"), ("auxiliary", "filter")])
def test_several(tmp_path: Path, kinds: tuple[str, str]) -> None:
    made(tmp_path, a=[f"{kinds[0]} x", f"{kinds[1]} y"], b=[], x=[], y=[])
    expected = "bxya" if kinds[1] == "auxiliary" else "byxa"  # ld writes the filter first
    assert mapped(tmp_path, "b", "a") == expected


@KINDS
def test_with_needs_of_its_own(tmp_path: Path, kind: str) -> None:
    """What a filter needs comes at the end, like all that is needed."""
    made(tmp_path, a=[f"{kind} x", "c"], b=["d"], c=[], d=[], x=["y"], y=[])
    assert mapped(tmp_path, "a", "b") == "xabcyd"


@KINDS
def test_that_is_loaded_later(tmp_path: Path, kind: str) -> None:
    """One that stands behind in the list already is moved."""
    made(tmp_path, a=[f"{kind} x"], b=[], x=[])
    assert mapped(tmp_path, "a", "b", "x") == "xab"
    assert mapped(tmp_path, "a", "x", "b") == "xab"


@KINDS
def test_that_is_loaded_before(tmp_path: Path, kind: str) -> None:
    made(tmp_path, a=[f"{kind} x"], b=[], x=[])
    assert mapped(tmp_path, "x", "b", "a") == "xba"
    assert mapped(tmp_path, "b", "a") == "bxa"


@KINDS
def test_of_a_filter(tmp_path: Path, kind: str) -> None:
    made(tmp_path, a=[f"{kind} x"], b=[], x=[f"{kind} y"], y=["z"], z=[])
    assert mapped(tmp_path, "b", "a") == "byxaz"


@KINDS
def test_of_two_libraries(tmp_path: Path, kind: str) -> None:
    made(tmp_path, a=[f"{kind} x"], b=[f"{kind} x"], x=[])
    assert mapped(tmp_path, "a", "b") == "xab"


@KINDS
def test_of_itself(tmp_path: Path, kind: str) -> None:
    made(tmp_path, a=[f"{kind} a"], b=[])
    assert mapped(tmp_path, "a", "b") == "ab"


@KINDS
def test_of_one_another(tmp_path: Path, kind: str) -> None:
    made(tmp_path, a=[], b=[f"{kind} c"], c=[f"{kind} b"])
    assert mapped(tmp_path, "a", "b") == "fails"  # there glibc's linker ends for lack of stack
    made(tmp_path, c=[])
    assert mapped(tmp_path, "a", "b") == "acb"
    made(tmp_path, c=[f"{kind} d"], d=[f"{kind} b"])
    assert mapped(tmp_path, "a", "b") == "fails"


@KINDS
def test_its_search_is_that_of_the_library(tmp_path: Path, kind: str) -> None:
    library(tmp_path / "x" / "libx_.so", soname="libx_.so")
    flag = f"-Wl,--{kind},libx_.so"
    library(tmp_path / "liba_.so", "", flag, soname="liba_.so", runpath=f"{tmp_path}/x")
    main = program(tmp_path / "main", needed=["liba_.so"], rpath=str(tmp_path), source=PRINTS)
    assert ran(main, tmp_path) == ["x/libx_.so", "liba_.so"]
    library(tmp_path / "liba_.so", "", flag, soname="liba_.so")
    assert ran(main, tmp_path) == (["liba_.so"] if kind == "auxiliary" else ["fails"])


@KINDS
def test_with_a_token(tmp_path: Path, kind: str) -> None:
    made(tmp_path, x=[])
    library(tmp_path / "liba_.so", "", f"-Wl,--{kind},$ORIGIN/libx_.so", soname="liba_.so")
    assert mapped(tmp_path, "a") == "xa"


@KINDS
def test_of_the_library_asked_about(tmp_path: Path, kind: str) -> None:
    made(tmp_path, r=[f"{kind} x", "c"], x=[], c=[])
    assert agree(tmp_path / "libr_.so", tmp_path) == ["libx_.so", "libc_.so"]
    made(tmp_path, r=["c"])
    assert agree(tmp_path / "libr_.so", tmp_path) == ["libc_.so"]
