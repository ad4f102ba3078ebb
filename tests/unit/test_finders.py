"""The chain: each finder alone, all of them in order, one of somebody else's, and what is said of each step."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

import nativeload
from nativeload import abc, machinery
from nativeload.spec import candidate
from unit.specimens import LINKER_SCRIPT, NAME, declaration, provider
from unit.trial import ask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nativeload.requirement import Requirement
    from nativeload.spec import Candidate, Trace

ORDER = ["loaded", "override", "wheel", "prefix", "system"]

# Which library each finder gives alone, then as one after the other is taken away from the front.
CHAIN = """
import json, sys
sys.prefix = sys.argv[1]
import nativeload
def path():
    spec = nativeload.find_spec("specimen")
    return spec and [spec.path, spec.origin]
chain, alone, rest = list(nativeload.finders), {}, []
for finder in chain:
    nativeload.finders[:] = [finder]
    alone[finder.name] = path()
for index in range(len(chain) + 1):
    nativeload.finders[:] = chain[index:]
    rest.append(path())
print(json.dumps([[finder.name for finder in chain], alone, rest]))
"""


@pytest.fixture
def places(tmp_path: Path, good: Path) -> dict[str, Path]:
    """A copy of the library for each finder."""
    found = {"wheel": provider(tmp_path / "site", "some-wheel", declaration(), files={NAME: good}) / NAME}
    for origin in ("loaded", "override", "prefix", "system"):
        directory = tmp_path / origin / "lib"
        directory.mkdir(parents=True)
        found[origin] = directory / NAME
        shutil.copy(good, found[origin])
    return found


def _environment(places: dict[str, Path]) -> dict[str, str | Path]:
    return {"NATIVELOAD_SPECIMEN": places["override"], "LD_LIBRARY_PATH": places["system"].parent}


def test_alone_and_in_order(places: dict[str, Path], tmp_path: Path) -> None:
    prefix = str(tmp_path / "prefix")
    chain, alone, rest = ask(CHAIN, tmp_path / "site", arguments=[prefix], env=_environment(places))
    assert chain == ORDER
    assert alone == {"loaded": None} | {origin: [str(places[origin]), origin] for origin in ORDER[1:]}
    assert rest == [alone["override"], *(alone[origin] for origin in ORDER[1:]), None]


def test_loaded_alone_and_in_order(places: dict[str, Path], tmp_path: Path) -> None:
    """What is mapped comes first; without the loaded finder, no other maps a second copy of its soname."""
    env = {**_environment(places), "NATIVELOAD_SPECIMEN": ""}
    code = f"import ctypes; ctypes.CDLL({str(places['loaded'])!r})\n{CHAIN}"
    _, alone, rest = ask(code, tmp_path / "site", arguments=[str(tmp_path / "prefix")], env=env)
    mapped = [str(places["loaded"]), "loaded"]
    assert alone == {"override": None} | {origin: mapped for origin in ORDER if origin != "override"}
    assert rest == [mapped] * 5 + [None]


class Mine:
    """A finder of somebody else's, which gives one file and notes what it is asked."""

    name = "mine"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[str] = []
        self.forgotten = 0

    def candidates(self, requirement: Requirement, trace: Trace) -> Iterator[Candidate]:
        self.asked.append(requirement.name)
        if requirement.name == "specimen":
            yield candidate(str(self.path), "system", "because I say so")
        else:
            trace.absent(requirement.name, "is nothing of mine")

    def invalidate_caches(self) -> None:
        self.forgotten += 1


@pytest.fixture
def chain(fresh: None) -> Iterator[list[abc.Finder]]:
    """The chain, as it was afterwards."""
    before = list(nativeload.finders)
    yield nativeload.finders
    nativeload.finders[:] = before


def test_one_of_somebody_elses(chain: list[abc.Finder], good: Path, tmp_path: Path) -> None:
    mine = Mine(good)
    chain.insert(0, mine)
    assert isinstance(mine, abc.Finder)
    spec = nativeload.find_spec("specimen")
    assert spec is not None
    assert spec.path == str(good)
    step = nativeload.explain("specimen").steps[-1]
    assert (step.finder, step.verdict, step.reason) == ("mine", "accepted", "because I say so")
    # It is judged as every other, and the chain goes on behind it.
    mine.path = tmp_path / "not-there"
    assert nativeload.find_spec("specimen") is None
    steps = nativeload.explain("specimen").steps
    assert [step.finder for step in steps if step.finder in ("mine", "system")] == ["mine", "system"]
    assert "is nothing of mine" in str(nativeload.explain("other"))
    assert mine.asked == ["specimen"] * 4 + ["other"]
    nativeload.invalidate_caches()
    assert mine.forgotten == 1


