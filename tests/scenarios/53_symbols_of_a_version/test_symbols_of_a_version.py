"""A symbol is looked for in the version wanted; without one, the oldest is taken, else the only one that is not hidden."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from nativeload import resolve
from nativeload.linkers import host
from parts import cc, execute
from scenarios.closures import program
from scenarios.muslprograms import linker

if TYPE_CHECKING:
    from pathlib import Path

NONE_GIVES_ALL = host.linker().rules.release >= 41
WANTS = "int dep(void); int root(void) { return dep(); }"
# A symbol's versions, and those that the file defines, in the order of their indices from 2 on: `dep@` is hidden.
GIVERS = {
    "none": ([], []),
    "base": ([], ["A", "B"]),  # unversioned, though others have versions
    "A": (["dep@@A"], ["A", "B"]),
    "B": (["dep@@B"], ["A", "B"]),
    "A, B": (["dep@A", "dep@@B"], ["A", "B"]),
    "hidden A": (["dep@A"], ["A", "B"]),
    "hidden B": (["dep@B"], ["A", "B"]),
    "hidden B, C": (["dep@B", "dep@@C"], ["A", "B", "C"]),
    "hidden B, hidden C": (["dep@B", "dep@C"], ["A", "B", "C"]),
    "nothing": (["other@@B"], ["A", "B"]),
}


def giver(path: Path, name: str) -> Path:
    """libdep.so, with the `dep` that a row of GIVERS says."""
    symbols, versions = GIVERS[name]
    path.parent.mkdir(parents=True, exist_ok=True)
    script = path.with_suffix(".map")
    # A version that no symbol has must be defined all the same: then what is wanted is the symbol, not the version.
    source = "".join(f"int mark_{one}(void) {{ return 0; }}" for one in versions) + "".join(
        f'int dep_{at}(void) {{ return {at}; }} __asm__(".symver dep_{at}, {symbol}");'
        for at, symbol in enumerate(symbols)
    )
    words = [path.name]
    if versions:
        script.write_text("".join(f"{one} {{ global: mark_{one}; }};\n" for one in versions))
        words.append(f"-Wl,--version-script={script}")
    source += "" if symbols else "int dep(void) { return 0; }"
    return cc(source, path, "-nostdlib", "-fno-lto", "-Wl,-soname,libdep.so", *words[1:])


def consumer(path: Path, wants: str) -> Path:
    """A library that wants `dep`, of the version of a row of GIVERS by default; and a program of musl likewise."""
    against = giver(path.parent / "build" / "libdep.so", wants)
    return cc(WANTS, path, "-nostdlib", against, "-Wl,-rpath,$ORIGIN/lib")


def undefined(path: Path) -> list[str]:
    found = resolve(path, environ={}, symbols=True)
    return [word for one in found.problems for word in re.findall(r"(dep\S*),", one.detail)]


@pytest.mark.parametrize("given", GIVERS)
@pytest.mark.parametrize(("wants", "shown"), [("none", "dep"), ("A", "dep@A"), ("B", "dep@B")])
def test_given(tmp_path: Path, wants: str, shown: str, given: str) -> None:
    library = consumer(tmp_path / "libroot.so", wants)
    giver(tmp_path / "lib" / "libdep.so", given)
    done = execute(["ldd", "-r", os.fspath(library)], env={"LC_ALL": "C"})
    # Which up to glibc 2.40 ends a process before it looks for symbols.
    if "no version information" in done.stdout + done.stderr and not NONE_GIVES_ALL:
        assert (given, resolve(library, environ={}).status) == ("none", "problems")
        return
    linkers = re.findall(r"undefined symbol: (\w+)(?:, version (\w+))?", done.stdout + done.stderr)
    assert undefined(library) == ["@".join(filter(None, one)) for one in linkers]
    assert undefined(library) in ([], [shown])


def test_both_answers_are_given(tmp_path: Path) -> None:
    """Of the table: what each of the three gets from each row, as the linker has it."""
    found = {}
    for wants in ("none", "A", "B"):
        library = consumer(tmp_path / wants / "libroot.so", wants)
        for given in GIVERS:
            giver(tmp_path / wants / "lib" / "libdep.so", given)
            if resolve(library, environ={}).status == "ok":
                found[wants, given] = undefined(library) == []
    assert {given for wants, given in found if not found[wants, given] and wants == "none"} == {
        "hidden B", "hidden B, hidden C", "nothing",
    }  # fmt: skip
    assert {given for wants, given in found if found[wants, given] and wants == "B"} == {
        "base", "B", "A, B", "hidden B", "hidden B, C", "hidden B, hidden C", *(["none"] if NONE_GIVES_ALL else []),
    }  # fmt: skip


@pytest.mark.nosanitize
@pytest.mark.parametrize("given", GIVERS)
def test_musl_knows_no_versions(tmp_path: Path, given: str) -> None:
    against = giver(tmp_path / "build" / "libdep.so", "A")
    own = os.fspath(linker(tmp_path))
    source = "int dep(void); void _start(void) { dep(); }"
    main = program(tmp_path / "main", "-nostdlib", against, "-Wl,-rpath,$ORIGIN/lib", linker=own, source=source)
    giver(tmp_path / "lib" / "libdep.so", given)
    done = execute([own, "--list", os.fspath(main)])
    lacks = re.findall(r"Error relocating .*: (\w+): symbol not found", done.stdout + done.stderr)
    assert [one.partition("@")[0] for one in undefined(main)] == lacks
    assert (lacks == []) == (given in ("none", "base", "A", "B", "A, B", "hidden B, C"))
