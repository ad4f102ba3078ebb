"""`python -m tests.truth`: ask the linker about every ELF file of this system, and compare nativeload's answers."""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, os.fspath(Path(__file__).resolve().parent.parent))

from truth import corpus
from truth.compare import compare
from truth.facts import differences

import nativeload
from parts.roots import SUITE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from parts.truth import Truth


def collect(suite: str) -> None:
    """Ask about every file, keep the answers."""
    began = time.monotonic()
    top = corpus.root_of(suite)
    paths = corpus.everything(top)
    found = time.monotonic()
    truths = corpus.ask(paths, top)
    corpus.save(truths, corpus.place(suite))
    listed, asked = found - began, time.monotonic() - found
    print(f"{len(truths)} files, found in {listed:.0f} s and asked about in {asked:.0f} s: {corpus.place(suite)}")


def count(truths: Sequence[Truth]) -> None:
    """Print how many of each kind there are, and what the linker could not do for them."""
    kinds = Counter(one.kind for one in truths)
    print(f"{'kind':10} {'files':>6} {'missing':>8} {'errors':>7} {'complaints':>11}")
    for kind, number in sorted(kinds.items()):
        these = [one for one in truths if one.kind == kind]
        missing, errors = sum(bool(one.missing) for one in these), sum(bool(one.error) for one in these)
        complaints = sum(bool(one.complaints) for one in these)
        print(f"{kind:10} {number:6} {missing:8} {errors:7} {complaints:11}")
    names = Counter(name for one in truths for name in set(one.missing))
    print("missing:", ", ".join(f"{name} ({number})" for name, number in names.most_common()) or "none")
    for one in truths:
        for line in (*([one.error] if one.error else ()), *one.complaints):
            print(f"{one.path}: {line}")


def judge(truths: Sequence[Truth], top: Path, env: Mapping[str, str]) -> int:
    """Print where nativeload's answers differ, and how many there are of each kind of difference."""
    resolve: Any = getattr(nativeload, "resolve", None)
    if resolve is None:
        print("nativeload.resolve is not there", file=sys.stderr)
        return 2
    differences: Counter[str] = Counter()
    compared = [one for one in truths if one.linker]
    where = {} if top == corpus.SYSTEM else {"root": top}
    for one in compared:
        try:
            closure = resolve(one.path, environ=dict(env), **where).to_dict()
        except Exception as error:  # any of them is an answer that differs
            differences["raised"] += 1
            print(f"{one.path}: raised\n  {type(error).__name__}: {error}")
            continue
        for difference in compare(one, closure, top):
            differences[difference.what] += 1
            print(difference)
    print(f"{len(compared)} files compared; differences: {dict(differences) or 'none'}")
    return 1 if differences else 0


def read_all(paths: Sequence[str]) -> int:
    """Print where the facts of a file differ from what other readers have."""
    with multiprocessing.get_context("spawn").Pool(2, functools.partial(os.nice, 10)) as pool:
        found = [line for lines in pool.imap(differences, paths, chunksize=10) for line in lines]
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(paths)} files read; differences: {len(found) or 'none'}")
    return 1 if found else 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.truth", description=__doc__)
    parser.add_argument("what", choices=("collect", "count", "compare", "facts"))
    parser.add_argument(
        "--root",
        nargs="?",
        const=SUITE,
        default="",
        metavar="SUITE",
        help="the files of another Debian, in its root directory",
    )
    parser.add_argument("--library-path", metavar="DIRS", help="with this LD_LIBRARY_PATH; asked anew, and not kept")
    parser.add_argument("--below", metavar="DIR", action="append", type=Path, help="its files instead; nothing is kept")
    chosen = parser.parse_args(arguments)
    if chosen.what == "facts":
        return read_all(corpus.mapped(chosen.below))
    top = corpus.root_of(chosen.root)
    env: dict[str, str] = {}
    kept = corpus.place(chosen.root)
    if chosen.below:
        truths = corpus.ask(corpus.below(chosen.below))
    else:
        if chosen.what == "collect" or not kept.exists():
            collect(chosen.root)
        truths = corpus.saved(kept)
    if chosen.library_path is not None:
        env = {"LD_LIBRARY_PATH": chosen.library_path}
        truths = corpus.ask([one.path for one in truths if one.linker], top, env)
    if chosen.what == "compare":
        return judge(truths, top, env)
    count(truths)
    return 0


if __name__ == "__main__":
    sys.exit(main())
