"""Which files the linker is asked about, and its answers as JSON lines in the cache of parts; none is judged here."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import multiprocessing
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from parts._cache import ROOT
from parts.elf_files import elf_files, read
from parts.roots import debian_root
from parts.scientific import scientific, site_packages
from parts.truth import Truth, truth

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SYSTEM = Path("/")
_DIRECTORIES = ("usr/bin", "usr/sbin", "usr/lib")
_PROCESSES = 2
_MAPPED = ("program", "library", "extension")


def everything(root: Path = SYSTEM) -> list[str]:
    """Every ELF file of a system by its path inside `root`; this system's has the scientific environment too."""
    places = [root / directory for directory in _DIRECTORIES]
    if root == SYSTEM:
        places.append(site_packages(scientific()))
    return below(places, root)


def below(places: Iterable[Path], root: Path = SYSTEM) -> list[str]:
    """Every ELF file of some directories."""
    return [f"/{file.path.relative_to(root)}" for file in elf_files(*places)]


def mapped(places: Iterable[Path] | None = None) -> list[str]:
    """Those that a linker maps: no static program, no object file, no debugging symbols. By default, of this system."""
    return [path for path in (below(places) if places else everything()) if read(Path(path)).kind in _MAPPED]


def spread(count: int, *directories: Path) -> list[str]:
    """So many programs and libraries of these directories, the same ones wherever they have the same files.

    Chosen by a hash of the path, and only what is chosen is read.
    """
    chosen: dict[tuple[int, int], str] = {}
    for path in sorted(_regular_files(directories), key=lambda path: hashlib.sha256(os.fsencode(path)).digest()):
        if len(chosen) == count:
            break
        with contextlib.suppress(OSError):
            with open(path, "rb") as file:
                if file.read(4) != b"\x7fELF":
                    continue
            if read(Path(path)).kind in _MAPPED:
                status = os.stat(path)
                chosen.setdefault((status.st_dev, status.st_ino), path)
    return sorted(chosen.values())


def _regular_files(directories: Iterable[Path]) -> Iterator[str]:
    for directory in directories:
        for folder, _, names in os.walk(os.path.realpath(directory)):
            yield from (path for name in names if not os.path.islink(path := os.path.join(folder, name)))


def ask(paths: Iterable[str], root: Path = SYSTEM, env: Mapping[str, str] | None = None) -> list[Truth]:
    """The linker's answer for each of these files; with few processes, and behind whatever else runs."""
    with multiprocessing.get_context("spawn").Pool(_PROCESSES, functools.partial(os.nice, 10)) as pool:
        return pool.map(functools.partial(_ask, root=root, env=dict(env or {})), paths, chunksize=20)


def _ask(path: str, root: Path, env: dict[str, str]) -> Truth:
    try:
        return truth(path, env, root=root)
    except (OSError, subprocess.SubprocessError) as error:
        return Truth(path=path, kind="damaged", error=str(error))


def place(suite: str) -> Path:
    """Where the answers are kept: of this system, or of the root directory of another."""
    return ROOT / "truth" / f"{suite or 'system'}.jsonl"


def root_of(suite: str) -> Path:
    """The root directory of a suite of Debian, or this system's."""
    return debian_root(suite) if suite else SYSTEM


def save(truths: Iterable[Truth], file: Path) -> None:
    """Write answers, one a line."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "w", encoding="utf-8") as lines:
        for one in truths:
            print(json.dumps(one.to_dict()), file=lines)


def saved(file: Path) -> list[Truth]:
    """The answers that `save` wrote."""
    return [Truth.from_dict(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
