"""A symbol version wanted and not given is refused, whoever in the closure wants it; where nothing is defined, all pass."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from nativeload.linkers import host
from parts import cc
from scenarios.libraries import calls, dynamic_entry, library, patched, returns
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path

DEP = returns("dep", 7)
WEAK = "int dep(void) __attribute__((weak)); int root(void) { return dep ? dep() : 0; }"
VER_FLG_WEAK, DT_DEBUG = 2, 21


def versioned(path: Path, *versions: str) -> Path:
    """libdep.so, whose `dep` is of the last of these versions."""
    script = path.with_suffix(".map")
    script.parent.mkdir(parents=True, exist_ok=True)
    *older, newest = versions
    script.write_text("".join(f"{name} {{ }};\n" for name in older) + f"{newest} {{ global: dep; }};\n")
    return library(path, DEP, f"-Wl,--version-script={script}", soname="libdep.so")


def consumer(path: Path, version: str, source: str = calls("root", "dep"), **paths: str) -> Path:
    """A library linked with a libdep.so of that version."""
    against = versioned(path.parent.parent / "build" / "libdep.so", version)
    return library(path, source, against, soname=path.name, runpath="$ORIGIN/../lib", **paths)


@pytest.mark.parametrize(
    ("given", "value"),
    [(["DEP_2"], 7), (["DEP_1", "DEP_2"], 7), (["DEP_2", "DEP_3"], None), (["DEP_1"], None), (["DEP_10"], None)],
)
def test_wanted(tmp_path: Path, given: list[str], value: int | None) -> None:
    versioned(tmp_path / "lib" / "libdep.so", *given)
    answer = ask(consumer(tmp_path / "app" / "libroot.so", "DEP_2"), call="root")
    if given == ["DEP_2", "DEP_3"]:
        # The version is there, its symbol has moved: found out by relocation alone, as a missing symbol is.
        assert (answer.refusal, "symbol" in answer.error) == ("", True)
        return
    assert answer.agreed().value == value
    assert answer.kind == ("" if value else "symbol-version")
    if answer.refusal:
        assert all(word in answer.refusal for word in ("DEP_2", "libdep.so", f"{given[-1]} at most", "libroot.so"))
        assert "DEP_2" in answer.error


def test_wanted_by_a_dependency(tmp_path: Path) -> None:
    consumer(tmp_path / "lib" / "libmiddle.so", "DEP_2")
    root = library(tmp_path / "app" / "libroot.so", needed=["libmiddle.so"], runpath="$ORIGIN/../lib")
    versioned(tmp_path / "lib" / "libdep.so", "DEP_2")
    ask(root).agreed()
    versioned(tmp_path / "lib" / "libdep.so", "DEP_1")
    answer = ask(root).agreed()
    assert answer.kind == "symbol-version"
    assert f"wanted by {tmp_path}/lib/libmiddle.so" in answer.refusal.replace("app/../", "")


def test_weak(tmp_path: Path) -> None:
    strong = consumer(tmp_path / "app" / "libroot.so", "DEP_2", WEAK)
    # Elf64_Vernaux begins with the name's hash and the flags, which GNU ld never sets.
    flags = strong.read_bytes().index(struct.pack("=IH", _hash("DEP_2"), 0)) + 4
    root = patched(strong, tmp_path / "app" / "libweak.so", flags, struct.pack("=H", VER_FLG_WEAK))
    versioned(tmp_path / "lib" / "libdep.so", "DEP_1")
    assert ask(strong).agreed().kind == "symbol-version"
    assert ask(root, call="root").agreed().value == 0
    versioned(tmp_path / "lib" / "libdep.so", "DEP_2")
    assert ask(root, call="root").agreed().value == 7


def _hash(name: str) -> int:
    """The hash of the System V ABI."""
    value = 0
    for letter in name.encode():
        value = (value << 4) + letter
        high = value & 0xF0000000
        value = (value ^ high >> 24) & ~high
    return value


def test_without_definitions_all_pass(tmp_path: Path) -> None:
    """Such a library has versions of its own only for what it needs: here of the C library."""
    root = consumer(tmp_path / "app" / "libroot.so", "DEP_2")
    source = f"#include <stdlib.h>\n{DEP} int used(void) {{ return abs(rand()); }}"
    cc(source, tmp_path / "lib" / "libdep.so", "-Wl,-soname,libdep.so")
    assert ask(root, call="root").agreed().value == 7


def test_without_any_version_the_linker_ends_the_process(tmp_path: Path) -> None:
    """Up to glibc 2.40; from then on all pass here too."""
    root = consumer(tmp_path / "app" / "libroot.so", "DEP_2")
    library(tmp_path / "lib" / "libdep.so", DEP, soname="libdep.so")
    if host.linker().rules.release >= 41:
        assert ask(root, call="root").agreed().value == 7
        return
    with pytest.raises(AssertionError, match=r"Inconsistency detected by ld\.so"):
        ask(root)
    answer = ask(root, load=False)
    assert answer.kind == "symbol-version"
    assert "DEP_2" in answer.refusal


def test_of_what_is_not_needed_the_linker_ends_the_process(tmp_path: Path) -> None:
    """What is left by a tool that takes a DT_NEEDED away, and not the versions wanted of it."""
    whole = consumer(tmp_path / "app" / "libroot.so", "DEP_2")
    versioned(tmp_path / "lib" / "libdep.so", "DEP_2")
    needed = dynamic_entry(whole, "DT_NEEDED")
    root = patched(whole, tmp_path / "app" / "libcut.so", needed, struct.pack("=q", DT_DEBUG))
    with pytest.raises(AssertionError, match=r"Inconsistency detected by ld\.so"):
        ask(root)
    assert ask(root, load=False).kind == "symbol-version"
    # Somebody else needs it, so it is there.
    library(tmp_path / "lib" / "libother.so", needed=["libdep.so"], runpath="$ORIGIN", soname="libother.so")
    both = library(tmp_path / "app" / "libboth.so", needed=["libother.so", "libcut.so"], rpath="$ORIGIN/../lib:$ORIGIN")
    assert ask(both).agreed().refusal == ""


def test_given_by_what_is_loaded(tmp_path: Path) -> None:
    """It is the loaded copy that must give it, not the one that the search would find."""
    root = consumer(tmp_path / "app" / "libroot.so", "DEP_2")
    found = versioned(tmp_path / "lib" / "libdep.so", "DEP_2")
    loaded = versioned(tmp_path / "old" / "libdep.so", "DEP_1")
    assert ask(root, before=[loaded]).agreed().kind == "symbol-version"
    assert ask(root, call="root", before=[found]).agreed().value == 7
    versioned(tmp_path / "lib" / "libdep.so", "DEP_1")
    good = versioned(tmp_path / "new" / "libdep.so", "DEP_2")
    assert ask(root, call="root", before=[good]).agreed().value == 7


def test_a_missing_dependency_is_said_first(tmp_path: Path) -> None:
    """As the linker does: it maps everything before it asks for a version."""
    root = consumer(tmp_path / "app" / "libroot.so", "DEP_2", calls("root", "dep"), needed=["libnone.so"])  # type: ignore[arg-type]
    versioned(tmp_path / "lib" / "libdep.so", "DEP_1")
    answer = ask(root).agreed()
    assert answer.kind == "dependency"
    assert "libnone.so" in answer.error


def test_of_the_system(tmp_path: Path) -> None:
    """What the C library here does not give."""
    script = tmp_path / "libc.map"
    script.write_text("GLIBC_9.99 { global: future; };")
    future = library(
        tmp_path / "libc.so", "int future(void) { return 1; }", f"-Wl,--version-script={script}", soname="libc.so.6"
    )
    root = library(tmp_path / "app" / "libroot.so", calls("root", "future"), future)
    answer = ask(root).agreed()
    assert answer.kind == "symbol-version"
    assert "GLIBC_9.99" in answer.refusal
    assert "GLIBC_2." in answer.refusal
