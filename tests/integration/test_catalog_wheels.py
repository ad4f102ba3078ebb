"""Wheels that are on PyPI today and know nothing of nativeload: each is found, judged, loaded and called."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from integration.layouts import bare
from integration.projects import nativeload_site, python_path
from parts import run, venv, wheel


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """A wheel's library: its name, where the environment has it, and a call that shows it is the real one.

    `call` says something in which `says`, a pattern, is found; VERSION is the distribution's there.
    """

    distribution: str
    library: str
    file: str
    call: str
    says: str
    version: str | None = "VERSION"
    abi: tuple[str, ...] = ()


SITE = "lib/python*/site-packages"
TEXT = "library.ctypes.{0}.restype = ctypes.c_char_p; said = library.ctypes.{0}().decode()"
CUDA = "number = ctypes.c_int(); said = [library.ctypes.cudaRuntimeGetVersion(ctypes.byref(number)), number.value]"
WHEELS = [
    Shipped(
        distribution="tbb",
        library="tbb",
        file="lib/libtbb.so.12",
        call=TEXT.format("TBB_runtime_version"),
        says=r"^\d{4}\.\d",
    ),
    Shipped(
        distribution="intel-openmp",
        library="iomp5",
        file="lib/libiomp5.so",
        call="library.ctypes.omp_set_num_threads(3); said = library.ctypes.omp_get_max_threads()",
        says="^3$",
    ),
    Shipped(
        distribution="libclang",
        library="clang",
        file=f"{SITE}/clang/native/libclang.so",
        call="""
class String(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("flags", ctypes.c_uint)]
library.ctypes.clang_getClangVersion.restype = String
library.ctypes.clang_getCString.argtypes = [String]
library.ctypes.clang_getCString.restype = ctypes.c_char_p
said = library.ctypes.clang_getCString(library.ctypes.clang_getClangVersion()).decode()
""",
        says="clang version VERSION",
    ),
    Shipped(
        distribution="z3-solver",
        library="z3",
        file=f"{SITE}/z3/lib/libz3.so",
        call=TEXT.format("Z3_get_full_version"),
        says="^VERSION$",
    ),
    Shipped(
        distribution="pyarrow",
        library="arrow",
        file=f"{SITE}/pyarrow/libarrow.so.*",
        # arrow::GetBuildInfo(): its four first fields are numbers.
        call="""
library.ctypes._ZN5arrow12GetBuildInfoEv.restype = ctypes.POINTER(ctypes.c_int * 4)
said = ".".join(map(str, library.ctypes._ZN5arrow12GetBuildInfoEv().contents[1:]))
""",
        says="^VERSION$",
    ),
    Shipped(
        distribution="nvidia-cuda-runtime-cu12",
        library="cudart<13",
        abi=("cuda12",),
        file=f"{SITE}/nvidia/cuda_runtime/lib/libcudart.so.12",
        call=CUDA,
        says=r"^\[0, 12\d\d\d\]$",
    ),
    Shipped(
        distribution="nvidia-cuda-runtime",
        library="cudart>=13",
        abi=("cuda13",),
        file=f"{SITE}/nvidia/cu13/lib/libcudart.so.13",
        call=CUDA,
        says=r"^\[0, 13\d\d\d\]$",
    ),
    Shipped(
        distribution="soundfile",
        library="sndfile",
        file=f"{SITE}/_soundfile_data/libsndfile_{os.uname().machine}.so",
        call=TEXT.format("sf_version_string"),
        says="^libsndfile-1",
        version=None,  # the wheel's is that of its Python module, and its soname's is none
    ),
    Shipped(
        distribution="onnxruntime",
        library="onnxruntime",
        file=f"{SITE}/onnxruntime/capi/libonnxruntime.so.*",
        call="""
library.ctypes.OrtGetApiBase.restype = ctypes.POINTER(ctypes.c_void_p * 2)
said = ctypes.CFUNCTYPE(ctypes.c_char_p)(library.ctypes.OrtGetApiBase().contents[1])().decode()
""",
        says="^VERSION$",
    ),
]
MKL = Shipped(
    distribution="mkl",
    library="mkl_rt",
    file="lib/libmkl_rt.so.3",
    call="""
