"""Audit events: a site can watch every search and every load, and forbid them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from integration.layouts import bare
from integration.projects import answer_library, project, provider_wheel, python_path, settled
from parts import Result, build_wheel, cc, maps, run, site

WATCH = (
    maps()
    + """
import json, os, sys
events = []


def watch(event, args):
    if event.startswith("nativeload."):
        events.append([event, *args])
        forbidden = os.environ.get("FORBID", "")
        if forbidden and forbidden in " ".join([event, *map(str, args)]):
            raise PermissionError(f"forbidden: {event}")


sys.addaudithook(watch)
import nativeload


def seen():
    found, events[:] = events[:], []
    return found


def attempt(function, *args, **options):
    try:
        function(*args, **options)
    except PermissionError as error:
        return str(error)
    return "allowed"


def ours():
    return sorted(os.path.basename(path) for path in mapped() if "libanswer" in path or "libinner" in path)
"""
)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A provider of `answer`."""
    return site(provider_wheel(tmp_path_factory.mktemp("provider")))


@pytest.fixture(scope="session")
def dependent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A provider whose library needs another of the same wheel."""
    root = tmp_path_factory.mktemp("dependent")
    home = root / "src" / "answer_provider"
    inner = answer_library(home / "lib" / "libinner.so.1")
    cc("", home / "lib" / "libanswer.so.1", "-Wl,--no-as-needed", inner, "-Wl,-soname,libanswer.so.1")
    (home / "__init__.py").touch()
    (home / "nativeload.toml").write_text('[library.answer]\npath = "lib/libanswer.so.1"\n', encoding="utf-8")
    return site(build_wheel(project(root, "answer-provider", "1", {"answer": "answer_provider"})))


def ask(place: Path, code: str, *, forbid: str = "", home: Path | None = None) -> Result:
    return run(bare(), WATCH + code, env={"PYTHONPATH": python_path(place), "FORBID": forbid}, home=home).check()


def test_names_and_arguments(installed: Path) -> None:
    code = """
nativeload.find_spec("answer>=1")
nativeload.explain("answer<1")
nativeload.find_spec("nothing-of-that-name")
print(json.dumps(seen()))
"""
    searched = [["nativeload.find", text] for text in ("answer>=1", "answer<1", "nothing-of-that-name")]
    assert ask(installed, code).json == searched

    path = os.fspath(installed / "answer_provider" / "lib" / "libanswer.so.1")
    code = """
nativeload.load("answer>=1")
first = seen()
nativeload.load("answer>=1")
print(json.dumps([first, seen()]))
"""
    loading = ["nativeload.load", "answer", path]
    # Again: nothing is searched, and who may load is asked all the same.
    assert ask(installed, code).json == [[["nativeload.find", "answer>=1"], loading], [loading]]


def test_each_function_raises_it_at_the_same_point(installed: Path) -> None:
    """Before the requirement is read, after the arguments have been found to be of their types."""
    code = """
asked = [("a b", ()), ("z>=x", ()), ("z", ("",)), ("z", "one"), (b"z", ()), (None, ())]
said = {}
for name in ("load", "find_spec", "explain"):
    for text, symbols in asked:
        try:
            getattr(nativeload, name)(text, symbols=symbols)
        except (nativeload.RequirementError, TypeError) as error:
            said.setdefault(name, []).append([type(error).__name__, seen()])
print(json.dumps(said))
"""
    said = ask(installed, code).json
    read = [["RequirementError", [["nativeload.find", text]]] for text in ("a b", "z>=x", "z")]
    expected = [*read, *[["TypeError", []]] * 3]
    assert said == {"load": expected, "find_spec": expected, "explain": expected}


def test_dependencies_are_events_too(dependent: Path) -> None:
    home = dependent / "answer_provider" / "lib"
    expected = [["nativeload.load", "answer", os.fspath(home / name)] for name in ("libinner.so.1", "libanswer.so.1")]
    code = "nativeload.load('answer'); print(json.dumps(seen()))"
    assert ask(dependent, code).json == [["nativeload.find", "answer"], *expected]


def test_a_cached_answer_raises_the_same_events(installed: Path, tmp_path: Path) -> None:
    code = "nativeload.load('answer'); print(json.dumps([seen(), 'nativeload.resolution' in sys.modules]))"
    (cold, searched), (warm, searched_again) = (ask(settled(installed), code, home=tmp_path).json for _ in range(2))
    assert (searched, searched_again) == (True, False)
    assert cold == warm


@pytest.mark.parametrize(
    ("forbid", "call"),
    [
        ("nativeload.find", "nativeload.load, 'answer'"),
        ("nativeload.find answer", "nativeload.find_spec, 'answer'"),
        ("nativeload.find answer", "nativeload.explain, 'answer'"),
        ("nativeload.load", "nativeload.load, 'answer'"),
        ("nativeload.load answer", "nativeload.load, 'answer'"),
        ("libanswer.so.1", "nativeload.load, 'libanswer.so.1', mode='global'"),
    ],
)
def test_a_hook_that_raises_forbids(forbid: str, call: str, installed: Path) -> None:
    code = f"print(json.dumps([attempt({call}), ours(), len(nativeload._handles)]))"
    said, mapped, registered = ask(installed, code, forbid=forbid).json
    assert said.startswith("forbidden: nativeload.")
    assert (mapped, registered) == ([], 0)
    # With a hook that only watches:
    said, mapped, registered = ask(installed, code).json
    assert said == "allowed"
    loads = call.startswith("nativeload.load")
    assert (mapped, registered) == ((["libanswer.so.1"], 1) if loads else ([], 0))


def test_a_forbidden_dependency_leaves_nothing_mapped(dependent: Path) -> None:
    code = "print(json.dumps([attempt(nativeload.load, 'answer'), ours()]))"
    assert ask(dependent, code, forbid="libinner").json == ["forbidden: nativeload.load", []]
    assert ask(dependent, code).json == ["allowed", ["libanswer.so.1", "libinner.so.1"]]


def test_a_forbidden_library_leaves_its_dependencies_unmapped(dependent: Path) -> None:
    code = "print(json.dumps([attempt(nativeload.load, 'answer'), ours()]))"
    assert ask(dependent, code, forbid="libanswer.so.1").json == ["forbidden: nativeload.load", []]


def test_what_is_loaded_already_can_still_be_forbidden(installed: Path) -> None:
    code = """
library = nativeload.load("answer")
os.environ["FORBID"] = "nativeload.load"
refused = [attempt(nativeload.load, text) for text in ("answer", "answer>=1", "libanswer.so.1")]
os.environ["FORBID"] = ""
print(json.dumps([refused, nativeload.load("answer") is library]))
"""
    assert ask(installed, code).json == [["forbidden: nativeload.load"] * 3, True]


def test_a_forbidden_load_can_be_tried_again(installed: Path) -> None:
    code = """
os.environ["FORBID"] = "nativeload.load"
refused = attempt(nativeload.load, "answer")
os.environ["FORBID"] = ""
print(json.dumps([refused, nativeload.load("answer").ctypes.answer()]))
"""
    assert ask(installed, code).json == ["forbidden: nativeload.load", 42]
