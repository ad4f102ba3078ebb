"""Other readers have the same facts of real files; where one has others, that is seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from truth import corpus, facts
from truth.wheel import one_wheel

from parts import cc, oracles
from parts.elf_files import elf_files

COUNT = 24


def test_a_sample_is_read_as_others_read_it() -> None:
    paths = corpus.spread(COUNT, Path("/usr/bin"), Path("/usr/lib"))
    paths += [str(file.path) for file in elf_files(one_wheel())]
    assert [line for path in paths for line in facts.differences(path)] == []
    assert len(paths) > COUNT


@pytest.mark.parametrize("name", oracles.ORACLES)
def test_a_fact_that_differs_is_seen(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = cc("int one; int two;", tmp_path / "libone.so.1", "-Wl,-soname,libone.so.1")
    assert facts.differences(str(library)) == []
    read, exports = oracles.ORACLES[name]
    changed = (
        (lambda path: read(path) | {"soname": "libtwo.so.2"}),
        exports and (lambda path: [*exports(path), "three"]),
    )
    monkeypatch.setitem(oracles.ORACLES, name, changed)
    said = facts.differences(str(library))
    assert said[0] == f"{library}: soname: {name} has libtwo.so.2, nativeload._native libone.so.1"
    assert ([f"{library}: exports: {name} has ['three'], nativeload._native []"] if exports else []) == said[1:]


def test_a_reader_that_fails_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = cc("int one;", tmp_path / "libone.so")
    monkeypatch.setitem(oracles.ORACLES, "LIEF", (lambda path: {"soname": {}[path]}, None))
    (said,) = facts.differences(str(library))
    assert "LIEF raises KeyError" in said
    library.write_bytes(library.read_bytes()[:100])
    (said,) = facts.differences(str(library))
    assert "truncated" in said
