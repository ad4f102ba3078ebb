"""`nativeload pack`: what a wheel holds, that the same input gives the same bytes, and that its tag is auditwheel's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import nativeload
from nativeload import __main__
from nativeload.pack import wheel
from parts import PartError, cc
from parts.compiler import isa_note
from parts.elf_patch import AARCH64, Patch
from parts.oracles import readelf_facts
from unit.packing import files, library, packed, tree, unpacked

PLAIN = {
    "foo_lib/__init__.py",
    "foo_lib/lib/cmake/foo/foo-config-version.cmake",
    "foo_lib/lib/cmake/foo/foo-config.cmake",
    "foo_lib/lib/libfoo.so",
    "foo_lib/lib/libfoo.so.1",
    "foo_lib/lib/pkgconfig/foo.pc",
    "foo_lib/nativeload.toml",
    "foo_lib-1.2.dist-info/METADATA",
    "foo_lib-1.2.dist-info/RECORD",
    "foo_lib-1.2.dist-info/WHEEL",
    "foo_lib-1.2.dist-info/entry_points.txt",
    "foo_lib-1.2.dist-info/sboms/nativeload.cdx.json",
}


@pytest.fixture(scope="module")
def foo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return library(tmp_path_factory.mktemp("foo"))


def test_one_library(foo: Path, tmp_path: Path) -> None:
    found = files(packed(tmp_path / "new" / "dist", foo))
    assert set(found) == PLAIN
    assert found["foo_lib/lib/libfoo.so.1"] == foo.read_bytes()
    assert os.listdir(tmp_path / "new" / "dist") == [f"foo_lib-1.2-py3-none-{tag(foo, tmp_path)}.whl"]


def test_headers_and_licences(foo: Path, tmp_path: Path) -> None:
    include = tree(tmp_path / "include", ["foo.h", "foo/inner.h"])
    (include / "link.h").symlink_to("foo.h")
    (include / "foo" / "up").symlink_to("..")  # a loop
    licences = tree(tmp_path, ["LICENSE", "COPYING"])
    paths = [str(licences / name) for name in ("LICENSE", "COPYING")]
    found = files(packed(tmp_path / "dist", foo, include=[str(include)], licenses=paths))
    more = {"foo_lib/include/foo.h", "foo_lib/include/foo/inner.h", "foo_lib/include/link.h"}
    more |= {"foo_lib-1.2.dist-info/licenses/COPYING", "foo_lib-1.2.dist-info/licenses/LICENSE"}
    assert set(found) - PLAIN == more
    assert found["foo_lib/include/link.h"] == b"/* foo.h */\n"
    metadata = found["foo_lib-1.2.dist-info/METADATA"].decode().splitlines()
    assert metadata[:3] == ["Metadata-Version: 2.4", "Name: foo-lib", "Version: 1.2"]
    assert [line for line in metadata if line.startswith("License-File")] == [
        "License-File: COPYING",
        "License-File: LICENSE",
    ]


def test_links_are_followed_and_a_file_is_there_once(tmp_path: Path) -> None:
    real = library(tmp_path / "build").rename(tmp_path / "build" / "libfoo.so.1.2.3")
    for name in ("libfoo.so.1", "libfoo.so"):
        (real.parent / name).symlink_to("libfoo.so.1.2.3" if name == "libfoo.so.1" else "libfoo.so.1")
    found = files(packed(tmp_path, *sorted(real.parent.iterdir())))
    assert set(found) == PLAIN
    assert [name for name, content in found.items() if content == real.read_bytes()] == ["foo_lib/lib/libfoo.so.1"]


def test_a_soname_that_is_the_development_name_needs_no_script(tmp_path: Path) -> None:
    found = files(packed(tmp_path / "dist", library(tmp_path, "libfoo.so")))
    assert set(found) == PLAIN - {"foo_lib/lib/libfoo.so.1"}
    assert found["foo_lib/lib/libfoo.so"][:4] == b"\x7fELF"


def test_the_same_bytes_twice(foo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = library(tmp_path, "libbar.so.2")
    include = tree(tmp_path / "include", ["b.h", "a.h", "c/d.h"])
    first = packed(tmp_path / "1", foo, other, include=[str(include)]).read_bytes()
    # Later, in another order, of files that say another time, in another directory: the same.
    copy = tree(tmp_path / "copy", ["c/d.h", "a.h", "b.h"])
    os.utime(copy / "a.h", (1e9, 1e9))
    os.chmod(copy / "b.h", 0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    assert packed(tmp_path / "2", Path("libbar.so.2"), foo, include=["copy"]).read_bytes() == first
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000001")
    third = packed(tmp_path / "3", foo, other, include=[str(include)])
    assert third.read_bytes() != first
    with zipfile.ZipFile(third) as archive:
        assert {member.date_time for member in archive.infolist()} == {(2023, 11, 14, 22, 13, 20)}
    # Beyond what a zip file can say.
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "99999999999")
    with zipfile.ZipFile(packed(tmp_path / "4", foo)) as archive:
        assert {member.date_time[0] for member in archive.infolist()} == {2107}


@pytest.mark.usefixtures("fresh")
def test_nativeload_finds_what_was_packed(tmp_path: Path, site: Path) -> None:
    # Names that are compared without case and separators, and one that TOML must quote.
    made = [library(tmp_path, soname) for soname in ("libFoo.so.1", "libfoo-2.0.so.0", "libb++.so", "bare.so.3")]
    unpacked(packed(tmp_path / "dist", *made, name="Foo.Lib"), site)
    home = site / "foo_lib" / "lib"
    for name, file in (
        ("foo", "libFoo.so.1"),
        ("foo-2.0", "libfoo-2.0.so.0"),
        ("b++", "libb++.so"),
        ("bare", "bare.so.3"),
    ):
        spec = nativeload.find_spec(f"{name}>=1.2,<1.3")
        assert spec is not None
        assert (spec.path, spec.soname, spec.version, spec.origin) == (str(home / file), file, "1.2", "wheel")
        assert spec.provider is not None
        assert spec.provider.distribution == "Foo.Lib"
    assert nativeload.find_spec("foo-2.1") is None


@pytest.mark.usefixtures("fresh")
def test_libraries_of_one_wheel_find_each_other(foo: Path, tmp_path: Path, site: Path) -> None:
    bar = library(tmp_path, "libbar.so.2", "-Wl,--no-as-needed", foo)
    unpacked(packed(tmp_path / "dist", bar, foo), site)
    spec = nativeload.find_spec("bar")
    assert spec is not None
    assert spec.dependencies == (str(site / "foo_lib" / "lib" / "libfoo.so.1"),)
    # Alone it would not do.
    (site / "foo_lib" / "lib" / "libfoo.so.1").unlink()
    nativeload.invalidate_caches()
    assert nativeload.find_spec("bar") is None


def test_the_bill_of_materials(foo: Path, tmp_path: Path) -> None:
    found = files(packed(tmp_path, foo))
    bill = json.loads(found["foo_lib-1.2.dist-info/sboms/nativeload.cdx.json"])
    assert (bill["bomFormat"], bill["metadata"]["component"]["purl"]) == ("CycloneDX", "pkg:pypi/foo-lib@1.2")
    (one,) = bill["components"]
    assert one["name"] == "libfoo.so.1"
    assert (
        one["hashes"][0]["content"]
        == subprocess.run(["sha256sum", foo], capture_output=True, text=True, check=True).stdout.split()[0]
    )
    assert bill["dependencies"][0] == {"ref": "pkg:pypi/foo-lib@1.2", "dependsOn": [one["bom-ref"]]}


# The development name


def needed(path: Path) -> list[str]:
    return list(readelf_facts(str(path))["needed"])


@pytest.mark.parametrize("linker", ["bfd", "gold"])
def test_a_linker_finds_it_by_its_development_name(linker: str, foo: Path, tmp_path: Path) -> None:
    if not shutil.which(f"ld.{linker}"):
        pytest.skip(f"this system has no ld.{linker}")
    home = unpacked(packed(tmp_path, foo), tmp_path / "a site") / "foo_lib" / "lib"
    source, flags = "int foo(void); int bar(void) { return foo(); }", [f"-fuse-ld={linker}", "-Wl,--no-undefined"]
    ways: list[list[str | Path]] = [[f"-L{home}", "-lfoo"], [home / "libfoo.so"], [f"-L{home}", "-l:libfoo.so.1"]]
    for number, way in enumerate(ways):
        assert needed(cc(source, tmp_path / f"{number}.so", *flags, *way))[0] == "libfoo.so.1"
    # Without the script it does not.
    (home / "libfoo.so").unlink()
    with pytest.raises(PartError, match="cannot find -lfoo"):
        cc(source, tmp_path / "none.so", *flags, f"-L{home}", "-lfoo")


@pytest.mark.usefixtures("fresh")
def test_nativeload_does_not_take_the_script_for_a_library(
    foo: Path, tmp_path: Path, site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unpacked(packed(tmp_path / "dist", foo), site)
    script = site / "foo_lib" / "lib" / "libfoo.so"
    for name in ("foo", "libfoo.so", "libfoo.so.1"):
        spec = nativeload.find_spec(name)
        assert spec is not None
        assert spec.path == f"{script}.1"
    # Nor where it advises, where it checks, where it lists, or where another library needs a file of that name.
    (site / "foo_lib" / "nativeload.toml").rename(site / "foo_lib" / "gone.toml")
    nativeload.invalidate_caches()
    with pytest.raises(nativeload.LibraryNotFoundError) as refused:
        nativeload.load("foo")
    assert f"{script}.1" in str(refused.value)
    assert f"{script} " not in str(refused.value)
    (site / "foo_lib" / "gone.toml").rename(site / "foo_lib" / "nativeload.toml")
    nativeload.invalidate_caches()
    assert __main__._main(["--check", "foo-lib"]) == 0
    assert str(script) not in capsys.readouterr().out.replace(f"{script}.1", "")
    asks = cc(
        "", tmp_path / "libasks.so.1", "-Wl,-soname,libasks.so.1", "-Wl,--no-as-needed", library(tmp_path, "libfoo.so")
    )
    (script.parent / "libasks.so.1").write_bytes(asks.read_bytes())
    with open(site / "foo_lib" / "nativeload.toml", "a", encoding="utf-8") as declaration:
        declaration.write('[library.asks]\npath = "lib/libasks.so.1"\n')
    (site / "foo_lib-1.2.dist-info" / "entry_points.txt").write_text("[nativeload.libraries]\nasks = foo_lib\n")
    os.utime(site)
    nativeload.invalidate_caches()
    with pytest.raises(nativeload.ABIMismatchError, match=r"libfoo\.so, which"):
        nativeload.load("asks")


# The tag


def tag(path: Path, scratch: Path) -> str:
    """The platform tag that auditwheel's own command gives a wheel with one library."""
    made = scratch / "audited" / "x-1-py3-none-linux_x86_64.whl"
    made.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(made, "w") as archive:
        archive.write(path, "x/lib.so")
        archive.writestr("x-1.dist-info/WHEEL", "Root-Is-Purelib: false\nTag: py3-none-linux_x86_64\n")
        archive.writestr("x-1.dist-info/RECORD", "x/lib.so,,\n")
    command = [sys.executable, "-m", "auditwheel", "show", "--json", str(made)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return str(json.loads(done.stdout)["overall_tag"])


def libm(tmp_path: Path, version: str) -> Path:
    """Something that says it is libm, and gives a symbol in some version of it."""
    script = tmp_path / "versions"
    script.write_text(f"{version} {{ global: sine; }};\n", encoding="utf-8")
    flags = ["-Wl,-soname,libm.so.6", f"-Wl,--version-script={script}"]
    return cc("int sine(void) { return 0; }", tmp_path / "libm.so.6", *flags)


def wants_version(tmp_path: Path, version: str) -> Path:
    source = "int sine(void); int foo(void) { return sine(); }"
    return cc(source, tmp_path / "libfoo.so.1", "-Wl,-soname,libfoo.so.1", libm(tmp_path, version))


@pytest.mark.parametrize(
    "kind", ["plain", "threads", "no libc", "GLIBC_2.17", "GLIBC_2.38", "GLIBC_2.99", "x11", "stdio", "zlib", "v3"]
)
def test_the_tag_is_auditwheels(kind: str, tmp_path: Path) -> None:
    sources = {
        "threads": "#include <threads.h>\nint foo(void) { return thrd_sleep(0, 0); }",
        "stdio": '#include <stdio.h>\nint foo(void) { return puts(""); }',
        "v3": isa_note(3) + "int foo(void) { return 1; }",
        "x11": "int XOpenDisplay(void); int foo(void) { return XOpenDisplay(); }",
        "zlib": "int deflate_copyright(void); int foo(void) { return deflate_copyright(); }",
    }
    flags: list[str | Path] = ["-nostdlib"] if kind == "no libc" else []
    if kind in ("x11", "zlib"):
        soname, symbol = {"x11": ("libX11.so.6", "XOpenDisplay"), "zlib": ("libz.so.1", "deflate_copyright")}[kind]
        flags.append(cc(f"int {symbol}(void) {{ return 0; }}", tmp_path / soname, f"-Wl,-soname,{soname}"))
    if kind.startswith("GLIBC"):
        made = wants_version(tmp_path, kind)
    else:
        made = cc(sources.get(kind, "int foo;"), tmp_path / "libfoo.so.1", "-Wl,-soname,libfoo.so.1", *flags)
    result = wheel.pack([str(made)], name="foo-lib", version="1", output=str(tmp_path / "dist"))
    told = Path(result.path).stem.split("-")[-1]
    assert told == tag(made, tmp_path)
    assert bool(result.note) == (told == "linux_x86_64")
    if kind == "GLIBC_2.99":
        assert "needs GLIBC_2.99 of libm.so.6" in result.note
    if kind == "v3":
        assert "x86-64-v3" in result.note


def test_the_tag_is_that_of_the_most_demanding(tmp_path: Path) -> None:
    modest, demanding = library(tmp_path, "libbar.so.1"), wants_version(tmp_path, "GLIBC_2.38")
    assert packed(tmp_path / "1", modest, demanding).name.endswith("-manylinux_2_38_x86_64.whl")
    assert not packed(tmp_path / "2", modest).name.endswith("-manylinux_2_38_x86_64.whl")


def test_a_library_of_another_machine(foo: Path, tmp_path: Path) -> None:
    other = tmp_path / "libfoo.so.1"
    other.write_bytes(bytes(Patch(foo).header(machine=AARCH64)))
    assert packed(tmp_path / "dist", other).name.endswith("_aarch64.whl")


# The command


def test_the_command(foo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["pack", str(foo), "--name", "foo-lib", "--version", "1.2", "-o", str(tmp_path / "dist")]
    assert __main__._main(words) == 0
    said = capsys.readouterr()
    assert said.out == f"{next((tmp_path / 'dist').iterdir())}\n"
    assert said.err == ""
    demanding = wants_version(tmp_path, "GLIBC_2.99")
    assert __main__._main(["pack", str(demanding), *words[2:]]) == 0
    assert f"{demanding} needs GLIBC_2.99 of libm.so.6" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        __main__._main(words[:-4])
    assert ended.value.code == 2
