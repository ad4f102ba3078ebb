"""Files that no process can map, met on each way to a library: a refusal that names them, and nothing mapped."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from parts import cc, venv
from unit.specimens import BAD, NAME, declaration, provider, specimen
from unit.trial import Trial, ask, nativeload_path, trials

if TYPE_CHECKING:
    from pathlib import Path


def _good(path: Path, good: Path) -> None:
    shutil.copy(good, path)


def _program(path: Path, good: Path) -> None:
    # A position-independent program is ET_DYN, as a library is: only DF_1_PIE tells.
    cc("int main(void) { return 0; }", path, "-pie", shared=False)


KINDS = {**BAD, "program": (_program, "is not a shared library but a program"), "good": (_good, "")}
BAD_KINDS = [kind for kind in KINDS if kind != "good"]
ORIGINS = ("wheel", "override", "prefix", "system")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to a library, with a file of each kind on it, and what `load` said of each."""

    origin: str
    place: Path
    paths: dict[str, Path]
    answers: dict[str, Trial]


@pytest.fixture(scope="module", params=ORIGINS)
def way(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, good: Path) -> Way:
    """Each kind has a library's name of its own. Whoever waits for a FIFO waits until the process is ended."""
    origin = request.param
    top = tmp_path_factory.mktemp(origin)
    sites: list[Path] = []
    python = sys.executable
    place = top
    if origin == "prefix":
        python = str(venv(sys.executable, at=top / "environment"))
        place = top / "environment" / "lib"
        sites = nativeload_path()
    paths = {kind: place / f"lib{kind}.so" for kind in KINDS}
    env: dict[str, str | Path] = {}
    if origin == "wheel":
        sites = [top]
        homes = {k: provider(top, f"wheel-{k}", declaration(paths[k].name, k), library=k) for k in KINDS}
        paths = {kind: homes[kind] / path.name for kind, path in paths.items()}
    elif origin == "override":
        env = {f"NATIVELOAD_{kind.upper().replace('-', '_')}": path for kind, path in paths.items()}
    elif origin == "system":
        env = {"LD_LIBRARY_PATH": place}
    for kind, (make, _) in KINDS.items():
        make(paths[kind], good)
    answers = trials(list(KINDS), *sites, env=env, python=python, timeout=60)
    return Way(origin=origin, place=top, paths=paths, answers=answers)


@pytest.mark.parametrize("kind", BAD_KINDS)
def test_refused(kind: str, way: Way) -> None:
    answer, reason = way.answers[kind], KINDS[kind][1]
    assert reason in answer.text
    assert str(way.paths[kind]) in answer.text
    assert answer.mapped_below(way.place) == []
    if way.origin == "override":
        assert answer.error == "OverrideError"
        assert answer.text.startswith(f"NATIVELOAD_{kind.upper().replace('-', '_')}={way.paths[kind]} cannot be")
    else:
        assert answer.error == "ABIMismatchError"
        line = next(line for line in answer.text.splitlines() if f"{way.paths[kind]}: " in line)
        assert line.split()[:2] == [way.origin, "rejected"]
        assert reason in line


def test_the_good_one_is_taken(way: Way) -> None:
    answer = way.answers["good"]
    assert answer.error == ""
    assert (answer.library["origin"], answer.library["path"]) == (way.origin, str(way.paths["good"]))
    assert answer.mapped_below(way.place) == [str(way.paths["good"])]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Trial]]:
    """A directory of LD_LIBRARY_PATH where each bad file has a good one of a later version beside it."""
    place = tmp_path_factory.mktemp("crowded")
    # One soname for all would make all of them the copy that is loaded first.
    good = specimen(place / "good.so", soname="")
    for kind, (make, _) in KINDS.items():
        make(place / f"lib{kind}.so", good)
        shutil.copy(good, place / f"lib{kind}.so.12")
    return place, trials(BAD_KINDS, env={"LD_LIBRARY_PATH": place}, timeout=60)


@pytest.mark.parametrize("kind", BAD_KINDS)
def test_it_hides_no_library_beside_it(kind: str, crowded: tuple[Path, dict[str, Trial]]) -> None:
    """As the wheels of MPI are laid out: libmpi.so is a linker script, libmpi.so.12 the library."""
    place, answers = crowded
    assert answers[kind].library["path"] == str(place / f"lib{kind}.so.12")
    assert f"{place}/lib{kind}.so" not in answers[kind].mapped


def test_cut_at_any_place(tmp_path: Path, good: Path) -> None:
    """However much of a library is there, the answer is a refusal, until all of its segments are there."""
    code = """
import json, nativeload, sys
content, path, said = open(sys.argv[1], "rb").read(), sys.argv[2], []
for size in json.loads(sys.argv[3]):
    open(path, "wb").write(content[:size])
    nativeload.invalidate_caches()
    explanation = nativeload.explain("specimen")
    said.append(explanation.error or explanation.status)
print(json.dumps([said, path in open("/proc/self/maps").read()]))
"""
    path = tmp_path / NAME
    sizes = [*range(0, 64, 7), *range(64, good.stat().st_size, 997), good.stat().st_size]
    arguments = [str(good), str(path), str(sizes)]
    said, mapped = ask(code, arguments=arguments, env={"NATIVELOAD_SPECIMEN": path}, timeout=60)
    assert not mapped
    assert said[-1] == "found"
    refused = [text for text in said if text != "found"]
    assert len(refused) > 10
    assert all(text.startswith(f"NATIVELOAD_SPECIMEN={path} cannot be honoured: ") for text in refused)
