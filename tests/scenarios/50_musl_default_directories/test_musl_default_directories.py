"""musl's last directories: three that are built in, or those of a file beside it, which counts though it is empty."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from scenarios.closures import SYSTEM, agree, program
from scenarios.libraries import library
from scenarios.muslprograms import NAME, copied, musl, path_file
from scenarios.smallroot import needs_root

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nosanitize


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{0}/one:{0}/two", "one/liba.so"),
        ("{0}/none\n{0}/two\n{0}/one\n", "two/liba.so"),
        ("\n\n:{0}/one", "one/liba.so"),
        ("{0}/one/", "one//liba.so"),
        ("# {0}/one", "no liba.so"),
        (" {0}/one", "no liba.so"),
        ("", "no liba.so"),
    ],
)
def test_the_path_file(tmp_path: Path, text: str, expected: str) -> None:
    for place in ("one", "two"):
        library(tmp_path / place / "liba.so")
    path_file(tmp_path).write_text(text.replace("{0}", os.fspath(tmp_path)))
    main = musl(tmp_path, "main", ["liba.so"])
    assert agree(main, tmp_path) == [expected]
    path_file(tmp_path).unlink()
    assert agree(main, tmp_path) == ["no liba.so"]


def test_after_all_else(tmp_path: Path) -> None:
    for place in ("one", "two"):
        library(tmp_path / place / "liba.so")
    path_file(tmp_path).write_text(f"{tmp_path}/one")
    main = musl(tmp_path, "main", ["liba.so"], runpath=f"{tmp_path}/two")
    assert agree(main, tmp_path) == ["two/liba.so"]
    main = musl(tmp_path, "main", ["liba.so"])
    assert agree(main, tmp_path, env={"LD_LIBRARY_PATH": f"{tmp_path}/two"}) == ["two/liba.so"]
    assert agree(main, tmp_path) == ["one/liba.so"]


@needs_root
@pytest.mark.parametrize("state", ["none", "empty", "directory", "other"])
def test_those_built_in(tmp_path: Path, state: str) -> None:
    """Where there is no such file; not where it is empty or cannot be read."""
    copied(tmp_path)
    program(tmp_path / "bin" / "main", needed=["liba.so"], linker=f"/lib/{NAME}")
    file = tmp_path / "etc" / NAME.replace(".so.1", ".path")
    file.parent.mkdir()
    if state == "empty":
        file.touch()
    elif state == "directory":
        file.mkdir()
    elif state == "other":
        (tmp_path / "etc" / "ld-musl-other.path").write_text("/none")
    places = ["lib", "usr/local/lib", "usr/lib"]
    for place in places:
        library(tmp_path / place / "liba.so")
    for place in places:
        built_in = state in ("none", "other")
        assert agree("/bin/main", SYSTEM, root=tmp_path) == [f"{place}/liba.so" if built_in else "no liba.so"]
        (tmp_path / place / "liba.so").unlink()
    assert agree("/bin/main", SYSTEM, root=tmp_path) == ["no liba.so"]
