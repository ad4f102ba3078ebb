"""The names a package author meets, what importing them costs, and what they refuse."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

import nativeload
from parts import run
from unit.specimens import NAME, age, declaration, provider
from unit.trial import ask, nativeload_path

if TYPE_CHECKING:
    from pathlib import Path

# What takes milliseconds to import, in somebody's __init__.py.
HEAVY = {"dataclasses", "typing", "pathlib", "json", "re", "importlib.metadata", "ctypes", "enum", "collections"}

NAMES = {
    "load",
    "load_required",
    "find_spec",
    "explain",
    "loaded",
    "resolve",
    "environ",
    "finders",
    "host",
    "prefer",
    "invalidate_caches",
    "Library",
    "LibrarySpec",
    "Explanation",
    "LoadedImage",
    "Provider",
    "Closure",
    "NativeLoadError",
    "CoherenceError",
    "CoherenceWarning",
    "LibraryNotFoundError",
    "ABIMismatchError",
    "RequirementError",
    "DeclarationError",
    "OverrideError",
    "LinkError",
    "ImageError",
    "SearchPathError",
    "SymbolNotFoundError",
}


def test_names() -> None:
    assert set(nativeload.__all__) == NAMES
    assert [name for name in NAMES if getattr(nativeload, name, None) is None] == []
    assert set(dir(nativeload)) >= NAMES
    assert all(getattr(nativeload, name).__doc__ for name in NAMES if name != "finders")
    missing = "no_such_name"
    with pytest.raises(AttributeError, match="has no attribute 'no_such_name'"):
        getattr(nativeload, missing)


def test_what_dir_shows() -> None:
    """What is meant for others; not what this module imports, nor the modules below it that were imported."""
    code = """
import json
import nativeload, nativeload.resolution
shown = dir(nativeload)
nativeload.explain
print(json.dumps([shown, dir(nativeload), sorted(vars(nativeload))]))
"""
    before, after, names = ask(code)
    assert before == after
    assert {name for name in before if not name.startswith("__")} == set(nativeload.__all__)
    assert {"__all__", "__doc__", "__file__", "__name__", "__path__", "__spec__"} <= set(before)
    # They are there all the same.
    assert {"core", "os", "sys", "resolution", "_lock"} <= set(names) - set(before)


def test_star() -> None:
    code = "from nativeload import *\nimport json\nprint(json.dumps(sorted(n for n in dir() if n[0] != '_')))"
    assert set(ask(code)) == NAMES | {"json"}


@pytest.mark.parametrize("options", [["-I", "-S"], ["-S"], []])
def test_importing_it_imports_nothing_slow(options: list[str]) -> None:
    code = (
        "import sys\n"
        "sys.path[:0] = sys.argv[1:]\n"
        "before = set(sys.modules)\n"
        "import nativeload\n"
        "after = set(sys.modules)\n"
        "import json\n"
        "print(json.dumps([sorted(after - before)]))"
    )
    path = [str(place) for place in nativeload_path()]
    (new,) = ask(code, arguments=path, options=options)
    assert HEAVY.intersection(new) == set()
    # Each file more is a tenth of a millisecond.
    own = {name for name in new if name.startswith("nativeload") and not name.startswith("nativeload._pure.")}
    assert own in ({"nativeload", "nativeload._native"}, {"nativeload", "nativeload._pure"})
    # The check sees what it looks for.
    heavy = ask(code.replace("import nativeload", "import importlib.metadata"), options=options)[0]
    assert {"re", "importlib.metadata"} <= set(heavy)


@pytest.fixture
def wheel(tmp_path: Path, good: Path) -> Path:
    path = (
        provider(tmp_path / "site", "some-wheel", declaration(version="2.5"), files={NAME: good}, version="3.1") / NAME
    )
    age(tmp_path / "site")
    return path


def test_a_warm_load_imports_nothing_further(wheel: Path, home: Path, backend: str) -> None:
    code = (
        "import sys\n"
        "import nativeload\n"
        "before = set(sys.modules)\n"
        "path = nativeload.load('specimen').path\n"
        "new = sorted(set(sys.modules) - before)\n"
        "import json\n"
        "print(json.dumps([path, new]))"
    )
    path, new = ask(code, wheel.parents[1], home=home)
    assert "nativeload.resolution" in new
    path, new = ask(code, wheel.parents[1], home=home)
    assert path == str(wheel)
    # The pure-Python backend has the linker by ctypes alone.
    assert [name for name in new if backend == "c" or name.startswith("nativeload.")] == []


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ("'z', mode='lazy'", "ValueError", "mode is 'local' or 'global', not 'lazy'"),
        ("'z', symbols='adler32'", "TypeError", "symbols is a sequence of names, not one string"),
        ("b'z'", "TypeError", "a requirement is a str, not bytes"),
        ("None", "TypeError", "a requirement is a str, not NoneType"),
        ("'z', 'global'", "TypeError", "positional argument"),
    ],
)
def test_arguments_that_are_none(arguments: str, error: str, words: str) -> None:
    for function in ("load", "find_spec", "explain"):
        if "mode" in arguments and function != "load":
            continue
        with pytest.raises((TypeError, ValueError)) as caught:
            eval(f"nativeload.{function}({arguments})")
        assert type(caught.value).__name__ == error
        assert words in str(caught.value)


@pytest.mark.parametrize(("value", "options"), [("C", []), ("pure", []), ("python", ["-E"])])
def test_the_backend_is_one_of_two(value: str, options: list[str]) -> None:
    done = run(sys.executable, "import nativeload", options=options, env={"NATIVELOAD_BACKEND": value})
    if options:
        assert done.returncode == 0
    else:
        assert f"NATIVELOAD_BACKEND={value} cannot be honoured: it is neither 'c' nor 'python'" in done.stderr
