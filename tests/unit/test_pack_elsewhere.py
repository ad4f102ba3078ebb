"""Wheels of Windows and macOS, packed and validated here: from compiled DLLs and dylibs, and from real wheels' files."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nativeload import validation
from nativeload.pack import required
from nativeload.pack import wheel as packing
from parts import unpack, wheel
from scenarios.dlls import dll
from scenarios.dylibs import LIBSYSTEM, built_with, dylib, universal
from unit.packing import files, library, packed, refused, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.once


def mac(path: Path, **options: Any) -> Path:
    """A dylib for macOS 12 that needs what every macOS has."""
    needed = [LIBSYSTEM, *options.pop("needed", ())]
    return built_with(dylib(path, needed=needed, **options), min_os=12)


def said(made: Path) -> list[tuple[str, str]]:
    """(kind, severity) of what is wrong with a wheel."""
    return [(one.kind, one.severity) for one in validation.validate(os.fspath(made))[1]]


@pytest.mark.parametrize(("machine", "tag"), [("amd64", "win_amd64"), ("x86", "win32"), ("arm64", "win_arm64")])
def test_a_dll(machine: str, tag: str, tmp_path: Path) -> None:
    made = packed(tmp_path / "dist", dll(tmp_path / "libfoo-1.dll", needed=["KERNEL32.dll"], machine=machine))
    assert made.name == f"foo_lib-1.2-py3-none-{tag}.whl"
    inside = files(made)
    assert inside["foo_lib/lib/libfoo-1.dll"] == (tmp_path / "libfoo-1.dll").read_bytes()
    assert inside["foo_lib/nativeload.toml"] == b'[library.foo]\npath = "lib/libfoo-1.dll"\n'
    assert b"Libs: ${libdir}/libfoo-1.dll\n" in inside["foo_lib/lib/pkgconfig/foo.pc"]
    config = inside["foo_lib/lib/cmake/foo/foo-config.cmake"].decode()
    assert 'IMPORTED_IMPLIB "${_nativeload_prefix}/lib/libfoo-1.dll"' in config
    assert said(made) == []


@pytest.mark.parametrize(
    ("archs", "tag"), [(["arm64"], "arm64"), (["x86_64"], "x86_64"), (["arm64", "x86_64"], "universal2")]
)
def test_a_dylib(archs: list[str], tag: str, tmp_path: Path) -> None:
    slices = [mac(tmp_path / arch / "libfoo.1.dylib", arch=arch) for arch in archs]
    whole = universal(tmp_path / "libfoo.1.dylib", *zip(archs, slices, strict=True)) if len(archs) > 1 else slices[0]
    made = packed(tmp_path / "dist", whole)
    assert made.name == f"foo_lib-1.2-py3-none-macosx_12_0_{tag}.whl"
    inside = files(made)
    assert inside["foo_lib/nativeload.toml"] == b'[library.foo]\npath = "lib/libfoo.1.dylib"\n'
    assert b"Libs: ${libdir}/libfoo.1.dylib\n" in inside["foo_lib/lib/pkgconfig/foo.pc"]
    assert 'IMPORTED_SONAME "@rpath/libfoo.1.dylib"' in inside["foo_lib/lib/cmake/foo/foo-config.cmake"].decode()
    assert said(made) == []


def test_the_oldest_macos_that_all_are_for(tmp_path: Path) -> None:
    old = built_with(dylib(tmp_path / "libold.1.dylib"), min_os=10)
    assert packed(tmp_path / "dist", old).name.endswith("-macosx_11_0_arm64.whl")  # none before runs on arm64
    assert packed(tmp_path / "dist", old, mac(tmp_path / "libnew.1.dylib")).name.endswith("-macosx_12_0_arm64.whl")


def test_libraries_of_real_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """tbb's needs the Visual C++ runtime, which is said; OpenBLAS's dylib leads to where it was built, which is refused."""
    unpack(wheel("tbb", platform_tag="win_amd64"), tmp_path / "tbb")
    (library,) = (tmp_path / "tbb").rglob("tbb12.dll")
    made = packing.pack([os.fspath(library)], name="tbb-lib", version="1", output=os.fspath(tmp_path))
    assert "tbb12.dll needs MSVCP140.dll, which the Visual C++ Redistributable installs" in made.note
    assert said(Path(made.path)) == [("dependency", "warning")]
    unpack(wheel("scipy-openblas64", platform_tag="macosx_11_0_arm64"), tmp_path / "blas")
    assert "its rpath leaves the wheel: /opt/" in refused(tmp_path, *(tmp_path / "blas").rglob("*.dylib"))
    # Installers take it for that platform.
    target = ("--target", tmp_path / "site", "--platform", "win_amd64", "--only-binary", ":all:")
    words = ("install", "-q", "--no-index", "--no-deps", *target, made.path)
    subprocess.run([sys.executable, "-m", "pip", *map(str, words)], check=True)
    assert (tmp_path / "site" / "tbb_lib" / "lib" / "tbb12.dll").is_file()


def test_the_install_name_is_what_consumers_look_for(tmp_path: Path) -> None:
    path = mac(tmp_path / "libfoo.1.dylib", install_name="/usr/local/lib/libfoo.1.dylib")
    words = refused(tmp_path, path)
    assert "its install name is /usr/local/lib/libfoo.1.dylib" in words
    assert f"install_name_tool -id @rpath/libfoo.1.dylib {path}" in words
    packed(tmp_path / "mended", mac(tmp_path / "libfoo.1.dylib"))


@pytest.mark.parametrize(("rpath", "stays"), [("@loader_path", True), ("@loader_path/../lib", True), ("@loader_path/../..", False), ("/opt/lib", False)])  # fmt: skip
def test_rpaths(rpath: str, stays: bool, tmp_path: Path) -> None:
    path = mac(tmp_path / "libfoo.1.dylib", rpaths=[rpath])
    if stays:
        packed(tmp_path / "dist", path)
    else:
        assert f"its rpath leaves the wheel: {rpath}" in refused(tmp_path, path)


def test_what_is_no_library(tmp_path: Path) -> None:
    cut = tmp_path / "cut.dll"
    cut.write_bytes(dll(tmp_path / "foo.dll").read_bytes()[:600])
    bundle = dylib(tmp_path / "libbundle.1.dylib")
    content = bytearray(bundle.read_bytes())
    content[12:16] = (8).to_bytes(4, "little")  # the file type: MH_BUNDLE
    bundle.write_bytes(content)
    words = refused(tmp_path, cut, bundle)
    assert "cut.dll: is truncated" in words
    assert "libbundle.1.dylib: is not a shared library but of the kind bundle" in words


def test_platforms_are_not_mixed(tmp_path: Path) -> None:
    one, other = dll(tmp_path / "foo.dll"), dll(tmp_path / "bar.dll", machine="arm64")
    assert "bar.dll: is of another platform than" in refused(tmp_path, one, other)
    assert "(macos arm64, not windows amd64)" in refused(tmp_path, one, mac(tmp_path / "libbaz.1.dylib"))
    packed(tmp_path / "dist", one, dll(tmp_path / "qux.dll"))


@pytest.mark.parametrize("name", ["msvcp140{}.dll", "vcruntime140_1{}.dll", "mfc140u{}.dll"])
def test_a_debug_runtime_is_nobody_s(name: str, tmp_path: Path) -> None:
    """The Visual C++ Redistributable installs the runtime, and never the one of debug builds."""
    words = refused(tmp_path, dll(tmp_path / "foo.dll", needed=[name.format("d")]))
    assert f"needs {name.format('d')}, which is not in the wheel" in words
    packed(tmp_path / "dist", dll(tmp_path / "foo.dll", needed=[name.format("").upper()]))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda path, needed: dll(path / "foo.dll", needed=["BAR.dll"] if needed else []), "BAR.dll"),
        (lambda path, needed: mac(path / "libfoo.1.dylib", needed=["@rpath/libbar.1.dylib"] if needed else []), "@rpath/libbar.1.dylib"),
    ],
    ids=["windows", "macos"],
)  # fmt: skip
def test_a_dependency_that_nobody_brings(
    make: Callable[[Path, bool], Path], name: str, tmp_path: Path, site: Path
) -> None:
    words = refused(tmp_path, make(tmp_path, True))
    assert f"needs {name}, which is not in the wheel" in words
    packed(tmp_path / "without", make(tmp_path, False))
    brought = dll(tmp_path / "bar.dll") if name == "BAR.dll" else mac(tmp_path / "libbar.1.dylib")
    packed(tmp_path / "together", make(tmp_path, True), brought)
    unpacked(packed(tmp_path / "dist", brought, name="bar-lib", version="3"), site)
    made = files(packed(tmp_path / "required", make(tmp_path, True), requires=["bar-lib>=2"]))
    assert b"Requires-Dist: bar-lib>=2\n" in made["foo_lib-1.2.dist-info/METADATA"]


@pytest.mark.parametrize("name", ["two words.dll", 'quo"te.dll', "dollar$.dll", "-1.dll", "Ünder.dll"])
def test_a_name_that_could_not_stand_in_what_is_made(name: str, tmp_path: Path) -> None:
    words = refused(tmp_path, dll(tmp_path / name, exports=["f"]))
    assert "is not of the form NAME.dll" in words


def test_an_install_name_is_no_path_in_the_wheel(tmp_path: Path) -> None:
    assert "its install name is @rpath/../../x.dylib" in refused(
        tmp_path, mac(tmp_path / "libfoo.1.dylib", install_name="@rpath/../../x.dylib")
    ).replace("'x.dylib' is not", "")


FAULTS: dict[str, tuple[Callable[[Path], Path], list[tuple[str, str]]]] = {
    "another machine's": (lambda place: dll(place / "foo.dll", machine="arm64"), [("machine", "error")]),
    "a missing dependency": (lambda place: dll(place / "foo.dll", needed=["bar.dll"]), [("dependency", "error")]),
    "a common dependency": (lambda place: dll(place / "foo.dll", needed=["msvcp140.dll"]), [("dependency", "warning")]),
    "a debug runtime": (lambda place: dll(place / "foo.dll", needed=["msvcp140d.dll"]), [("dependency", "error")]),
    "another system's": (lambda place: mac(place / "foo.dll"), [("machine", "error")]),
    "no library": (lambda place: _text(place / "foo.dll"), [("format", "error")]),
}  # fmt: skip


def _text(path: Path) -> Path:
    path.write_text("no library\n")
    return path


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_wheel_of_windows_is_named(fault: str, tmp_path: Path) -> None:
    made = packed(tmp_path / "dist", dll(tmp_path / "foo.dll"))
    assert said(made) == []
    make, wanted = FAULTS[fault]
    (tmp_path / "wrong").mkdir()
    assert said(_changed(made, "foo_lib/lib/foo.dll", make(tmp_path / "wrong").read_bytes())) == wanted


MAC_FAULTS: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "another machine's": ({"arch": "x86_64"}, [("machine", "error")]),
    "another install name": ({"install_name": "/lib/libfoo.1.dylib"}, [("install-name", "error")]),
    "an rpath out": ({"rpaths": ["/opt/lib"]}, [("rpath", "warning")]),
    "a missing dependency": ({"needed": ["@rpath/libbar.1.dylib"]}, [("dependency", "error")]),
}


@pytest.mark.parametrize("fault", MAC_FAULTS)
def test_a_fault_in_a_wheel_of_macos_is_named(fault: str, tmp_path: Path) -> None:
    made = packed(tmp_path / "dist", mac(tmp_path / "libfoo.1.dylib"))
    options, wanted = MAC_FAULTS[fault]
    wrong = mac(tmp_path / "wrong" / "libfoo.1.dylib", **options)
    assert said(_changed(made, "foo_lib/lib/libfoo.1.dylib", wrong.read_bytes())) == wanted
    newer = built_with(mac(tmp_path / "newer" / "libfoo.1.dylib"), min_os=14)
    assert said(_changed(made, "foo_lib/lib/libfoo.1.dylib", newer.read_bytes())) == [("machine", "warning")]


def test_the_path_is_that_of_the_wheel_s_system(tmp_path: Path) -> None:
    made = packed(tmp_path / "dist", dll(tmp_path / "foo.dll"))
    table = b'[library.foo]\npath = "lib/libfoo.so.1"\nmacos = "lib/libfoo.dylib"\nwindows = "lib/foo.dll"\n'
    assert said(_changed(made, "foo_lib/nativeload.toml", table)) == []
    gone = table.replace(b"lib/foo.dll", b"lib/bar.dll")
    assert said(_changed(made, "foo_lib/nativeload.toml", gone)) == [("missing-file", "error")]


def test_a_wheel_for_any_platform_ships_no_dll(tmp_path: Path) -> None:
    made = packed(tmp_path / "dist", dll(tmp_path / "foo.dll"))
    (info,) = [name for name in files(made) if name.endswith("/WHEEL")]
    tagged = files(made)[info].replace(b"win_amd64", b"any")
    assert said(_changed(made, info, tagged)) == [("tag", "error")]


def test_a_dll_beside_linux_s_library_is_no_matter_without_its_reader(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What requires the distribution learns its libraries' names, and of a DLL only where pefile is installed."""
    unpacked(packed(tmp_path / "dist", library(tmp_path)), site)
    dll(site / "foo_lib" / "lib" / "foo.dll")
    record = next(site.glob("*.dist-info/RECORD"))
    record.write_text(f"{record.read_text()}foo_lib/lib/foo.dll,,\n")
    assert set(required.sonames(["foo-lib"])) == {"libfoo.so.1", "foo.dll"}
    monkeypatch.setitem(sys.modules, "pefile", None)
    assert set(required.sonames(["foo-lib"])) == {"libfoo.so.1"}


def _changed(made: Path, name: str, content: bytes) -> Path:
    """A copy of a wheel in which one file is another."""
    path = made.parent / "changed" / made.name
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(made) as before, zipfile.ZipFile(path, "w") as after:
        for one in before.namelist():
            after.writestr(one, content if one == name else before.read(one))
    return path
