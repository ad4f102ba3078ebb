"""Platforms that this is not: what a tag asks for, a wheel unpacked safely, what Python files add, what is refused."""

from __future__ import annotations

import stat
import sys
import zipfile
from pathlib import Path

import pytest

from nativeload import wheelfile
from nativeload.errors import PlatformError
from nativeload.platforms import contents, sources
from nativeload.platforms.target import of_wheel, targets
from parts import run


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ("win_amd64", [("windows", "amd64")]),
        ("macosx_11_0_arm64", [("macos", "arm64")]),
        ("macosx_10_9_universal2", [("macos", "arm64"), ("macos", "x86_64")]),
        ("macosx_10_15_x86_64.macosx_11_0_arm64", [("macos", "arm64"), ("macos", "x86_64")]),
        ("musllinux_1_2_aarch64", [("linux", "aarch64")]),
        ("manylinux2014_x86_64.manylinux_2_17_x86_64", [("linux", "x86_64")]),
    ],
)
def test_what_a_tag_asks_for(tag: str, found: list[tuple[str, str]]) -> None:
    assert [(one.system, one.arch) for one in targets(tag, "3.13")] == found


@pytest.mark.parametrize("tag", ["any", "win_vax", "macosx_11_0_z80", "macosx_x_0_arm64", "macosx_²_0_arm64", "linux_"])
def test_a_tag_that_is_not_known(tag: str) -> None:
    with pytest.raises(PlatformError, match="write --platform"):
        targets(tag, "")


def test_what_a_wheel_is_named() -> None:
    assert of_wheel("foo-1-cp313-cp313-win_amd64.whl", "") == ("win_amd64", "3.13")
    assert of_wheel("foo-1-py3-none-win32.whl", "3.12") == ("win32", "3.12")
    with pytest.raises(PlatformError):
        of_wheel("foo.whl", "")


def _wheel(path: Path, *names: str, mode: int = 0) -> str:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            archive.writestr(member, b"x")
    return str(path)


def test_a_wheel_is_laid_out_as_pip_does(tmp_path: Path) -> None:
    made = _wheel(tmp_path / "w.whl", "p/a.pyd", "w-1.data/data/Library/bin/b.dll", "w-1.data/scripts/c.dll", "p/d.txt")
    contents.unpack(made, str(tmp_path / "out"))
    files = {str(one.relative_to(tmp_path / "out")) for one in (tmp_path / "out").rglob("*") if one.is_file()}
    assert files == {"p/a.pyd", "Library/bin/b.dll"}


@pytest.mark.parametrize("name", ["../a.dll", "/a.dll", "p/../../a.dll", "p\\..\\a.dll", "C:/a.dll", "./a.dll"])
def test_nothing_is_written_elsewhere(tmp_path: Path, name: str) -> None:
    made = _wheel(tmp_path / "w.whl", name)
    with pytest.raises(PlatformError, match="leads out of the wheel"):
        contents.unpack(made, str(tmp_path / "out"))
    assert list(tmp_path.rglob("*.dll")) == []


def test_a_link_is_left_out(tmp_path: Path) -> None:
    contents.unpack(_wheel(tmp_path / "w.whl", "a.dll", mode=stat.S_IFLNK | 0o777), str(tmp_path / "out"))
    assert list((tmp_path).rglob("*.dll")) == []


def test_an_archive_that_is_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = _wheel(tmp_path / "w.whl", "a.dll", "b.dll")
    contents.unpack(made, str(tmp_path / "one"))
    monkeypatch.setattr(wheelfile, "MOST_BYTES", 1)
    with pytest.raises(PlatformError, match="cannot be unpacked: it holds more than"):
        contents.unpack(made, str(tmp_path / "two"))


def test_an_archive_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "w.whl").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(PlatformError, match="cannot be unpacked"):
        contents.unpack(str(tmp_path / "w.whl"), str(tmp_path / "out"))


@pytest.mark.parametrize(
    "source",
    [
        "import os\nif os.path.isdir(d := os.path.abspath(os.path.join(os.path.dirname(__file__), os.pardir, 'p.libs'))):\n    os.add_dll_directory(d)",
        "import os\nfrom pathlib import Path\nos.add_dll_directory(str(Path(__file__).resolve().parent.parent / 'p.libs'))",
        "import os\nhere = os.path.dirname(__file__)\ndef libs():\n    return os.path.join(here, '..', 'p.libs')\nos.add_dll_directory(libs())",
    ],
)
def test_a_directory_that_a_package_adds(tmp_path: Path, source: str) -> None:
    (tmp_path / "p.libs").mkdir()
    (tmp_path / "p" / "sub").mkdir(parents=True)
    (tmp_path / "p" / "__init__.py").write_text(source)
    added, loaded = sources.before(str(tmp_path), str(tmp_path / "p" / "sub" / "m.pyd"))
    assert (added, loaded) == ([str(tmp_path / "p.libs")], [])
    (tmp_path / "p" / "__init__.py").write_text(source.replace("add_dll_directory", "listdir"))
    assert sources.before(str(tmp_path), str(tmp_path / "p" / "sub" / "m.pyd")) == ([], [])


def test_a_library_that_a_package_loads_first(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.dll").touch()
    (tmp_path / "p" / "__init__.py").write_text("from ._init import x\n")
    (tmp_path / "p" / "_init.py").write_text(
        "import ctypes, os\nctypes.WinDLL(os.path.join(os.path.dirname(__file__), 'a.dll'))"
    )
    assert sources.before(str(tmp_path), str(tmp_path / "p" / "m.pyd"))[1] == [str(tmp_path / "p" / "a.dll")]


@pytest.mark.parametrize(
    "source", ["x = x\nos.add_dll_directory(x)", "os.add_dll_directory(" + "(" * 500, "\0add_dll_directory"]
)
def test_a_source_that_says_nothing(tmp_path: Path, source: str) -> None:
    (tmp_path / "__init__.py").write_text(source)
    assert sources.before(str(tmp_path), str(tmp_path / "m.pyd")) == ([], [])


@pytest.mark.parametrize(("magic", "reader"), [(b"MZ", "pefile"), (b"\xcf\xfa\xed\xfe" + b"\0" * 28, "macholib")])
def test_a_reader_that_is_not_installed(tmp_path: Path, magic: bytes, reader: str) -> None:
    (tmp_path / "file.dll").write_bytes(magic)
    module = "pe" if reader == "pefile" else "macho"
    code = f"import sys; sys.modules[{reader!r}] = None\nfrom nativeload.formats import {module}\n{module}.read('file.dll')"
    found = run(sys.executable, code, cwd=tmp_path)
    assert found.returncode == 1
    assert "nativeload.errors.ReaderError" in found.stderr
    assert "pip install 'nativeload[inspect]'" in found.stderr


def test_a_usual_load_imports_none_of_it() -> None:
    code = "import sys, nativeload; nativeload.find_spec('openblas'); print([n for n in sys.modules if n.startswith(('nativeload.platforms', 'nativeload.formats', 'macholib', 'pefile'))])"
    assert run(sys.executable, code).check().stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--list", "--platform", "win_amd64"], "are for --tree"),
        (["--check", "./", "--platform", "vax"], "is no platform"),
        (["--check", "gone-1-py3-none-win32.whl"], "is not there"),
    ],
)
def test_what_the_command_line_refuses(tmp_path: Path, words: list[str], said: str) -> None:
    code = f"import sys; from nativeload.__main__ import _main; sys.exit(_main({words!r}))"
    found = run(sys.executable, code, cwd=tmp_path)
    assert found.returncode in (1, 2)
    assert said in found.stderr
