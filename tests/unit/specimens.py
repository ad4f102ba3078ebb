"""Files for tests: installed distributions that declare a library, and candidates that will not do.

The library of most tests is called "specimen", so that no machine has one. Nothing here loads anything.
"""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from parts import cc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SOURCE = "int specimen_answer(void) { return 42; } int specimen_question(void) { return 6 * 9; }"
NAME = "libspecimen.so.1"

# Where an ELF header's fields are, and some of their values (elf.h).
EI_CLASS, EI_DATA, EI_OSABI, E_TYPE, E_MACHINE, E_FLAGS = 4, 5, 7, 16, 18, 48
EM_386, EM_ARM, EM_AARCH64 = 3, 40, 183

# What the development files of MPI wheels are: 20 bytes, and no library.
LINKER_SCRIPT = b"INPUT(libmpi.so.12)\n"


def specimen(path: Path, *flags: str | Path, soname: str = NAME, source: str = SOURCE) -> Path:
    """Compile the library, with a soname ("" for none)."""
    named = [f"-Wl,-soname,{soname}"] if soname else []
    return cc(source, path, *named, *flags)


def provider(
    site: Path,
    distribution: str,
    declaration: str | None,
    *,
    library: str = "specimen",
    version: str = "1.0",
    files: Mapping[str, Path] | None = None,
) -> Path:
    """Install a distribution that declares `library`, and return the directory of its package.

    `declaration` is its nativeload.toml (None: it has none), `files` go into the package. Importing it fails.
    """
    package = distribution.replace("-", "_").lower()
    home = site / package
    info = site / f"{package}-{version}.dist-info"
    home.mkdir(parents=True)
    info.mkdir()
    home.joinpath("__init__.py").write_text("raise RuntimeError('a provider was imported')\n")
    for name, source in (files or {}).items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, home / name)
    if declaration is not None:
        home.joinpath("nativeload.toml").write_text(declaration)
    info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    info.joinpath("entry_points.txt").write_text(f"[nativeload.libraries]\n{library} = {package}\n")
    record(site, distribution, version)
    return home


def undeclared(site: Path, distribution: str, files: Mapping[str, Path], version: str = "1.0") -> Path:
    """Install a distribution that ships files and declares nothing; return its package's directory."""
    home = provider(site, distribution, None, files=files, version=version)
    next(site.glob(f"{home.name}-*.dist-info")).joinpath("entry_points.txt").unlink()
    record(site, distribution, version)
    return home


def record(site: Path, distribution: str, version: str = "1.0") -> None:
    """Write a distribution's RECORD anew, from the files of its package."""
    package = distribution.replace("-", "_").lower()
    files = sorted(file for file in (site / package).rglob("*") if file.is_file())
    lines = "".join(f"{file.relative_to(site)},,\n" for file in files)
    (site / f"{package}-{version}.dist-info" / "RECORD").write_text(lines)


def declaration(path: str = NAME, library: str = "specimen", **keys: str) -> str:
    """A nativeload.toml of one library."""
    lines = [f"[library.{library}]", f'path = "{path}"', *(f'{key} = "{value}"' for key, value in keys.items())]
    return "\n".join(lines) + "\n"


def age(*places: Path, seconds: int = 3600) -> None:
    """Make everything below these places look unchanged for an hour: an answer about what is new is not kept."""
    for place in places:
        inside = [] if place.is_symlink() or not place.is_dir() else [*place.rglob("*")]
        for path in (*inside, place):
            when = path.lstat().st_mtime_ns - seconds * 1_000_000_000
            os.utime(path, ns=(when, when), follow_symlinks=False)


def patched(source: Path, path: Path, offset: int, shape: str, value: int) -> Path:
    """A copy of a file with one number in it changed."""
    content = bytearray(source.read_bytes())
    struct.pack_into(shape, content, offset, value)
    path.write_bytes(content)
    return path


def _truncated(path: Path, good: Path) -> None:
    content = good.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _loop(path: Path, good: Path) -> None:
    path.symlink_to(path.name)


def _thirty_two(path: Path, good: Path) -> None:
    # A whole 32-bit header, and nothing else: the class is told from it.
    header = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\1\1\1", 3, EM_386, 1, 0, 0, 0, 0, 52, 0, 0, 0, 0, 0)
    path.write_bytes(header)


# Candidates that no process can map: how each is made of a good library, and what its refusal says.
BAD: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "truncated": (_truncated, "truncated: "),
    "empty": (lambda path, good: path.write_bytes(b""), "not an ELF file: empty"),
    "text": (lambda path, good: path.write_bytes(LINKER_SCRIPT), "not an ELF file: a text file"),
    "directory": (lambda path, good: path.mkdir(), "Is a directory"),
    "fifo": (lambda path, good: os.mkfifo(path), "not a regular file"),
    "device": (lambda path, good: path.symlink_to("/dev/zero"), "not a regular file"),
    "foreign": (lambda path, good: patched(good, path, E_MACHINE, "<H", EM_AARCH64), "is AArch64 64-bit"),
    "32-bit": (_thirty_two, "is x86 32-bit"),
    "loop": (_loop, "Too many levels of symbolic links"),
    "windows": (lambda path, good: path.write_bytes(b"MZ" + bytes(100)), "a Windows (PE) file"),
}
