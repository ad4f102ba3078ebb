"""`--validate`: a healthy wheel has nothing wrong with it, and each fault seeded in one is named by its kind."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from nativeload import __main__, validation, wheelfile
from nativeload.errors import ImageError
from parts import cc, wheel
from parts.elf_patch import AARCH64, Patch
from unit.packing import library, packed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.once

LIB, TOML, INIT = "foo_lib/lib/libfoo.so.1", "foo_lib/nativeload.toml", "foo_lib/__init__.py"
INFO = "foo_lib-1.2.dist-info"
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Files:
    top = tmp_path_factory.mktemp("healthy")
    with zipfile.ZipFile(packed(top / "dist", library(top))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def kinds(place: Path) -> list[tuple[str, str]]:
    return [(one.kind, one.severity) for one in validation.validate(str(place))[1]]


def text(name: str, change: Callable[[str], str]) -> Callable[[Files, Path], None]:
    """A change of one text of the wheel."""

    def fault(files: Files, _: Path) -> None:
        changed = change(files[name].decode())
        assert changed != files[name].decode()
        files[name] = changed.encode()

    return fault


def built(source: str, *flags: str) -> Callable[[Files, Path], None]:
    """Another library in place of the one that was packed."""

    def fault(files: Files, scratch: Path) -> None:
        files[LIB] = cc(source, scratch / "lib.so", *flags).read_bytes()

    return fault


def foreign(files: Files, scratch: Path) -> None:
    (scratch / "lib.so").write_bytes(files[LIB])
    files[LIB] = bytes(Patch(scratch / "lib.so").header(machine=AARCH64))


SONAME = "-Wl,-soname,libfoo.so.1"
ENTRY = f"{INFO}/entry_points.txt"
FAULTS: dict[str, tuple[Callable[[Files, Path], Any], list[tuple[str, str]]]] = {
    "the library was left out": (lambda files, _: files.pop(LIB), [("missing-file", "error")]),
    "the declaration was left out": (lambda files, _: files.pop(TOML), [("no-declaration", "error")]),
    "no entry points": (lambda files, _: files.pop(ENTRY), [("no-entry-point", "error")]),
    "an entry point of another name": (
        text(ENTRY, lambda old: old.replace("foo = foo_lib", "fooo = foo_lib")),
        [("unknown-library", "error"), ("no-entry-point", "error")],
    ),
    "it climbs out": (text(TOML, lambda old: old.replace('"lib/', '"../lib/')), [("declaration", "error")]),
    "an unknown key": (text(TOML, lambda old: f'{old}colour = "blue"\n'), [("declaration", "error")]),
    "a truncated library": (lambda files, _: files.update({LIB: files[LIB][:2000]}), [("format", "error")]),
    "a text": (lambda files, _: files.update({LIB: b"INPUT(libfoo.so.1)\n"}), [("format", "error")]),
    "another soname": (built("int foo;", "-Wl,-soname,libfoo.so.2"), [("soname", "error")]),
    "no soname": (built("int foo;"), [("soname", "error")]),
    "a foreign machine": (foreign, [("machine", "error")]),
    "for any platform": (
        text(
            f"{INFO}/WHEEL",
            lambda old: "\n".join("Tag: py3-none-any" if "Tag:" in one else one for one in old.split("\n")),
        ),
        [("tag", "error")],
    ),
    "an rpath that leads out": (built("int foo;", SONAME, "-Wl,-rpath,/opt/lib"), [("rpath", "warning")]),
    "a dependency of nobody": (
        built("int foo;", SONAME, "-Wl,--no-as-needed", "-L/usr/lib/x86_64-linux-gnu", "-l:libncursesw.so.6"),
        [("dependency", "error")],
    ),
    "loaded for all": (
        lambda files, _: files.update({INIT: b"import ctypes\nctypes.CDLL('x', mode=ctypes.RTLD_GLOBAL)\n"}),
        [("global", "error")],
    ),
}


def test_a_healthy_one(healthy: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wheel = written(tmp_path / "foo_lib-1.2.whl", healthy)
    assert kinds(wheel) == []
    assert __main__._main(["--validate", str(wheel)]) == 0
    assert capsys.readouterr().out == f"{wheel} provides foo: nothing is wrong\n"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    assert kinds(tmp_path / "site") == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(fault: str, healthy: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change, wanted = FAULTS[fault]
    files = dict(healthy)
    (tmp_path / "scratch").mkdir()
    change(files, tmp_path / "scratch")
    wheel = written(tmp_path / "foo_lib-1.2.whl", files)
    assert kinds(wheel) == wanted
    status = 0 if all(severity == "warning" for _, severity in wanted) else 1
    assert __main__._main(["--validate", str(wheel), "--json"]) == status
    facts = json.loads(capsys.readouterr().out)
    assert [(one["kind"], one["severity"]) for one in facts["problems"]] == wanted
    assert all(one["remedy"] and "/tmp/" not in one["subject"] + one["detail"] for one in facts["problems"])
    assert __main__._main(["--validate", str(wheel)]) == status
    assert wanted[0][0] in capsys.readouterr().out


def test_what_an_installer_puts_beside_the_packages(healthy: Files, tmp_path: Path) -> None:
    """A package may be in the wheel's `*.data`: it is where it would be installed, and so is what RECORD says."""
    moved = {f"foo_lib-1.2.data/platlib/{name}" if "dist-info" not in name else name: healthy[name] for name in healthy}
    moved[f"{INFO}/RECORD"] = healthy[f"{INFO}/RECORD"].replace(b"foo_lib/", b"foo_lib-1.2.data/platlib/foo_lib/")
    assert kinds(written(tmp_path / "x.whl", moved)) == []
    del moved[ENTRY]  # The declaration is found by RECORD.
    assert kinds(written(tmp_path / "y.whl", moved)) == [("no-entry-point", "error")]
    lost = {name.replace("/platlib/", "/data/"): content for name, content in moved.items()} | {ENTRY: healthy[ENTRY]}
    assert kinds(written(tmp_path / "z.whl", lost)) == [("no-declaration", "error")]
    with pytest.raises(ImageError, match="has two files"):
        validation.validate(str(written(tmp_path / "twice.whl", {**healthy, **moved})))