library.ctypes.cblas_ddot.restype = ctypes.c_double
one = (ctypes.c_double * 3)(1, 2, 3)
said = library.ctypes.cblas_ddot(3, one, 1, one, 1)
""",
    says=r"^14\.0$",
)

LOAD = """
import ctypes, json, sys
import nativeload
spec = nativeload.find_spec(sys.argv[1])
library = nativeload.load(sys.argv[1])
exec(sys.argv[2])
print(json.dumps({
    "facts": [library.path, library.soname, library.version, library.origin, library.abi],
    "provider": [library.provider.distribution, library.provider.version],
    "same": [spec.path, spec.soname, spec.version, spec.origin, spec.abi],
    "said": str(said),
}))
"""


@functools.cache
def environment(*distributions: str) -> Path:
    return venv(sys.executable, *(wheel(one) for one in distributions))


def everything() -> Path:
    return environment(*(one.distribution for one in WHEELS))


def soname(path: Path) -> str:
    """By a reader that is not nativeload's."""
    with open(path, "rb") as file:
        section = ELFFile(file).get_section_by_name(".dynamic")
        assert isinstance(section, DynamicSection)
        return next(str(tag.soname) for tag in section.iter_tags("DT_SONAME"))  # type: ignore[attr-defined]


def check(shipped: Shipped, python: Path) -> None:
    env = {"PYTHONPATH": python_path()}
    shown = run(python, LOAD, shipped.library, shipped.call, env=env).check().json
    distributed = wheel(shipped.distribution).name.split("-")[1]
    (file,) = python.parent.parent.glob(shipped.file)
    version = shipped.version and shipped.version.replace("VERSION", distributed)
    assert shown["facts"] == [os.fspath(file), soname(file), version, "wheel", list(shipped.abi)]
    assert shown["provider"] == [shipped.distribution, distributed]
    assert shown["same"] == shown["facts"]
    assert re.search(shipped.says.replace("VERSION", re.escape(distributed)), shown["said"]), shown["said"]

    without = run(bare(), LOAD, shipped.library, shipped.call, env=env)
    assert os.fspath(file) not in without.stdout
    assert without.returncode or "provider" not in without.stdout


@pytest.mark.parametrize("shipped", WHEELS, ids=lambda one: one.distribution)
def test_found_loaded_and_called(shipped: Shipped) -> None:
    check(shipped, everything())


@pytest.mark.large
def test_mkl() -> None:
    """It opens its other parts, OpenMP and TBB by name once it is called."""
    check(MKL, environment("mkl", "intel-openmp", "tbb"))


def test_list_names_them_all() -> None:
    code = "import sys; sys.argv[1:] = ['--list', '--json']; from nativeload.__main__ import main; main()"
    shown = run(everything(), f"import json\n{code}", env={"PYTHONPATH": nativeload_site()}).check()
    for shipped in WHEELS:
        assert f'"distribution": "{shipped.distribution}"' in shown.stdout
    libraries = json.loads(shown.stdout)["libraries"]
    # For a free-threaded CPython 3.13 there is no newer one, and its S3 is in libarrow itself.
    lacking = {"arrow_s3"} if wheel("pyarrow").name.startswith("pyarrow-24.") else set()
    assert {one["name"] for one in libraries if one["problem"]} == lacking


def test_a_data_file_whose_distribution_is_gone(tmp_path: Path) -> None:
    """It is still in the environment's prefix, but nobody says who ships it or which version it is."""
    code = "import nativeload; one = nativeload.load('tbb'); print(one.origin, one.provider, one.version)"
    env = {"PYTHONPATH": python_path()}
    copy = tmp_path / "copy"
    shutil.copytree(environment("tbb").parent.parent, copy, symlinks=True)
    before = run(copy / "bin" / "python", code, env=env).check().stdout
    assert before == f"wheel {(both := 'tbb ' + wheel('tbb').name.split('-')[1])} {both.split()[1]}\n"
    (metadata,) = copy.glob("lib/python*/site-packages/tbb-*.dist-info")
    shutil.rmtree(metadata)
    assert run(copy / "bin" / "python", code, env=env).check().stdout == "prefix None None\n"


@pytest.mark.once
@pytest.mark.parametrize(
    ("distribution", "asked", "file"),
    [
        ("scipy-openblas64", "libscipy_openblas64_.so", "libscipy_openblas64_.so"),
        ("libusb-package", "libusb-1.0.so.0", "libusb-1.0.so"),
        ("mpich", "libmpi.so.12", "libmpi.so.12"),
        ("soundfile", f"libsndfile_{os.uname().machine}.so", f"libsndfile_{os.uname().machine}.so"),
    ],
)
def test_asked_for_by_its_file_or_soname(distribution: str, asked: str, file: str) -> None:
    """By a name that no library is called after."""
    code = "import sys, nativeload; one = nativeload.load(sys.argv[1]); print(one.path, one.origin, one.provider.distribution)"
    python = venv(sys.executable, wheel(distribution))
    found = run(python, code, asked, env={"PYTHONPATH": python_path()}).check().stdout.split()
    assert found[0].startswith(f"{python.parent.parent}/")
    assert (os.path.basename(found[0]), found[1:]) == (file, ["wheel", distribution])
    other = run(python, code, asked.replace("lib", "libx"), env={"PYTHONPATH": python_path()})
    assert "LibraryNotFoundError" in other.stderr
