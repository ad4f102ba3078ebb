"""The comparison sees what it is there to see; and where nativeload resolves, it agrees with the linker."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from truth import corpus
from truth.__main__ import count
from truth.compare import compare
from truth.wheel import one_wheel

import nativeload
from parts.elf_files import elf_files
from parts.truth import Truth, system_linker, truth

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = 150


@pytest.fixture(scope="module")
def answers() -> list[Truth]:
    """The linker's, for programs and libraries of this system and for all of a wheel."""
    system = corpus.spread(COUNT, Path("/usr/bin"), Path("/usr/lib"))
    files = [str(file.path) for file in elf_files(one_wheel())]
    assert len(system) == COUNT
    assert len(files) > 3
    return [truth(path) for path in (*system, *files)]


def same(answer: Truth) -> dict[str, Any]:
    """The closure that an answer means, as if the file itself needed everything."""
    needed = [{"name": name, "path": path, "how": "fake"} for name, path in answer.libraries]
    paths = [path for _, path in answer.libraries if path]
    images = [{"path": path, "soname": "", "needed": []} for path in paths]
    return {
        "version": 1,
        "root": answer.path,
        "status": "fatal" if answer.error else "problems" if answer.missing or answer.complaints else "ok",
        "images": [{"path": answer.path, "soname": "", "needed": needed}, *images],
        "problems": [],
    }


def test_the_same_agrees(answers: list[Truth]) -> None:
    assert [difference for one in answers for difference in compare(one, same(one))] == []
    assert sum(len(one.libraries) for one in answers) > COUNT


@pytest.fixture
def answer(answers: list[Truth]) -> Truth:
    """One with three libraries and more, none of them missing."""
    return next(one for one in answers if len(one.libraries) > 3 and not one.missing and not one.complaints)


def change(*steps: tuple[str, Callable[[dict[str, Any]], None]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("what", "step"), steps, ids=[what for what, _ in steps])


def _another_file(closure: dict[str, Any]) -> None:
    closure["images"][1]["path"] = "/usr/lib/os-release"


def _another_order(closure: dict[str, Any]) -> None:
    images = closure["images"]
    images[1], images[2] = images[2], images[1]


def _another_name(closure: dict[str, Any]) -> None:
    closure["images"][0]["needed"][0]["name"] = "libanother.so"


def _another_spelling(closure: dict[str, Any]) -> None:
    path = closure["images"][1]["path"]
    other = f"{Path(path).parent}/../{Path(path).parent.name}/{Path(path).name}"
    closure["images"][1]["path"] = closure["images"][0]["needed"][0]["path"] = other


def _one_that_is_missing(closure: dict[str, Any]) -> None:
    closure["images"][0]["needed"].append({"name": "libgone.so", "path": None, "how": ""})


def _another_status(closure: dict[str, Any]) -> None:
    closure["status"] = "fatal"


@change(
    ("files", _another_file),
    ("files", lambda closure: closure["images"].pop()),
    ("order", _another_order),
    ("names", _another_name),
    ("spelling", _another_spelling),
    ("missing", _one_that_is_missing),
    ("status", _another_status),
)
def test_a_difference_is_seen(answer: Truth, what: str, step: Callable[[dict[str, Any]], None]) -> None:
    closure = same(answer)
    step(closure)
    assert [difference.what for difference in compare(answer, closure)] == [what]


def test_what_is_missing_and_what_is_fatal(answer: Truth) -> None:
    missing = replace(answer, libraries=(("libgone.so", None), *answer.libraries))
    assert compare(missing, same(missing)) == []
    assert [one.what for one in compare(missing, same(answer))] == ["status", "missing"]
    fatal = replace(answer, libraries=(), error="file too short")
    assert compare(fatal, same(fatal)) == []
    assert [one.what for one in compare(fatal, same(answer))] == ["status"]


def test_the_place_of_the_linker_among_gaps(answer: Truth) -> None:
    """It is known only where nothing is missing."""
    (linker,) = [one for one in answer.libraries if one[1] == system_linker()]
    others = [one for one in answer.libraries if one is not linker]
    for gap, expected in ([], ["order"]), ([("libgone.so", None)], []):
        first = replace(answer, libraries=(*gap, linker, *others))
        last = replace(answer, libraries=(*gap, *others, linker))
        assert [one.what for one in compare(first, same(last))] == expected


def test_a_path_given_from_outside_a_root(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "liba.so").touch()
    one = Truth(path="/libroot.so", kind="library", libraries=(("liba.so", "/lib/liba.so"),))
    closure = same(one)
    assert compare(one, closure, tmp_path) == []
    closure["images"][1]["path"] = closure["images"][0]["needed"][0]["path"] = f"{tmp_path}/lib/liba.so"
    assert compare(one, closure, tmp_path) == []
    assert [difference.what for difference in compare(one, closure)] == ["files"]


def test_answers_are_kept(answers: list[Truth], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus.save(answers, tmp_path / "truth" / "some.jsonl")
    assert corpus.saved(tmp_path / "truth" / "some.jsonl") == answers
    assert json.loads((tmp_path / "truth" / "some.jsonl").read_text().splitlines()[0])["path"] == answers[0].path
    count([*answers, replace(answers[0], libraries=(("libgone.so", None),), error="words")])
    printed = capsys.readouterr().out
    assert "missing: libgone.so (1)" in printed or ", libgone.so (1)" in printed
    assert f"{answers[0].path}: words" in printed


resolve: Any = getattr(nativeload, "resolve", None)

if resolve is not None:

    def test_nativeload_agrees(answers: list[Truth]) -> None:
        asked = [one for one in answers if one.linker]
        differences = [
            difference for one in asked for difference in compare(one, resolve(one.path, environ={}).to_dict())
        ]
        assert "\n".join(map(str, differences)) == ""
