"""A program bundled by PyInstaller: the consumer's extension is called, with its provider's library in the bundle."""

from __future__ import annotations

import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest

from integration import pair_layouts
from parts import execute, venv, wheel
from parts._cache import tool

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not sysconfig.get_config_var("Py_ENABLE_SHARED"), reason="PyInstaller wants a libpython"),
]

PYINSTALLER = ("pyinstaller", "pyinstaller-hooks-contrib", "altgraph", "setuptools")
PROGRAM = """
import nativeload, bar
library = nativeload.load("foo")
print(bar.ask(), library.path, library.provider.distribution, nativeload.core.__name__)
print(nativeload.explain("openblas"))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a program, and an environment with what it needs and PyInstaller; bar requires by its file."""
    home = tmp_path_factory.mktemp("bundle")
    venv(sys.executable, *map(wheel, PYINSTALLER), *pair_layouts.everything(), at=home / "env")
    (packages,) = (home / "env").glob("lib/python*/site-packages")
    init, record = packages / "bar" / "__init__.py", packages / "bar-1.0.dist-info" / "RECORD"
    init.write_text(init.read_text().replace('load("foo>=1.2,<2")', "load_required(__name__)"))
    (packages / "bar" / "nativeload.toml").write_text('[requires]\nfoo = ">=1.2,<2"\n')
    record.write_text(f"{record.read_text()}bar/nativeload.toml,,\n")
    (home / "program.py").write_text(PROGRAM)
    return home


def bundle(place: Path, name: str) -> Path:
    """A one-folder bundle of the program."""
    options = ["--name", name, "--log-level", "WARN", "--noconfirm", "--exclude-module", "setuptools"]
    tool(place / "env" / "bin" / "python", "-m", "PyInstaller", *options, "program.py", cwd=place)
    return place / "dist" / name


def test_one_folder(place: Path) -> None:
    whole = bundle(place, "whole")
    moved = whole.rename(place / "a folder elsewhere")
    (place / "env").rename(place / "gone")
    said = execute([moved / "whole"]).check().stdout.splitlines()
    library = moved / "_internal" / "foo_lib" / "libfoo.so.1"
    # A bundle obeys no variable: not the one by which a session of these tests chooses a backend.
    assert said[0] == f"42 {library} foo-lib nativeload._native"
    assert "openblas: not found" in said
    (place / "gone").rename(place / "env")

    library.unlink()
    (moved / "_internal" / library.name).unlink(missing_ok=True)  # PyInstaller's link to it
    assert f"{library} does not exist" in execute([moved / "whole"]).stderr


def test_without_the_hook(place: Path) -> None:
    (points,) = (place / "env").glob("lib/python*/site-packages/nativeload-*.dist-info/entry_points.txt")
    text = points.read_text()
    assert "[pyinstaller40]" in text
    points.write_text(text.replace("[pyinstaller40]", "[nothing]"))
    refused = execute([bundle(place, "bare") / "bare"])
    points.write_text(text)
    assert refused.returncode == 1
    assert f"there is no {place}/dist/bare/_internal/bar/nativeload.toml" in refused.stderr
