"""What `load` gives: one object and one handle for one library, its facts, its symbols."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from parts import maps
from unit.specimens import NAME, declaration, provider
from unit.trial import ask

if TYPE_CHECKING:
    from pathlib import Path

FACTS = (
    maps()
    + """
import copy, gc, json, pickle, sys
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
alone = []
for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
    try:
        attempt(one)
    except TypeError as error:
        alone.append(str(error))
names = ("name", "path", "soname", "version", "origin", "abi")
print(json.dumps({
    "again": again,
    "alone": alone,
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
    pytest.importorskip("cffi")
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


def test_it_is_of_its_process(facts: tuple[Path, dict[str, Any]]) -> None:
    """A handle is an address: sent to another process, it would be one of nothing there."""
    said = "a Library is of the process that loaded it: pass its name on, and load that there"
    assert facts[1]["alone"] == [said] * 3


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


def test_global_and_local(tmp_path: Path, good: Path) -> None:
    provider(tmp_path, "some-wheel", declaration(), files={NAME: good})
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
    assert ask(code, tmp_path) == [False, False, True, True]


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
