"""What a remembered answer depends on: whatever changes one of these, the search is done again."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import nativeload
from unit.asking import Asking
from unit.specimens import NAME, age, declaration, provider, specimen

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory, good: Path) -> tuple[Asking, str]:
    """A process whose answer is remembered, and the answer."""
    top = tmp_path_factory.mktemp("known")
    (top / "home" / ".config" / "nativeload").mkdir(parents=True)
    path = str(provider(top / "site", "some-wheel", declaration(), files={NAME: good}) / NAME)
    age(top / "site", top / "home" / ".config" / "nativeload")
    asking = Asking(home=top / "home", sites=(top / "site",))
    assert asking() == (path, False)
    assert asking() == (path, True)
    return asking, path


@pytest.mark.parametrize(
    "kind", ["requirement", "symbols", "sys.path", "LD_LIBRARY_PATH", "prefix", "off", "elsewhere"]
)
def test_another_question(kind: str, known: tuple[Asking, str], tmp_path: Path) -> None:
    asking, path = known
    other = {
        "requirement": replace(asking, requirement="specimen>=1"),
        "symbols": replace(asking, symbols=("specimen_answer",)),
        "sys.path": replace(asking, sites=(tmp_path, *asking.sites)),
        "LD_LIBRARY_PATH": replace(asking, env={"LD_LIBRARY_PATH": tmp_path}),
        "prefix": replace(asking, before=f"sys.prefix = {str(tmp_path)!r}"),
        "off": replace(asking, env={"NATIVELOAD_CACHE": "0"}),
        "elsewhere": replace(asking, env={"NATIVELOAD_CACHE": tmp_path / "cache"}),
    }[kind]
    assert other() == (path, False)
    # The first one's answer is not touched by it.
    assert asking() == (path, True)


@pytest.mark.parametrize("variable", ["NATIVELOAD_SPECIMEN", "NATIVELOAD_LIBSPECIMEN_SO_1"])
def test_an_override(variable: str, known: tuple[Asking, str], good: Path) -> None:
    asking, path = known
    by_soname = replace(asking, requirement=NAME)
    by_soname()
    assert by_soname() == (path, True)
    assert replace(by_soname, env={variable: good})() == (str(good), False)
    assert replace(by_soname, env={variable: "wheel"})()[0] == path
    assert by_soname() == (path, True)


def test_a_configuration_file_that_appears_and_goes(known: tuple[Asking, str], good: Path) -> None:
    asking, path = known
    config = asking.home / ".config" / "nativeload" / "config.toml"
    config.write_text(f'[override]\nspecimen = "{good}"\n')
    age(config.parent)
    assert asking() == (str(good), False)
    assert asking() == (str(good), True)
    # An isolated interpreter is another question; it obeys no file.
    isolated = replace(asking, options=("-I",), sites=(), before=f"sys.path[:0] = [{str(asking.sites[0])!r}]")
    assert isolated()[0] == path
    config.chmod(0o666)
    assert asking()[0] == path
    config.unlink()
    age(config.parent)
    assert asking()[0] == path


def test_a_process_that_has_another_copy(known: tuple[Asking, str], good: Path, tmp_path: Path) -> None:
    """A remembered answer is not the whole story where the library is mapped already."""
    asking, path = known
    for other in (shutil.copy(good, tmp_path), specimen(tmp_path / "any-name", soname="libspecimen.so.0")):
        before = f"import ctypes; ctypes.CDLL({str(other)!r})"
        assert replace(asking, before=before)() == (str(other), False)
    unrelated = specimen(tmp_path / "libspecimens.so", soname="libspecimens.so")
    assert replace(asking, before=f"import ctypes; ctypes.CDLL({str(unrelated)!r})")() == (path, True)


@pytest.mark.parametrize("first", ["custom", "usual"])
def test_a_chain_that_somebody_edited(first: str, tmp_path: Path, good: Path) -> None:
    """What another chain gives is remembered for no process that has the usual one, nor the other way round."""
    usual = provider(tmp_path / "site", "some-wheel", declaration(), files={NAME: good}) / NAME
    mine = str(shutil.copy(good, tmp_path / "mine.so"))
    age(tmp_path / "site", Path(mine))
    edit = f"""
import nativeload
from nativeload.spec import candidate
class Mine:
    name = 'mine'
    def candidates(self, requirement, trace):
        yield candidate({mine!r}, 'system', 'mine')
