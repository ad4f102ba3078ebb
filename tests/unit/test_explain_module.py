"""`--explain -m MODULE`: what an import would map, without importing anything."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nativeload import __main__, modules
from parts import cc
from unit.specimens import LINKER_SCRIPT, NAME, declaration, provider

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.usefixtures("fresh")

TAGGED, *_, PLAIN = importlib.machinery.EXTENSION_SUFFIXES


def library(path: Path, *needed: Path, source: str = "int x;", flags: Sequence[str] = ()) -> Path:
    """A library that needs others by their names."""
    return cc(
        source,
        path,
        "-nostdlib",
        "-Wl,--no-as-needed",
        *needed,
        f"-Wl,-soname,{path.name.partition('.cpython')[0]}",
        *flags,
    )


def extension(path: Path, *needed: Path, flags: Sequence[str] = ()) -> Path:
    """An extension module by its looks: nobody imports it here."""
    name = path.name.partition(".")[0]
    return library(path, *needed, source=f"int PyInit_{name};", flags=flags)


@pytest.fixture
def package(site: Path) -> Path:
    """A package whose import fails at once, with two extension modules of which one is in a package below."""
    home = site / "pack"
    extension(home / f"_one{TAGGED}")
    extension(home / "sub" / f"two{PLAIN}")
    for place in (home, home / "sub"):
        (place / "__init__.py").write_text("raise RuntimeError('it was imported')\n")
    (home / "code.py").write_text("raise RuntimeError('it was imported')\n")
    library(home / "libhelper.so")  # lies there, and is no module
    return home


def run(capsys: pytest.CaptureFixture[str], name: str, *options: str | Path) -> tuple[int, str, str]:
    """Exit status, stdout, stderr."""
    before = set(sys.modules)
    try:
        status = __main__._main(["--explain", "-m", name, *map(str, options)])
    except SystemExit as ended:
        status = int(ended.code or 0)
    assert not {one for one in set(sys.modules) - before if one.partition(".")[0] == name.partition(".")[0]}
    said = capsys.readouterr()
    return status, said.out, said.err


def facts(capsys: pytest.CaptureFixture[str], status: int, name: str, *options: str | Path) -> Any:
    """The JSON, in the given exit status."""
    found, out, err = run(capsys, name, *options, "--json")
    assert (found, err) == (status, "")
    return json.loads(out)


def test_a_package(capsys: pytest.CaptureFixture[str], package: Path) -> None:
    status, out, err = run(capsys, "pack")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"pack: a package in {package}"
    assert os.path.realpath(sys.executable) in lines[1]
    assert lines[2:] == [
        "",
        "would be mapped, in order:",
        "  pack._one",
        f"    {package}/_one{TAGGED}",
        "  pack.sub.two",
        f"    {package}/sub/two{PLAIN}",
    ]
    found = facts(capsys, 0, "pack")
    assert (found["version"], found["module"], found["status"], found["kind"]) == (1, "pack", "ok", "package")
    assert (found["places"], found["reason"], found["first"]) == ([str(package)], "", [])
    assert [one["module"] for one in found["extensions"]] == ["pack._one", "pack.sub.two"]
    assert found["process"][0] == os.path.realpath(sys.executable)


@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("pack", "package", 2),
        ("pack.sub", "package", 1),
        ("pack._one", "extension", 1),
        ("pack.sub.two", "extension", 1),
        ("pack.code", "python", 0),
        ("sys", "built-in", 0),
        ("json", "package", 0),
        ("pack.none", "absent", 0),
        ("pack.code.inner", "absent", 0),
        ("pack.none.inner", "absent", 0),
        ("pack..sub", "absent", 0),
        ("no_such_module", "absent", 0),
        ("/pack", "absent", 0),
    ],
)
def test_what_a_name_is(name: str, kind: str, count: int, capsys: pytest.CaptureFixture[str], package: Path) -> None:
    found = facts(capsys, 1 if kind == "absent" else 0, name)
    assert (found["kind"], len(found["extensions"])) == (kind, count)
    assert bool(found["reason"]) == (kind == "absent")
    status, out, _ = run(capsys, name)
    assert status == (1 if kind == "absent" else 0)
    assert ("not found: " in out) == (kind == "absent")
    assert ("no extension module" in out) == (kind != "absent" and not count)


@pytest.mark.parametrize("name", ["_ctypes", "xml.parsers.expat", "email.mime.text", "json", "unicodedata", "math"])
def test_where_import_finds_it(name: str) -> None:
    found = modules.find(name)
    spec = importlib.util.find_spec(name)
    assert spec is not None
    if spec.submodule_search_locations is not None:
        assert found.places == tuple(spec.submodule_search_locations)
    elif found.kind == "built-in":
        assert spec.origin in ("built-in", "frozen")
    else:
        assert found.places == (spec.origin,)
    assert (found.kind == "extension") == isinstance(spec.loader, importlib.machinery.ExtensionFileLoader)


def test_what_is_missing(capsys: pytest.CaptureFixture[str], package: Path, tmp_path: Path) -> None:
    helper = library(tmp_path / "away" / "libaway.so")
    extension(package / f"_three{TAGGED}", helper)
    status, out, err = run(capsys, "pack")
    assert (status, err) == (1, "")
    problem = f"  pack._three: missing: {package}/_three{TAGGED} needs libaway.so, which is not found; tried"
    assert problem in out.partition("cannot be resolved:\n")[2].splitlines()
    found = facts(capsys, 1, "pack")
    assert found["status"] == "problems"
    assert [one["closure"]["status"] for one in found["extensions"]] == ["ok", "problems", "ok"]
    edge = found["extensions"][1]["closure"]["images"][0]["needed"][0]
    assert edge["tried"]
    # What was loaded before is there.
    status, out, _ = run(capsys, "pack", "--after", helper)
    assert (status, "cannot be resolved" in out) == (0, False)
    assert str(helper) in facts(capsys, 0, "pack", "--after", helper)["process"]
    assert facts(capsys, 0, "pack._one")["status"] == "ok"


def test_the_interpreters_own_libraries_are_there(capsys: pytest.CaptureFixture[str], package: Path) -> None:
    library_of_c = cc("int PyInit__c;", package / f"_c{TAGGED}", "-Wl,--no-as-needed", "-lc")
    found = facts(capsys, 0, "pack._c")
    (step,) = found["extensions"]
    assert [image["path"] for image in step["closure"]["images"]] == [str(library_of_c)]
    (edge,) = (one for one in step["closure"]["images"][0]["needed"] if one["name"] == "libc.so.6")
    assert edge["how"] == "already loaded as libc.so.6"
    assert edge["path"] in found["process"]


def test_one_loads_for_the_next(capsys: pytest.CaptureFixture[str], package: Path) -> None:
    """As in a process: a library that one extension module brings is there for those after it, unless that one fails."""
    shared = library(package / "lib" / "libshared.so")
    extension(package / f"_a{TAGGED}", shared, flags=[f"-Wl,-rpath,{shared.parent}"])
    extension(package / f"_b{TAGGED}", shared)
    found = facts(capsys, 0, "pack")
    edge = found["extensions"][1]["closure"]["images"][0]["needed"][0]
    assert edge["how"] == "already loaded as libshared.so"
    assert facts(capsys, 1, "pack._b")["status"] == "problems"
    lost = library(package.parent / "away" / "liblost.so")
    extension(package / f"_a{TAGGED}", shared, lost, flags=[f"-Wl,-rpath,{shared.parent}"])
    states = [one["closure"]["status"] for one in facts(capsys, 1, "pack")["extensions"]]
    assert states == ["problems", "problems", "ok", "ok"]


def test_what_is_declared_is_loaded_first(capsys: pytest.CaptureFixture[str], site: Path, good: Path) -> None:
    home = provider(site, "some-wheel", declaration(f"lib/{NAME}"), files={f"lib/{NAME}": good})
    extension(home / f"_core{TAGGED}", home / "lib" / NAME)
    status, out, _ = run(capsys, "some_wheel")
    assert status == 0
    assert out.partition("loaded first, as declared:\n")[2].splitlines()[:2] == [
        f"  {home}/nativeload.toml:2",
        f"    {home}/lib/{NAME}",
    ]
    found = facts(capsys, 0, "some_wheel")
    assert [one["closure"]["root"] for one in found["first"]] == [f"{home}/lib/{NAME}"]
    (home / "nativeload.toml").unlink()
    assert facts(capsys, 1, "some_wheel")["first"] == []


def test_what_is_required_is_loaded_first(
    capsys: pytest.CaptureFixture[str], site: Path, good: Path, tmp_path: Path
) -> None:
    """Each after what it needs of the others, whatever the order in the table."""
    outer = library(tmp_path / "libouter.so.1", good, flags=["-Wl,-soname,libouter.so.1"])
    inner = provider(site, "some-wheel", declaration(), files={NAME: good})
    text = declaration("libouter.so.1", "outer")
    home = provider(site, "outer-wheel", text, library="outer", files={"libouter.so.1": outer})
    user = site / "user"
    user.mkdir()
    (user / "__init__.py").write_text("raise RuntimeError('a consumer was imported')\n")
    (user / "nativeload.toml").write_text('[requires]\nouter = ""\nspecimen = ">=1"\n')
    extension(user / f"_core{TAGGED}", outer)
    for name in ("user", "user._core"):
        found = facts(capsys, 0, name)
        assert [(one["name"], one["closure"]["root"]) for one in found["first"]] == [
            (f"{user}/nativeload.toml:3", f"{inner}/{NAME}"),
            (f"{user}/nativeload.toml:2", f"{home}/libouter.so.1"),
        ]
    (user / "nativeload.toml").write_text('[requires]\nouter = ""\nspecimen = ">=2"\n')
    assert facts(capsys, 1, "user")["first"] == []
    (user / "nativeload.toml").write_text("[requires\n")
    assert facts(capsys, 1, "user")["first"] == []
    # What else is loaded before, the user may know.
    hint = "say it with --after NAME"
    assert hint in run(capsys, "user")[1]
    status, out, _ = run(capsys, "user", "--after", "specimen", "--after", f"{home}/libouter.so.1")
    assert (status, hint in out) == (0, False)


def test_what_cannot_be_initialized(capsys: pytest.CaptureFixture[str], package: Path) -> None:
    library(package / f"_other{TAGGED}")
    status, out, _ = run(capsys, "pack._other")
    assert status == 1
    assert "initializer: " in out
    assert "does not export PyInit__other" in out
    found = facts(capsys, 1, "pack")
    kinds = [problem["kind"] for one in found["extensions"] for problem in one["closure"]["problems"]]
    assert kinds == ["initializer"]


def test_names_of_initializers() -> None:
    """As the interpreter forms them (PEP 489)."""
    assert modules.initializer("a.b.c") == "PyInit_c"
    assert modules.initializer("pack.lančmít") == "PyInitU_lanmt_2sa6t"


def test_a_file_that_is_none(capsys: pytest.CaptureFixture[str], package: Path) -> None:
    (package / f"_text{TAGGED}").write_bytes(LINKER_SCRIPT)
    (package / "text.so").write_bytes(LINKER_SCRIPT)
    status, out, err = run(capsys, "pack")
    assert (status, err) == (1, "")
    assert f"pack._text: file: {package}/_text{TAGGED} not an ELF file: a text file" in out
    assert "text.so" not in out.replace(f"_text{TAGGED}", "")


def test_a_namespace(
    capsys: pytest.CaptureFixture[str], site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    extension(site / "space" / f"one{TAGGED}")
    extension(other / "space" / "inner" / f"two{TAGGED}")
    monkeypatch.setattr("sys.path", [*sys.path, str(other)])
    assert [one["module"] for one in facts(capsys, 0, "space")["extensions"]] == ["space.inner.two", "space.one"]
    assert len(facts(capsys, 0, "space.inner")["extensions"]) == 1


class _Editable:
    """A finder as setuptools puts it on sys.meta_path for an editable install."""

    def __init__(self, name: str, home: Path) -> None:
        self.name = name
        self.home = home

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        if name != self.name:
            return None
        init = self.home / "__init__.py"
        return importlib.util.spec_from_file_location(name, init, submodule_search_locations=[str(self.home)])


def test_an_editable_install(
    capsys: pytest.CaptureFixture[str], package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = package.rename(tmp_path / "sources")
    assert run(capsys, "pack")[0] == 1
    monkeypatch.setattr("sys.meta_path", [*sys.meta_path, _Editable("pack", home)])
    assert facts(capsys, 0, "pack")["places"] == [str(home)]
    assert facts(capsys, 0, "pack.sub.two")["places"] == [f"{home}/sub/two{PLAIN}"]


class _Broken:
    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        raise RuntimeError("a hook that is broken")


def test_a_broken_hook(capsys: pytest.CaptureFixture[str], package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.meta_path", [_Broken(), *sys.meta_path])
    status, out, _ = run(capsys, "pack")
    assert (status, "a hook that is broken" in out) == (1, True)


def test_an_extension_that_is_a_package(capsys: pytest.CaptureFixture[str], site: Path) -> None:
    library(site / "pack" / f"__init__{TAGGED}", source="int PyInit_pack;")
    assert [one["module"] for one in facts(capsys, 0, "pack")["extensions"]] == ["pack"]


def test_a_real_import_agrees(capsys: pytest.CaptureFixture[str], site: Path, tmp_path: Path) -> None:
    """What is said to be mapped is what the import maps; with a library cut off, it fails for what was said."""
    include = f"-I{__import__('sysconfig').get_path('include')}"
    helper = cc("int helper(void) { return 42; }", tmp_path / "lib" / "libhelper.so", "-Wl,-soname,libhelper.so")
    source = (
        "#include <Python.h>\nint helper(void);\n"
        'static struct PyModuleDef def = {PyModuleDef_HEAD_INIT, "real", 0, -1, 0};\n'
        "PyMODINIT_FUNC PyInit_real(void) { return helper() == 42 ? PyModule_Create(&def) : 0; }\n"
    )
    real = cc(source, site / f"real{TAGGED}", include, helper, f"-Wl,-rpath,{helper.parent}")
    (step,) = facts(capsys, 0, "real")["extensions"]
    code = "import real; print(open('/proc/self/maps').read())"
    command = [sys.executable, "-c", code]
    environ = os.environ | {"PYTHONPATH": str(site)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert [image["path"] for image in step["closure"]["images"]] == [str(real), str(helper)]
    assert all(str(path) in done.stdout for path in (real, helper))
    helper.unlink()
    status, out, _ = run(capsys, "real")
    assert (status, f"{real} needs libhelper.so, which is not found" in out) == (1, True)
    failed = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert "libhelper.so: cannot open shared object file" in failed.stderr
