"""What was refused on the way to a remembered answer, or not there, is looked at again when it changes."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from parts import cc
from unit.asking import Asking
from unit.specimens import NAME, age, declaration, provider, specimen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _mend(home: Path) -> None:
    (home / "nativeload.toml").write_text(declaration())


# What is wrong with the first provider's declaration, so that the second one's library is taken.
SPOILT: dict[str, Callable[[Path], object]] = {
    "no declaration": lambda home: (home / "nativeload.toml").unlink(),
    "no text": lambda home: (home / "nativeload.toml").write_bytes(b"\xff"),
    "no TOML": lambda home: (home / "nativeload.toml").write_text("[library.specimen"),
    "no such library": lambda home: (home / "nativeload.toml").write_text(declaration(library="other")),
    "no such file": lambda home: (home / "nativeload.toml").write_text(declaration("none.so")),
    "unknown key": lambda home: (home / "nativeload.toml").write_text(declaration(colour="blue")),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_declaration_that_is_mended(kind: str, tmp_path: Path, good: Path) -> None:
    site = tmp_path / "site"
    first = provider(site, "a-wheel", declaration(), files={NAME: good})
    second = provider(site, "b-wheel", declaration(), files={NAME: good})
    SPOILT[kind](first)
    age(site)
    asking = Asking(home=tmp_path / "home", sites=(site,))
    assert asking()[0] == str(second / NAME)
    _mend(first)
    assert asking()[0] == str(first / NAME)


def test_a_library_that_is_mended(tmp_path: Path, good: Path) -> None:
    site = tmp_path / "site"
    first = provider(site, "a-wheel", declaration(), files={NAME: good})
    second = provider(site, "b-wheel", declaration(), files={NAME: good})
    (first / NAME).write_text("INPUT(x)")
    age(site)
    asking = Asking(home=tmp_path / "home", sites=(site,))
    assert asking() == (str(second / NAME), False)
    assert asking() == (str(second / NAME), True)
    shutil.copy(good, first / NAME)
    assert asking() == (str(first / NAME), False)


@pytest.mark.parametrize("place", ["beside it", "LD_LIBRARY_PATH"])
def test_a_dependency_that_is_installed_later(place: str, tmp_path: Path, good: Path) -> None:
    site = tmp_path / "site"
    base = cc("int base(void) { return 1; }", tmp_path / "build" / "libbase.so.1", "-Wl,-soname,libbase.so.1")
    source = "int base(void); int specimen_answer(void) { return base(); }"
    top = specimen(tmp_path / "build" / NAME, base, "-Wl,-rpath,$ORIGIN", source=source)
    first = provider(site, "a-wheel", declaration(), files={NAME: top})
    second = provider(site, "b-wheel", declaration(), files={NAME: good})
    (tmp_path / "lib").mkdir()
    age(site, tmp_path / "lib")
    asking = Asking(home=tmp_path / "home", sites=(site,), env={"LD_LIBRARY_PATH": tmp_path / "lib"})
    assert asking()[0] == str(second / NAME)
    shutil.copy(base, first if place == "beside it" else tmp_path / "lib")
    assert asking()[0] == str(first / NAME)


@pytest.mark.parametrize("part", ["removed", "spoilt"])
def test_a_dependency_that_was_there(part: str, tmp_path: Path, good: Path) -> None:
    """A remembered answer whose dependency has gone is no error: the search is done again, and finds another."""
    site = tmp_path / "site"
    base = cc("int base(void) { return 1; }", tmp_path / "build" / "libbase.so.1", "-Wl,-soname,libbase.so.1")
    source = "int base(void); int specimen_answer(void) { return base(); }"
    top = specimen(tmp_path / "build" / NAME, base, source=source)
    first = provider(site, "a-wheel", declaration(), files={NAME: top, "libbase.so.1": base})
    second = provider(site, "b-wheel", declaration(), files={NAME: good})
    age(site)
    asking = Asking(home=tmp_path / "home", sites=(site,))
    assert asking() == (str(first / NAME), False)
    assert asking() == (str(first / NAME), True)
    if part == "removed":
        (first / "libbase.so.1").unlink()
    else:
        (first / "libbase.so.1").write_text("INPUT(x)")
    assert asking() == (str(second / NAME), False)


def test_a_finder_before_it_finds_it_later(tmp_path: Path, good: Path) -> None:
    """Found by the system's linker; then the environment gets a copy of its own."""
    for place in ("lib", "prefix/lib", "earlier"):
        (tmp_path / place).mkdir(parents=True)
    shutil.copy(good, tmp_path / "lib" / NAME)
    age(tmp_path / "lib", tmp_path / "prefix", tmp_path / "earlier")
    path = os.pathsep.join([str(tmp_path / "earlier"), str(tmp_path / "lib")])
    before = f"sys.prefix = {str(tmp_path / 'prefix')!r}"
    asking = Asking(home=tmp_path / "home", sites=(), env={"LD_LIBRARY_PATH": path}, before=before)
    assert asking() == (str(tmp_path / "lib" / NAME), False)
    assert asking() == (str(tmp_path / "lib" / NAME), True)
    shutil.copy(good, tmp_path / "earlier" / NAME)
    assert asking() == (str(tmp_path / "earlier" / NAME), False)
    shutil.copy(good, tmp_path / "prefix" / "lib" / NAME)
    assert asking() == (str(tmp_path / "prefix" / "lib" / NAME), False)


def test_a_build_for_this_cpu_that_comes_later(tmp_path: Path, good: Path) -> None:
    """The linker prefers glibc-hwcaps/x86-64-v2 to the directory it is in."""
    if os.uname().machine != "x86_64":
        pytest.skip("about x86-64's own")
    (tmp_path / "lib" / "glibc-hwcaps").mkdir(parents=True)
    shutil.copy(good, tmp_path / "lib" / NAME)
    age(tmp_path / "lib")
    asking = Asking(home=tmp_path / "home", sites=(), env={"LD_LIBRARY_PATH": tmp_path / "lib"})
    assert asking() == (str(tmp_path / "lib" / NAME), False)
    better = tmp_path / "lib" / "glibc-hwcaps" / "x86-64-v2"
    better.mkdir()
    shutil.copy(good, better)
    assert asking() == (str(better / NAME), False)


def test_what_was_not_found_is_not_remembered(tmp_path: Path, good: Path) -> None:
    asking = Asking(home=tmp_path / "home", sites=(tmp_path / "site",))
    (tmp_path / "site").mkdir()
    age(tmp_path / "site")
    assert asking() == ("LibraryNotFoundError", False)
    home = provider(tmp_path / "site", "some-wheel", declaration(), files={NAME: good})
    assert asking() == (str(home / NAME), False)