def test_what_provides_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wheel = written(tmp_path / "plain.whl", {"plain-1.dist-info/METADATA": b"Name: plain\n", "plain.py": b""})
    assert __main__._main(["--validate", str(wheel)]) == 0
    assert capsys.readouterr().out == f"{wheel} declares no library\n"
    (tmp_path / "empty").mkdir()
    assert kinds(tmp_path / "empty") == [("no-metadata", "error")]


# Archives that are meant to harm


def test_no_wheel(tmp_path: Path) -> None:
    for number, content in enumerate((b"", b"PK", b"no zip at all" * 100)):
        (tmp_path / f"{number}.whl").write_bytes(content)
        with pytest.raises(ImageError, match="is no wheel that can be read"):
            validation.validate(str(tmp_path / f"{number}.whl"))
    with pytest.raises(ImageError):
        validation.validate(str(tmp_path / "none.whl"))


@pytest.mark.parametrize("name", ["../out", "/tmp/out", "a/../../out", "a\\b", "a//b", "./a"])
def test_a_name_that_leads_out(name: str, healthy: Files, tmp_path: Path) -> None:
    wheel = written(tmp_path / "x.whl", {**healthy, name: b"x"})
    with pytest.raises(ImageError, match="leads out of the wheel"):
        validation.validate(str(wheel))
    assert not (tmp_path / "out").exists()


def test_a_name_twice(healthy: Files, tmp_path: Path) -> None:
    wheel = written(tmp_path / "x.whl", healthy)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(TOML, "x")
    with pytest.raises(ImageError, match="has two files"):
        validation.validate(str(wheel))


def test_more_than_a_disk_holds(healthy: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**healthy, "zeros": bytes(32 << 20)}.items():
            archive.writestr(name, content)
    (tmp_path / "x.whl").write_bytes(bomb.getvalue())
    assert kinds(tmp_path / "x.whl") == []
    monkeypatch.setattr(wheelfile, "LITTLE", 16 << 20)  # of an archive of a few KiB
    with pytest.raises(ImageError, match="holds more than 16 MiB; no wheel of its size does"):
        validation.validate(str(tmp_path / "x.whl"))
    monkeypatch.setattr(wheelfile, "MOST_FILES", 3)
    with pytest.raises(ImageError, match="no wheel has more than 3"):
        validation.validate(str(tmp_path / "x.whl"))


