"""Nothing that lies in the working directory is ever taken: whoever can write there would be running code here."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from parts import Result, run
from unit.specimens import NAME, declaration, provider
from unit.trial import nativeload_path

if TYPE_CHECKING:
    from pathlib import Path

CODE = """
import sys
import nativeload
try:
    print(nativeload.load(sys.argv[1]).path)
except nativeload.NativeLoadError as error:
    print(type(error).__name__)
print(sys.argv[2] in open("/proc/self/maps").read())
"""


@pytest.fixture
def here(tmp_path: Path, good: Path) -> Path:
    """A working directory with everything in it that might be taken for a library."""
    place = tmp_path / "here"
    home = provider(place, "ghost", declaration(), files={NAME: good})
    for name in ("specimen", "libspecimen.so", NAME, "ghost.so"):
        shutil.copy(good, place / name)
    (place / "lib").mkdir()
    shutil.copy(good, place / "lib" / NAME)
    assert home.is_dir()
    return place


def _load(
    here: Path, *sites: Path, requirement: str = "specimen", start: str = "", options: tuple[str, ...] = ()
) -> list[str]:
    """What is said, and whether anything of the working directory was mapped."""
    path = ":".join(map(str, (*sites, *nativeload_path())))
    done: Result = run(
        sys.executable, start + CODE, requirement, here, options=options, env={"PYTHONPATH": path}, cwd=here
    )
    return done.check().stdout.splitlines()


@pytest.mark.parametrize("requirement", ["specimen", "libspecimen.so", NAME])
def test_no_name(requirement: str, here: Path) -> None:
    # `python -c` has "" on its path, and imports modules from here.
    assert _load(here, requirement=requirement) == ["LibraryNotFoundError", "False"]
    assert _load(here, here, requirement=requirement) == [str(here / "ghost" / NAME), "True"]


def test_no_package_that_a_broken_provider_names(here: Path, tmp_path: Path) -> None:
    """An installed distribution declares a package that is not installed; one of that name is here."""
    site = tmp_path / "site"
    shutil.rmtree(provider(site, "ghost", None))
    assert _load(here, site) == ["LibraryNotFoundError", "False"]


def test_no_package_before_an_editable_one(here: Path, tmp_path: Path, good: Path) -> None:
    """As setuptools installs it: a finder at the end of sys.meta_path knows where the package is."""
    site = tmp_path / "site"
    source = provider(tmp_path / "source", "ghost", declaration(), files={NAME: good})
    shutil.rmtree(provider(site, "ghost", None))
    start = f"""
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
class Editable:
    def find_spec(self, name, path=None, target=None):
        if name == "ghost":
            spec = ModuleSpec(name, SourceFileLoader(name, {str(source)!r} + "/__init__.py"), is_package=True)
            spec.submodule_search_locations = [{str(source)!r}]
            return spec
sys.meta_path.append(Editable())
"""
    assert _load(here, site, start=start) == [str(source / NAME), "False"]


def test_a_working_directory_that_is_gone(tmp_path: Path, good: Path) -> None:
    site = tmp_path / "site"
    home = provider(site, "some-wheel", declaration(), files={NAME: good})
    gone = tmp_path / "gone"
    gone.mkdir()
    start = f"import os, sys; os.rmdir({str(gone)!r}); sys.path.append('relative')\n"
    # Without "" on its path, over which 3.13.0 itself stumbles (python/cpython#130932).
    assert _load(gone, site, start=start, options=("-P",)) == [str(home / NAME), "False"]
