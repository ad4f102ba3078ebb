"""An empty item of a search path is the current directory. The linker loads from there; nativeload says so and does not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from parts import run
from scenarios.libraries import calls, dynamic_entry, library, patched, returns
from scenarios.linker import ask

FIND = """
import os, sys
import nativeload
from nativeload import core
found = nativeload.explain("libdep.so.7")
print(found.status)
print(*(step.reason for step in found.steps if step.finder == "system"), sep="|")
try:
    core.dlopen("libdep.so.7", os.RTLD_NOW)
    print("loaded", any(soname == "libdep.so.7" for _, soname in core.linkmap()))
except OSError as error:
    print(error)
"""


@pytest.mark.parametrize("text", [":/nonexistent", "/nonexistent:", "/nonexistent;;/nonexistent2", "."])
def test_not_for_a_name_asked_for(tmp_path: Path, text: str) -> None:
    library(tmp_path / "libdep.so.7", returns("dep", 7), soname="libdep.so.7")
    env = {"LD_LIBRARY_PATH": text}
    lines = run(sys.executable, FIND, env=env, cwd=tmp_path).check().stdout.splitlines()
    assert lines[0] != "found"
    assert "names the current directory" in lines[1]
    assert lines[2] == "loaded True"
    whole = run(sys.executable, FIND, env={"LD_LIBRARY_PATH": tmp_path}, cwd=tmp_path).check().stdout.splitlines()
    assert (whole[0], whole[2]) == ("found", "loaded True")


@pytest.mark.parametrize(
    ("env", "paths", "needed"),
    [
        ({"LD_LIBRARY_PATH": ":/nonexistent"}, {}, "libdep.so"),
        ({}, {"rpath": "/nonexistent:"}, "libdep.so"),
        ({}, {"runpath": "/nonexistent::/nonexistent2"}, "libdep.so"),
        ({}, {"runpath": "here"}, "here/libdep.so"),
        ({}, {}, "./libdep.so"),
    ],
)
def test_not_for_a_dependency(tmp_path: Path, env: dict[str, str], paths: dict[str, str], needed: str) -> None:
    library(tmp_path / "cwd" / "libdep.so", returns("dep", 7), soname="libdep.so")
    library(tmp_path / "cwd" / "here" / "libdep.so", returns("dep", 7), soname="libdep.so")
    root = library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=[needed], **paths)
    answer = ask(root, call="root", env=env, cwd=tmp_path / "cwd")
    assert (answer.kind, answer.value) == ("dependency", 7)
    assert "current directory" in answer.refusal
    (tmp_path / "elsewhere").mkdir()
    elsewhere = ask(root, env=env, cwd=tmp_path / "elsewhere").agreed()
    assert "not found" in elsewhere.refusal


@pytest.mark.parametrize("kind", ["rpath", "runpath"])
def test_an_empty_search_path_names_nothing(tmp_path: Path, kind: str) -> None:
    """Not even the current directory, as an empty item would. A DT_RUNPATH still silences what is inherited."""
    library(tmp_path / "cwd" / "libdep.so", returns("dep", 7), soname="libdep.so")
    full = library(tmp_path / "app" / "full.so", calls("middle", "dep"), needed=["libdep.so"], **{kind: "/nowhere"})
    value = dynamic_entry(full, f"DT_{kind.upper()}") + 8
    # Offset 0 of the string table is the empty string.
    middle = patched(full, tmp_path / "app" / "libmiddle.so", value, bytes(8))
    assert "not found" in ask(middle, cwd=tmp_path / "cwd").agreed().refusal
    path = f"{tmp_path}/app:{tmp_path}/cwd"
    root = library(tmp_path / "app" / "libroot.so", calls("root", "middle"), needed=["libmiddle.so"], rpath=path)
    answer = ask(root, call="root").agreed()
    assert answer.value == (7 if kind == "rpath" else None)
