"""The program's DT_RPATH serves every library that it opens, unless a DT_RUNPATH silences it; its DT_RUNPATH does not."""

from __future__ import annotations

import sys
import sysconfig
from typing import TYPE_CHECKING

import pytest

from nativeload import core
from nativeload.linkers import host
from parts import cc, execute
from scenarios.libraries import calls, library, returns

if TYPE_CHECKING:
    from pathlib import Path

HOST = """
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **arguments) {
    void *library = dlopen(arguments[1], RTLD_NOW);
    int (*root)(void) = library ? (int (*)(void))dlsym(library, "root") : 0;
    printf("%d", root ? root() : -1);
    return 0;
}
"""

# The interpreter in a program of ours.
PYTHON = """
#include <dlfcn.h>
int main(int count, char **arguments) {
    void *python = dlopen(LIBPYTHON, RTLD_NOW | RTLD_GLOBAL);
    int (*run)(int, char **) = python ? (int (*)(int, char **))dlsym(python, "Py_BytesMain") : 0;
    return run ? run(count, arguments) : 99;
}
"""

ASK = """
import ctypes, sys
sys.path.extend(sys.argv[2].split(":"))
from nativeload import core
from nativeload.linkers import host
images, _ = core.walk(host.linker().walker, ((sys.argv[1],),), (), 1)
print(*(path for name, path, *_ in images[0][3] if name == "libdep.so"))
try:
    print(ctypes.CDLL(sys.argv[1]).root())
except OSError:
    print(-1)
"""

KINDS = {"rpath": "-Wl,--disable-new-dtags", "runpath": "-Wl,--enable-new-dtags"}


def make(tmp_path: Path, **paths: str) -> Path:
    library(tmp_path / "lib" / "libdep.so", returns("dep", 7), soname="libdep.so")
    return library(tmp_path / "app" / "libroot.so", calls("root", "dep"), needed=["libdep.so"], **paths)


@pytest.mark.parametrize(
    ("program", "root", "value"),
    [("rpath", "", 7), ("runpath", "", -1), ("rpath", "runpath", -1), ("rpath", "rpath", 7)],
)
def test_host(tmp_path: Path, program: str, root: str, value: int) -> None:
    path = make(tmp_path, **({root: "/nonexistent"} if root else {}))
    program_file = cc(
        HOST, tmp_path / "bin" / "host", KINDS[program], "-Wl,-rpath,$ORIGIN/../lib", "-ldl", shared=False
    )
    assert execute([program_file, path]).check().stdout == str(value)
    walked = core.walk(host.linker().walker, ((str(program_file),), (str(path),)), (), 0)
    assert walked is not None
    (edges,) = (edges for file, _, _, edges in walked[0] if file == str(path))
    found = next(file for name, file, *_ in edges if name == "libdep.so")
    # The library was not opened by the program's own code, but by its DT_RPATH all the same.
    assert (found is not None) == (value == 7)


@pytest.mark.nosanitize
@pytest.mark.parametrize(("program", "value"), [("rpath", 7), ("runpath", -1)])
def test_python_in_a_program(tmp_path: Path, program: str, value: int) -> None:
    """$ORIGIN is the real file's directory, though the program was started through a symbolic link."""
    libpython = f"{sysconfig.get_config_var('LIBDIR')}/{sysconfig.get_config_var('INSTSONAME')}"
    if not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        pytest.skip("this interpreter has no libpython to put into a program")
    path = make(tmp_path)
    define = f'-DLIBPYTHON="{libpython}"'
    program_file = cc(
        PYTHON, tmp_path / "bin" / "host", KINDS[program], "-Wl,-rpath,$ORIGIN/../lib", define, "-ldl", shared=False
    )
    (tmp_path / "link").symlink_to(program_file)
    env = {"PYTHONHOME": f"{sys.base_prefix}:{sys.base_exec_prefix}"}
    done = execute([tmp_path / "link", "-c", ASK, path, ":".join(filter(None, sys.path))], env=env).check()
    found = f"{tmp_path}/bin/../lib/libdep.so" if value == 7 else None
    assert done.stdout.split() == [str(found), str(value)]
