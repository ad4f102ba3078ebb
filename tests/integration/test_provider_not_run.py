"""Finding a library runs nothing of its provider."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from integration import layouts
from integration.projects import LOAD_ANSWER, python_path
from parts import run, site, wheel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from integration.layouts import Place

PACKAGES = {"venv": ["answer_provider", "answer_namespace.provider"]}
EVERY = [(kind, package) for kind in layouts.OF_WHEELS for package in PACKAGES.get(kind, ["answer_provider"])]
EVERY += [(kind, package) for kind in layouts.OF_PROJECTS for package in PACKAGES["venv"]]

# Every way to ask; then what of the provider was imported.
ASK = """
import contextlib, io, json, sys
import nativeload
from nativeload.__main__ import _main
package = sys.argv[1]
assert nativeload.find_spec("answer").path
assert nativeload.explain("answer").status == "found"
with contextlib.redirect_stdout(io.StringIO()) as shown:
    assert _main(["--explain", "answer"]) == 0
    assert _main(["--explain"]) == 0
    assert _main(["--list"]) == 0
assert "libanswer.so.1" in shown.getvalue()
library = nativeload.load("answer")
assert library.ctypes.answer() == 42
assert any(image.provider and image.provider.distribution == "answer-provider" for image in nativeload.loaded())
print(json.dumps([name for name in sys.modules if name.startswith(package.partition(".")[0])]))
"""

# Loads a library; then which file that is, and what was imported.
LOAD_BY_NAME = """
import json, sys
import nativeload
def load():
    print(json.dumps([nativeload.load(sys.argv[1]).path, sorted(sys.modules)]))
"""


@pytest.mark.parametrize(("kind", "package"), EVERY)
def test_not_imported(kind: str, package: str, provider_place: Callable[..., Place], tmp_path: Path) -> None:
    place = provider_place(kind, package)
    env: dict[str, str | Path] = {**place.env, "IMPORTED": tmp_path / "imported"}
    assert run(place.python, ASK, package, env=env).check().json == []
    assert not (tmp_path / "imported").exists()

    # The mark that is not there is what importing leaves.
    imported = run(place.python, f"import {package}", env=env)
    assert f"RuntimeError: {package} was imported" in imported.stderr
    assert (tmp_path / "imported").read_text() == f"{package}\n"


@pytest.mark.parametrize(
    ("distribution", "library", "package", "needs"),
    [("scipy-openblas64", "openblas", "scipy_openblas64", ""), ("soundfile", "sndfile", "soundfile", "numpy")],
)
def test_catalog_wheel_not_imported(distribution: str, library: str, package: str, needs: str) -> None:
    """`needs` is what the package imports and this environment does not have: to be imported, it has to be run."""
    place = site(wheel(distribution))
    env = {"PYTHONPATH": python_path(place)}
    code = LOAD_BY_NAME + "load()"
    found, modules = run(layouts.bare(), code, library, env=env).check().json
    assert found.startswith(f"{place}/")
    assert [name for name in modules if name.partition(".")[0] == package] == []

    # What the list of modules would show, had the package been imported; or how it would have failed.
    imported = run(layouts.bare(), LOAD_BY_NAME + f"import {package}; load()", library, env=env)
    if needs:
        assert f"No module named '{needs}'" in imported.stderr
        assert f'"{place}/{package}.py"' in imported.stderr
    else:
        assert package in imported.check().json[1]


def test_an_import_hook_that_fails_is_in_the_trace(provider_place: Callable[..., Place]) -> None:
    """An import hook is asked where a package is; what it raises is the trace's, not the caller's."""
    place = provider_place("editable flat")
    code = """
import sys
class Broken:
    def find_spec(name, path=None, target=None):
        if name == "answer_provider":
            raise ZeroDivisionError("a broken hook")
sys.meta_path.insert(0, Broken)
import nativeload
print(nativeload.find_spec("answer"), nativeload.explain("answer"))
"""
    said = run(place.python, code, env=place.env).check().stdout
    assert said.startswith("None ")
    assert "a broken hook" in said
    assert os.fspath(place.root) in run(place.python, LOAD_ANSWER, env=place.env).check().stdout
