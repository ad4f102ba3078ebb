"""What `find_spec` and `load` come to on macOS, from real wheels for it: here, with what only macOS can do taken by others.

There is no macOS here. This interpreter is told that it is one, of arm64; its images and search path are given, and what
would be loaded is written down. All else is what runs there: the finders, the verdict and dyld's rules.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from integration.searches import FOUND
from parts import run, unpack, wheel
from parts.zig import zig
from scenarios.dylibs import dylib
from unit.packing import packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable

_TAG = "macosx_11_0_arm64"
_SETUP = """
import json, os, sys
# Python's own modules are imported as this system's.
import ctypes, importlib.metadata, platformdirs, macholib.MachO, tempfile
system = os.uname()
os.uname = lambda: type(system)(("Darwin", system.nodename, "23.0", "23.0", "arm64"))
sys.platform = "darwin"
sys.executable = sys.argv.pop(1)
import nativeload
core, arguments, images, opened = nativeload.core, sys.argv[1:], [("", None)], []

def dlopen(path, flags):
    opened.append(path)
    images.append((path, nativeload.loader.SYSTEM.soname(path)))
    return len(opened)

core.linkmap, core.libc, core.dlopen = lambda: tuple(images), lambda: ("macos", "14.0"), dlopen
core.search_path, core.searched = lambda: [(arguments[0], "default")], lambda: [arguments[0]]
"""


def there(program: str, *words: str | Path, path: tuple[Path, ...] = (), system: Path = Path("/nowhere")) -> Any:
    """What a program prints as JSON; `path` are sites, `system` is the one directory that dyld falls back to."""
    env = {"NATIVELOAD_BACKEND": "python", "PYTHONPATH": os.pathsep.join(os.fspath(one) for one in path)}
    given = [os.fspath(one) for one in (_program(), system, *words)]
    done = run(sys.executable, _SETUP + FOUND + program, *given, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@functools.cache
def _program() -> Path:
    """A program of macOS, whose rpath leads to a directory beside it."""
    place = Path(tempfile.mkdtemp(prefix="nativeload-macos-"))
    atexit.register(shutil.rmtree, place)
    (place / "main.c").write_text("int main(void) { return 0; }\n")
    rpath = "-Wl,-rpath,@executable_path/../frameworks"
    (place / "bin").mkdir()
    zig("cc", "-target", "aarch64-macos", rpath, place / "main.c", "-o", place / "bin" / "python")
    return place / "bin" / "python"


@pytest.fixture(scope="module")
def blas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("blas")
    unpack(wheel("scipy-openblas64", platform_tag=_TAG), place)
    return place


def test_openblas_of_a_real_wheel(blas: Path) -> None:
    program = """
import nativeload.loader
spec = nativeload.find_spec("openblas[ilp64]>=0.3.20", symbols=["scipy_cblas_dgemm64_"])
nearest = found("openblas", symbols=["scipy_cblas_dgem64_"])
library = nativeload.load("openblas")
same = nativeload.load("openblas") is library
nativeload.invalidate_caches()
print(json.dumps([spec.to_dict(), nearest, found("openblas>=99"), opened, same, found("openblas"), nativeload.find_spec("openblas").origin,
    [one.to_dict()["provider"]["distribution"] for one in nativeload.loaded()]]))
"""
    spec, nearest, version, opened, same, again, origin, providers = there(program, path=(blas,))
    path = os.fspath(blas / "scipy_openblas64" / "lib" / "libscipy_openblas64_.dylib")
    assert (spec["path"], spec["origin"], spec["provider"]["distribution"]) == (path, "wheel", "scipy-openblas64")
    assert spec["abi"] == ["ilp64", "prefix=scipy_", "suffix=64_"]
    assert opened[-1] == path
    assert nearest[0].startswith("does not export scipy_cblas_dgem64_; the nearest it has: scipy_")
    assert "99 was asked for" in version[0]
    assert (same, again[0], origin, providers[-1]) == (True, path, "loaded", "scipy-openblas64")


@pytest.fixture
def declared(declaring: Callable[..., Path]) -> Callable[..., Path]:
    """A site whose one package declares libraries by (name, path)."""
    return functools.partial(declaring, "macos")


def test_what_a_provider_has_elsewhere_is_loaded_first(declared: Callable[..., Path]) -> None:
    """By its install name alone it is taken for what is needed: of another one, a file beside is no help."""
    site = declared(
        "chain",
        ("first", "one/libfirst.dylib"),
        ("second", "two/libsecond.dylib"),
        ("other", "one/libother.dylib"),
        ("free", "one/libfree.dylib"),
    )
    one, two = site / "chain" / "one", site / "chain" / "two"
    dylib(one / "libfirst.dylib", needed=["@rpath/libsecond.dylib", "/usr/lib/libSystem.B.dylib"])
    dylib(two / "libsecond.dylib", needed=["@rpath/libthird.dylib"])
    dylib(two / "libthird.dylib")
    dylib(one / "libfree.dylib", needed=["@rpath/libprogram_s.dylib"])
    shared = dylib(_program().parents[1] / "frameworks" / "libprogram_s.dylib")
    dylib(one / "libother.dylib", needed=["@rpath/else/libthird.dylib"])
    program = """
