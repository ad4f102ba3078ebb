"""Ways to break an environment: each changes the files of one site directory, which is a copy made for it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from parts.elf_patch import DT_RPATH, DT_RUNPATH, NO_TAG, Patch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Damage = Callable[[Path], None]


def only(site: Path, pattern: str) -> Path:
    """The one file below a site that a pattern stands for."""
    (found,) = site.glob(pattern)
    return found


def put(path: Path, content: bytes) -> None:
    """A new file in place of one that others may have under another name."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def both(*damages: Damage) -> Damage:
    """One after the other."""

    def do(site: Path) -> None:
        for damage in damages:
            damage(site)

    return do


def remove(pattern: str) -> Damage:
    """A file or a directory that is not there any more, whatever its RECORD says."""

    def do(site: Path) -> None:
        path = only(site, pattern)
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return do


def move(pattern: str, name: str) -> Damage:
    """A file that has another name, or the same in the directory whose name ends in "/"."""

    def do(site: Path) -> None:
        path = only(site, pattern)
        target = path.parent / (name + path.name if name.endswith("/") else name)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)

    return do


def copy(pattern: str, name: str) -> Damage:
    """A second file of the same content, which its RECORD lists too."""

    def do(site: Path) -> None:
        path = only(site, pattern)
        other = path.parent / name
        other.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, other)
        record = next(one for one in site.glob("*.dist-info/RECORD") if f"{path.relative_to(site)}," in one.read_text())
        put(record, record.read_bytes() + f"{os.path.relpath(other, site)},,\n".encode())

    return do


def write(pattern: str, content: bytes) -> Damage:
    """Another content."""
    return lambda site: put(only(site, pattern), content)


def append(pattern: str, text: str) -> Damage:
    """More lines at the end of a text file."""
    return lambda site: put(only(site, pattern), only(site, pattern).read_bytes() + text.encode())


def prepend(pattern: str, text: str) -> Damage:
    """More lines at the beginning."""
    return lambda site: put(only(site, pattern), text.encode() + only(site, pattern).read_bytes())


def replace(pattern: str, by: Callable[[], Path]) -> Damage:
    """The content of another file."""
    return lambda site: put(only(site, pattern), by().read_bytes())


def link(pattern: str, target: str) -> Damage:
    """A symbolic link in its place."""

    def do(site: Path) -> None:
        path = only(site, pattern)
        path.unlink()
        path.symlink_to(target)

    return do


def directory(pattern: str) -> Damage:
    """A directory in its place."""

    def do(site: Path) -> None:
        path = only(site, pattern)
        path.unlink()
        path.mkdir()

    return do


def cut(pattern: str, length: int | Callable[[bytes], int]) -> Damage:
    """The file's first bytes alone."""

    def do(site: Path) -> None:
        content = (path := only(site, pattern)).read_bytes()
        put(path, content[: length if isinstance(length, int) else length(content)])

    return do


def in_last_segment(content: bytes) -> int:
    """A length at which all headers are whole, and the end of what is to be mapped is not."""
    import lief

    binary = lief.ELF.parse(list(content))
    assert binary is not None
    last = max(
        (one for one in binary.segments if one.type == lief.ELF.Segment.TYPE.LOAD), key=lambda one: one.file_offset
    )
    return last.file_offset + last.physical_size // 2


def patch(pattern: str, change: Callable[[Patch], Patch]) -> Damage:
    """A change in place."""
    return lambda site: put(path := only(site, pattern), bytes(change(Patch(path))))


def no_rpath(pattern: str) -> Damage:
    """Its DT_RPATH gone."""
    return patch(pattern, lambda elf: elf.retag(DT_RPATH, NO_TAG))


def as_runpath(pattern: str) -> Damage:
    """Its DT_RPATH made DT_RUNPATH, which what it needs does not inherit."""
    return patch(pattern, lambda elf: elf.retag(DT_RPATH, DT_RUNPATH))


def rename(pattern: str, old: str, new: str) -> Damage:
    """Another text in its dynamic string table."""
    return patch(pattern, lambda elf: elf.rename(old, new))


def other_major(name: str) -> str:
    """A library's name with another major version, of the same length."""
    before, _, version = name.partition(".so.")
    return f"{before}.so.{9 - int(version[0])}{version[1:]}"


def rename_library(pattern: str, library: str) -> Damage:
    """The name of a library below the site is another one in this file: where it needs it, or is it."""
    return lambda site: rename(pattern, name := only(site, library).name, other_major(name))(site)


def version(pattern: str, old: str, new: str) -> Damage:
    """Another name of a symbol version."""
    return patch(pattern, lambda elf: elf.rename_version(old, new))


def need(pattern: str, *names: str, rpath: str = "") -> Damage:
    """More DT_NEEDED, and a DT_RPATH where one is given."""

    def do(site: Path) -> None:
        import lief

        path = only(site, pattern)
        binary = lief.ELF.parse(path)
        assert binary is not None
        for name in names:
            binary.add_library(name)
        if rpath:
            binary.add(lief.ELF.DynamicEntryRpath(rpath))
        path.unlink()
        binary.write(os.fspath(path))

    return do
