"""The way in which each kind of file is asked about is the right one, and another way is not."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from truth.wheel import one_wheel

from parts import cc, deb, execute
from parts.elf_files import elf_files, read
from parts.roots import inside
from parts.truth import system_linker, truth
from scenarios.libraries import library

if TYPE_CHECKING:
    from parts.truth import Truth

# 36 for glibc 2.36
RELEASE = int(platform.libc_ver()[1].split(".")[1])
NOTHING = "void _start(void) {}"
TRACED = {"LD_TRACE_LOADED_OBJECTS": "1"}

# It loads a library as a process does, and says on a descriptor of its own what is loaded then, in order.
LOADER = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <unistd.h>
int main(int count, char **words) {
    struct link_map *map;
    if (count > 1 && !dlopen(words[1], RTLD_LAZY | RTLD_LOCAL)) { fputs(dlerror(), stderr); return 1; }
    dlinfo(dlopen(NULL, RTLD_LAZY), RTLD_DI_LINKMAP, &map);
    for (; map; map = map->l_next) if (*map->l_name == '/') puts(map->l_name);
    fflush(stdout);
    _exit(0);
}
"""


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cc(LOADER, tmp_path_factory.mktemp("loader") / "loader", shared=False)


def program(path: Path, *needed: Path, rpath: str = "$ORIGIN", linker: str = "") -> Path:
    flags = ["-nostdlib", "-Wl,--no-as-needed", f"-Wl,-rpath,{rpath}", "-Wl,--allow-shlib-undefined"]
    return cc(NOTHING, path, *flags, *([f"-Wl,--dynamic-linker={linker}"] if linker else []), *needed, shared=False)


def others(answer: Truth) -> list[tuple[str, str | None]]:
    """What is found but for the linker, which from glibc 2.37 on is in every list."""
    return [pair for pair in answer.libraries if RELEASE < 37 or pair[1] != answer.linker]


def files(answer: Truth) -> list[str | None]:
    """The names of the files found."""
    return [path and Path(path).name for _, path in others(answer)]


def test_a_program_given_by_a_link(tmp_path: Path) -> None:
    """The kernel tells the linker the real path; a linker started with the link's path takes that for $ORIGIN.

    Up to glibc 2.41.
    """
    one = program(tmp_path / "one" / "program", library(tmp_path / "one" / "liba.so", soname="liba.so"))
    link = tmp_path / "two" / "program"
    link.parent.mkdir()
    link.symlink_to(one)
    assert others(truth(link)) == [("liba.so", f"{tmp_path}/one/liba.so")]
    assert f"{tmp_path}/one/liba.so" in execute([link], env=TRACED).check().stdout
    found = "not found" if RELEASE < 42 else f"{tmp_path}/one/liba.so"
    assert f"liba.so => {found}" in execute([system_linker(), link], env=TRACED).check().stdout


def test_a_library_given_by_a_link(tmp_path: Path, loader: Path) -> None:
    """Its $ORIGIN is the link's directory."""
    library(tmp_path / "one" / "liba.so", soname="liba.so")
    real = library(tmp_path / "one" / "libroot.so", needed=["liba.so"], runpath="$ORIGIN")
    link = tmp_path / "two" / "libroot.so"
    link.parent.mkdir()
    link.symlink_to(real)
    assert truth(link).missing == ("liba.so",)
    assert "liba.so: cannot open" in execute([loader, link]).stderr
    assert files(truth(real)) == ["liba.so"]


def test_a_library_that_is_asked_for_again(tmp_path: Path, loader: Path) -> None:
    """Loaded as a library it is the same file; given to the linker as a program, it is loaded twice."""
    root = library(tmp_path / "libroot.so", needed=["liba.so"], runpath="$ORIGIN")
    library(tmp_path / "liba.so", soname="liba.so", needed=["libroot.so"], runpath="$ORIGIN")
    assert files(truth(root)) == ["liba.so"]
    assert execute([loader, root]).check().stdout.splitlines()[-2:] == [str(root), f"{tmp_path}/liba.so"]
    assert "libroot.so => " in execute([system_linker(), root], env=TRACED).check().stdout


def test_every_name_that_is_missing(tmp_path: Path) -> None:
    """The linker goes on, and a name may be there for the next who asks; with --list it stops at the first."""
    root = library(tmp_path / "libroot.so", needed=["libx.so", f"{tmp_path}/liba.so", "libgone.so"])
    library(tmp_path / "liba.so", soname="liba.so", needed=["libx.so"], runpath="$ORIGIN")
    x = library(tmp_path / "libx.so", soname="libx.so")
    answer = truth(root)
    assert answer.missing == ("libx.so", "libgone.so")
    assert files(answer) == [None, "liba.so", None, "libx.so"]
    listed = execute([system_linker(), "--list", root])
    assert listed.returncode
    assert "libgone.so" not in listed.stdout + listed.stderr
    assert truth(root, {"LD_LIBRARY_PATH": str(tmp_path)}).missing == ("libgone.so",)
    x.unlink()
    assert truth(root).missing == ("libx.so", "libgone.so", "libx.so")


