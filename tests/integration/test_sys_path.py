"""Which of several providers counts: the first on `sys.path`, as for `import`; a namespace has many homes."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from integration import layouts
from integration.projects import LOAD_ANSWER, project, provider, provider_wheel, python_path
from parts import Result, build_wheel, run, site, venv


@pytest.fixture(scope="session")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with version 1 of the provider, whose answer is 1."""
    return site(provider_wheel(tmp_path_factory.mktemp("one"), version="1", value=1))


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with version 2."""
    return site(provider_wheel(tmp_path_factory.mktemp("two"), version="2", value=2))


def ask(*sites: Path, requirement: str = "answer", python: Path | None = None) -> Result:
    return run(python or layouts.bare(), LOAD_ANSWER, requirement, env={"PYTHONPATH": python_path(*sites)})


def test_first_site_wins(one: Path, two: Path) -> None:
    assert ask(one, two).check().json["answer"] == 1
    assert ask(two, one).check().json["answer"] == 2


def test_a_later_site_does_not_answer_for_the_first(one: Path, two: Path) -> None:
    """As `import` would have it: a distribution that is shadowed is not there, not even if its version would do."""
    result = ask(one, two, requirement="answer>=2")
    assert result.returncode == 1
    assert "ABIMismatchError" in result.stderr
    assert "is version 1" in result.stderr
    assert "without declaring it" not in result.stderr
    assert ask(two, one, requirement="answer>=2").check().json["answer"] == 2


def test_pythonpath_comes_before_the_environment(one: Path, tmp_path: Path) -> None:
    environment = venv(sys.executable, provider_wheel(tmp_path / "two", version="2", value=2))
    assert ask(one, python=environment).check().json["answer"] == 1
    assert ask(python=environment).check().json["answer"] == 2


def test_two_distributions_of_one_library(one: Path, tmp_path: Path) -> None:
    other = site(
        provider_wheel(tmp_path / "other", distribution="answer-other", package="other_answer", version="7", value=7)
    )
    assert ask(one, other).check().json["provider"] == ["answer-provider", "1"]
    assert ask(other, one).check().json["provider"] == ["answer-other", "7"]
    # Another distribution, so its version counts.
    assert ask(one, other, requirement="answer>=5").check().json["answer"] == 7


def test_a_version_that_declares_nothing_shadows_one_that_does(one: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    (old / "src" / "answer_provider").mkdir(parents=True)
    (old / "src" / "answer_provider" / "__init__.py").touch()
    declares_nothing = site(build_wheel(project(old, "answer-provider", "0.1", {})))
    assert "LibraryNotFoundError" in ask(declares_nothing, one).stderr
    assert ask(one, declares_nothing).check().json["answer"] == 1


def test_a_namespace_with_portions_in_several_sites(tmp_path: Path) -> None:
    first = site(provider_wheel(tmp_path / "a", distribution="answer-a", package="answer_ns.a", value=10))
    second = site(provider_wheel(tmp_path / "b", distribution="answer-b", package="answer_ns.b", version="2", value=20))
    assert ask(first, second).check().json["answer"] == 10
    assert ask(first, second, requirement="answer>=2").check().json["answer"] == 20
    assert ask(first, requirement="answer>=2").returncode == 1


@pytest.mark.parametrize("kind", layouts.OF_PROJECTS)
def test_a_namespace_with_an_editable_portion(kind: str, tmp_path: Path) -> None:
    """The directory of the namespace in another site is not where the editable portion is."""
    (tmp_path / "project").mkdir()
    source = "." if kind == "editable flat" else "src"
    edited = provider(tmp_path / "project", package="answer_ns.a", distribution="answer-a", value=10, source=source)
    place = layouts.editable(edited, tmp_path, kind)
    other = site(provider_wheel(tmp_path / "b", distribution="answer-b", package="answer_ns.b", version="2", value=20))
    path = {"PYTHONPATH": python_path(other)}
    assert run(place.python, LOAD_ANSWER, "answer>=2", env=path).check().json["answer"] == 20
    assert run(place.python, LOAD_ANSWER, "answer<2", env=path).check().json["answer"] == 10
    assert ask(other, requirement="answer<2").returncode == 1


def test_a_namespace_of_which_only_the_editable_portion_has_a_finder(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    edited = provider(tmp_path / "project", package="answer_ns.inner.a", value=10, source=".")
    place = layouts.editable(edited, tmp_path, "editable flat")
    assert run(place.python, LOAD_ANSWER, env=place.env).check().json["answer"] == 10


def test_a_zip_on_the_path(one: Path, tmp_path: Path) -> None:
    archive = tmp_path / "provider.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in one.rglob("*"):
            packed.write(file, file.relative_to(one))
    # Python imports from it, the linker does not.
    importable = run(layouts.bare(), "import importlib.util as u; print(u.find_spec('answer_provider').origin)")
    assert importable.returncode == 1
    env = {"PYTHONPATH": python_path(archive)}
    importable = run(
        layouts.bare(), "import importlib.util as u; print(u.find_spec('answer_provider').origin)", env=env
    )
    assert os.fspath(archive) in importable.check().stdout

    result = ask(archive)
    assert result.returncode == 1
    assert "LibraryNotFoundError" in result.stderr
    assert f"{archive} is an archive on sys.path: the linker maps only files of their own" in result.stderr
    # The other providers go on.
    assert ask(archive, one).check().json["answer"] == 1


def test_a_library_declared_in_an_archive(one: Path, tmp_path: Path) -> None:
    """A package beside its archive: what is declared lies inside a file."""
    broken = tmp_path / "site"
    shutil.copytree(one, broken)
    shutil.rmtree(broken / "answer_provider" / "lib")
    (broken / "answer_provider" / "lib").write_bytes(b"PK\x05\x06" + bytes(18))
    result = ask(broken)
    assert result.returncode == 1
    assert "libanswer.so.1" in result.stderr
    assert ask(one).check().json["answer"] == 1


def test_a_relative_entry_is_read_from_where_one_is(one: Path) -> None:
    code = f"import os, sys; sys.path.insert(0, {one.name!r})\n{LOAD_ANSWER}"
    found = run(layouts.bare(), code, env={"PYTHONPATH": python_path()}, cwd=one.parent).check().json
    assert (found["answer"], os.path.isabs(found["path"])) == (1, True)
    elsewhere = run(layouts.bare(), code, env={"PYTHONPATH": python_path()})
    assert "LibraryNotFoundError" in elsewhere.stderr
