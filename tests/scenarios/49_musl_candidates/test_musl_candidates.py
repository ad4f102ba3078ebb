"""The first file that musl can open must do; but what is missing or wrong, it says of all before it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nativeload import resolve
from scenarios.closures import agree
from scenarios.libraries import library
from scenarios.muslprograms import musl

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.nosanitize


@pytest.fixture
def main(tmp_path: Path) -> Path:
    """A program that needs liba.so, which bad/ is asked for first, and libb.so."""
    library(tmp_path / "good" / "liba.so")
    library(tmp_path / "good" / "libb.so")
    (tmp_path / "bad").mkdir()
    return musl(tmp_path, "main", ["liba.so", "libb.so"], rpath=f"{tmp_path}/bad:{tmp_path}/good")


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda path: path.write_text("GROUP ( libreal.so )\n"), id="text"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.mkdir(), id="directory"),
        pytest.param(lambda path: path.symlink_to(path.name), id="loop"),
    ],
)
def test_it_must_do(tmp_path: Path, main: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "bad" / "liba.so")
    assert agree(main, tmp_path) == ["good/libb.so", "no liba.so"]
    (tmp_path / "bad" / "liba.so").rename(tmp_path / "bad" / "libother.so")
    assert agree(main, tmp_path) == ["good/liba.so", "good/libb.so"]


@pytest.mark.parametrize("place", ["none", "file", "x" * 300])
def test_as_if_absent(tmp_path: Path, main: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "bad" / "liba.so").symlink_to("nowhere")
    main = musl(tmp_path, "main", ["liba.so"], rpath=f"{tmp_path}/{place}:{tmp_path}/bad:{tmp_path}/good")
    assert agree(main, tmp_path) == ["good/liba.so"]
    (tmp_path / "good" / "liba.so").unlink()
    assert agree(main, tmp_path) == ["no liba.so"]


def test_an_error_of_a_directory_ends_the_search(tmp_path: Path) -> None:
    """Also that of the lists that follow, where glibc goes on with the next directory."""
    library(tmp_path / "good" / "liba.so")
    (tmp_path / "loop").symlink_to("loop")
    good = f"{tmp_path}/good"
    main = musl(tmp_path, "main", ["liba.so"], rpath=good)
    assert agree(main, tmp_path, env={"LD_LIBRARY_PATH": f"{tmp_path}/loop:{good}"}) == ["no liba.so"]
    assert agree(main, tmp_path, env={"LD_LIBRARY_PATH": f"{tmp_path}/none:{good}"}) == ["good/liba.so"]
    assert agree(main, tmp_path, env={"LD_LIBRARY_PATH": f"{tmp_path}/loop"}) == ["no liba.so"]


def test_everything_that_is_missing(tmp_path: Path, main: Path) -> None:
    (tmp_path / "bad" / "liba.so").write_text("text")
    library(tmp_path / "good" / "libb.so", needed=["libx_.so", "liba.so"])
    names = ["libgone_.so", "liba.so", "libb.so"]
    main = musl(tmp_path, "main", names, rpath=f"{tmp_path}/bad:{tmp_path}/good")
    assert agree(main, tmp_path) == ["good/libb.so", "no libgone_.so", "no liba.so", "no libx_.so", "no liba.so"]
    assert [problem.kind for problem in resolve(main).problems] == ["missing", "fatal", "missing", "fatal"]
    assert resolve(main).status == "fatal"


def test_another_operating_system_will_do(tmp_path: Path, main: Path) -> None:
    """Of the header it asks for the type alone."""
    content = bytearray((tmp_path / "good" / "liba.so").read_bytes())
    content[7] = 9
    (tmp_path / "bad" / "liba.so").write_bytes(content)
    assert agree(main, tmp_path) == ["bad/liba.so", "good/libb.so"]
    content[16] = 1
    (tmp_path / "bad" / "liba.so").write_bytes(content)
    assert agree(main, tmp_path) == ["good/libb.so", "no liba.so"]