def test_where_the_linker_gives_up(tmp_path: Path) -> None:
    root = library(tmp_path / "libroot.so", needed=["libtext.so"], runpath="$ORIGIN")
    (tmp_path / "libtext.so").write_text("INPUT(libreal.so)")
    answer = truth(root)
    assert "libtext.so: file too short" in answer.error
    assert not answer.libraries
    (tmp_path / "libtext.so").unlink()
    library(tmp_path / "libtext.so")
    assert truth(root).error == ""


def test_the_environment_is_what_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = library(tmp_path / "app" / "libroot.so", needed=["liba.so"])
    library(tmp_path / "liba.so", soname="liba.so")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    assert truth(root).missing == ("liba.so",)
    assert files(truth(root, {"LD_LIBRARY_PATH": str(tmp_path)})) == ["liba.so"]


def test_what_is_preloaded_comes_first(tmp_path: Path) -> None:
    root = library(tmp_path / "libroot.so", needed=["liba.so"], runpath="$ORIGIN")
    library(tmp_path / "liba.so", soname="liba.so")
    other = library(tmp_path / "libother.so")
    assert files(truth(root, {"LD_PRELOAD": str(other)})) == ["libother.so", "liba.so"]
    assert files(truth(root)) == ["liba.so"]


def test_a_program_of_musl(tmp_path: Path) -> None:
    """Its own linker is asked; glibc's would look for other files."""
    linker = tmp_path / f"ld-musl-{platform.machine()}.so.1"
    linker.symlink_to(next(path for path in deb("musl").rglob("libc.so") if path.is_file()))
    needed = library(tmp_path / "lib" / "liba.so", soname="liba.so")
    one = program(tmp_path / "program", needed, rpath=f"{tmp_path}/lib", linker=str(linker))
    answer = truth(one)
    assert (answer.linker, files(answer)) == (str(linker), ["liba.so"])
    needed.unlink()
    assert truth(one).missing == ("liba.so",)


def test_a_program_without_its_interpreter(tmp_path: Path) -> None:
    one = program(tmp_path / "program", linker=f"{tmp_path}/ld.so")
    assert truth(one).error == f"there is no interpreter {tmp_path}/ld.so"
    (tmp_path / "ld.so").symlink_to(system_linker())
    assert truth(one).error == ""


def test_files_that_have_no_linker(tmp_path: Path) -> None:
    static = cc(NOTHING, tmp_path / "static", "-static", "-nostdlib", shared=False)
    thing = cc(NOTHING, tmp_path / "object.o", "-c", shared=False)
    foreign = tmp_path / "foreign.so"
    content = bytearray(library(tmp_path / "library.so").read_bytes())
    content[18:20] = (0xF7F7).to_bytes(2, "little")
    foreign.write_bytes(content)
    assert [(truth(one).kind, truth(one).linker) for one in (static, thing, foreign)] == [
        ("static", ""),
        ("object", ""),
        ("foreign", ""),
    ]
    assert truth(tmp_path / "library.so").linker == system_linker()


def test_kinds(tmp_path: Path) -> None:
    """Each inode once, no links, and nothing that is no ELF file."""
    one = program(tmp_path / "program")
    library(tmp_path / "lib.so.1", soname="lib.so.1", needed=["libc.so.6"])
    library(tmp_path / "name.cpython-311-x86_64-linux-gnu.so")
    os.link(one, tmp_path / "the-same")
    (tmp_path / "a-link").symlink_to(one)
    (tmp_path / "script").write_text("#!/bin/sh\n")
    found = {file.path.name: file for file in elf_files(tmp_path)}
    assert {name: file.kind for name, file in found.items()} == {
        "lib.so.1": "library",
        "name.cpython-311-x86_64-linux-gnu.so": "extension",
        "program": "program",
    }
    assert (found["lib.so.1"].soname, found["lib.so.1"].needed) == ("lib.so.1", ("libc.so.6",))
    assert read(Path(os.path.realpath(system_linker()))).kind == "library"


def test_a_path_inside_a_root(tmp_path: Path) -> None:
    (tmp_path / "usr" / "lib").mkdir(parents=True)
    (tmp_path / "usr" / "lib" / "liba.so.1").touch()
    (tmp_path / "lib").symlink_to("usr/lib")
    (tmp_path / "usr" / "lib" / "liba.so").symlink_to("/lib/../lib/liba.so.1")
    (tmp_path / "usr" / "lib" / "loop").symlink_to("loop")
    assert inside(tmp_path, "/lib/../../lib/./liba.so") == tmp_path / "usr" / "lib" / "liba.so.1"
    with pytest.raises(OSError, match="symbolic links"):
        inside(tmp_path, "/lib/loop")


def test_it_is_what_a_process_does(loader: Path) -> None:
    """For each library of a real wheel: what a process has loaded after a dlopen, in order."""
    before = execute([loader]).check().stdout.splitlines()
    libraries = [file.path for file in elf_files(one_wheel()) if file.kind == "library"]
    assert libraries
    for path in libraries:
        answer = truth(path)
        done = execute([loader, path])
        if answer.missing:  # of an extension alone that has loaded it
            assert done.stderr.startswith(f"{answer.missing[0]}: cannot open shared object file")
            continue
        expected = [str(path), *(taken for _, taken in answer.libraries if taken)]
        loaded = done.check().stdout.splitlines()
        assert [one for one in loaded if one not in before] == [one for one in expected if one not in before]
        assert [one for one in loaded if one not in before] != [str(path)]
