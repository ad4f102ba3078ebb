"""What must not meet in one process, told of the closure of one file."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

import nativeload
from nativeload import __main__
from parts import cc

if TYPE_CHECKING:
    from pathlib import Path

DGEMM = "int dgemm_(void) { return 1; }"
CBLAS = "int cblas_dgemm(void) { return 1; }"
BOTH = f"{DGEMM} {CBLAS}"
OTHER = "int other(void) { return 1; }"


def top(tmp_path: Path, *libraries: tuple[str, str]) -> Path:
    """A library that needs these, (file name, source) each."""
    made = [cc(source, tmp_path / "lib" / name, f"-Wl,-soname,{name}") for name, source in libraries]
    return cc("int top;", tmp_path / "libtop.so", "-Wl,--no-as-needed", "-Wl,-rpath,$ORIGIN/lib", *made)


@pytest.mark.parametrize(
    ("kind", "first", "second", "control"),
    [
        ("two-majors", ("libfoo.so.1", OTHER), ("libfoo.so.2", OTHER), ("libbar.so.2", OTHER)),
        ("two-openmp", ("libgomp-0a1b2c3d.so.1", OTHER), ("libomp.so.5", OTHER), ("libompx.so.5", OTHER)),
        ("two-blas", ("libopenblas.so.0", DGEMM), ("libblas.so.3", DGEMM), ("libscipy_openblas.so", OTHER)),
        ("two-blas", ("libopenblas.so.0", BOTH), ("libcblas.so.3", CBLAS), ("libf77blas.so.3", OTHER)),
        ("two-blas", ("libopenblas.so.0", BOTH), ("libf77blas.so.3", DGEMM), ("libcblas.so.3", OTHER)),
        ("two-blas", ("libcblas.so.3", CBLAS), ("libmkl_rt.so.3", BOTH), ("libf77blas.so.3", DGEMM)),
    ],
)
def test_two_in_one_closure(
    tmp_path: Path,
    kind: str,
    first: tuple[str, str],
    second: tuple[str, str],
    control: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "lib").mkdir()
    library = top(tmp_path, first, second)
    found = nativeload.resolve(library, environ={}, symbols=True)
    (problem,) = found.problems
    assert (found.status, problem.kind, problem.severity) == ("ok", kind, "warning")
    assert all(f"{tmp_path}/lib/{name}" in problem.detail for name, _ in (first, second))
    assert found.to_dict()["problems"][0]["severity"] == "warning"
    # Nothing is missing: it is said, and no failure.
    assert __main__._main(["--tree", os.fspath(library)]) == 0
    assert re.search(rf"{kind}: {tmp_path}/lib/", capsys.readouterr().out)
    assert nativeload.resolve("/libtop.so", root=tmp_path, symbols=True).problems[-1].kind == kind
    # Who does not ask is told nothing, and other libraries may meet.
    assert nativeload.resolve(library, environ={}).problems == ()
    assert nativeload.resolve(top(tmp_path, first, control), environ={}, symbols=True).problems == ()


def test_with_what_was_loaded_before(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    library = top(tmp_path, ("libfoo.so.1", OTHER))
    before = cc(OTHER, tmp_path / "libfoo.so.2", "-Wl,-soname,libfoo.so.2")
    assert nativeload.resolve(library, environ={}, symbols=True).problems == ()
    (problem,) = nativeload.resolve(library, environ={}, loaded=[before], symbols=True).problems
    assert (problem.kind, str(before) in problem.detail) == ("two-majors", True)