nativeload.finders.insert(0, Mine())
"""
    plain = Asking(home=tmp_path / "home", sites=(tmp_path / "site",))
    edited = replace(plain, before=edit)
    for asking in (edited, plain) if first == "custom" else (plain, edited):
        for _ in range(2):
            assert asking()[0] == (mine if asking is edited else str(usual))


def test_a_relative_directory_on_the_path(tmp_path: Path, good: Path) -> None:
    """It is another directory in each working directory."""
    for place in "ab":
        provider(tmp_path / place / "site", "some-wheel", declaration(), files={NAME: good})
    age(tmp_path)
    asking = Asking(home=tmp_path / "home", sites=())
    for place in "aabb":
        before = f"os.chdir({str(tmp_path / place)!r}); sys.path.insert(0, 'site')"
        found = replace(asking, before=before)()[0]
        assert found == str(tmp_path / place / "site" / "some_wheel" / NAME)


Place = tuple[Path, Path]


def _replaced(a: Path, b: Path, good: Path) -> None:
    specimen(a / NAME, source="int another(void) { return 1; }")


def _same_size_and_time(a: Path, b: Path, good: Path) -> None:
    # Only the time of the change of the inode tells; nobody can set it.
    before = (a / NAME).stat()
    content = (a / NAME).read_bytes()
    (a / NAME).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(a / NAME, ns=(before.st_mtime_ns, before.st_mtime_ns))
    assert (a / NAME).stat().st_size == before.st_size


def _text(a: Path, b: Path, good: Path) -> None:
    (a / NAME).write_text("INPUT(x)")


CHANGES: dict[str, tuple[Callable[[Path, Path, Path], object], str]] = {
    "nothing": (lambda a, b, good: None, "a"),
    "the library replaced": (_replaced, "a"),
    "replaced by one of its size and time": (_same_size_and_time, "a"),
    "the library gone": (lambda a, b, good: (a / NAME).unlink(), "b"),
    "the library spoilt": (_text, "b"),
    "its declaration changed": (lambda a, b, good: (a / "nativeload.toml").write_text(declaration("none.so")), "b"),
    "its declaration spoilt": (lambda a, b, good: (a / "nativeload.toml").write_text("[["), "b"),
    "its declaration gone": (lambda a, b, good: (a / "nativeload.toml").unlink(), "b"),
    "uninstalled": (lambda a, b, good: shutil.rmtree(a.parent / "a_wheel-1.0.dist-info"), "b"),
    "a better one": (
        lambda a, b, good: provider(a.parent, "a-a-wheel", declaration(), files={NAME: good}),
        "a_a_wheel",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_it_rests_on_changes(change: str, tmp_path: Path, good: Path) -> None:
    site = tmp_path / "site"
    a = provider(site, "a-wheel", declaration(), files={NAME: good})
    b = provider(site, "b-wheel", declaration(), files={NAME: good})
    age(site)
    asking = Asking(home=tmp_path / "home", sites=(site,))
    assert asking() == (str(a / NAME), False)
    make, expected = CHANGES[change]
    make(a, b, good)
    home = {"a": a, "b": b}.get(expected, site / expected)
    assert asking() == (str(home / NAME), change == "nothing")


def test_an_edit_that_changes_no_directory(home: Path, tmp_path: Path, good: Path) -> None:
    """What the documentation says of an `entry_points.txt` edited in place: the answer stays until the cache goes."""
    path = str(provider(tmp_path / "site", "some-wheel", declaration(), files={NAME: good}) / NAME)
    age(tmp_path / "site")
    asking = Asking(home=home, sites=(tmp_path / "site",))
    assert [asking(), asking()] == [(path, False), (path, True)]
    (entry_points,) = tmp_path.glob("site/*.dist-info/entry_points.txt")
    entry_points.write_text(entry_points.read_text().replace("specimen", "other"))
    assert asking() == (path, True)
    shutil.rmtree(home / ".cache")
    assert asking() == ("LibraryNotFoundError", False)


def test_an_edit_that_changes_no_directory_is_read_again_when_told(fresh: None, site: Path, good: Path) -> None:
    provider(site, "some-wheel", declaration(), files={NAME: good})
    assert nativeload.find_spec("specimen") is not None
    (entry_points,) = site.glob("*.dist-info/entry_points.txt")
    entry_points.write_text(entry_points.read_text().replace("specimen", "other"))
    assert nativeload.find_spec("specimen") is not None
    nativeload.invalidate_caches()
    assert nativeload.find_spec("specimen") is None
