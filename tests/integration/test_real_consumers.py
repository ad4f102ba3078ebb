"""Consumers of libraries that the world ships in wheels: built with the compiler against the wheel's own file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from integration.projects import python_path
from integration.requiring import consumer
from integration.test_consumer import dynamic
from parts import Result, maps, run, site, venv, wheel

pytestmark = pytest.mark.once

# 2x + y + z = 7, x + 3y + 2z = 13, x + y + 5z = 18: x, y, z = 1, 2, 3. dgesv has them exactly: its pivots are 2, 5/2, 4.
SOLVE = """
#include <stdint.h>
void scipy_dgesv_64_(int64_t *, int64_t *, double *, int64_t *, int64_t *, double *, int64_t *, int64_t *);
static PyObject *solved(void) {
    int64_t n = 3, one = 1, pivots[3], info = -1;
    double a[9] = {2, 1, 1, 1, 3, 1, 1, 2, 5}, b[3] = {7, 13, 18};
    scipy_dgesv_64_(&n, &one, a, &n, pivots, b, &n, &info);
    return Py_BuildValue("Lddd", (long long)info, b[0], b[1], b[2]);
}
#define ANSWER solved
"""
CUDART = """
int cudaRuntimeGetVersion(int *);
static PyObject *version(void) {
    int found = 0, status = cudaRuntimeGetVersion(&found);
    return Py_BuildValue("ii", status, found);
}
#define ANSWER version
"""


def asked(tmp_path: Path, distribution: str, file: str, requires: str, source: str) -> tuple[Result, Result, Path]:
    """What a consumer of a wheel's file says, what it says without nativeload's line, and its environment."""
    shipped = wheel(distribution)
    library = site(shipped) / file
    made = consumer(tmp_path, {"user": requires}, library, source=source, depends=(distribution,))
    python = venv(sys.executable, shipped, made)
    (extension,) = python.parent.parent.glob("lib/python*/site-packages/user/_extension*.so")
    facts = dynamic(extension)
    assert not any(distribution.partition("-")[0] in one for one in facts["DT_RPATH"] + facts["DT_RUNPATH"])
    env = {"PYTHONPATH": python_path()}
    code = maps() + "import sys, user; print(*user.ask())\n"
    code += f"print(*(one for one in mapped() if one.startswith(sys.prefix) and one.endswith({file!r})))"
    return run(python, code, env=env), run(python, code, env={**env, "WITHOUT_LOAD": "1"}), python


def checked(python: Path) -> str:
    """What `--check` says of the consumer."""
    code = "import sys; sys.argv[1:] = ['--check', 'user']; import nativeload.__main__ as m; m.main()"
    return run(python, code, env={"PYTHONPATH": python_path()}).check().stdout


def test_openblas_solves_a_system(tmp_path: Path) -> None:
    file = "scipy_openblas64/lib/libscipy_openblas64_.so"
    said, without, python = asked(tmp_path, "scipy-openblas64", file, 'openblas = "[ilp64]>=0.3.20"', SOLVE)
    answer, mapped = said.check().stdout.splitlines()
    assert answer == "0 1.0 2.0 3.0"
    assert mapped.endswith(file)
    assert "libscipy_openblas64_.so: cannot open shared object file" in without.stderr
    assert "0 errors, 1 warning" in checked(python)


@pytest.mark.parametrize(
    ("distribution", "directory", "major"),
    [("nvidia-cuda-runtime-cu12", "cuda_runtime", 12), ("nvidia-cuda-runtime", "cu13", 13)],
)
def test_cuda_runtime_says_its_version(tmp_path: Path, distribution: str, directory: str, major: int) -> None:
    """No GPU is needed to ask. The wheel's version and the library's own are the same.

    Without nativeload's line it fails, or on a machine that has CUDA itself, it is that one's that is mapped.
    """
    file = f"nvidia/{directory}/lib/libcudart.so.{major}"
    requires = f'cudart = ">={major},<{major + 1}"'
    said, without, _ = asked(tmp_path, distribution, file, requires, CUDART)
    answer, mapped = said.check().stdout.splitlines()
    status, version = map(int, answer.split())
    first, second = wheel(distribution).name.split("-")[1].split(".")[:2]
    assert (status, version) == (0, int(first) * 1000 + int(second) * 10)
    assert mapped.endswith(file)
    unknown = f"libcudart.so.{major}: cannot open shared object file" in without.stderr
    assert unknown or without.check().stdout.splitlines()[1] == ""
