"""Cache files that are not what was written: damaged, foreign, hostile. Each costs a search, and none a wrong library."""

from __future__ import annotations

import os
import shutil
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from nativeload import cache, core, loader
from unit.asking import Asking
from unit.specimens import NAME, age, declaration, provider, specimen
from unit.trial import trial

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ASKED = "what was asked"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """An answer on disk, by this process."""

    answer: loader.Answer
    file: Path
    library: Path


@pytest.fixture
def kept(home: Path, tmp_path: Path, good: Path) -> Kept:
    library = tmp_path / NAME
    shutil.copy(good, library)
    age(library)
    facts = ("specimen", str(library), NAME, "1", "system", "", "")
    answer = (facts, ("lp64",), ("/a/dependency.so",), (NAME,))
    cache.store(ASKED, answer, {str(library): core.signature(str(library)), "/not/there": "-"})
    (file,) = (home / ".cache" / "nativeload").iterdir()
    assert loader.recall(ASKED) == answer
    return Kept(answer=answer, file=file, library=library)


def test_it_is_private(kept: Kept) -> None:
    assert kept.file.stat().st_mode & 0o777 == 0o600
    assert kept.file.parent.stat().st_mode & 0o777 == 0o700
    assert kept.file.name == core.digest(ASKED.encode())


def test_cut_anywhere(kept: Kept) -> None:
    content = kept.file.read_bytes()
    for size in range(len(content)):
        kept.file.write_bytes(content[:size])
        assert loader.recall(ASKED) is None
    kept.file.write_bytes(content)
    assert loader.recall(ASKED) == kept.answer


def test_any_bit_flipped(kept: Kept) -> None:
    content = kept.file.read_bytes()
    for position in range(len(content)):
        for bit in range(0, 8, 3):
            damaged = bytearray(content)
            damaged[position] ^= 1 << bit
            kept.file.write_bytes(damaged)
            assert loader.recall(ASKED) is None


def test_anything_appended_or_put_before(kept: Kept) -> None:
    content = kept.file.read_bytes()
    for text in (b"\0", b"\n", b"x", b"\0000", bytes(1 << 19)):
        for whole in (content + text, text + content):
            kept.file.write_bytes(whole)
            assert loader.recall(ASKED) is None


def _rewritten(content: bytes, old: str, new: str) -> bytes:
    """The file with something in it replaced and a checksum that fits."""
    magic, _, rest = content.partition(b"\n")
    body = rest.partition(b"\n")[2].replace(old.encode(), new.encode())
    return b"\n".join((magic, core.digest(body).encode(), body))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\0specimen\0", "\0specimen\0specimen\0"),
        ("7\0specimen", "6\0specimen"),
        ("7\0specimen", "99999999\0specimen"),
        ("7\0specimen", "-7\0specimen"),
        ("7\0specimen", "seven\0specimen"),
        ("7\0specimen", f"{'9' * 5000}\0specimen"),
        ("2\0/", "1\0/"),
        ("1\0lp64", "2"),
        (ASKED, "what another asked"),
        ("nativeload", "nativeload"),
    ],
)
def test_a_hostile_file_that_is_whole(old: str, new: str, kept: Kept) -> None:
    """Its checksum fits. It is believed only where its key is the whole question, and its form is that of an answer."""
    content = kept.file.read_bytes()
    kept.file.write_bytes(_rewritten(content, old, new))
    assert loader.recall(ASKED) == (kept.answer if old == new else None)


def test_another_questions_file_under_this_ones_name(kept: Kept, tmp_path: Path) -> None:
    """As where two questions had one digest, or somebody renames files to have another library loaded."""
    evil = str(shutil.copy(kept.library, tmp_path / "evil.so"))
    facts = (*kept.answer[0][:1], evil, *kept.answer[0][2:])
    age(tmp_path / "evil.so")
    cache.store("another question", (facts, *kept.answer[1:]), {evil: core.signature(evil)})
    other = kept.file.with_name(core.digest(b"another question"))
    assert loader.recall("another question") is not None
    other.replace(kept.file)
    assert loader.recall(ASKED) is None
    assert loader.recall("another question") is None


def _fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _socket(file: Path) -> None:
    file.unlink()
    # A socket's path has a hundred bytes or so.
    before = os.open(".", os.O_RDONLY)
    os.chdir(file.parent)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(file.name)
    os.fchdir(before)
    os.close(before)


def _directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _link(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")


OTHER_FILES: dict[str, Callable[[Path], object]] = {
    "gone": lambda file: file.unlink(),
    "empty": lambda file: file.write_bytes(b""),
    "huge": lambda file: os.truncate(file, 1 << 40),
    "fifo": _fifo,
    "socket": _socket,
    "directory": _directory,
    "link": _link,
    "group-writable": lambda file: file.chmod(0o620),
    "world-writable": lambda file: file.chmod(0o602),
    "another version's": lambda file: file.write_bytes(file.read_bytes().replace(b"answer 2 ", b"answer 3 ", 1)),
}
if os.geteuid() == 0:
    OTHER_FILES["another user's"] = lambda file: os.chown(file, 65534, 65534)


@pytest.mark.parametrize("kind", OTHER_FILES)
def test_another_kind_of_file(kind: str, kept: Kept) -> None:
    OTHER_FILES[kind](kept.file)
    assert loader.recall(ASKED) is None


@pytest.mark.parametrize("kind", OTHER_FILES)
def test_whatever_the_file_is_the_library_is_the_right_one(kind: str, tmp_path: Path, good: Path) -> None:
    """A process that finds such a file searches, and where it may, it leaves a good one."""
    path = provider(tmp_path / "site", "some-wheel", declaration(), files={NAME: good}) / NAME
    age(tmp_path / "site")
    asking = Asking(home=tmp_path / "home", sites=(tmp_path / "site",))
    assert asking() == (str(path), False)
    (file,) = (tmp_path / "home" / ".cache" / "nativeload").iterdir()
    OTHER_FILES[kind](file)
    assert asking() == (str(path), False)
    # Only a directory cannot be replaced by renaming a file.
    assert asking() == (str(path), kind != "directory")


def test_a_provider_cannot_write_fields_of_the_answer(tmp_path: Path, good: Path) -> None:
    """A NUL separates fields, and TOML can write one: here it would name a dependency, by an absolute path."""
    site = tmp_path / "site"
    evil = specimen(tmp_path / "evil.so", soname="libevil.so")
    fields = "\\u0000".join(("lp64", "1", str(evil), "3"))
    path = provider(site, "some-wheel", f'{declaration()}abi = ["{fields}"]\n', files={NAME: good}) / NAME
    age(site, evil)
    (tmp_path / "home").mkdir()
    for _ in range(2):
        answer = trial("specimen", site, home=tmp_path / "home")
        assert answer.library["path"] == str(path)
        assert answer.mapped_below(tmp_path) == [str(path)]
