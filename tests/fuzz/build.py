"""The fuzz targets, each with the parts of the C core that it tries, and how one is compiled."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from parts._cache import tool

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).resolve().parent
CORE = HERE.parent.parent / "csrc"
CORPUS = HERE / "corpus"
_READERS = ("elf", "notes", "symbols", "text", "versions")
_WALK = ("candidate", "lacks", "ldcache", "map", "nodes", "search", "tokens", "walk")
_PROCESS = ("cpu", "os_posix", "process")
_SYMBOLS = ("images", "lookup", "relocs", "symtab", "undefined")
_ALL = (*_READERS, *_WALK, *_PROCESS, *_SYMBOLS, "exports", "file", "signature")
# Those without `file` have files in memory, and `walk` such as are no files at all.
TARGETS = {
    "answer": ("answer", "file", "os_posix", "signature"),
    "image": (*_READERS, "exports"),
    "ldcache": ("ldcache",),
    "tokens": _ALL,
    "undefined": (*_READERS, *_PROCESS, *_SYMBOLS, "map"),
    "walk": (*_WALK, "os_posix"),
}
# The longest input that finds something new in a time that is worth it.
LENGTHS = {"answer": 300, "image": 2048, "ldcache": 600, "tokens": 300, "undefined": 2048, "walk": 600}
FLAGS = ("-std=c11", "-g", "-O1", "-fno-omit-frame-pointer", "-fno-sanitize-recover=all")
SANITIZERS = "-fsanitize=address,undefined"


def compiled(target: str, output: Path, *, fuzzer: bool = False, sources: Sequence[Path] = ()) -> Path:
    """Build a target: with libFuzzer, which clang has, or with what gives it files, which needs any compiler.

    `sources` stand in for those of the core that have their names.
    """
    replaced = {source.name: source for source in sources}
    parts = [f"{name}.c" for name in TARGETS.get(target, _ALL)]
    files = [replaced.get(part, CORE / part) for part in parts]
    if target not in ("ldcache", "walk"):
        files.append(HERE / ("fuzz.c" if "file.c" in parts else "memory.c"))
    main: list[Path] = [] if fuzzer or target == "damage" else [HERE / "replay.c"]
    compiler = os.environ.get("FUZZ_CC", "clang") if fuzzer else os.environ.get("CC", "cc")
    sanitizers = f"{SANITIZERS},fuzzer" if fuzzer else SANITIZERS
    # Not -I: the core has an elf.h, and the system another.
    include: list[str | Path] = ["-iquote", CORE, "-iquote", HERE]
    words: list[str | Path] = [compiler, *FLAGS, sanitizers, *include, HERE / f"{target}.c", *main, *files]
    tool(*words, "-o", output, "-ldl")
    return output
