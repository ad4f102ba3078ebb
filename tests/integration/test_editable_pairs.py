"""An editable install of each back end, of a provider and of a consumer: found without being imported, and called."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from integration import examples
from integration.projects import python_path
from parts import cc, execute, nativeload_wheel, run, site, venv
from parts._cache import entry, file_digest, key_of, tool, tree_digest
from unit import specimens

pytestmark = pytest.mark.once

CARGO = pytest.mark.skipif(shutil.which("cargo") is None, reason="no cargo")

# Without the back end, which an editable install does not need; what its build needs again is by absolute path.
EXPLAIN = "import nativeload; print(nativeload.explain('foo'))"
FIND = """
import sys
import nativeload
path = nativeload.find_spec('foo>=1.2,<2').path
assert not [name for name in sys.modules if name.partition('.')[0] in ('foo_lib', 'bar')]
print(path)
"""


def install(python: Path, source: Path, *provider: Path) -> None:
    """Install the project in a directory as editable, with the back ends of `builder` and without their environment."""
    tools = examples.builder().parent
    (packages,) = tools.parent.glob("lib/python*/site-packages")
    if (source / "build.sh").exists():
        compiled = [line for line in (source / "build.sh").read_text().splitlines() if line.startswith("cc ")]
        tool("sh", "-ec", "\n".join(compiled), cwd=source)
    env = {
        "PATH": os.pathsep.join((os.fspath(tools), os.environ.get("PATH", os.defpath))),
        "PYTHONPATH": python_path(packages, *map(site, provider)),
        "NATIVELOAD_CACHE": "0",
    }
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--editable"]
    tool(python, "-m", "pip", "install", *options, source, env=env)


def editable(name: str, *provider: Path) -> tuple[Path, Path]:
    """The interpreter of an environment with an example, and where its source is: made once."""

    def make(directory: Path) -> None:
        shutil.copytree(examples.EXAMPLES / name, directory / "source")
        install(venv(sys.executable, at=directory / "env"), directory / "source", *provider)

    made_of = [file_digest(one) for one in (*provider, *([nativeload_wheel()] if provider else ()))]
    key = key_of(tree_digest(examples.EXAMPLES / name), sys.version, examples.builder().parent.parent.name, *made_of)
    made = entry("editable", f"{name}-{key}", make)
    return made / "env" / "bin" / "python", made / "source"


@pytest.mark.parametrize("name", examples.PROVIDERS)
def test_a_provider(name: str) -> None:
    python, source = editable(f"provider-{name}")
    consumes = site(examples.build("consumer-setuptools", examples.build("provider-setuptools")))
    env = {"PYTHONPATH": python_path(consumes)}
    path = run(python, FIND, env=env).check().stdout.strip()
    in_environment = name == "scikit-build-core"  # which alone puts what it has built there
    assert path.startswith(os.fspath(python.parent.parent if in_environment else source))
    assert run(python, examples.CALL, env=env).check().stdout == "42\n"
    assert examples.REFUSED in run(python, examples.CALL_WITHOUT, env=env).stderr
    # Another project is built against it.
    flags = execute([python, "-m", "nativeload", "--cflags", "foo"], env={"PYTHONPATH": python_path()}).check().stdout
    assert (Path(flags.strip().removeprefix("-I")) / "foo.h").is_file(), flags
    # Without what the back end has put into a .pth, there is only the metadata, and the error says so.
    (packages,) = python.parent.parent.glob("lib/python*/site-packages")
    found = run(python, FIND, env={"PYTHONPATH": python_path(packages)}, options=["-S"])
    assert found.returncode == 1
    explained = run(python, EXPLAIN, env={"PYTHONPATH": python_path(packages)}, options=["-S"])
    assert re.search(r"foo-lib's entry point: there is no nativeload\.toml in .*foo_lib", explained.check().stdout)


def test_meson_python_builds_anew_what_has_changed(tmp_path: Path) -> None:
    """As its import hook does for Python's files: the answer is not kept, so that the next load asks it again."""
    shutil.copytree(examples.EXAMPLES / "provider-meson-python", tmp_path / "source")
    python = venv(sys.executable, at=tmp_path / "env")
    install(python, tmp_path / "source")
    ask = "import nativeload; print(nativeload.load('foo').ctypes.foo())"
    said = []
    code = tmp_path / "source" / "src" / "foo.c"
    for value in (42, 43):
        code.write_text(code.read_text().replace("42", f"{value}"))
        for _ in "again":
            said.append(run(python, ask, env={"PYTHONPATH": python_path()}, home=tmp_path).check().stdout)
    assert said == ["42\n"] * 5 + ["43\n"] * 5


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=CARGO if one == "maturin" else ()) for one in examples.CONSUMERS]
)
def test_a_consumer(name: str) -> None:
    if name == "maturin":
        pytest.importorskip("cffi")
    provides = examples.build("provider-setuptools")
    python, source = editable(f"consumer-{name}", provides)
    env = {"PYTHONPATH": python_path(site(provides))}
    assert run(python, examples.CALL, env=env).check().stdout == "42\n"
    assert examples.REFUSED in run(python, examples.CALL_WITHOUT, env=env).stderr
    # What tells about it without importing it finds it too.
    checked = execute([python, "-m", "nativeload", "--check", "bar"], env=env).check().stdout
    assert f"{source}/src/bar/__init__.py loads libraries itself" in checked or name != "scikit-build-core"
    here = f"({source}|{python.parent.parent})/"
    explained = execute([python, "-m", "nativeload", "--explain", "-m", "bar._bar"], env=env).stdout
    assert re.search(f"an extension module, {here}", explained) or name == "maturin"
    whole = execute([python, "-m", "nativeload", "--explain", "-m", "bar"], env=env).stdout
    assert re.search(rf"\n  bar\._bar\n    {here}", whole) or name == "maturin"


