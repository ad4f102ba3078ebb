"""Consumers that say in `nativeload.toml` what they require: real extensions, linked by soname and without an rpath."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from integration.projects import BUILD
from parts import build_wheel

if TYPE_CHECKING:
    from collections.abc import Mapping

# A module with one function, `ask`, of no arguments, which returns what ANSWER() is.
EXTENSION = """
#include <Python.h>
%s
static PyObject *ask(PyObject *self, PyObject *ignored) { return ANSWER(); }
static PyMethodDef methods[] = {{"ask", ask, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_extension", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit__extension(void) { return PyModuleDef_Init(&module); }
"""
ANSWER = "int answer(void);\n#define ANSWER() PyLong_FromLong(answer())"

# As its author writes it; the environment's switch takes the cure away.
INIT = """
import os
import nativeload
if "WITHOUT_LOAD" not in os.environ:
    libraries = nativeload.load_required(__name__)
from ._extension import ask
"""


def consumer(
    root: Path,
    packages: Mapping[str, str],
    library: Path,
    *,
    source: str = ANSWER,
    depends: tuple[str, ...] = ("answer-provider",),
) -> Path:
    """The wheel of a distribution with these packages: each what its table [requires] says, and an extension."""
    (root / "extension.c").parent.mkdir(parents=True, exist_ok=True)
    (root / "extension.c").write_text(EXTENSION % source, encoding="utf-8")
    modules = ""
    for package, requires in packages.items():
        home = root / "src" / package
        home.mkdir(parents=True)
        (home / "__init__.py").write_text(INIT, encoding="utf-8")
        (home / "nativeload.toml").write_text(f"[requires]\n{requires}\n", encoding="utf-8")
        modules += f"""
[[tool.setuptools.ext-modules]]
name = "{package}._extension"
sources = ["extension.c"]
extra-link-args = ["-Wl,--no-as-needed", "{library}"]
"""
    name = next(iter(packages)).replace("_", "-")
    (root / "pyproject.toml").write_text(
        f"""{BUILD}
[project]
name = "{name}"
version = "1"
dependencies = {["nativeload", *depends]}

[tool.setuptools.package-data]
"*" = ["nativeload.toml"]
{modules}""",
        encoding="utf-8",
    )
    return build_wheel(root)
