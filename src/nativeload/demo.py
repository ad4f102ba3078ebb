"""`python -m nativeload.demo`: load a real OpenBLAS, multiply two matrices through it, and say why that one."""

import sys

import nativeload
from nativeload import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Matrix = Sequence[Sequence[float]]

_ROW_MAJOR, _NO_TRANSPOSE = 101, 111  # CBLAS_ORDER and CBLAS_TRANSPOSE of cblas.h


def product(blas: nativeload.Library, a: "Matrix", b: "Matrix") -> list[list[float]]:
    """The matrix product a @ b by `cblas_dgemm`, whatever prefix, suffix and integer width this OpenBLAS has."""
    import ctypes

    marks = dict(feature.split("=") for feature in blas.abi if "=" in feature)
    dgemm = blas.ctypes[f"{marks.get('prefix', '')}cblas_dgemm{marks.get('suffix', '')}"]
    integer = ctypes.c_int64 if "ilp64" in blas.abi else ctypes.c_int32
    rows, inner, columns = len(a), len(b), len(b[0])

    def flat(matrix: "Matrix") -> "ctypes.Array[ctypes.c_double]":
        values = [value for row in matrix for value in row]
        return (ctypes.c_double * len(values))(*values)

    result = (ctypes.c_double * (rows * columns))()
    sizes = [integer(size) for size in (rows, columns, inner)]
    one, zero = ctypes.c_double(1), ctypes.c_double(0)
    strides = [integer(size) for size in (inner, columns, columns)]
    dgemm.restype = None
    dgemm(
        _ROW_MAJOR, _NO_TRANSPOSE, _NO_TRANSPOSE, *sizes,
        one, flat(a), strides[0], flat(b), strides[1], zero, result, strides[2],
    )  # fmt: skip
    return [list(result[row * columns : (row + 1) * columns]) for row in range(rows)]


def main() -> int:
    """Run the demonstration; the exit status is 0 when the product is right."""
    why = nativeload.explain("openblas")
    try:
        blas = nativeload.load("openblas")
    except errors.NativeLoadError as error:
        print(error, file=sys.stderr)
        return 1
    a, b = [[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]
    c = product(blas, a, b)
    print(f"{a} @ {b} = {c}\n\n{why}")
    return 0 if c == [[19.0, 22.0], [43.0, 50.0]] else 1


if __name__ == "__main__":
    sys.exit(main())
