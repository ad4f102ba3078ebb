"""The names a package author meets, what importing them costs, and what a `Library` is."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

import nativeload
from parts import maps
from unit.specimens import NAME, age, declaration, provider
from unit.trial import ask, nativeload_path

if TYPE_CHECKING:
    from pathlib import Path

# What takes milliseconds to import, in somebody's __init__.py.
HEAVY = {"dataclasses", "typing", "pathlib", "json", "re", "importlib.metadata", "ctypes", "enum", "collections"}

NAMES = {
    "load",
    "find_spec",
    "explain",
    "loaded",
    "finders",
    "invalidate_caches",
    "Library",
    "LibrarySpec",
    "Explanation",
    "LoadedImage",
    "Provider",
    "NativeLoadError",
    "LibraryNotFoundError",
    "ABIMismatchError",
    "RequirementError",
    "DeclarationError",
    "OverrideError",
    "LinkError",
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
    assert "nativeload.loader" in new
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


FACTS = (
    maps()
    + """
import gc, json, pickle, sys
import nativeload
events = []
sys.addaudithook(lambda event, args: events.append([event, str(args[0])]) if event == "ctypes.dlopen" else None)
one = nativeload.load("specimen")
again = [nativeload.load(text) is one for text in ("specimen", "libspecimen.so.1", "specimen==2.5")]
events.clear()
shared = one.ctypes
answers = [shared.specimen_answer(), shared["specimen_question"](), one.ctypes is shared, shared._handle == one.handle]
import ctypes
address = one.symbol("specimen_answer")
answers += [ctypes.CFUNCTYPE(ctypes.c_int)(address)(), ctypes.cast(shared.specimen_answer, ctypes.c_void_p).value == address]
lib = one.ffi("int specimen_answer(void);")
answers.append(lib.specimen_answer())
del lib
gc.collect()
answers.append(shared.specimen_answer())
opened = [name for _, name in events if "specimen" in name]
refused = {}
for attempt in (lambda: one.symbol("specimen_answre"), lambda: one.symbol(""), lambda: one.symbol("x")):
    try:
        attempt()
    except AttributeError as error:
        refused[error.symbol] = [type(error).__name__, str(error), list(error.nearest)]
names = ("name", "path", "soname", "version", "origin", "abi")
print(json.dumps({
    "again": again,
    "answers": answers,
    "opened": opened,
    "refused": refused,
    "facts": {name: getattr(one, name) for name in names},
    "provider": [one.provider.distribution, one.provider.version, str(one.provider)],
    "repr": repr(one),
    "copies": [path for path in sorted(mapped()) if "specimen" in path],
    "loaded": [image.to_dict() for image in nativeload.loaded()],
}))
"""
)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory, good: Path) -> tuple[Path, dict[str, Any]]:
    top = tmp_path_factory.mktemp("facts")
    text = f'{declaration(version="2.5")}abi = ["lp64", "openmp"]\n'
    path = provider(top, "some-wheel", text, files={NAME: good}, version="3.1") / NAME
    return path, ask(FACTS, top)


def test_a_library(facts: tuple[Path, dict[str, Any]]) -> None:
    path, found = facts
    assert found["facts"] == {
        "name": "specimen",
        "path": str(path),
        "soname": NAME,
        "version": "2.5",
        "origin": "wheel",
        "abi": ["lp64", "openmp"],
    }
    assert found["provider"] == ["some-wheel", "3.1", "some-wheel 3.1"]
    assert found["repr"] == f"<nativeload.Library 'specimen' from {str(path)!r}>"


def test_one_library_is_one_object(facts: tuple[Path, dict[str, Any]]) -> None:
    path, found = facts
    assert found["again"] == [True, True, True]
    assert found["copies"] == [str(path)]


def test_one_handle_for_all(facts: tuple[Path, dict[str, Any]]) -> None:
    assert facts[1]["answers"] == [42, 54, True, True, 42, True, 42, 42]
    # Neither ctypes nor cffi opens it again.
    assert facts[1]["opened"] == []


def test_a_symbol_that_is_not_there(facts: tuple[Path, dict[str, Any]]) -> None:
    path, found = facts
    kind, text, nearest = found["refused"]["specimen_answre"]
    assert kind == "SymbolNotFoundError"
    assert nearest == ["specimen_answer", "specimen_question"][: len(nearest)]
    assert text == f"{path} has no symbol 'specimen_answre'; the nearest it has: {', '.join(nearest)}"
    assert set(found["refused"]) == {"specimen_answre", "", "x"}


def test_what_is_loaded(facts: tuple[Path, dict[str, Any]]) -> None:
    path, found = facts
    (ours,) = [image for image in found["loaded"] if image["name"]]
    provider = {"distribution": "some-wheel", "version": "3.1"}
    assert ours == {"path": str(path), "soname": NAME, "name": "specimen", "provider": provider}
    others = [image for image in found["loaded"] if not image["name"]]
    assert any(image["soname"] and image["soname"].startswith("libc.") for image in others)
    assert all(image["provider"] is None and image["path"] for image in others)


def test_global_and_local(wheel: Path) -> None:
    code = (
        "import ctypes, json, nativeload\n"
        "def seen():\n"
        "    return hasattr(ctypes.CDLL(None), 'specimen_answer')\n"
        "before = seen()\n"
        "one = nativeload.load('specimen')\n"
        "local = seen()\n"
        "same = nativeload.load('specimen', mode='global') is one\n"
        "print(json.dumps([before, local, same, seen()]))"
    )
    assert ask(code, wheel.parents[1]) == [False, False, True, True]


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


def test_a_path_of_any_bytes(tmp_path: Path, good: Path) -> None:
    """A space, quotes, a colon, a newline, an escape sequence, and a byte that is no UTF-8."""
    place = os.fsencode(tmp_path) + b"/a b'\"c:d\ne\x1b[31m-\xff"
    os.mkdir(place)
    path = os.path.join(os.fsdecode(place), NAME)
    shutil.copy(good, path)
    code = (
        "import json, nativeload\n"
        "spec, one = nativeload.find_spec('specimen'), nativeload.load('specimen')\n"
        "print(json.dumps([spec.path, one.path, one.ctypes.specimen_answer(), str(nativeload.explain('specimen'))]))"
    )
    found = ask(code, env={"NATIVELOAD_SPECIMEN": path})
    assert found[:3] == [path, path, 42]
