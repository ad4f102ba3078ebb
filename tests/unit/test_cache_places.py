"""Where answers are kept, and where they cannot be: no home, a read-only one, a full disk, too many files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import platformdirs
import pytest

from nativeload import cache, core, loader
from unit.asking import Asking
from unit.specimens import NAME, age, declaration, provider

ANSWER: loader.Answer = (("specimen", "/x.so", "", "", "system", "", ""), (), (), ())


@pytest.fixture
def asking(tmp_path: Path, good: Path) -> Asking:
    provider(tmp_path / "site", "some-wheel", declaration(), files={NAME: good})
    age(tmp_path / "site")
    return Asking(home=tmp_path / "home", sites=(tmp_path / "site",))


def _path(asking: Asking) -> str:
    return str(asking.sites[0] / "some_wheel" / NAME)


@pytest.mark.parametrize("value", [None, "", "/some/where", "/some/where/", "/with space", "relative"])
@pytest.mark.parametrize("kind", ["cache", "config"])
def test_as_platformdirs_has_it(kind: str, value: str | None, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = f"XDG_{kind.upper()}_HOME"
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)
    found = loader.cache_directory() if kind == "cache" else os.path.dirname(loader.config_files()[1])
    if value == "relative":
        # The specification says to ignore it; platformdirs takes it, and the working directory would decide.
        assert found == ""
    else:
        function = platformdirs.user_cache_path if kind == "cache" else platformdirs.user_config_path
        assert Path(found) == function("nativeload", appauthor=False)


@pytest.mark.parametrize("value", ["0", "off", "OFF", "no", "false", "False"])
def test_off(value: str, asking: Asking) -> None:
    off = Asking(home=asking.home, sites=asking.sites, env={"NATIVELOAD_CACHE": value})
    assert [off(), off()] == [(_path(asking), False)] * 2
    assert not (asking.home / ".cache").exists()
    assert [asking(), asking()] == [(_path(asking), False), (_path(asking), True)]


def test_elsewhere(asking: Asking, tmp_path: Path) -> None:
    there = Asking(home=asking.home, sites=asking.sites, env={"NATIVELOAD_CACHE": tmp_path / "a" / "b"})
    assert [there(), there()] == [(_path(asking), False), (_path(asking), True)]
    assert not (asking.home / ".cache").exists()
    assert len(list((tmp_path / "a" / "b").iterdir())) == 1


# Python code that takes away what a cache needs.
NOWHERE = {
    "no home": """
import pwd
def getpwuid(uid):
    raise KeyError(uid)
pwd.getpwuid = getpwuid
for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
    del os.environ[name]
""",
    "no such file system": "os.environ['XDG_CACHE_HOME'] = '/proc/self/nativeload'",
    "no place for a directory": "os.environ['XDG_CACHE_HOME'] = '/dev/null'",
    "full disk": "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))",
    "nearly full disk": "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))",
    "no descriptors to spare": "os.environ['NATIVELOAD_CACHE'] = '/' + 'x' * 5000",
}


@pytest.mark.parametrize("kind", NOWHERE)
def test_where_nothing_can_be_kept(kind: str, asking: Asking) -> None:
    poor = Asking(home=asking.home, sites=asking.sites, before=NOWHERE[kind])
    assert [poor(), poor()] == [(_path(asking), False)] * 2
    assert [file for file in asking.home.rglob("*") if file.is_file()] == []
    assert [asking(), asking()] == [(_path(asking), False), (_path(asking), True)]


@pytest.mark.parametrize("kind", ["a file", "open to all", "another user's"])
def test_a_directory_that_is_not_the_users_own(kind: str, asking: Asking) -> None:
    place = asking.home / ".cache" / "nativeload"
    place.parent.mkdir(parents=True)
    if kind == "a file":
        place.write_text("mine")
    else:
        place.mkdir()
        if kind == "open to all":
            place.chmod(0o777)
        elif os.geteuid() == 0:
            os.chown(place, 65534, 65534)
        else:
            pytest.skip("only root can give a directory away")
    assert [asking(), asking()] == [(_path(asking), False)] * 2
    assert place.is_file() or list(place.iterdir()) == []


def test_what_has_just_changed_is_not_remembered(home: Path, tmp_path: Path) -> None:
    """It might change again within one tick of its file system's clock."""
    (tmp_path / "file").touch()
    consulted = {str(tmp_path / "file"): core.signature(str(tmp_path / "file"))}
    cache.store("asked", ANSWER, consulted)
    assert loader.recall("asked") is None
    age(tmp_path / "file", seconds=3)
    consulted = {str(tmp_path / "file"): core.signature(str(tmp_path / "file"))}
    cache.store("asked", ANSWER, consulted)
    assert loader.recall("asked") == ANSWER


def test_old_answers_go_and_nothing_else(home: Path) -> None:
    place = home / ".cache" / "nativeload"
    place.mkdir(parents=True, mode=0o700)
    for number in range(700):
        file = place / core.digest(str(number).encode())
        file.write_text("an answer")
        age(file, seconds=10_000 - number)
    leftover = place / f".{core.digest(b'x')}.123.456"
    leftover.write_text("half an answer")
    age(leftover, seconds=20_000)
    others = [place / "precious.txt", place / "directory", place / "0123", place / "0123456789abcdeg"]
    for file in others:
        file.mkdir() if file.name == "directory" else file.write_text("mine")
        age(file, seconds=1_000_000)
    cache.store("asked", ANSWER, {})
    assert loader.recall("asked") == ANSWER
    assert all(file.exists() for file in others)
    assert not leftover.exists()
    left = {file.name for file in place.iterdir()}
    assert 100 < len(left) < 512
    # The newest stay.
    assert core.digest(b"699") in left
    assert core.digest(b"0") not in left


def test_fifty_writers(home: Path) -> None:
    """Whoever reads meanwhile reads a whole answer, of one writer, or none."""
    writers, rounds = 50, 20
    answers = {
        number: ((*ANSWER[0][:1], f"/{number}.so", *ANSWER[0][2:]), (str(number),) * number, (), ())
        for number in range(writers)
    }
    children = []
    for number in range(writers):
        child = os.fork()
        if child == 0:
            for _ in range(rounds):
                cache.store("asked", answers[number], {})
            os._exit(0)
        children.append(child)
    seen = set()
    until = time.monotonic() + 30
    while children and time.monotonic() < until:
        found = loader.recall("asked")
        if found is not None:
            assert found == answers[len(found[1])]
            seen.add(len(found[1]))
        child, status = os.waitpid(-1, os.WNOHANG)
        if child:
            assert status == 0
            children.remove(child)
    assert children == []
    assert len(seen) > 1
    # Nothing half written is left.
    assert len(list((home / ".cache" / "nativeload").iterdir())) == 1