@pytest.mark.parametrize("name", ["meson-python", "scikit-build-core"])
def test_what_a_consumer_requires_by_its_file(name: str, tmp_path: Path) -> None:
    """Where the package is no directory, its file is read where its loader has it."""
    source = tmp_path / "source"
    shutil.copytree(examples.EXAMPLES / f"consumer-{name}", source)
    (source / "src" / "bar" / "nativeload.toml").write_text('[requires]\nfoo = ">=1.2,<2"\n')
    for file, was, now in (
        ("src/bar/__init__.py", 'load("foo>=1.2,<2")', "load_required(__name__)"),
        ("meson.build", "'src/bar/__init__.py'", "'src/bar/__init__.py', 'src/bar/nativeload.toml'"),
    ):
        if (source / file).exists():
            text = (source / file).read_text()
            assert was in text
            (source / file).write_text(text.replace(was, now))
    provides = examples.build("provider-setuptools")
    python = venv(sys.executable, at=tmp_path / "env")
    install(python, source, provides)
    env = {"PYTHONPATH": python_path(site(provides))}
    for _ in "again":
        assert run(python, examples.CALL, env=env, home=tmp_path).check().stdout == "42\n"
    (source / "src" / "bar" / "nativeload.toml").write_text('[requires]\nfoo = ">=2"\n')
    refused = run(python, examples.CALL, env=env, home=tmp_path)
    assert f"bar requires it ({source}/src/bar/nativeload.toml:2)" in refused.stderr

    # What its file uses is known too, wherever it is, when another library answers for the soname.
    init = source / "src" / "bar" / "__init__.py"
    init.write_text(init.read_text().replace("load_required(__name__)", "load('libfoo.so.1')"))
    for code, status, said in (("int foo(void) { return 41; }", 0, "41"), ("int fo;", 1, "uses of libfoo.so.1: foo")):
        place = tmp_path / f"other{status}"
        other = cc(code, tmp_path / f"{status}.so", "-Wl,-soname,libother.so.1")
        text = specimens.declaration("libother.so.1", "other") + 'aliases = ["libfoo.so.1"]\n'
        specimens.provider(place, "other-lib", text, library="other", files={"libother.so.1": other})
        done = run(python, examples.CALL, env={"PYTHONPATH": python_path(place)}, home=tmp_path)
        assert (done.returncode, said in done.stdout + done.stderr) == (status, True)


@pytest.mark.parametrize("name", ["meson-python", "scikit-build-core"])
def test_both(name: str, tmp_path: Path) -> None:
    """The consumer is built against a provider that is being edited, too."""
    python = venv(sys.executable, at=tmp_path / "env")
    for what in ("provider", "consumer"):
        shutil.copytree(examples.EXAMPLES / f"{what}-{name}", tmp_path / what)
        install(python, tmp_path / what)
    env = {"PYTHONPATH": python_path()}
    assert run(python, examples.CALL, env=env).check().stdout == "42\n"
    assert examples.REFUSED in run(python, examples.CALL_WITHOUT, env=env).stderr
