"""`nativeload pack` makes no wheel that would not work: each refusal says what is wrong and what to do."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

import nativeload
from nativeload import __main__
from parts import cc
from parts.elf_patch import AARCH64, Patch
from parts.small_elf import NEEDED, SONAME
from parts.small_elf import library as small
from unit.packing import files, library, packed, refused, tree, unpacked

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def foo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return library(tmp_path_factory.mktemp("foo"))


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_no_soname(tmp_path: Path) -> None:
    said = refused(tmp_path, cc("int foo;", tmp_path / "libfoo.so.1"))
    assert "libfoo.so.1: has no soname" in said
    assert "patchelf --set-soname libfoo.so.1 " in said


@pytest.mark.parametrize("soname", ["libfoo", "../libfoo.so.1", "lib foo.so.1", 'lib".so.1', ".so.1", "lib\n.so"])
def test_a_soname_that_is_no_librarys(soname: str, tmp_path: Path) -> None:
    made = written(tmp_path / "libfoo.so.1", small([(SONAME, soname)]))
    assert f"its soname {soname!r} is not of the form libNAME.so.VERSION" in refused(tmp_path, made)


@pytest.mark.parametrize("flag", ["--enable-new-dtags", "--disable-new-dtags"])
@pytest.mark.parametrize(
    "place",
    ["/opt/foo", "$ORIGIN/../..", "$ORIGIN/../../bar_lib", ".", "$LIB", "$ORIGIN/$LIB", "$ORIGINAL", "$ORIGIN:"],
)
def test_an_rpath_that_leaves_the_wheel(flag: str, place: str, tmp_path: Path) -> None:
    kind = "runpath" if flag == "--enable-new-dtags" else "rpath"
    said = refused(tmp_path, library(tmp_path, "libfoo.so.1", f"-Wl,{flag},-rpath,{place}"))
    outside = "(the current directory)" if place == "$ORIGIN:" else place
    assert f"its {kind} leaves the wheel: {outside}\n" in said
    assert "patchelf --remove-rpath" in said


@pytest.mark.parametrize("place", ["$ORIGIN", "${ORIGIN}", "$ORIGIN/", "$ORIGIN/../lib:$ORIGIN/inner", "$ORIGIN/.."])
def test_an_rpath_that_stays(place: str, tmp_path: Path) -> None:
    assert packed(tmp_path / "dist", library(tmp_path, "libfoo.so.1", f"-Wl,-rpath,{place}")).exists()


def test_what_is_no_library(foo: Path, tmp_path: Path) -> None:
    """Everything that is wrong is said at once."""
    wrong = {
        "libm.so": (
            b"/* GNU ld script */\nGROUP ( libm.so.6 AS_NEEDED ( libmvec.so.1 ) )\n",
            "is a text linker script",
        ),
        "libmpi.so": (b"INPUT(libmpi.so.12)\n", "is a text linker script"),
        "notes.so": (b"A text of INPUTS (and others), as long as a header", "not an ELF file: a text file"),
        "text.so": (b"a text of no meaning at all, though long enough to be a header", "not an ELF file: a text file"),
        "empty.so": (b"", "not an ELF file: empty"),
        "cut.so": (foo.read_bytes()[:200], "truncated"),
        "program.so": (bytes(Patch(foo).header(type=2)), "is not a shared library but a program"),
        "other.so": (bytes(Patch(foo).header(osabi=9)), "is for another operating system"),
    }
    paths = [written(tmp_path / name, content) for name, (content, _) in wrong.items()]
    said = refused(tmp_path, *paths, foo, tmp_path / "absent.so", tmp_path)
    for path, (_, words) in zip(paths, wrong.values(), strict=True):
        assert f"{path}: {words}" in said
    assert "give the library that it names: libmpi.so.12" in said
    assert f"{tmp_path / 'absent.so'}: No such file or directory" in said
    assert f"{tmp_path}: Is a directory" in said
    assert said.count("\n  /") == len(wrong) + 2


def test_mixed_machines(foo: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "libbar.so.1", bytes(Patch(library(tmp_path, "libbar.so.1")).header(machine=AARCH64)))
    said = refused(tmp_path, foo, other)
    assert f"libbar.so.1: is of another machine than {foo} (ELF64 machine 183, little-endian, not" in said
    unknown = written(tmp_path / "libfoo.so.1", bytes(Patch(foo).header(machine=4711)))
    assert "is of a machine (ELF64, 4711)" in refused(tmp_path, unknown)


def test_mixed_c_libraries(tmp_path: Path) -> None:
    glibc = cc(
        '#include <stdio.h>\nint foo(void) { return puts(""); }', tmp_path / "libfoo.so.1", "-Wl,-soname,libfoo.so.1"
    )
    musl = written(tmp_path / "libbar.so.1", small([(SONAME, "libbar.so.1"), (NEEDED, "libc.musl-x86_64.so.1")]))
    assert f"libbar.so.1: is of another C library than {glibc} (musl, not glibc)" in refused(tmp_path, glibc, musl)
    assert "-musllinux_" in packed(tmp_path / "alone", musl).name


def test_two_files_of_one_soname(foo: Path, tmp_path: Path) -> None:
    said = refused(tmp_path, foo, library(tmp_path, "libfoo.so.1", value=43))
    assert "has the soname libfoo.so.1, and so has" in said
    # Two versions of one library are two wheels too; two names of one file are one.
    assert "would be the library 'foo', and so would" in refused(tmp_path, foo, library(tmp_path, "libfoo.so.2"))
    (tmp_path / "libfoo.so").symlink_to(foo)
    assert packed(tmp_path / "once", foo, tmp_path / "libfoo.so").exists()


def needs(tmp_path: Path, *others: Path) -> Path:
    return library(tmp_path / "needs", "libfoo.so.1", "-Wl,--no-as-needed", *others)


def test_a_dependency_that_nobody_brings(tmp_path: Path) -> None:
    bar = library(tmp_path, "libbar.so.2")
    foo = needs(tmp_path, bar)
    said = refused(tmp_path, foo)
    assert f"{foo}: needs libbar.so.2, which is not in the wheel" in said
    assert "give libbar.so.2 too, or --requires the distribution that ships it" in said
    assert packed(tmp_path / "both", foo, bar).exists()


@pytest.mark.usefixtures("fresh")
def test_a_dependency_that_another_distribution_brings(tmp_path: Path, site: Path) -> None:
    bar = library(tmp_path, "libbar.so.2")
    foo = needs(tmp_path, bar)
    said = refused(tmp_path, foo, requires=["bar-lib>=1"])
    assert "bar-lib>=1: what it brings is read from its files, and it is not installed here" in said
    unpacked(packed(tmp_path / "bar", bar, name="bar-lib", version="1.5"), site)
    found = files(packed(tmp_path / "1", foo, requires=["bar-lib>=1"]))
    assert "Requires-Dist: bar-lib>=1" in found["foo_lib-1.2.dist-info/METADATA"].decode().splitlines()
    assert b'requires = ["bar"]\n' in found["foo_lib/nativeload.toml"]
    # Another version, another distribution, no requirement at all.
    assert "only 1.5 is installed" in refused(tmp_path, foo, requires=["bar-lib>=2"])
    assert "needs libbar.so.2" in refused(tmp_path, foo, requires=["packaging"])
    assert "write: --requires" in refused(tmp_path, foo, requires=["bar lib!"])


@pytest.mark.usefixtures("fresh")
def test_what_another_distribution_brings_is_loaded_first(tmp_path: Path, site: Path) -> None:
    bar = library(tmp_path, "libbar.so.2")
    unpacked(packed(tmp_path / "bar", bar, name="bar-lib", version="1.5"), site)
    unpacked(packed(tmp_path / "foo", needs(tmp_path, bar), requires=["bar-lib"]), site)
    os.utime(site)
    nativeload.invalidate_caches()
    spec = nativeload.find_spec("foo")
    assert spec is not None
    assert spec.dependencies == (str(site / "bar_lib" / "lib" / "libbar.so.2"),)
    # Without what it says of that, the library is not found.
    declared = site / "foo_lib" / "nativeload.toml"
    declared.write_text(declared.read_text().replace('requires = ["bar"]\n', ""))
    nativeload.invalidate_caches()
    assert nativeload.find_spec("foo") is None


@pytest.mark.parametrize("name", ["foo bar", "-foo", "", "fo\u00f6", "3d-lib", "../foo"])
def test_names(name: str, foo: Path, tmp_path: Path) -> None:
    said = refused(tmp_path, foo, name=name)
    assert ("no name of Python's" if name == "3d-lib" else "is not a distribution's name") in said


@pytest.mark.parametrize("version", ["1x", "", "1.2-", "v", "1..2", "1/2"])
def test_versions(version: str, foo: Path, tmp_path: Path) -> None:
    assert "is not a version that PEP 440 can read" in refused(tmp_path, foo, version=version)


def test_names_and_versions_are_normalized(foo: Path, tmp_path: Path) -> None:
    made = packed(tmp_path, foo, name="Foo..Lib", version="v1.2-rc1")
    assert made.name.startswith("foo_lib-1.2rc1-py3-none-")


def test_headers_and_licences(foo: Path, tmp_path: Path) -> None:
    one, two = tree(tmp_path / "one", ["a.h"]), tree(tmp_path / "two", ["a.h", "LICENSE"])
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "would be include/a.h, and so would" in refused(tmp_path, foo, include=[str(one), str(two)])
    assert f"{empty}: holds no file" in refused(tmp_path, foo, include=[str(empty)])
    assert "is not a directory" in refused(tmp_path, foo, include=[str(one / "a.h")])
    assert f"{empty}: is not a file" in refused(tmp_path, foo, licenses=[str(empty)])
    other = tree(tmp_path / "other", ["LICENSE"])
    licences = [str(place / "LICENSE") for place in (two, other)]
    assert "has the same name as" in refused(tmp_path, foo, licenses=licences)
    written(one / "odd\n.h", b"")
    assert "its name cannot stand in a wheel" in refused(tmp_path, foo, include=[str(one)])


@pytest.mark.parametrize("time", ["yesterday", "-1", "\u00b2", "1.5", "9" * 5000])
def test_a_time_that_is_none(time: str, foo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", time)
    assert f"SOURCE_DATE_EPOCH={time}: is not a number of seconds" in refused(tmp_path, foo)


def test_a_place_that_is_none(foo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["pack", str(foo), "--name", "foo-lib", "--version", "1", "-o", str(foo / "dist")]
    assert __main__._main(words) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("nativeload: no wheel was made: [Errno 20] Not a directory: ")


def test_without_auditwheel(
    foo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "auditwheel.architecture", None)
    words = ["pack", str(foo), "--name", "foo-lib", "--version", "1", "-o", str(tmp_path / "dist")]
    assert __main__._main(words) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("nativeload: no wheel was made:\n  auditwheel: is not installed")
    assert "pip install 'nativeload[pack]'" in said.err


def test_what_fails_while_it_is_written_leaves_nothing(
    foo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nativeload.pack import distinfo

    def fail(*_: object) -> str:
        raise OSError("the disk is full")

    monkeypatch.setattr(distinfo, "sbom", fail)
    with pytest.raises(OSError, match="full"):
        packed(tmp_path / "dist", foo)
    assert list((tmp_path / "dist").iterdir()) == []
