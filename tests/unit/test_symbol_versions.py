"""Symbol versions: what a file wants of its dependencies against what they define, as the linker would check it."""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING

import pytest

from nativeload import core
from nativeload.linkers import host
from parts import cc, run
from unit.specimens import NAME, patched, specimen
from unit.verdicts import linker_words, refusal

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(core.libc()[0] != "glibc", reason="musl has no symbol versions")

CALL = "int base(void); int specimen_answer(void) { return base(); }"
VER_FLG_WEAK = 2
HERE = "-Wl,-rpath,$ORIGIN"


def _giver(path: Path, *versions: str, needs: str = "") -> Path:
    """A library that defines base() in the last of these versions, or without any. `needs` is a function of libc's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    script = path.with_name("versions.map")
    nodes = [f"{version} {{ global: {'base' if version == versions[-1] else 'older'}; }};" for version in versions]
    script.write_text("\n".join(nodes))
    flags = [f"-Wl,--version-script={script}"] if versions else []
    call = f"int {needs}(void); int other(void) {{ return {needs}(); }}" if needs else ""
    source = f"int base(void) {{ return 1; }} int older(void) {{ return 0; }} {call}"
    return cc(source, path, f"-Wl,-soname,{path.name}", *flags)


@pytest.mark.parametrize(
    ("soname", "version", "have"),
    [
        ("libc.so.6", "GLIBC_9.99", "GLIBC_2."),
        ("libstdc++.so.6", "GLIBCXX_9.9.99", "GLIBCXX_3."),
        ("libstdc++.so.6", "CXXABI_9.9", "CXXABI_1."),
        ("libgcc_s.so.1", "GCC_99.0.0", "GCC_"),
        ("libc.so.6", "OTHER_1.0", "no OTHER_* at all"),
    ],
)
def test_a_version_that_this_system_does_not_have(soname: str, version: str, have: str, tmp_path: Path) -> None:
    """Linked with a library of the future, as a wheel from a newer distribution is."""
    future = _giver(tmp_path / "future" / soname, version)
    library = specimen(tmp_path / NAME, "-nostdlib", future, source=CALL)
    kind, reason = refusal(library)
    assert kind == "symbol-version"
    assert reason.startswith(f"needs {version} of {soname}; ")
    assert have in reason
    assert reason.endswith(f"(wanted by {library})")
    assert f"version `{version}' not found" in linker_words(library)


def test_versions_that_are_there(tmp_path: Path) -> None:
    base = _giver(tmp_path / "libbase.so.1", "BASE_1", "BASE_2")
    library = specimen(tmp_path / NAME, base, HERE, source=CALL)
    assert refusal(library) == ("", "")
    assert linker_words(library) == ""


@pytest.mark.parametrize("weak", [False, True])
def test_an_older_one_at_run_time_than_at_build_time(weak: bool, tmp_path: Path) -> None:
    """Where the version is marked as wanted weakly (VER_FLG_WEAK), it may be missing."""
    base = _giver(tmp_path / "libbase.so.1", "BASE_1", "BASE_2")
    library = specimen(tmp_path / NAME, base, HERE, source=CALL)
    if weak:
        # struct Elf64_Vernaux: the version's hash, then its flags
        content = library.read_bytes()
        at = content.index(struct.pack("<I", _elf_hash("BASE_2"))) + 4
        patched(library, library, at, "<H", VER_FLG_WEAK)
    _giver(base, "BASE_1")
    words = linker_words(library)
    if weak:
        assert refusal(library) == ("", "")
        assert "version `BASE_2' not found" not in words
    else:
        reason = f"needs BASE_2 of libbase.so.1; {base} gives BASE_1 at most (wanted by {library})"
        assert refusal(library) == ("symbol-version", reason)
        assert "version `BASE_2' not found" in words


def test_a_library_that_defines_no_versions_passes(tmp_path: Path) -> None:
    """Where nothing is defined nothing is checked: the linker only warns."""
    base = _giver(tmp_path / "libbase.so.1", "BASE_2")
    library = specimen(tmp_path / NAME, base, HERE, source=CALL)
    _giver(base, needs="getpid")
    assert refusal(library) == ("", "")
    assert linker_words(library) == ""


def test_a_library_that_has_no_versions_at_all_ends_the_process(tmp_path: Path) -> None:
    """Not even of what it needs itself: at that an assertion of the linker fails up to glibc 2.40, which no caller catches."""
    base = _giver(tmp_path / "libbase.so.1", "BASE_2")
    library = specimen(tmp_path / NAME, base, HERE, source=CALL)
    _giver(base)
    if host.linker().rules.release >= 41:
        assert (refusal(library), linker_words(library)) == (("", ""), "")
        return
    reason = f"needs BASE_2 of libbase.so.1; {base} has no symbol versions (wanted by {library})"
    assert refusal(library) == ("symbol-version", reason)
    done = run(sys.executable, f"import ctypes; ctypes.CDLL({str(library)!r})")
    assert done.returncode != 0
    assert "Inconsistency detected by ld.so" in done.stderr


def test_at_the_second_step(tmp_path: Path) -> None:
    base = _giver(tmp_path / "libbase.so.1", "BASE_2")
    middle = specimen(tmp_path / "libmiddle.so.1", base, HERE, soname="libmiddle.so.1", source=CALL)
    source = "int specimen_answer(void); int top(void) { return specimen_answer(); }"
    library = specimen(tmp_path / NAME, middle, HERE, source=source)
    assert refusal(library) == ("", "")
    _giver(base, "BASE_1")
    reason = f"needs BASE_2 of libbase.so.1; {base} gives BASE_1 at most (wanted by {middle})"
    assert refusal(library) == ("symbol-version", reason)
    assert "version `BASE_2' not found" in linker_words(library)


def _elf_hash(name: str) -> int:
    """The hash of the System V ABI, by which version names are compared."""
    value = 0
    for byte in name.encode():
        value = (value << 4) + byte
        value = (value ^ (value & 0xF0000000) >> 24) & 0x0FFFFFFF
    return value
