"""Consumers and providers in several versions, all real wheels: which copy is used, and what is refused."""

from __future__ import annotations

import functools
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from integration.layouts import bare
from integration.projects import provider_wheel, python_path, settled
from integration.requiring import consumer
from parts import maps, run, site, venv
from parts._cache import tool
from parts.process import _environment

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.once

OLD, NEW = "1.5", "2.0"


@functools.cache
def provided(version: str, distribution: str = "answer-provider") -> Path:
    """A provider of `answer`, which returns the version's first number, and 5 more where it is another's."""
    value = int(version[0]) + (5 if distribution == "answer-other" else 0)
    root = Path(tempfile.mkdtemp(prefix="nativeload-provider-"))
    package = distribution.replace("-", "_")
    return provider_wheel(root, distribution=distribution, version=version, package=package, value=value)


@pytest.fixture(scope="module")
def consuming(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packages that require the old one, the new one, and either."""
    packages = {"wants_old": 'answer = ">=1,<2"', "wants_new": 'answer = ">=2"', "wants_any": 'answer = ">=1"'}
    library = site(provided(OLD)) / "answer_provider" / "lib" / "libanswer.so.1"
    return consumer(tmp_path_factory.mktemp("consumers"), packages, library)


REFUSED = """
try:
    print(nativeload.load("answer>=2"))
except nativeload.NativeLoadError as error:
    print(type(error).__name__)
"""


def ask(package: str) -> str:
    return f"import {package}; print({package}.ask())\n"


def test_two_providers_of_one_library(consuming: Path) -> None:
    """One of them for all, and the other if the user says so; without nativeload's line, neither."""
    python = venv(sys.executable, provided(OLD), provided(OLD, "answer-other"), consuming)
    env = {"PYTHONPATH": python_path()}
    code = maps() + ask("wants_old") + ask("wants_any")
    code += "print(sum(one.endswith('libanswer.so.1') for one in mapped()))"
    assert run(python, code, env=env).check().stdout == "6\n6\n1\n"
    chosen = {**env, "NATIVELOAD_ANSWER": "answer-provider"}
    assert run(python, code, env=chosen).check().stdout == "1\n1\n1\n"
    assert "libanswer.so.1: cannot open" in run(python, code, env={**env, "WITHOUT_LOAD": "1"}).stderr


def test_two_versions_on_the_path(consuming: Path) -> None:
    """The first of a distribution's name counts, as for `import`: one that will not do is not passed over."""
    old, new, users = site(provided(OLD)), site(provided(NEW)), site(consuming)
    first = {"PYTHONPATH": python_path(old, new, users)}
    assert run(bare(), ask("wants_old"), env=first).check().stdout == "1\n"
    assert "is version 1.5 (of answer-provider); >=2 was asked for" in run(bare(), ask("wants_new"), env=first).stderr
    second = {"PYTHONPATH": python_path(new, old, users)}
    assert run(bare(), ask("wants_new"), env=second).check().stdout == "2\n"
    assert "is version 2.0 (of answer-provider); " in run(bare(), ask("wants_old"), env=second).stderr


def test_two_consumers_that_cannot_meet(consuming: Path) -> None:
    """Both libraries are there, and each consumer works alone; the second in a process is refused, both named."""
    python = venv(sys.executable, provided(OLD), provided(NEW, "answer-other"), consuming)
    env = {"PYTHONPATH": python_path()}
    assert run(python, ask("wants_old"), env=env).check().stdout == "1\n"
    assert run(python, ask("wants_new"), env=env).check().stdout == "7\n"
    for one, other in (("wants_old", "wants_new"), ("wants_new", "wants_old")):
        refused = run(python, f"import {one}, {other}", env=env)
        assert "ABIMismatchError: no usable library for 'answer" in refused.stderr
        assert f"\n  {other} requires it (" in refused.stderr
        assert f"\n  {one} required 'answer" in refused.stderr
    together = run(python, ask("wants_old") + ask("wants_any"), env=env)
    assert together.check().stdout == "1\n1\n"


class Running:
    """A process that goes on: it runs a line of Python after the other, and each prints one."""

    def __init__(self, python: Path, home: Path) -> None:
        code = "import sys\nfor line in sys.stdin: exec(line); sys.stdout.flush()"
        env = {**_environment(home), "PYTHONPATH": python_path()}
        self._process = subprocess.Popen(
            [python, "-c", code], env=env, cwd=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def say(self, line: str) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(line.rstrip() + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def end(self) -> None:
        self._process.communicate(timeout=60)


@pytest.fixture
def environment(consuming: Path, tmp_path: Path) -> Path:
    """One of its own, with the old provider."""
    return venv(sys.executable, provided(OLD), consuming, at=tmp_path / "venv")


@pytest.fixture
def running(environment: Path, tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "home").mkdir()
    process = Running(environment, tmp_path / "home")
    yield process
    process.end()


def pip(python: Path, *words: str | Path) -> None:
    tool(sys.executable, "-m", "pip", "--python", python, *words)


def fresh(python: Path, home: Path) -> str:
    """What a new process of the same user says, or its error's class and first line."""
    done = run(python, ask("wants_any"), env={"PYTHONPATH": python_path()}, home=home)
    if not done.returncode:
        return done.stdout.strip()
    return next(line for line in done.stderr.splitlines() if line.startswith("nativeload.errors."))


def cached(home: Path) -> set[str]:
    return {one.name for one in (home / ".cache" / "nativeload").glob("*")}


def test_upgraded_and_removed_under_a_running_process(environment: Path, running: Running, tmp_path: Path) -> None:
    """What was loaded stays, and is what it was; a new process sees what is there by then, whatever the cache holds."""
    home = tmp_path / "home"
    (packages,) = environment.parent.parent.glob("lib/python*/site-packages")
    settled(packages)
    assert running.say("import wants_any; print(wants_any.ask())") == "1"
    answers = cached(home)
    assert len(answers) == 2, "the table's and the library's"
    assert fresh(environment, home) == "1"
    assert cached(home) == answers, "the second process had both from the cache"

    pip(environment, "install", "--no-deps", "--no-index", "--force-reinstall", provided(NEW))
    assert running.say("print(wants_any.ask())") == "1"
    assert running.say("import nativeload; print(nativeload.load('answer').version)") == OLD
    assert running.say(f"exec({REFUSED!r})") == "ABIMismatchError"
    assert fresh(environment, home) == "2"

    settled(packages)
    assert fresh(environment, home) == "2"  # and keeps its answer
    pip(environment, "uninstall", "--yes", "answer-provider")
    assert running.say("print(wants_any.ask())") == "1"
    assert fresh(environment, home) == "nativeload.errors.LibraryNotFoundError: no library found for 'answer>=1'"
