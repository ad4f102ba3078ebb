"""`--explain FILE`: every place looked at for what a file needs, in order, and why each was passed over."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from nativeload import __main__, filereport
from nativeload.linkers import host
from parts import cc
from parts.truth import system_linker
from unit.specimens import E_MACHINE, EM_AARCH64, LINKER_SCRIPT, patched

if TYPE_CHECKING:
    from pathlib import Path

TITLE = "would be mapped, in order, and every place looked at:"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """libtop.so, whose runpath is none, foreign, good; libone.so, which it needs, is in the last two."""
    one = cc("int x;", tmp_path / "good" / "libone.so", "-nostdlib", "-Wl,-soname,libone.so")
    (tmp_path / "foreign").mkdir()
    patched(one, tmp_path / "foreign" / "libone.so", E_MACHINE, "<H", EM_AARCH64)
    runpath = ":".join(f"$ORIGIN/{name}" for name in ("none", "foreign", "good"))
    flags = ("-nostdlib", "-Wl,--no-as-needed", one, f"-Wl,-rpath,{runpath}")
    return cc("int y;", tmp_path / "libtop.so", *flags)


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    """Exit status and stdout; nothing is on stderr."""
    status = __main__._main(list(map(str, arguments)))
    said = capsys.readouterr()
    assert said.err == ""
    return status, said.out


def tried(text: str) -> list[str]:
    """The lines below the title."""
    return text.partition(f"{TITLE}\n")[2].splitlines()


def test_every_place(capsys: pytest.CaptureFixture[str], top: Path) -> None:
    home = top.parent
    status, out = run(capsys, "--explain", top)
    assert status == 0
    lines = tried(out)
    assert lines[:2] == [f"  {top}", f"    libone.so => {home}/good/libone.so [runpath]"]
    places = [line.strip() for line in lines[2:] if line.startswith("      ")]
    assert f"{home}/none/libone.so [runpath]: nothing there" in places
    (foreign,) = (line for line in places if line.startswith(f"{home}/foreign/libone.so [runpath]: "))
    assert "nothing there" not in foreign
    assert places.index(f"{home}/none/libone.so [runpath]: nothing there") < places.index(foreign)
    assert not any(line.startswith(f"{home}/good/") for line in places)
    # Where nothing is passed over, nothing is said to have been.
    (home / "none").mkdir()
    (home / "good" / "libone.so").rename(home / "none" / "libone.so")
    after = [line for line in tried(run(capsys, "--explain", top)[1]) if line.startswith(f"      {home}/foreign")]
    assert after == []


def facts(capsys: pytest.CaptureFixture[str], status: int, path: Path) -> Any:
    """The JSON of a file."""
    found, out = run(capsys, "--explain", path, "--json")
    assert found == status
    return json.loads(out)


def test_json(capsys: pytest.CaptureFixture[str], top: Path) -> None:
    found = facts(capsys, 0, top)
    assert (found["version"], found["status"], found["spec"]["path"]) == (1, "found", str(top))
    closure = found["closure"]
    assert (closure["status"], closure["images"][0]["path"]) == ("ok", str(top))
    (edge,) = closure["images"][0]["needed"]
    assert (edge["name"], edge["how"]) == ("libone.so", "runpath")
    here = [(one["path"], one["rule"], one["why"] is None) for one in edge["tried"] if str(top.parent) in one["path"]]
    assert (f"{top.parent}/none/libone.so", "runpath", True) in here
    assert (f"{top.parent}/foreign/libone.so", "runpath", False) in here


def test_missing(capsys: pytest.CaptureFixture[str], top: Path) -> None:
    (top.parent / "good" / "libone.so").unlink()
    status, out = run(capsys, "--explain", top)
    assert status == 1
    assert f"file     rejected {top}: " in out
    assert "    libone.so: not found" in tried(out)
    assert f"      {top.parent}/good/libone.so [runpath]: nothing there" in tried(out)
    assert f"  missing: {top} needs libone.so, which is not found" in tried(out)
    found = facts(capsys, 1, top)
    assert [one["kind"] for one in found["closure"]["problems"]] == ["missing"]


def test_fatal(capsys: pytest.CaptureFixture[str], top: Path) -> None:
    (top.parent / "none").mkdir()
    script = top.parent / "none" / "libone.so"
    script.write_bytes(LINKER_SCRIPT)
    status, out = run(capsys, "--explain", top)
    assert status == 1
    assert any(line.startswith(f"    libone.so: the linker gives up at {script}: ") for line in tried(out))


def test_a_file_that_cannot_be_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "libx.so").write_bytes(LINKER_SCRIPT)
    for path in (tmp_path / "libx.so", tmp_path / "none.so"):
        status, out = run(capsys, "--explain", path)
        assert (status, TITLE in out) == (1, False)
        assert facts(capsys, 1, path)["closure"] is None


def test_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    """It does not load in a process, and what its own would map is shown."""
    status, out = run(capsys, "--explain", sys.executable)
    assert status == 1
    assert "is not a shared library but a program" in out
    assert any(line.startswith("    libc.so.6 => /") for line in tried(out))


def test_the_report(top: Path) -> None:
    report = filereport.explain(str(top))
    assert report.status == report.verdict.status == "found"
    assert report.closure is not None
    # From glibc 2.37 on the linker is in every list.
    listed = [system_linker()] if host.linker().rules.release >= 37 else []
    assert [image.path for image in report.closure.images] == [str(top), f"{top.parent}/good/libone.so", *listed]
    assert report.to_dict().keys() == report.verdict.to_dict().keys() | {"closure"}
