"""A wheel whose extension needs another wheel's library, with no rpath: it imports once `load` has run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from integration.layouts import bare
from integration.projects import BUILD, project, provider, python_path
from parts import build_wheel, cc, run, site, venv

EXTENSION = """
#include <Python.h>
int answer(void);
static PyObject *ask(PyObject *self, PyObject *ignored) { return PyLong_FromLong(answer()); }
static PyMethodDef methods[] = {{"ask", ask, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_extension", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit__extension(void) { return PyModuleDef_Init(&module); }
"""

# As its author writes it; the environment's switch takes the cure away.
INIT = """
import os
import nativeload
if "WITHOUT_LOAD" not in os.environ:
    nativeload.load("answer>=1")
from consumer._extension import ask
"""


def consumer(root: Path, library: Path) -> Path:
    """The project of a package with an extension linked to a provider's library."""
    home = root / "src" / "consumer"
    home.mkdir(parents=True)
    (home / "__init__.py").write_text(INIT, encoding="utf-8")
    (home / "extension.c").write_text(EXTENSION, encoding="utf-8")
    (root / "pyproject.toml").write_text(
        f"""{BUILD}
[project]
name = "answer-consumer"
version = "1"
dependencies = ["nativeload", "answer-provider"]

[[tool.setuptools.ext-modules]]
name = "consumer._extension"
sources = ["src/consumer/extension.c"]
extra-link-args = ["{library}"]
""",
        encoding="utf-8",
    )
    return root


def dynamic(path: Path) -> dict[str, list[str]]:
    """DT_NEEDED, DT_RPATH and DT_RUNPATH of a file, by a reader that is not nativeload's."""
    found: dict[str, list[str]] = {"DT_NEEDED": [], "DT_RPATH": [], "DT_RUNPATH": []}
    with open(path, "rb") as file:
        section = ELFFile(file).get_section_by_name(".dynamic")
        assert isinstance(section, DynamicSection)
        for tag in section.iter_tags():
            if tag.entry.d_tag in found:
                found[tag.entry.d_tag].append(getattr(tag, tag.entry.d_tag.lower()[3:]))
    return found


@pytest.fixture(scope="session")
def provided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("provider")
    return build_wheel(provider(root))


@pytest.fixture(scope="session")
def consuming(provided: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = site(provided) / "answer_provider" / "lib" / "libanswer.so.1"
    return build_wheel(consumer(tmp_path_factory.mktemp("consumer"), library))


def test_it_imports_after_load_and_not_without(provided: Path, consuming: Path) -> None:
    python = venv(sys.executable, provided, consuming)
    (extension,) = python.parent.parent.glob("lib/python*/site-packages/consumer/_extension*.so")
    facts = dynamic(extension)
    assert "libanswer.so.1" in facts["DT_NEEDED"]
    assert not any("answer" in place for tag in ("DT_RPATH", "DT_RUNPATH") for place in facts[tag])

    code = "import consumer; print(consumer.ask())"
    env = {"PYTHONPATH": python_path()}
    assert run(python, code, env=env).check().stdout == "42\n"
    refused = run(python, code, env={**env, "WITHOUT_LOAD": "1"})
    assert "ImportError: libanswer.so.1: cannot open shared object file" in refused.stderr


def test_a_consumer_of_a_provider_that_is_not_there(consuming: Path) -> None:
    refused = run(venv(sys.executable, consuming), "import consumer", env={"PYTHONPATH": python_path()})
    assert "LibraryNotFoundError: no library found for 'answer>=1'" in refused.stderr


# A library and those of its wheel that it needs, none with an rpath: name -> (directory, needs).
GRAPHS: dict[str, dict[str, tuple[str, list[str]]]] = {
    "two": {"answer": ("lib", ["inner"]), "inner": ("lib", [])},
    "chain": {"answer": ("lib", ["middle"]), "middle": ("lib", ["inner"]), "inner": ("lib", [])},
    "diamond": {
        "answer": ("lib", ["left", "right"]),
        "left": ("lib", ["inner"]),
        "right": ("lib", ["inner"]),
        "inner": ("lib", []),
    },
    "directories": {"answer": ("lib", ["inner"]), "inner": ("lib/other", [])},
}

AUDITED = """
import ctypes, json, sys
loaded = []
sys.addaudithook(lambda event, args: loaded.append(args[1]) if event == "nativeload.load" else None)
import nativeload
spec = nativeload.find_spec("answer")
library = nativeload.load("answer")
print(json.dumps([library.ctypes.answer(), list(spec.dependencies), loaded]))
"""


def with_dependencies(root: Path, graph: dict[str, tuple[str, list[str]]]) -> Path:
    """A provider whose library adds up what those of its own wheel return."""
    home = root / "src" / "answer_provider"
    home.mkdir(parents=True)
    (home / "__init__.py").touch()
    made: dict[str, Path] = {}
    for name in reversed(graph):
        directory, needs = graph[name]
        total = " + ".join(["1", *(f"{one}()" for one in needs)])
        declared = "".join(f"int {one}(void);" for one in needs)
        soname = f"lib{name}.so.1"
        flags: list[str | Path] = ["-Wl,--no-as-needed", *(made[one] for one in needs), f"-Wl,-soname,{soname}"]
        made[name] = cc(f"{declared} int {name}(void) {{ return {total}; }}", home / directory / soname, *flags)
    tables = "".join(f'[library.{name}]\npath = "{made[name].relative_to(home)}"\n' for name in graph)
    (home / "nativeload.toml").write_text(tables, encoding="utf-8")
    more = '"answer_provider" = ["lib/other/*"]\n'
    return project(root, "answer-provider", "1", {"answer": "answer_provider"}, more=more)


@pytest.mark.parametrize(
    ("graph", "answer", "orders"),
    [
        ("two", 2, [["inner"]]),
        ("chain", 3, [["inner", "middle"]]),
        ("diamond", 5, [["inner", "left", "right"], ["inner", "right", "left"]]),
        ("directories", 2, [["inner"]]),
    ],
)
def test_what_its_own_wheel_has_is_loaded_first(
    graph: str, answer: int, orders: list[list[str]], tmp_path: Path
) -> None:
    installed = site(build_wheel(with_dependencies(tmp_path, GRAPHS[graph])))
    env = {"PYTHONPATH": python_path(installed)}
    said, dependencies, loaded = run(bare(), AUDITED, env=env).check().json
    assert said == answer
    assert [Path(path).name.removesuffix(".so.1").removeprefix("lib") for path in dependencies] in orders
    assert loaded[:-1] == dependencies
    assert Path(loaded[-1]).name == "libanswer.so.1"

    # By its path alone, the linker does not find what it needs.
    alone = run(bare(), f"import ctypes; ctypes.CDLL({loaded[-1]!r})", env=env)
    assert "cannot open shared object file" in alone.stderr


def test_a_dependency_that_the_wheel_lacks_is_named(tmp_path: Path) -> None:
    root = with_dependencies(tmp_path / "project", GRAPHS["two"])
    (root / "src" / "answer_provider" / "lib" / "libinner.so.1").unlink()
    (root / "src" / "answer_provider" / "nativeload.toml").write_text('[library.answer]\npath = "lib/libanswer.so.1"\n')
    installed = site(build_wheel(root))
    refused = run(bare(), "import nativeload; nativeload.load('answer')", env={"PYTHONPATH": python_path(installed)})
    assert "ABIMismatchError" in refused.stderr
    wanted_by = installed / "answer_provider" / "lib" / "libanswer.so.1"
    assert f"needs libinner.so.1, which is not found (wanted by {wanted_by})" in refused.stderr


def test_a_dependency_without_a_soname_cannot_be_loaded_first(tmp_path: Path) -> None:
    """The linker satisfies a DT_NEEDED by the soname of what is loaded: a file of that name has none, and is refused."""
    root = with_dependencies(tmp_path / "project", GRAPHS["two"])
    cc("int inner(void) { return 1; }", root / "src" / "answer_provider" / "lib" / "libinner.so.1")
    installed = site(build_wheel(root))
    refused = run(bare(), "import nativeload; nativeload.load('answer')", env={"PYTHONPATH": python_path(installed)})
    assert "needs libinner.so.1, which is not found" in refused.stderr

    # The linker agrees with the refusal: loaded first by hand, it does not help.
    files = [installed / "answer_provider" / "lib" / f"lib{name}.so.1" for name in ("inner", "answer")]
    by_hand = run(bare(), f"import ctypes; [ctypes.CDLL(one) for one in {list(map(str, files))!r}]")
    assert "libinner.so.1: cannot open shared object file" in by_hand.stderr
