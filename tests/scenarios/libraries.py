"""One-line libraries with exactly the dynamic section that a scenario is about."""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elftools.elf.elffile import ELFFile

from parts import cc

if TYPE_CHECKING:
    from collections.abc import Iterable


def library(
    path: Path,
    source: str = "",
    *flags: str | Path,
    soname: str = "",
    needed: Iterable[str] = (),
    rpath: str = "",
    runpath: str = "",
) -> Path:
    """A shared library at `path`: `needed` are the very strings of its DT_NEEDED, wherever such libraries may be."""
    words = [f"-Wl,-soname,{soname}"] if soname else []
    words += ["-Wl,--disable-new-dtags", f"-Wl,-rpath,{rpath}"] if rpath else []
    words += ["-Wl,--enable-new-dtags", f"-Wl,-rpath,{runpath}"] if runpath else []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if flags:  # They may name files, whose content decides.
        return _compile(path, source, *flags, *words, *(stub(name, *machine(flags)) for name in needed))
    return Path(shutil.copy(_compiled(source, (*words, *(stub(name) for name in needed))), path))


def _compile(path: Path, source: str, *words: str | Path) -> Path:
    return cc(source or "extern int nothing;", path, "-nostdlib", "-Wl,--no-as-needed", *words)


@functools.cache
def _compiled(source: str, words: tuple[str | Path, ...]) -> Path:
    return _compile(Path(tempfile.mkdtemp(prefix="library-", dir=_folder().name), "library.so"), source, *words)


@functools.cache
def stub(soname: str, *flags: str) -> Path:
    """A library to link with, of which nothing but its DT_SONAME is taken."""
    return _compiled("", (f"-Wl,-soname,{soname}", *flags))


def machine(flags: Iterable[str | Path]) -> list[str]:
    """Those of a compiler's flags that say for which machine."""
    return [flag for flag in flags if isinstance(flag, str) and flag.startswith("-m")]


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="nativeload-scenarios-")


def returns(name: str, number: int) -> str:
    """The source of a function `name` that returns a number, by which one copy is told from another."""
    return f"int {name}(void) {{ return {number}; }}"


def calls(name: str, other: str) -> str:
    """The source of a function `name` that returns what another library's function does."""
    return f"int {other}(void); int {name}(void) {{ return {other}(); }}"


def patched(source: Path, path: Path, offset: int, content: bytes) -> Path:
    """A copy of a file with some bytes of it changed."""
    image = bytearray(source.read_bytes())
    image[offset : offset + len(content)] = content
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(image)
    return path


def dynamic_entry(path: Path, tag: str) -> int:
    """Where in a file its first dynamic entry of this tag is: 8 bytes of tag, 8 of value."""
    with open(path, "rb") as file:
        section: Any = ELFFile(file).get_section_by_name(".dynamic")
        index = next(index for index, entry in enumerate(section.iter_tags()) if entry.entry.d_tag == tag)
        return int(section["sh_offset"] + index * section["sh_entsize"])
