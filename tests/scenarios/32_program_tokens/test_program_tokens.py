"""$ORIGIN, $LIB and $PLATFORM as a program's headers have them; $ORIGIN of a program is where its real file is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from parts import execute
from scenarios.closures import agree, program, started
from scenarios.libraries import library

if TYPE_CHECKING:
    from pathlib import Path


def value(token: str, tmp_path: Path) -> str:
    """What a token stands for, as the linker says: where does it look for a name?"""
    main = program(tmp_path / "token", needed=["libnowhere.so"], runpath=f"/{token}")
    said = execute([main], env={"LD_DEBUG": "libs", "LD_TRACE_LOADED_OBJECTS": "1"}).stderr
    tried = [line.rpartition("trying file=")[2] for line in said.splitlines() if "trying file=" in line]
    shown = next(line for line in tried if "glibc-hwcaps" not in line and not line.startswith(("/lib/", "/usr")))
    return shown.removesuffix("/libnowhere.so")[1:]


@pytest.mark.parametrize("kind", ["rpath", "runpath", "needed"])
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("$ORIGIN/../lib", "bin/../lib"),
        ("${ORIGIN}/../lib", "bin/../lib"),
        ("$ORIGIN", "bin"),
        ("{0}/$LIBRARY", "$LIBRARY"),
        ("{0}/${ORIGINS}", "${ORIGINS}"),
        ("{0}/$ORIGIN_", "$ORIGIN_"),
        ("{0}/$origin", "$origin"),
    ],
)
def test_in_its_headers(tmp_path: Path, kind: str, text: str, place: str) -> None:
    library(tmp_path / place / "liba.so", soname="liba.so")
    text = text.replace("{0}", os.fspath(tmp_path))
    needed = [f"{text}/liba.so"] if kind == "needed" else ["liba.so"]
    words = {} if kind == "needed" else {kind: text}
    main = program(tmp_path / "bin" / "main", needed=needed, **words)
    assert agree(main, tmp_path) == started(main, tmp_path) == [f"{place}/liba.so"]
    (tmp_path / place / "liba.so").unlink()
    assert agree(main, tmp_path)[0].startswith("no ")


@pytest.mark.parametrize("token", ["$LIB", "${LIB}", "$PLATFORM", "${PLATFORM}"])
def test_of_the_linker(tmp_path: Path, token: str) -> None:
    place = value(f"x{token}x" if "{" in token else f"x/{token}", tmp_path)
    library(tmp_path / place / "liba.so", soname="liba.so")
    text = f"{tmp_path}/x{token}x" if "{" in token else f"{tmp_path}/x/{token}"
    assert "$" not in place
    main = program(tmp_path / "bin" / "main", needed=["liba.so"], runpath=text)
    assert agree(main, tmp_path) == [f"{place}/liba.so"]


@pytest.mark.parametrize("kind", ["rpath", "runpath", "needed"])
def test_through_a_link(tmp_path: Path, kind: str) -> None:
    """A chain of links, one of them to the directory: $ORIGIN is the directory of the real file."""
    library(tmp_path / "real" / "bin" / "liba.so", soname="liba.so")
    library(tmp_path / "decoy" / "liba.so", soname="liba.so")
    needed = ["$ORIGIN/liba.so"] if kind == "needed" else ["liba.so"]
    words = {} if kind == "needed" else {kind: "$ORIGIN"}
    main = program(tmp_path / "real" / "bin" / "main", needed=needed, **words)
    (tmp_path / "folder").symlink_to(main.parent)
    (tmp_path / "decoy" / "main").symlink_to(tmp_path / "folder" / "main")
    for path in (main, tmp_path / "folder" / "main", tmp_path / "decoy" / "main"):
        assert agree(path, tmp_path) == started(path, tmp_path) == ["real/bin/liba.so"]


def test_a_hard_link_is_its_own_file(tmp_path: Path) -> None:
    for place in ("one", "two"):
        library(tmp_path / place / "liba.so", soname="liba.so")
    main = program(tmp_path / "one" / "main", needed=["liba.so"], runpath="$ORIGIN")
    os.link(main, tmp_path / "two" / "main")
    for place in ("one", "two"):
        assert agree(tmp_path / place / "main", tmp_path) == [f"{place}/liba.so"]


def test_of_a_library_it_is_where_the_link_is(tmp_path: Path) -> None:
    """The same token in a library reached through a link means the link's directory."""
    library(tmp_path / "real" / "libb.so", soname="libb.so")
    library(tmp_path / "real" / "liba.so", soname="liba.so", needed=["libb.so"], runpath="$ORIGIN")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "liba.so").symlink_to(tmp_path / "real" / "liba.so")
    main = program(tmp_path / "bin" / "main", needed=["liba.so"], runpath=f"{tmp_path}/links")
    assert agree(main, tmp_path) == ["links/liba.so", "no libb.so"]
    main = program(main, needed=["liba.so"], runpath=f"{tmp_path}/real")
    assert agree(main, tmp_path) == ["real/liba.so", "real/libb.so"]
