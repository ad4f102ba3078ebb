"""What glibc's releases do otherwise: each release's own linker is asked, and resolve knows one by its file."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from nativeload import core, resolve
from parts import execute
from parts.truth import system_linker
from scenarios.closures import PRINTS, SYSTEM, agree, program
from scenarios.libraries import library, returns
from scenarios.smallroot import SUITES, add_libc, below, libc_of, needs_root, release, small_root

pytestmark = [
    needs_root,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the subdirectories of other machines"),
    pytest.mark.parametrize("suite", SUITES),
]
LEGACY = ["tls/x86_64/x86_64", "tls/x86_64", "tls", "x86_64/x86_64", "x86_64"]


@pytest.fixture
def top(tmp_path: Path, suite: str) -> Path:
    """A root with the linker of a release, and a program that needs liba.so of /x or /y."""
    program(tmp_path / "bin" / "main", needed=["liba.so"], rpath="/x:/y")
    library(tmp_path / "x" / "liba.so", soname="liba.so")
    return small_root(tmp_path, libc_of(suite)[0])


def test_each_is_known_by_its_file(top: Path, suite: str) -> None:
    here = int(core.libc()[1].split(".")[1])
    assert {"": release(top) == here, "trixie": release(top) == 41, "forky": release(top) >= 43}[suite]


def test_legacy_subdirectories(top: Path) -> None:
    """tls, x86_64 and what comes of them are searched up to 2.36."""
    for place in LEGACY:
        library(top / "x" / place / "liba.so", soname="liba.so")
    for place in LEGACY:
        taken = f"x/{place}/liba.so" if release(top) < 37 else "x/liba.so"
        assert agree("/bin/main", SYSTEM, root=top) == [taken]
        (top / "x" / place / "liba.so").unlink()
    assert agree("/bin/main", SYSTEM, root=top) == ["x/liba.so"]


def test_hwcaps(top: Path) -> None:
    for level in (2, 3, 4):
        library(top / "x" / f"glibc-hwcaps/x86-64-v{level}" / "liba.so", soname="liba.so")
    best = f"x/glibc-hwcaps/x86-64-v{core.isa_level()}/liba.so" if core.isa_level() > 1 else "x/liba.so"
    assert agree("/bin/main", SYSTEM, root=top) == [best]


def test_the_linker_in_the_list(top: Path) -> None:
    """From 2.37 on it is in every list; before, where somebody needs it by name."""
    listed = system_linker() in [image.path for image in resolve("/bin/main", root=top).images]
    assert listed == (release(top) >= 37)
    library(top / "x" / "liba.so", soname="liba.so", needed=[system_linker().rpartition("/")[2]])
    assert system_linker() in [image.path for image in resolve("/bin/main", root=top).images]
    assert agree("/bin/main", SYSTEM, root=top) == ["x/liba.so"]


def test_a_link_below_a_file(top: Path) -> None:
    """Up to 2.38 it ends this list of directories, from 2.39 on it is as if nothing was there."""
    (top / "x" / "liba.so").rename(top / "liba.so")
    (top / "x" / "liba.so").symlink_to("../bin/main/liba.so")
    library(top / "y" / "liba.so", soname="liba.so")
    assert agree("/bin/main", SYSTEM, root=top) == (["no liba.so"] if release(top) < 39 else ["y/liba.so"])
    (top / "x" / "liba.so").unlink()
    assert agree("/bin/main", SYSTEM, root=top) == ["y/liba.so"]


@pytest.mark.parametrize("giver", ["with versions", "with none"])
def test_a_version_of_a_file_that_has_none(top: Path, suite: str, giver: str) -> None:
    """Up to 2.40 the linker ends the process there, from 2.41 on the file gives all."""
    add_libc(top, libc_of(suite)[1])
    script = top / "versions.map"
    script.write_text("A_2 { global: a; };")
    versions = [f"-Wl,--version-script={script}"]
    library(top / "x" / "liba.so", returns("a", 1), *versions, soname="liba.so")
    source = PRINTS.replace("int main(void) {", "int a(void); int main(void) { if (a() != 1) return 1;")
    program(top / "bin" / "main", top / "x" / "liba.so", source=source, rpath="/x")
    if giver == "with none":
        library(top / "x" / "liba.so", returns("a", 1), soname="liba.so")
    done = execute(["chroot", top, "/bin/main"])
    closure = resolve("/bin/main", root=top)
    if giver == "with none" and release(top) < 41:
        assert "Inconsistency detected by ld.so" in done.stderr
        assert [problem.kind for problem in closure.problems] == ["symbol-version"]
    else:
        assert (closure.status, done.check().stdout) == ("ok", "/x/liba.so\n")


def test_a_root_without_its_linker(top: Path) -> None:
    """There is none to ask; what can be found is found all the same."""
    below(top, system_linker()).unlink()
    assert [image.path for image in resolve("/bin/main", root=top).images] == ["/bin/main", "/x/liba.so"]