said = [found("first"), found("free"), found("other")]
os.rename(arguments[1], arguments[1] + ".gone")
said.append(found("free"))
nativeload.load("first")
print(json.dumps([*said, nativeload.environ("first", environ={})["DYLD_LIBRARY_PATH"], opened]))
"""
    (path, first), (free, before), other, lost, variable, opened = there(program, shared, path=(site,))
    assert path == os.fspath(one / "libfirst.dylib")
    assert first == [os.fspath(two / name) for name in ("libthird.dylib", "libsecond.dylib")]
    assert (free, before) == (os.fspath(one / "libfree.dylib"), [])
    assert "needs @rpath/libprogram_s.dylib, which is not found" in lost[0]
    assert opened == [*first, path]
    assert variable == f"{one}"  # of what is loaded by now
    assert "needs @rpath/else/libthird.dylib, which is not found (wanted by " in other[0]


def test_what_will_not_do_is_refused_and_the_next_is_taken(declared: Callable[..., Path]) -> None:
    wrong = {
        "tool": "is not a shared library but of the type execute",
        "foreign": "is for x86_64, not for arm64",
        "cut": "not a sound Mach-O file",
        "text": "",
        "absent": "does not exist",
    }
    site = declared("broken", *((one, f"lib/lib{one}.dylib") for one in wrong))
    good = declared("good", *((one, f"lib/lib{one}.dylib") for one in wrong))
    home = site / "broken" / "lib"
    dylib(home / "libforeign.dylib", arch="x86_64")
    whole = dylib(home / "whole.dylib").read_bytes()
    (home / "libcut.dylib").write_bytes(whole[:200])
    shutil.copy(_program(), home / "libtool.dylib")
    (home / "libtext.dylib").write_text("no library at all\n")
    for one in wrong:
        dylib(good / "good" / "lib" / f"lib{one}.dylib")
    program = """
names = arguments[1:]
print(json.dumps([found(name) for name in names]))
"""
    for (name, words), reasons in zip(wrong.items(), there(program, *wrong, path=(site,)), strict=True):
        assert len(reasons) == 1, (name, reasons)
        assert words in reasons[0], (name, reasons)
    both = there(program, *wrong, path=(site, good))
    assert [path for path, _ in both] == [os.fspath(good / "good" / "lib" / f"lib{one}.dylib") for one in wrong]


def test_places_in_their_order(declared: Callable[..., Path], tmp_path: Path) -> None:
    site, system, prefix, chosen = (
        declared("thing", ("thing", "libthing.dylib")),
        *map(tmp_path.joinpath, ("system", "prefix", "chosen")),
    )
    shipped = dylib(site / "thing" / "libthing.dylib")
    fallback = dylib(system / "libthing.2.dylib")
    dylib(system / "libthing.1.dylib")
    dylib(system / "libthing2.dylib")
    own = dylib(prefix / "lib" / "libthing.1.dylib")
    picked = dylib(chosen / "lib" / "libthing.3.dylib")
    program = """
said = [found("thing")]
sys.path.remove(arguments[1])
said += [found("thing"), found("libthing.1.dylib"), found("libthing.7.dylib")]
sys.prefix = arguments[2]
said.append(found("thing"))
os.environ["NATIVELOAD_THING"] = arguments[3]
said.append(found("thing"))
print(json.dumps(said))
"""
    by_wheel, by_system, by_name, absent, by_prefix, by_choice = there(
        program, site, prefix, chosen, path=(site,), system=system
    )
    assert by_wheel == [os.fspath(shipped), []]
    assert by_system == [os.fspath(fallback), []]
    assert by_name == [os.fspath(system / "libthing.1.dylib"), []]
    assert absent == []
    assert by_prefix == [os.fspath(own), []]
    assert by_choice == [os.fspath(picked), []]


def test_what_was_packed_is_found(tmp_path: Path) -> None:
    foo, bar = dylib(tmp_path / "libfoo.1.dylib"), dylib(tmp_path / "libbar.2.dylib", needed=["@rpath/libfoo.1.dylib"])
    site = unpacked(packed(tmp_path / "dist", foo, bar), tmp_path / "site")
    path, first = there('print(json.dumps(found("bar")))', path=(site,))
    assert path == os.fspath(site / "foo_lib" / "lib" / "libbar.2.dylib")
    assert first == [os.fspath(site / "foo_lib" / "lib" / "libfoo.1.dylib")]