def test_those_there_are(chain: list[abc.Finder]) -> None:
    classes = [getattr(machinery, name) for name in machinery.__all__]
    assert {type(finder) for finder in chain} == set(classes)
    assert all(isinstance(finder, abc.Finder) for finder in chain)
    assert [finder.name for finder in chain] == ORDER
    assert not isinstance(object(), abc.Finder)
    chain.clear()
    assert nativeload.explain("z").to_dict()["steps"] == []
    assert nativeload.find_spec("z") is None


def test_one_file_under_two_declarations(fresh: None, site: Path, good: Path) -> None:
    """Hard links, as some installers make them: what the second provider says of the file may be what is asked for."""
    first = provider(site, "a-wheel", f'{declaration(version="1.0")}abi = ["ilp64"]\n', files={NAME: good}) / NAME
    second = provider(site, "b-wheel", f'{declaration(version="2.0")}abi = ["lp64"]\n') / NAME
    second.hardlink_to(first)
    for text, path in (("specimen", first), ("specimen>=2", second), ("specimen[lp64]", second)):
        spec = nativeload.find_spec(text)
        assert spec is not None
        assert spec.path == str(path)
    # What is wrong with the file itself is said once.
    first.write_bytes(LINKER_SCRIPT)
    (refused,) = [step for step in nativeload.explain("specimen").steps if step.verdict == "rejected"]
    assert refused.candidate == str(first)


STRINGS = {"finder": str, "candidate": str, "verdict": str, "reason": str}


def _check_json(facts: dict[str, Any], text: str, status: str) -> None:
    """The schema, in full."""
    assert list(facts) == ["version", "requirement", "status", "spec", "steps"]
    assert (facts["version"], facts["requirement"], facts["status"]) == (1, text, status)
    assert json.loads(json.dumps(facts)) == facts
    for step in facts["steps"]:
        assert {key: type(value) for key, value in step.items()} == STRINGS
        assert step["verdict"] in ("accepted", "rejected", "absent")
        assert step["finder"] in ORDER
    spec = facts["spec"]
    assert (spec is not None) == (status == "found")
    if spec is not None:
        assert set(spec) == {"name", "path", "soname", "version", "abi", "origin", "provider"}
        assert type(spec["abi"]) is list
        assert spec["origin"] in ORDER
        assert set(spec["provider"] or {"distribution": "", "version": ""}) == {"distribution", "version"}


def test_json(fresh: None, site: Path, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _check_json(nativeload.explain("specimen").to_dict(), "specimen", "not-found")
    home = provider(site, "some-wheel", declaration(version="2.0"), files={NAME: good})
    facts = nativeload.explain("specimen>=1").to_dict()
    _check_json(facts, "specimen>=1", "found")
    assert facts["spec"] == {
        "name": "specimen",
        "path": f"{home}/{NAME}",
        "soname": NAME,
        "version": "2.0",
        "abi": [],
        "origin": "wheel",
        "provider": {"distribution": "some-wheel", "version": "1.0"},
    }
    assert [step["verdict"] for step in facts["steps"]] == ["absent", "absent", "accepted"]
    _check_json(nativeload.explain("specimen>=3").to_dict(), "specimen>=3", "incompatible")
    (tmp_path / "text.so").write_bytes(LINKER_SCRIPT)
    monkeypatch.setenv("NATIVELOAD_SPECIMEN", str(tmp_path / "text.so"))
    facts = nativeload.explain("specimen").to_dict()
    _check_json(facts, "specimen", "incompatible")
    last = facts["steps"][-1]
    assert (last["finder"], last["verdict"]) == ("override", "rejected")
    assert last["candidate"] == f"NATIVELOAD_SPECIMEN={tmp_path / 'text.so'}"
    assert last["reason"] == "cannot be honoured: not an ELF file: a text file"
