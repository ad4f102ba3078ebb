"""What a package requires by its `nativeload.toml`, loaded by `load_required`; what is wrong with it is said."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path

import pytest

from parts import Result, cc, run
from unit.specimens import NAME, age, declaration, provider
from unit.trial import nativeload_path

INIT = "import nativeload\nlibraries = nativeload.load_required(__name__)\n"


def consumer(site: Path, package: str, toml: str | None, init: str = INIT) -> Path:
    """A package on a path; its directory."""
    home = site.joinpath(*package.split("."))
    home.mkdir(parents=True)
    (home / "__init__.py").write_text(init)
    if toml is not None:
        (home / "nativeload.toml").write_text(toml)
    return home


def python(site: Path, code: str, home: Path | None = None) -> Result:
    if home is not None:
        home.mkdir(exist_ok=True)
    path = os.pathsep.join(map(str, (site, *nativeload_path())))
    return run(sys.executable, code, env={"PYTHONPATH": path}, home=home)


def said(site: Path, package: str, home: Path | None = None) -> dict[str, str]:
    """The paths of what a package loads as it is imported."""
    code = f"import json, {package}\n"
    code += f"print(json.dumps({{name: one.path for name, one in {package}.libraries.items()}}))"
    found: dict[str, str] = python(site, code, home).check().json
    return found


@pytest.fixture
def place(tmp_path: Path, good: Path) -> Path:
    """A directory with a provider of the library, 1.0."""
    provider(tmp_path / "site", "some-wheel", declaration(), files={NAME: good})
    return tmp_path / "site"


def test_a_package_gets_what_it_requires(place: Path) -> None:
    consumer(place, "user", '[requires]\nspecimen = ">=1,<2"\nz = ""\n')
    found = said(place, "user")
    assert list(found) == ["specimen", "z"]
    assert found["specimen"] == str(place / "some_wheel" / NAME)


def test_nothing_required_is_nothing(place: Path) -> None:
    consumer(place, "user", "[requires]\n")
    assert said(place, "user") == {}


def test_the_innermost_package_counts(place: Path) -> None:
    """A module asks with its own name; a package in a package may have a table of its own, or that of the outer one."""
    outer = consumer(place, "user", '[requires]\nspecimen = ""\n', "")
    (outer / "module.py").write_text(INIT)
    consumer(place, "user.inner", None)
    consumer(place, "user.other", '[requires]\nz = ""\n')
    assert list(said(place, "user.module")) == ["specimen"]
    assert list(said(place, "user.inner")) == ["specimen"]
    assert list(said(place, "user.other")) == ["z"]


def test_a_namespace_and_a_program(place: Path) -> None:
    home = consumer(place, "space.user", '[requires]\nspecimen = ""\n')
    assert list(said(place, "space.user")) == ["specimen"]
    (home / "__main__.py").write_text("import nativeload\nprint(*nativeload.load_required(__name__))\n")
    code = "import runpy, sys; sys.argv = ['x']; runpy.run_module('space.user', run_name='__main__', alter_sys=True)"
    assert python(place, code).check().stdout == "specimen\n"


def test_a_package_that_is_not_imported_is_not_imported(place: Path) -> None:
    consumer(place, "user", '[requires]\nspecimen = ""\n', "raise RuntimeError\n")
    code = "import nativeload, sys; print(*nativeload.load_required('user'), 'user' in sys.modules)"
    assert python(place, code).check().stdout == "specimen False\n"


def test_a_provider_may_require(tmp_path: Path, good: Path) -> None:
    """One file has both tables; neither keeps the other from being read."""
    text = declaration() + '[requires]\nz = ""\n'
    home = provider(tmp_path, "some-wheel", text, files={NAME: good})
    (home / "__init__.py").write_text(INIT)
    consumer(tmp_path, "user", '[requires]\nspecimen = ""\n')
    assert list(said(tmp_path, "some_wheel")) == ["z"]
    assert list(said(tmp_path, "user")) == ["specimen"]


# Order


def needing(tmp_path: Path, site: Path, needs: dict[str, list[str]]) -> None:
    """Providers of one library each, linked with those they need, of other providers, and without an rpath."""
    built = tmp_path / "built"
    for name in needs:  # first without what it needs, so that there is something to link with in a cycle
        cc(f"int {name}(void) {{ return 1; }}", built / f"lib{name}.so.1", f"-Wl,-soname,lib{name}.so.1")
    for name, others in needs.items():
        calls = " + ".join(["1", *(f"{one}()" for one in others)])
        source = "".join(f"int {one}(void); " for one in others) + f"int {name}(void) {{ return {calls}; }}"
        flags: list[str | Path] = [*(built / f"lib{one}.so.1" for one in others), f"-Wl,-soname,lib{name}.so.1"]
        made = cc(source, tmp_path / "made" / f"lib{name}.so.1", "-Wl,--allow-shlib-undefined", *flags)
        provider(site, f"{name}-wheel", declaration(made.name, name), library=name, files={made.name: made})


CALL = """
import json, user
print(json.dumps([list(user.libraries), user.libraries["first"].ctypes.first()]))
"""


@pytest.mark.parametrize(
    ("needs", "order", "value"),
    [
        ({"first": ["second"], "second": ["third"], "third": []}, ["third", "second", "first"], 3),
        ({"first": ["left", "right"], "left": ["base"], "right": ["base"], "base": []}, [], 5),
    ],
)
def test_what_another_needs_is_loaded_before_it(
    needs: dict[str, list[str]], order: list[str], value: int, tmp_path: Path
) -> None:
    """Written the wrong way round; the second process has it from the cache."""
    site = tmp_path / "site"
    needing(tmp_path, site, needs)
    consumer(site, "user", "[requires]\n" + "".join(f'{name} = ""\n' for name in needs))
    age(site)
    answers = [python(site, CALL, tmp_path / "home").check().json for _ in range(2)]
    assert answers[0] == answers[1]
    loaded, called = answers[0]
    assert called == value
    for name, others in needs.items():
        assert all(loaded.index(one) < loaded.index(name) for one in others)
    assert loaded == order or not order

    # Alone, the first is refused: nobody has loaded what it needs.
    alone = python(site, "import nativeload; nativeload.load('first')")
    assert "which is not found" in alone.stderr


def test_a_cycle_is_named(tmp_path: Path) -> None:
    site = tmp_path / "site"
    needing(tmp_path, site, {"first": ["second"], "second": ["third"], "third": ["first"]})
    consumer(site, "user", '[requires]\nfirst = ""\nsecond = ""\nthird = ""\nz = ""\n')
    refused = python(site, "import user").stderr
    assert "ABIMismatchError: no usable library for 'first'" in refused
    said = "'first' needs libsecond.so.1, 'second' needs libthird.so.1, 'third' needs libfirst.so.1"
    assert f"each waits for another: {said}" in refused


# Refusals


def test_what_is_not_there_and_who_requires_it(place: Path) -> None:
    home = consumer(place, "user", '[requires]\n\nnosuchlibrary = ">=1"\n')
    refused = python(place, "import user").stderr
    assert "LibraryNotFoundError: no library found for 'nosuchlibrary>=1'\n" in refused
    assert f"user requires it ({home}/nativeload.toml:3)\n" in refused


def test_two_that_require_what_cannot_be_both(place: Path) -> None:
    one = consumer(place, "one", '[requires]\nspecimen = ">=1,<2"\n')
    other = consumer(place, "other", '[requires]\nspecimen = ">=2"\n')
    refused = python(place, "import one, other").stderr
    assert "ABIMismatchError: no usable library for 'specimen>=2'\n" in refused
    assert f"other requires it ({other}/nativeload.toml:2)\n" in refused
    library = place / "some_wheel" / NAME
    assert f"one required 'specimen>=1,<2' before ({one}/nativeload.toml:2): {library}\n" in refused
    # Alone, the first is fine; and nobody is named who is not in the way.
    assert python(place, "import one").returncode == 0
    assert "before" not in python(place, "import other").stderr


def test_the_users_choice_is_no_import_error(place: Path) -> None:
    consumer(place, "user", '[requires]\nspecimen = ""\n')
    code = "import os; os.environ['NATIVELOAD_SPECIMEN'] = '/nowhere.so'\n"
    assert "OverrideError: NATIVELOAD_SPECIMEN" in python(place, code + "import user").stderr


@pytest.mark.parametrize(
    ("toml", "line", "reason"),
    [
        (None, "", "there is no "),
        ("", "", "there is no table [requires]"),
        ("requires = 1\n", ":1", "there is no table [requires]"),
        ("[requires]\n[surprise]\n", ":2", "unknown key 'surprise'"),
        ('[requires]\nz = ""\nspecimen = "1.0"\n', ":3", 'specimen is "[features]>=1,<2"'),
        ('[requires]\nspecimen = "s>=1"\n', ":2", 'specimen is "[features]>=1,<2"'),
        ('[requires]\nspecimen = [">=1"]\n', ":2", 'specimen is "[features]>=1,<2"'),
        ('[requires]\nspecimen = ">=one"\n', ":2", "not a library requirement"),
        ('[requires]\n"../specimen" = ""\n', ":2", "not a library requirement"),
        ('[requires]\n"specimen[a]" = ""\n', ":1", "is not a library's name"),
        ('[requires]\nspecimen = "\n', "", ""),
    ],
)
def test_a_table_that_cannot_be_read(toml: str | None, line: str, reason: str, place: Path) -> None:
    home = consumer(place, "user", toml)
    refused = python(place, "import user").stderr
    assert "DeclarationError: " in refused
    assert f"{home}/nativeload.toml{line}" in refused
    assert reason in refused


def test_names_that_are_in_no_package(place: Path) -> None:
    for name in ("no_such_package", "__main__", "json", ""):
        refused = python(place, f"import nativeload; nativeload.load_required({name!r})").stderr
        assert f"DeclarationError: load_required({name!r}): " in refused


def test_a_package_in_an_archive(place: Path, tmp_path: Path) -> None:
    home = consumer(tmp_path / "source", "user", '[requires]\nspecimen = ""\n')
    archive = tmp_path / "users.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for one in home.iterdir():
            file.write(one, f"user/{one.name}")
    refused = python(place, f"import sys; sys.path.insert(0, {str(archive)!r}); import user").stderr
    assert f"it is in {archive}, an archive, and the linker maps only files of their own" in refused
    # Unpacked, it works.
    os.rename(tmp_path / "source" / "user", place / "user")
    assert list(said(place, "user")) == ["specimen"]


# The cache


def test_an_edited_table_is_read_again(place: Path, tmp_path: Path) -> None:
    home = consumer(place, "user", '[requires]\nspecimen = ""\n')
    age(place)
    for _ in range(2):
        assert list(said(place, "user", tmp_path / "home")) == ["specimen"]
    (home / "nativeload.toml").write_text('[requires]\nz = ""\n')
    assert list(said(place, "user", tmp_path / "home")) == ["z"]


def test_what_comes_to_be_nearer_is_seen(place: Path, tmp_path: Path) -> None:
    """The answer rests on the files that were not there, too."""
    consumer(place, "user", '[requires]\nspecimen = ""\n', "")
    inner = consumer(place, "user.inner", None)
    age(place)
    assert list(said(place, "user.inner", tmp_path / "home")) == ["specimen"]
    (inner / "nativeload.toml").write_text('[requires]\nz = ""\n')
    assert list(said(place, "user.inner", tmp_path / "home")) == ["z"]


def test_the_second_time_nothing_is_parsed(place: Path, tmp_path: Path) -> None:
    consumer(place, "user", '[requires]\nspecimen = ""\n')
    age(place)
    code = "import sys, user; print('nativeload.tomlfile' in sys.modules, *user.libraries)"
    answers = [python(place, code, tmp_path / "home").check().stdout for _ in range(2)]
    assert answers == ["True specimen\n", "False specimen\n"]
