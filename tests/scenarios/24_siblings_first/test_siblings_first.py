"""What the linker would not find, but the provider ships beside the library, is loaded first: dependencies before dependents."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from scenarios.libraries import calls, library, returns
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path


def names(answer_preload: list[str]) -> list[str]:
    return [path.rpartition("/")[2] for path in answer_preload]


def test_beside_it(tmp_path: Path) -> None:
    library(tmp_path / "app" / "libdep.so.1", returns("dep", 7), soname="libdep.so.1")
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so.1"])
    answer = ask(root, call="root").agreed()
    assert (answer.value, names(answer.preload)) == (7, ["libdep.so.1"])
    (tmp_path / "app" / "libdep.so.1").rename(tmp_path / "libdep.so.1")
    assert ask(root, under=tmp_path).agreed().kind == "dependency"


def test_under_another_file_name(tmp_path: Path) -> None:
    """A wheel has no symbolic links, so a file's name need not be its DT_SONAME."""
    library(tmp_path / "app" / "libdep.so", returns("dep", 7), soname="libdep.so.1")
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so.1"])
    answer = ask(root, call="root").agreed()
    assert (answer.value, names(answer.preload)) == (7, ["libdep.so"])


def test_without_a_soname_it_cannot_help(tmp_path: Path) -> None:
    library(tmp_path / "app" / "libdep.so.1", returns("dep", 7))
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so.1"])
    assert ask(root).agreed().kind == "dependency"


def test_in_another_directory_of_the_provider(tmp_path: Path) -> None:
    library(tmp_path / "other" / "libdep.so.1", returns("dep", 7), soname="libdep.so.1")
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so.1"])
    assert ask(root, call="root", siblings=[tmp_path / "other"]).agreed().value == 7
    assert ask(root).agreed().kind == "dependency"


def test_with_an_rpath_nothing_is_loaded_first(tmp_path: Path) -> None:
    library(tmp_path / "app" / "libdep.so.1", returns("dep", 7), soname="libdep.so.1")
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so.1"], runpath="$ORIGIN")
    answer = ask(root, call="root").agreed()
    assert (answer.value, answer.preload) == (7, [])


@pytest.mark.parametrize("order", list(itertools.permutations(["libfirst.so", "libsecond.so", "libthird.so"])))
def test_dependencies_before_dependents(tmp_path: Path, order: tuple[str, ...]) -> None:
    """first needs second and second needs third, in whatever order the root names them."""
    library(tmp_path / "app" / "libthird.so", returns("third", 7), soname="libthird.so")
    library(tmp_path / "app" / "libsecond.so", calls("second", "third"), soname="libsecond.so", needed=["libthird.so"])
    library(tmp_path / "app" / "libfirst.so", calls("first", "second"), soname="libfirst.so", needed=["libsecond.so"])
    root = library(tmp_path / "app" / "libroot.so", calls("root", "first"), needed=order)
    answer = ask(root, call="root").agreed()
    assert (answer.value, names(answer.preload)) == (7, ["libthird.so", "libsecond.so", "libfirst.so"])


def test_of_a_dependency_that_the_linker_finds(tmp_path: Path) -> None:
    library(tmp_path / "app" / "libdep.so", returns("dep", 7), soname="libdep.so")
    library(tmp_path / "lib" / "libmiddle.so", calls("middle", "dep"), soname="libmiddle.so", needed=["libdep.so"])
    root = library(
        tmp_path / "app" / "libroot.so", calls("root", "middle"), needed=["libmiddle.so"], runpath="$ORIGIN/../lib"
    )
    answer = ask(root, call="root").agreed()
    assert (answer.value, names(answer.preload)) == (7, ["libdep.so"])


def test_what_is_loaded_first_does_not_inherit_the_rpath(tmp_path: Path) -> None:
    """It is opened by its path, so nobody has loaded it whose DT_RPATH could serve."""
    library(tmp_path / "app" / "libdep.so", calls("dep", "far"), soname="libdep.so", needed=["libfar.so"])
    library(tmp_path / "far" / "libfar.so", returns("far", 7), soname="libfar.so")
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so"], rpath=f"{tmp_path}/far")
    assert ask(root).agreed().kind == "dependency"
    assert ask(root, call="root", siblings=[tmp_path / "far"]).agreed().value == 7


def test_what_it_brings_along_serves_the_root(tmp_path: Path) -> None:
    """Loaded first, its own dependency answers to a name that the root would have found elsewhere."""
    library(tmp_path / "its" / "libcommon.so", returns("common", 1), soname="libcommon.so")
    library(tmp_path / "roots" / "libcommon.so", returns("common", 2), soname="libcommon.so")
    library(tmp_path / "app" / "libdep.so", soname="libdep.so", needed=["libcommon.so"], rpath="$ORIGIN/../its")
    source = calls("root", "common")
    paths = {"runpath": f"{tmp_path}/roots"}
    both = library(tmp_path / "app" / "libboth.so", source, needed=["libcommon.so", "libdep.so"], **paths)
    alone = library(tmp_path / "app" / "libalone.so", source, needed=["libcommon.so"], **paths)
    assert (ask(both, call="root").agreed().value, ask(alone, call="root").agreed().value) == (1, 2)


def test_that_itself_lacks_something(tmp_path: Path) -> None:
    library(tmp_path / "app" / "libdep.so", soname="libdep.so", needed=["libgone.so"])
    root = library(tmp_path / "app" / "libroot.so", needed=["libdep.so"])
    answer = ask(root).agreed()
    assert answer.refusal == f"needs libgone.so, which is not found (wanted by {tmp_path}/app/libdep.so)"
