"""Providers registered with the dynamic-library project are found as that project itself finds them, and none is run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parts import site, wheel
from unit.specimens import declaration, provider
from unit.trial import ask, trial

if TYPE_CHECKING:
    from collections.abc import Iterable

ITS_OWN = """
import json, os, warnings
warnings.simplefilter("ignore")
import dynamic_library
print(json.dumps([os.fspath(path) for path in dynamic_library.get_libraries()]))
"""
NAME = "libspecimen.so"


@pytest.fixture(scope="module")
def theirs() -> Path:
    return site(wheel("dynamic-library", "0.2.0"))


def registered(place: Path, good: Path | None, *, package: str = "some_wheel", group: str = "dynamic_library") -> Path:
    """A distribution with an entry point for dynamic-library; `package` has the library. Importing it fails."""
    home = provider(place, "some-wheel", None)
    (place / "some_wheel-1.0.dist-info" / "entry_points.txt").write_text(f"[{group}]\nspecimen = {package}\n")
    library = place.joinpath(*package.split(".")) / NAME
    if good:
        library.parent.mkdir(exist_ok=True)
        library.write_bytes(good.read_bytes())
    return home


def both(place: Path, theirs: Path, more: Iterable[Path] = ()) -> tuple[list[str], str]:
    """What dynamic-library finds, and what nativeload does."""
    mine = trial("specimen", place, *more)
    if mine.library:
        assert mine.library["origin"] == "wheel"
        assert mine.library["provider"] == "some-wheel"
        assert mine.library["version"] == "1.0"
    return ask(ITS_OWN, place, theirs, *more), mine.library.get("path", "")


@pytest.mark.parametrize("package", ["some_wheel", "some_wheel.inner", "namespace"])
def test_it_is_the_file_that_dynamic_library_takes(tmp_path: Path, good: Path, theirs: Path, package: str) -> None:
    registered(tmp_path, good, package=package)
    path = str(tmp_path.joinpath(*package.split("."), NAME))
    assert both(tmp_path, theirs) == ([path], path)


@pytest.mark.parametrize("group", ["dynamic_library", "other"])
def test_the_entry_point_alone_makes_it_known(tmp_path: Path, good: Path, theirs: Path, group: str) -> None:
    registered(tmp_path, good, group=group)
    known = [str(tmp_path / "some_wheel" / NAME)] if group == "dynamic_library" else []
    assert both(tmp_path, theirs) == (known, "".join(known))


def test_what_its_hook_has_loaded_is_what_load_gives(tmp_path: Path, good: Path, theirs: Path) -> None:
    registered(tmp_path, good)
    hook = f"import site; site.addsitedir({str(theirs)!r})"  # reads its .pth file, as a start does
    for before, origin in ((hook, "loaded"), ("", "wheel")):
        found = trial("specimen", tmp_path, before=before)
        assert (found.library["origin"], found.library["path"]) == (origin, str(tmp_path / "some_wheel" / NAME))
        assert found.mapped_below(tmp_path) == [str(tmp_path / "some_wheel" / NAME)]


def test_code_that_would_say_where_is_not_run(tmp_path: Path, good: Path, theirs: Path) -> None:
    home = registered(tmp_path, None)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / NAME).write_bytes(good.read_bytes())
    (home / "__init__.py").write_text(f"__path__ = [{str(tmp_path / 'elsewhere')!r}]\n")
    assert both(tmp_path, theirs) == ([], "")
    said = trial("specimen", tmp_path).text
    assert f"there is no {NAME} in {home}" in said
    assert "code of the package that would say where is not run" in said


def test_what_a_file_declares_comes_first(tmp_path: Path, good: Path, theirs: Path) -> None:
    registered(tmp_path / "one", good)
    assert both(tmp_path / "one", theirs)[1] == str(tmp_path / "one" / "some_wheel" / NAME)
    named = provider(tmp_path / "two", "named", declaration(), files={"libspecimen.so.1": good})
    found = trial("specimen", tmp_path / "one", tmp_path / "two")
    assert found.library["path"] == str(named / "libspecimen.so.1")


def test_one_that_declares_both_is_asked_once(tmp_path: Path, good: Path) -> None:
    provider(tmp_path, "some-wheel", "[library.specimen]\npath = 'none.so'\n", files={NAME: good})
    entries = tmp_path / "some_wheel-1.0.dist-info" / "entry_points.txt"
    entries.write_text(entries.read_text() + "\n[dynamic_library]\nspecimen = some_wheel\n")
    refused = trial("specimen", tmp_path)
    assert (refused.library, "none.so does not exist" in refused.text) == ({}, True)


def test_list_names_it(tmp_path: Path, good: Path) -> None:
    listed = (
        "import json; from nativeload import inventory; print(json.dumps([one.name for one in inventory.provided()]))"
    )
    assert "specimen" not in ask(listed, tmp_path)
    registered(tmp_path, good)
    assert ask(listed, tmp_path).count("specimen") == 1
