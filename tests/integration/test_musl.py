"""Under a CPython for musl: real libraries of musllinux wheels are loaded, and extension modules that need them by name,
without any rpath, are bound to them. Each is refused without the load, and after a bare dlopen of the very file."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parts import execute, musl, unpack, wheel
from parts.elf_files import elf_files
from unit.specimens import declaration, provider

if TYPE_CHECKING:
    from parts.process import Result

pytestmark = pytest.mark.once

PLATFORM = "musllinux_1_2_x86_64"
BLAS, CLANG = "scipy_openblas64/lib/libscipy_openblas64_.so", "clang/native/libclang.so"
_MODULE = """
#include <Python.h>
%s
static PyObject *call(PyObject *self, PyObject *none) { return %s; }
static PyMethodDef methods[] = {{"call", call, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "%s", 0, -1, methods};
PyMODINIT_FUNC PyInit_%s(void) { return PyModule_Create(&module); }
"""
# name: what it declares of the library, and the Python object that it makes with it
_CONSUMERS = {
    "blas": (
        """double scipy_cblas_ddot64_(long long, const double *, long long, const double *, long long);
        static const double x[] = {1, 2, 3}, y[] = {4, 5, 6};""",
        "PyFloat_FromDouble(scipy_cblas_ddot64_(3, x, 1, y, 1))",
    ),
    "parses": ("void *clang_createIndex(int, int);", "PyBool_FromLong(clang_createIndex(0, 0) != NULL)"),
    "one": ("int two(void);", "PyLong_FromLong(two())"),
    "old": ("int two(void);", "PyLong_FromLong(two())"),
}
# Which file of an inode is mapped is the kernel's to say.
_COPIES = """
def copies(path):
    import os
    with open("/proc/self/maps") as lines:
        inodes = {line.split()[4] for line in lines if line.endswith(f"/{os.path.basename(path)}\\n")}
    return inodes == {str(os.stat(path).st_ino)}
"""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """nativeload, and libraries of musllinux wheels, as that CPython has them installed; extension modules that need them."""
    wheels = [wheel(name, platform_tag=PLATFORM) for name in ("scipy-openblas64", "libclang")]
    pure = [wheel(name) for name in ("pyelftools", "packaging", "platformdirs")]
    place = musl.site(musl.nativeload_wheel(), *wheels, *pure, at=tmp_path_factory.mktemp("site"))
    consumer(place, "blas", place / BLAS)
    consumer(place, "parses", place / CLANG)
    return place


def consumer(place: Path, name: str, library: Path) -> None:
    """An extension module that needs a library by its soname alone."""
    code = _MODULE % (*_CONSUMERS[name], name, name)
    headers = musl.python().parents[1] / "include" / musl.python().name
    musl.cc(code, place / f"{name}.so", f"-I{headers}", "-Wl,--no-as-needed", library)


@pytest.fixture(params=["c", "python"])
def backends(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"NATIVELOAD_BACKEND": request.param}


def run(place: Path, code: str, env: dict[str, str]) -> Result:
    return execute([musl.python(), "-c", _COPIES + code], env={**env, "PYTHONPATH": os.fspath(place)})


def outcome(place: Path, code: str, env: dict[str, str]) -> str:
    """The last line of what a process says."""
    done = run(place, code, env)
    return (done.stdout + done.stderr).strip().splitlines()[-1]


def test_the_interpreter_is_musl_s(real: Path, backends: dict[str, str]) -> None:
    code = "import nativeload; print(nativeload.core.__name__, nativeload.core.libc())"
    name = {"c": "nativeload._native", "python": "nativeload._pure"}[backends["NATIVELOAD_BACKEND"]]
    assert outcome(real, code, backends) == f"{name} ('musl', '1.2.3')"


@pytest.mark.parametrize(
    ("module", "requirement", "path", "said", "soname"),
    [
        ("blas", "openblas[ilp64]", BLAS, "32.0", "libscipy_openblas64_.so"),
        ("parses", "clang", CLANG, "True", "libclang.so.18.1"),
    ],
)
def test_a_consumer_is_bound(
    module: str, requirement: str, path: str, said: str, soname: str, real: Path, backends: dict[str, str]
) -> None:
    file = os.fspath(real / path)
    load = f"import nativeload; library = nativeload.load({requirement!r}); assert library.path == {file!r}\n"
    uses = f"import {module}; print({module}.call(), copies({file!r}))"
    assert outcome(real, load + uses, backends) == f"{said} True"
    # The cached answer does the same as the search, and the process knows what it has.
    twice = f"{load}{uses}\nprint(nativeload.load({soname!r}).handle == library.handle)"
    assert outcome(real, twice, backends) == "True"
    # Without the load, and with the very file mapped by its path, which on glibc would do.
    refused = (
        f"ImportError: Error loading shared library {soname}: No such file or directory (needed by {real}/{module}.so)"
    )
    assert outcome(real, uses, backends) == refused
    bare = f"import ctypes; ctypes.CDLL({file!r})\n"
    assert outcome(real, bare + uses, backends) == refused
    # Yet what was mapped so is bound too once nativeload has loaded it.
    assert outcome(real, bare + load + uses, backends) == f"{said} True"


def test_what_is_cached_binds_too(real: Path, backends: dict[str, str], tmp_path: Path) -> None:
    code = (
        "import nativeload, sys; nativeload.load('clang')\n"
        "import parses; print(parses.call(), 'nativeload.resolution' in sys.modules)"
    )
    env = backends | {
        "XDG_CACHE_HOME": os.fspath(tmp_path / "cache"),
        "XDG_CONFIG_HOME": os.fspath(tmp_path / "config"),
    }
    time.sleep(2.1)  # An answer that rests on files of the last two seconds is not kept.
    assert [outcome(real, code, env) for _ in range(2)] == ["True True", "True False"]


def test_the_directory_of_a_name_is_gone(real: Path, backends: dict[str, str], tmp_path: Path) -> None:
    env = backends | {"TMPDIR": os.fspath(tmp_path)}
    code = "import nativeload; nativeload.load('clang'); import parses; print(parses.call())"
    assert outcome(real, code, env) == "True"
    assert list(tmp_path.iterdir()) == []


def made(real: Path, tmp_path: Path, **keys: str) -> Path:
    """A provider of `two`, whose file needs another of the wheel by its soname, which no search finds."""
    place = tmp_path / "site"
    first = musl.cc("int one(void) { return 1; }", tmp_path / "libone.so", "-Wl,-soname,libone.so.7")
    second = musl.cc(
        "int one(void); int two(void) { return one() + 1; }", tmp_path / "libtwo.so.2", "-Wl,-soname,libtwo.so.2", first
    )
    text = declaration("libtwo.so.2", "two") + "".join(f"{key} = {value}\n" for key, value in keys.items())
    provider(place, "two-lib", text, library="two", files={"libone.so": first, "libtwo.so.2": second})
    for one in ("nativeload", "elftools"):
        (place / one).symlink_to(real / one)
    consumer(place, "one", second)
    old = musl.cc("int two(void) { return 0; }", tmp_path / "old" / "libold.so.1", "-Wl,-soname,libold.so.1")
    consumer(place, "old", old)
    return place


def test_what_it_needs_of_its_wheel_is_loaded_first(real: Path, tmp_path: Path, backends: dict[str, str]) -> None:
    place = made(real, tmp_path)
    load, uses = "import nativeload; nativeload.load('two')\n", "import one; print(one.call())"
    assert outcome(place, load + uses, backends) == "2"
    assert "libtwo.so.2: No such file" in outcome(place, uses, backends)
    bare = (
        f"import ctypes; [ctypes.CDLL({os.fspath(place / 'two_lib')!r} + f) for f in ('/libone.so', '/libtwo.so.2')]\n"
    )
    assert "libone.so.7: No such file" in outcome(place, bare + uses, backends)


def test_an_alias_is_bound(real: Path, tmp_path: Path, backends: dict[str, str]) -> None:
    place = made(real, tmp_path, aliases='["libold.so.1"]')
    load, uses = "import nativeload; nativeload.load('libold.so.1')\n", "import old; print(old.call())"
    assert outcome(place, load + uses, backends) == "2"
    assert "libold.so.1: No such file" in outcome(place, load.replace("libold.so.1", "two") + uses, backends)


@pytest.mark.parametrize(
    ("asked", "module", "name"), [("two", "one", "libtwo.so.2"), ("libold.so.1", "old", "libold.so.1")]
)
def test_what_the_environment_has_of_a_name_is_never_mapped_beside(
    asked: str, module: str, name: str, real: Path, tmp_path: Path, backends: dict[str, str]
) -> None:
    """LD_LIBRARY_PATH comes before what a file says, so its file would be mapped, and consumers bound to that."""
    place = made(real, tmp_path, aliases='["libold.so.1"]')
    other = musl.cc("int two(void) { return 99; }", tmp_path / "other" / name)
    same = tmp_path / "same" / name
    same.parent.mkdir()
    same.symlink_to(place / "two_lib/libtwo.so.2")
    load, uses = f"import nativeload; nativeload.load({asked!r})\n", f"import {module}; print({module}.call())"

    def beside(file: Path, code: str) -> str:
        return outcome(place, code, backends | {"LD_LIBRARY_PATH": os.fspath(file.parent)})

    caught = f"try: nativeload.load({asked!r})\nexcept nativeload.LinkError as error: print('without', error.reason)\n"
    mapped = f"print({os.fspath(other)!r} in open('/proc/self/maps').read())"
    said = run(
        place, f"import nativeload\n{caught}{mapped}", backends | {"LD_LIBRARY_PATH": os.fspath(other.parent)}
    ).check()
    assert f"without LD_LIBRARY_PATH has {other}" in said.stdout
    assert said.stdout.endswith("False\n")
    assert beside(other, uses) == "99"  # So it would have been.
    assert beside(same, load + uses) == "2"


def test_one_name_is_answered_for_once(real: Path, backends: dict[str, str]) -> None:
    """However it is asked for: what answers keeps a descriptor and a mapping for good."""
    code = (
        "import nativeload, os\ndef stubs(): return open('/proc/self/maps').read().count('memfd:')\n"
        "nativeload.load('clang'); first = stubs(); nativeload.load('clang>=1'); nativeload.load('libclang.so.18.1')\n"
        "print(first > 0, stubs() == first)"
    )
    assert outcome(real, code, backends) == "True True"


def test_the_command_line(real: Path, backends: dict[str, str]) -> None:
    def said(*words: str) -> str:
        return (
            execute([musl.python(), "-m", "nativeload", *words], env={**backends, "PYTHONPATH": os.fspath(real)})
            .check()
            .stdout
        )

    assert os.fspath(real / BLAS) in said("--explain", "openblas[ilp64]")
    assert "musl 1.2.3" in said("--explain")
    assert {"openblas", "clang"} <= {line.split()[0] for line in said("--list").splitlines() if line.strip()}
    assert "libc.musl-x86_64.so.1" in said("--tree", os.fspath(real / CLANG))


COMPARED = (
    "numpy", "scipy", "pandas", "scipy-openblas64", "libclang", "lxml", "pyzmq", "cryptography", "pillow", "cffi", "grpcio",
    "psycopg2-binary", "pyyaml", "orjson", "matplotlib", "kiwisolver", "contourpy", "shapely", "pyproj", "h5py", "aiohttp",
    "soundfile",
)  # fmt: skip
RESOLVES = """
import json, sys, nativeload
closures = {file: nativeload.resolve(file).images for file in sys.argv[1:]}
print(json.dumps({file: {one.name: one.path for image in found for one in image.needed} for file, found in closures.items()}))
"""


def test_its_linker_says_the_same_of_every_file(real: Path, backends: dict[str, str], tmp_path: Path) -> None:
    """Of real wheels: `--list` of musl's linker, and a library that is not there."""
    for name in COMPARED:
        unpack(wheel(name, platform_tag=PLATFORM), tmp_path / "wheels")
    made(real, tmp_path)
    files = [os.fspath(one.path) for one in elf_files(tmp_path / "wheels", tmp_path / "site")]
    env = {**backends, "PYTHONPATH": os.fspath(real)}
    ours = execute([musl.python(), "-c", RESOLVES, *files], env=env).check().json
    assert {name: answers for name, answers in ours.items() if answers != listed(name)} == {}
    assert len(files) > 300
    assert any(None in answers.values() for answers in ours.values())


def listed(file: str) -> dict[str, str | None]:
    """{name: path} of what the linker finds for a file, None where it does not."""
    said = execute([musl.linker(), "--list", file])
    found: dict[str, str | None] = dict(re.findall(r"\t(.*) => (.*) \(0x", said.stdout))
    return found | dict.fromkeys(re.findall(r"Error loading shared library (.*?): .*needed by", said.stderr))
