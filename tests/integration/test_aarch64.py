"""aarch64 Linux, run by qemu-user: its CPython, its linker and PyPI's wheels for it, with both backends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from integration.openblas import PRODUCT
from integration.test_consumer import dynamic
from parts import aarch64, execute, site, wheel
from unit.specimens import declaration, provider

if TYPE_CHECKING:
    from parts import Result

pytestmark = [
    pytest.mark.once,
    pytest.mark.debian12,
    pytest.mark.skipif(not aarch64.possible(), reason="no binfmt_misc in a user namespace (Linux 6.7)"),
]
BACKENDS = ("c", "python")
TESTS = Path(__file__).parent.parent
SONAME = "libscipy_openblas64_.so"

# An extension module whose one function multiplies two matrices, and one that says a library's version.
MODULE = """
#include <Python.h>
static PyObject *ask(PyObject *self, PyObject *ignored);
static PyMethodDef methods[] = {{"ask", ask, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "consumer", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_consumer(void);
PyMODINIT_FUNC PyInit_consumer(void) { return PyModuleDef_Init(&module); }
static PyObject *ask(PyObject *self, PyObject *ignored) {
    (void)self; (void)ignored;
"""
MULTIPLIES = (
    """
#include <stdint.h>
void scipy_cblas_dgemm64_(int, int, int, int64_t, int64_t, int64_t, double, const double *, int64_t, const double *,
                          int64_t, double, double *, int64_t);
"""
    + MODULE
    + """
    double a[4] = {1, 2, 3, 4}, b[4] = {5, 6, 7, 8}, c[4] = {0};
    scipy_cblas_dgemm64_(101, 111, 111, 2, 2, 2, 1.0, a, 2, b, 2, 0.0, c, 2);
    return Py_BuildValue("dddd", c[0], c[1], c[2], c[3]);
}
"""
)
SAYS = "const char *BZ2_bzlibVersion(void);" + MODULE + "return PyUnicode_FromString(BZ2_bzlibVersion()); }"

MULTIPLY = (
    PRODUCT
    + """
spec = nativeload.find_spec("openblas[ilp64]")
import ctypes
before = "libscipy_openblas" in open("/proc/self/maps").read()
library = nativeload.load("openblas[ilp64]")
exact = by_ctypes(library, "scipy_cblas_dgemm64_", 8) == EXACT
print(json.dumps([before, exact, integer_width(library, "scipy_dgesv_64_"), library.path, spec.path, library.soname,
                  nativeload.core.__name__, list(nativeload.host.libc())]))
"""
)


@pytest.fixture(scope="module")
def openblas() -> Path:
    """A directory with the newest OpenBLAS wheel for aarch64."""
    return site(wheel("scipy-openblas64", platform_tag=aarch64.PLATFORM))


def there(*words: str | Path, path: tuple[Path, ...] = (), **env: str) -> Result:
    """Run its Python, with nativeload and these directories on its path."""
    places = os.pathsep.join(map(os.fspath, [*path, *aarch64.nativeload_there()]))
    return execute(
        [*aarch64.aarch64(TESTS), aarch64.PYTHON, *words],
        env={"PYTHONPATH": places, "PYTHONDONTWRITEBYTECODE": "1", **env},
    )


def compiled(source: str, directory: Path, *flags: str | Path) -> Path:
    """A consumer in a directory: a module without an rpath. Returns the directory."""
    text = directory / "consumer.c"
    text.parent.mkdir(parents=True)
    text.write_text(source, encoding="utf-8")
    made = aarch64.extension(directory / "consumer.abi3.so", "-DPy_LIMITED_API=0x030b0000", text, *flags)
    assert not dynamic(made)["DT_RPATH"] + dynamic(made)["DT_RUNPATH"]
    return directory


@pytest.mark.parametrize("chosen", BACKENDS)
def test_a_real_library_is_found_loaded_and_right(openblas: Path, chosen: str) -> None:
    said = there("-c", MULTIPLY, path=(openblas,), NATIVELOAD_BACKEND=chosen).check().json
    path = f"{openblas}/scipy_openblas64/lib/{SONAME}"
    assert said == [
        False,
        True,
        8,
        path,
        path,
        SONAME,
        f"nativeload._{'native' if chosen == 'c' else 'pure'}",
        ["glibc", "2.36"],
    ]


@pytest.mark.parametrize("chosen", BACKENDS)
def test_a_consumer_is_bound_to_it_and_not_without(openblas: Path, tmp_path: Path, chosen: str) -> None:
    consumer = compiled(MULTIPLIES, tmp_path / "consumer", openblas / "scipy_openblas64" / "lib" / SONAME)
    assert SONAME in dynamic(consumer / "consumer.abi3.so")["DT_NEEDED"]
    code = "import consumer; print(consumer.ask())"
    places = (openblas, consumer)
    load = "import nativeload; nativeload.load('openblas[ilp64]')\n"
    assert (
        there("-c", load + code, path=places, NATIVELOAD_BACKEND=chosen).check().stdout == "(19.0, 22.0, 43.0, 50.0)\n"
    )
    refused = there("-c", "import nativeload\n" + code, path=places, NATIVELOAD_BACKEND=chosen)
    assert f"ImportError: {SONAME}: cannot open shared object file" in refused.stderr


@pytest.mark.parametrize("chosen", BACKENDS)
def test_a_library_answers_for_another_soname(tmp_path: Path, chosen: str) -> None:
    """Debian's libbz2.so.1.0 for a consumer built where it was called libbzip2.so.1."""
    real = next(aarch64.root().glob("usr/lib/aarch64-linux-gnu/libbz2.so.1.0.?"))
    text = declaration("libbz2.so.1.0", "bz2") + 'aliases = ["libbzip2.so.1"]\n'
    provider(tmp_path / "site", "bz2_lib", text, library="bz2", files={"libbz2.so.1.0": real})
    (tmp_path / "empty.c").write_text(
        "const char *BZ2_bzlibVersion(void); const char *BZ2_bzlibVersion(void) { return 0; }"
    )
    other = aarch64.extension(tmp_path / "libbzip2.so.1", tmp_path / "empty.c", "-Wl,-soname,libbzip2.so.1")
    consumer = compiled(SAYS, tmp_path / "consumer", other)
    places = (tmp_path / "site", consumer)
    code = "import consumer; print(consumer.ask())"
    load = "import nativeload; nativeload.load('libbzip2.so.1')\n"
    assert there("-c", load + code, path=places, NATIVELOAD_BACKEND=chosen).check().stdout.startswith("1.0.")
    load = load.replace("libbzip2.so.1", "bz2")
    refused = there("-c", load + code, path=(consumer,), NATIVELOAD_BACKEND=chosen)
    assert "libbzip2.so.1: cannot open shared object file" in refused.stderr


@pytest.mark.parametrize("chosen", BACKENDS)
def test_a_library_of_x86_64_is_refused(openblas: Path, chosen: str) -> None:
    (other,) = site(wheel("scipy-openblas64", platform_tag="manylinux_2_28_x86_64")).glob(f"*/lib/{SONAME}")
    code = "import nativeload; nativeload.load('openblas')"
    refused = there("-c", code, path=(openblas,), NATIVELOAD_OPENBLAS=str(other), NATIVELOAD_BACKEND=chosen)
    assert "OverrideError" in refused.stderr
    assert "is x86-64 64-bit little-endian; this process is AArch64" in refused.stderr
    alone = there("-c", f"import ctypes; ctypes.CDLL({str(other)!r})")
    assert "OSError" in alone.stderr


AGREES = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import nativeload
from parts.elf_files import elf_files
from parts.truth import truth
from truth.compare import compare
asked, differences = 0, []
for file in elf_files(*map(Path, sys.argv[2:])):
    linkers = truth(file.path)
    asked += bool(linkers.linker)
    if linkers.linker:
        differences += map(str, compare(linkers, nativeload.resolve(str(file.path)).to_dict()))
print(json.dumps([asked, differences]))
"""


@pytest.mark.parametrize("chosen", BACKENDS)
def test_its_linker_says_the_same_of_every_file(chosen: str) -> None:
    """Of Debian's packages and two large wheels; compare() itself is tested in tests/truth."""
    places = ("/usr/bin", "/usr/sbin", "/usr/lib", aarch64.WHEELS)
    asked, differences = there("-c", AGREES, TESTS, *places, NATIVELOAD_BACKEND=chosen).check().json
    assert not differences
    assert asked > 400
