"""Symbols that nothing gives, in the closure of one file: what the linker says of the same file is what we say."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

import pytest

import nativeload
from nativeload import __main__
from parts import cc, execute

if TYPE_CHECKING:
    from pathlib import Path

WANTS = "int given(void); int wanted(void) { return given(); }"
GIVES = "int given(void) { return 1; }"


def kinds(path: Path, *loaded: Path | str, root: Path | None = None) -> list[tuple[str, str]]:
    """(kind, image) of each problem, looked for with symbols."""
    found = nativeload.resolve(path, loaded=loaded, root=root, symbols=True)
    assert found.status == ("problems" if found.problems else "ok")
    return [(one.kind, one.image) for one in found.problems]


def linker(path: Path) -> set[str]:
    """The symbols that the linker does not find when it binds all that a file wants at once."""
    done = execute(["ldd", "-r", os.fspath(path)], env={"LC_ALL": "C"})
    return set(re.findall(r"undefined symbol: (\w+)", done.stdout + done.stderr))


def test_a_symbol_that_nothing_gives(tmp_path: Path) -> None:
    library = cc(WANTS, tmp_path / "libwants.so")
    assert (kinds(library), linker(library)) == ([("symbol", os.fspath(library))], {"given"})
    (problem,) = nativeload.resolve(library, symbols=True).problems
    assert problem.detail == "wants given, which nothing that it needs gives, nor the interpreter"
    # Who does not ask is told nothing, and where it is given there is nothing to tell.
    assert nativeload.resolve(library).status == "ok"
    giver = cc(GIVES, tmp_path / "libgives.so")
    good = cc(WANTS, tmp_path / "libgood.so", giver, "-Wl,-rpath,$ORIGIN")
    assert (kinds(good), linker(good)) == ([], set())


def test_a_symbol_that_a_dependency_wants(tmp_path: Path) -> None:
    wants = cc(WANTS, tmp_path / "libwants.so")
    flags = ("-Wl,--no-as-needed", "-Wl,-rpath,$ORIGIN", "-Wl,--allow-shlib-undefined")
    top = cc("int top;", tmp_path / "libtop.so", *flags, wants)
    assert (kinds(top), linker(top)) == ([("symbol", os.fspath(wants))], {"given"})
    # It gets it from whatever is mapped with it, whoever needs that.
    giver = cc(GIVES, tmp_path / "libgives.so")
    both = cc("int top;", tmp_path / "libboth.so", *flags, wants, giver)
    assert (kinds(both), linker(both)) == ([], set())


def test_what_it_can_do_without_is_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = "__attribute__((weak)) int given(void); int wanted(void) { return given ? given() : 0; }"
    library = cc(source, tmp_path / "libweak.so")
    found = nativeload.resolve(library, environ={}, symbols=True)  # no LD_PRELOAD: a sanitizer has weak ones too
    assert (found.status, found.weak, linker(library)) == ("ok", ((os.fspath(library), ("given",)),), set())
    assert set(found.to_dict()) == {"version", "root", "status", "images", "problems"}
    said = f"{library} can do without given, which nothing gives"
    for more, shown in (([], False), (["-v"], True)):
        assert __main__._main(["--tree", os.fspath(library), *more]) == 0
        assert (said in capsys.readouterr().out) == shown
    assert __main__._main(["--explain", os.fspath(library)]) == 0
    assert f"{library} given" in capsys.readouterr().out


def test_what_would_give_it_if_it_were_loaded_for_all(tmp_path: Path) -> None:
    library, giver = cc(WANTS, tmp_path / "libwants.so"), cc(GIVES, tmp_path / "libgives.so")
    other = cc("int other;", tmp_path / "libother.so")
    assert kinds(library, giver) == [("symbol", os.fspath(library))]
    hint = f"{giver} gives some, if it is loaded for all (RTLD_GLOBAL)"
    for loaded, said in (((other, giver), True), ((other,), False)):
        (problem,) = nativeload.resolve(library, loaded=loaded, symbols=True).problems
        assert (hint in problem.detail) == said
    modes = [
        f"import ctypes; ctypes.CDLL({str(giver)!r}, ctypes.{mode}); ctypes.CDLL({str(library)!r}, 2)"
        for mode in ("RTLD_LOCAL", "RTLD_GLOBAL")
    ]
    assert [execute([sys.executable, "-c", code]).returncode for code in modes] == [1, 0]


def test_what_was_loaded_before_and_is_needed_gives(tmp_path: Path) -> None:
    giver = cc(GIVES, tmp_path / "libgives.so", "-Wl,-soname,libgives.so")
    library = cc(WANTS, tmp_path / "libwants.so", giver, "-Wl,-rpath,$ORIGIN")
    assert kinds(library, giver) == []


def test_a_program_gives_its_symbols_to_what_it_loads(tmp_path: Path) -> None:
    plugin = cc(WANTS, tmp_path / "plugin.so")
    program = cc(f"{GIVES} int main(void) {{ return 0; }}", tmp_path / "program", "-rdynamic", shared=False)
    assert kinds(plugin, program) == []
    silent = cc(f"{GIVES} int main(void) {{ return 0; }}", tmp_path / "silent", shared=False)
    assert kinds(plugin, silent) == [("symbol", os.fspath(plugin))]
    # Then the interpreter is not the program, and gives nothing.
    extension = cc("int Py_IsInitialized(void); int f(void) { return Py_IsInitialized(); }", tmp_path / "ext.so")
    assert (kinds(extension), kinds(extension, program)) == ([], [("symbol", os.fspath(extension))])


def test_below_a_root_an_interpreter_may_give_what_is_pythons(tmp_path: Path) -> None:
    source = "int PyNo_Such(void); int given(void); int f(void) { return PyNo_Such() + given(); }"
    library = cc(source, tmp_path / "lib.so", "-nostdlib")
    (problem,) = nativeload.resolve("/lib.so", root=tmp_path, symbols=True).problems
    assert problem.detail.startswith("wants given, ")
    (problem,) = nativeload.resolve(library, symbols=True).problems
    assert sorted(problem.detail.partition(", which")[0].removeprefix("wants ").split(", ")) == ["PyNo_Such", "given"]


def test_a_single_file_of_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library, good = cc(WANTS, tmp_path / "libwants.so"), cc(GIVES, tmp_path / "libgives.so")
    for names, status in (([library], 1), ([good], 0), ([library, good], 0)):
        assert __main__._main(["--tree", *map(os.fspath, names)]) == status
        assert ("symbol: " in capsys.readouterr().out) == bool(status)


def test_where_a_file_is_missing_nothing_is_said_of_symbols(tmp_path: Path) -> None:
    giver = cc(GIVES, tmp_path / "libgives.so", "-Wl,-soname,libgives.so")
    library = cc(WANTS, tmp_path / "libwants.so", giver, "-Wl,-rpath,$ORIGIN")
    giver.unlink()
    assert kinds(library) == [("missing", os.fspath(library))]
