"""The OpenBLAS that exist: two wheels, and Debian's in both integer widths. Each as a process comes to have it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from integration.projects import python_path
from parts import deb, library_dirs, site, wheel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBLAS:
    """One of them: what it is by its packaging, not by what nativeload says of it."""

    root: Path
    origin: str
    soname: str
    provider: str | None
    version: str
    features: tuple[str, ...]
    cblas: str  # the symbol of cblas_dgemm
    solve: str  # the symbol of LAPACK's dgesv
    integer: int  # bytes
    env: Mapping[str, str] = field(default_factory=dict)


def _of_wheel(distribution: str, **facts: object) -> OpenBLAS:
    file = wheel(distribution)
    root = site(file)
    return OpenBLAS(
        root=root,
        origin="wheel",
        provider=distribution,
        version=file.name.split("-")[1],
        env={"PYTHONPATH": python_path(root)},
        **facts,  # type: ignore[arg-type]
    )


def _of_debian(package: str, stem: str, **facts: object) -> OpenBLAS:
    runtime = ["libgfortran5", *(["libquadmath0"] if platform.machine() == "x86_64" else [])]
    root = deb(package, *runtime)
    (real,) = root.rglob(f"lib{stem}p-r*.so")
    return OpenBLAS(
        root=root,
        origin="system",
        provider=None,
        version=real.name.partition("-r")[2].removesuffix(".so"),
        env={
            "PYTHONPATH": python_path(),
            "LD_LIBRARY_PATH": os.pathsep.join(os.fspath(one) for one in library_dirs(root)),
        },
        **facts,  # type: ignore[arg-type]
    )


def openblas(which: str) -> OpenBLAS:
    """Fetch one."""
    if which == "scipy-openblas64":
        return _of_wheel(
            which,
            soname="libscipy_openblas64_.so",
            features=("ilp64", "prefix=scipy_", "suffix=64_"),
            cblas="scipy_cblas_dgemm64_",
            solve="scipy_dgesv_64_",
            integer=8,
        )
    if which == "scipy-openblas32":
        return _of_wheel(
            which,
            soname="libscipy_openblas.so",
            features=("lp64", "prefix=scipy_"),
            cblas="scipy_cblas_dgemm",
            solve="scipy_dgesv_",
            integer=4,
        )
    wide = which == "libopenblas64-0-pthread"
    return _of_debian(
        which,
        "openblas64" if wide else "openblas",
        soname="libopenblas64.so.0" if wide else "libopenblas.so.0",
        features=("ilp64",) if wide else ("lp64",),
        cblas="cblas_dgemm",
        solve="dgesv_",
        integer=8 if wide else 4,
    )


EVERY = ["scipy-openblas64", "scipy-openblas32", "libopenblas0-pthread", "libopenblas64-0-pthread"]

# A product of integers, which doubles hold exactly, and the width of an integer, which LAPACK's pivots show.
PRODUCT = """
import ctypes, json, sys
import nativeload

A = [[row * 7 - column * 3 for column in range(5)] for row in range(4)]
B = [[row * 11 + column - 9 for column in range(3)] for row in range(5)]
EXACT = [[sum(a * b for a, b in zip(row, column)) for column in zip(*B)] for row in A]
ROW_MAJOR, NO_TRANSPOSE = 101, 111


def flat(matrix):
    return [float(item) for row in matrix for item in row]


def rows(values):
    return [[int(values[3 * row + column]) for column in range(3)] for row in range(4)]


def by_ctypes(library, symbol, integer):
    function = getattr(library.ctypes, symbol)
    kind = ctypes.c_int64 if integer == 8 else ctypes.c_int32
    array = ctypes.POINTER(ctypes.c_double)
    one, double = ctypes.c_int, ctypes.c_double
    function.argtypes = [one, one, one, kind, kind, kind, double, array, kind, array, kind, double, array, kind]
    function.restype = None
    a, b, c = (ctypes.c_double * 20)(*flat(A)), (ctypes.c_double * 15)(*flat(B)), (ctypes.c_double * 12)()
    function(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, 4, 3, 5, 1.0, a, 5, b, 3, 0.0, c, 3)
    return rows(c)


def by_cffi(library, symbol, integer):
    import cffi

    ffi = cffi.FFI()
    kind = "int64_t" if integer == 8 else "int32_t"
    ffi.cdef(
        f"void {symbol}(int, int, int, {kind}, {kind}, {kind}, double, double *, {kind}, double *, {kind}, double,"
        f" double *, {kind});"
    )
    a, b, c = ffi.new("double[]", flat(A)), ffi.new("double[]", flat(B)), ffi.new("double[12]")
    function = getattr(library.ffi(ffi), symbol)
    function(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, 4, 3, 5, 1.0, a, 5, b, 3, 0.0, c, 3)
    return rows(c)


def integer_width(library, symbol):
    # dgesv writes two pivots of 1 and 2, or 2 and 2: small numbers, so only the low bytes of each are not zero.
    size = ctypes.c_int64(2)
    a, b, info = (ctypes.c_double * 4)(2, 0, 0, 2), (ctypes.c_double * 2)(2, 4), ctypes.c_int64()
    pivots = (ctypes.c_ubyte * 16)(*[0xFF] * 16)
    one = ctypes.c_int64(1)
    references = [ctypes.byref(item) for item in (size, one, a, size, pivots, b, size, info)]
    getattr(library.ctypes, symbol)(*references)
    assert list(b) == [1.0, 2.0]
    return 16 - bytes(pivots).count(0xFF) >> 1
"""