def test_what_takes_memory(healthy: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, refused in ((zipfile.ZIP_LZMA, True), (zipfile.ZIP_BZIP2, True), (zipfile.ZIP_DEFLATED, False)):
        wheel = written(tmp_path / "x.whl", healthy)
        with zipfile.ZipFile(wheel, "a", kind) as archive:
            archive.writestr("more", b"x" * 100)
        if not refused:
            assert kinds(wheel) == []
            continue
        with pytest.raises(ImageError, match="compressed as none of a wheel is"):
            validation.validate(str(wheel))
    monkeypatch.setattr(wheelfile, "LITTLE", 100_000)
    assert kinds(written(tmp_path / "y.whl", {**healthy, f"{INFO}/notes": b"x" * 99_999})) == []
    with pytest.raises(ImageError, match="larger than 0 MiB"):
        validation.validate(str(written(tmp_path / "y.whl", {**healthy, f"{INFO}/notes": b"x" * 100_001})))


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.99])
def test_a_damaged_archive(cut: float, healthy: Files, tmp_path: Path) -> None:
    whole = written(tmp_path / "x.whl", healthy).read_bytes()
    (tmp_path / "x.whl").write_bytes(whole[: int(len(whole) * cut)])
    with pytest.raises(ImageError):
        validation.validate(str(tmp_path / "x.whl"))
    changed = bytearray(whole)
    changed[int(len(whole) * cut / 2)] ^= 0xFF
    (tmp_path / "y.whl").write_bytes(changed)
    try:
        validation.validate(str(tmp_path / "y.whl"))
    except ImageError:
        pass
    assert not list(tmp_path.glob("nativeload-wheel-*"))


def test_nothing_is_left_behind(healthy: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    validation.validate(str(written(tmp_path / "x.whl", healthy)))
    with pytest.raises(ImageError):
        validation.validate(str(written(tmp_path / "x.whl", {**healthy, "../x": b""})))
    assert list(scratch.iterdir()) == []
    shutil.rmtree(scratch)


# Wheels of the world, made to declare a library that they ship


WORLD = {
    "libusb-package": ("libusb_package", "libusb-1.0.so", []),
    "z3-solver": ("z3", "lib/libz3.so", []),
    "nvidia-cuda-runtime-cu12": ("nvidia.cuda_runtime", "lib/libcudart.so.12", []),
    "libclang": ("clang", "native/libclang.so", []),  # in the wheel's *.data/platlib
    "scipy-openblas64": ("scipy_openblas64", "lib/libscipy_openblas64_.so", [("global", "error")]),  # it does
}


@pytest.mark.parametrize("name", WORLD)
def test_wheels_of_the_world(name: str, tmp_path: Path) -> None:
    package, path, wanted = WORLD[name]
    with zipfile.ZipFile(wheel(name)) as archive:
        files = {one: archive.read(one) for one in archive.namelist()}
    (info,) = {one.partition("/")[0] for one in files if ".dist-info/" in one}
    (library,) = [one for one in files if one.endswith(f"{package.replace('.', '/')}/{path}")]
    home = library.removesuffix(f"/{path}")
    made = tmp_path / "x.whl"
    assert kinds(wheel(name)) == []  # It says nothing of its libraries.
    files[f"{info}/entry_points.txt"] = f"[nativeload.libraries]\nit = {package}\n".encode()
    files[f"{home}/nativeload.toml"] = f'[library.it]\npath = "{path}"\n'.encode()
    assert kinds(written(made, files)) == wanted
    foreign_tag = {**files, f"{info}/WHEEL": b"Tag: py3-none-manylinux_2_28_aarch64\n"}
    assert ("machine", "error") in kinds(written(made, foreign_tag))
    assert ("missing-file", "error") in kinds(written(made, {one: files[one] for one in files if one != library}))
    wrong = {**files, f"{home}/nativeload.toml": files[f"{home}/nativeload.toml"] + b'soname = "libother.so.1"\n'}
    assert ("soname", "error") in kinds(written(made, wrong))
