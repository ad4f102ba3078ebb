"""Damaged Mach-O and PE files: facts or a ValueError, never anything else, in bounded time."""

from __future__ import annotations

import functools
import os
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nativeload.formats import Piece, macho, machosymbols, opened, pe
from parts import wheel


@functools.cache
def _real(platform: str) -> bytes:
    with zipfile.ZipFile(wheel("markupsafe", platform_tag=platform)) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith((".so", ".pyd")))
        return archive.read(name)


def _read_macho(path: str) -> None:
    for one in macho.read(path).slices:
        machosymbols.exports(path, one)
        machosymbols.symbols(path, one)


_READERS = {"macosx_11_0_arm64": _read_macho, "win_amd64": pe.read}


@pytest.mark.parametrize("platform", _READERS)
@settings(deadline=5000, max_examples=60)
@given(data=st.data())
def test_damage(platform: str, data: st.DataObject) -> None:
    content = bytearray(_real(platform))
    for _ in range(data.draw(st.integers(1, 8))):
        # Headers and tables, of which more depends, are hit more often.
        place = data.draw(st.one_of(st.integers(0, 2048), st.integers(0, len(content) - 8)))
        content[place : place + 4] = data.draw(
            st.sampled_from([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\1\0\0\0", b"\xff\xff\xff\x7f"])
            | st.binary(min_size=4, max_size=4)
        )
    content = content[: data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "damaged")
        Path(path).write_bytes(content)
        try:
            _READERS[platform](path)
        except ValueError:
            pass


@pytest.mark.parametrize("platform", _READERS)
def test_the_original_is_sound_and_half_of_it_is_not(platform: str, tmp_path: Path) -> None:
    whole, half = tmp_path / "whole", tmp_path / "half"
    whole.write_bytes(_real(platform))
    half.write_bytes(_real(platform)[: len(_real(platform)) // 2])
    _READERS[platform](str(whole))
    with pytest.raises(ValueError, match="truncated"):
        _READERS[platform](str(half))


def test_work_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100)
    with opened(str(tmp_path / "file")) as file:
        piece = Piece(file, 150, 10)
        assert piece[0:100] == b"x" * 100
        with pytest.raises(ValueError, match="more work"):
            piece[0:100]


def test_a_trie_that_goes_in_circles() -> None:
    with pytest.raises(ValueError, match="met twice"):
        machosymbols._trie(b"\0\1a\0\0")
    assert machosymbols._trie(b"\0\1_a\0\6\2\0\0\0") == {"_a"}
