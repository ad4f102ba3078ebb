"""`nativeload.load` in a CPython for Windows, run by Wine: real wheels, a consumer bound to one, and every refusal."""

from __future__ import annotations

import functools
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from integration.searches import FOUND
from parts import unpack, wheel
from parts.windows_python import program as python
from parts.windows_python import windows_python
from parts.wine import windows_path
from parts.zig import zig
from scenarios.dlls import dll
from unit.packing import packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Callable

    There = Callable[..., Any]

pytestmark = pytest.mark.once

_OPENBLAS = "openblas[ilp64]>=0.3.20"
_CONSUMER = """
typedef struct { long long refcount; void *type; } Object;
typedef struct { Object base; void *init; long long index; void *copy; const char *name; const char *doc;
    long long size; void *methods; void *slots; void *traverse; void *clear; void *free; } Definition;
__declspec(dllimport) void *PyModule_Create2(Definition *, int);
__declspec(dllimport) int PyModule_AddIntConstant(void *, const char *, long);
__declspec(dllimport) double scipy_cblas_ddot64_(long long, const double *, long long, const double *, long long);
static Definition definition = {{1, 0}, 0, 0, 0, "consumer", 0, -1, 0, 0, 0, 0, 0};
int __stdcall DllMainCRTStartup(void *a, unsigned b, void *c) { (void)a; (void)b; (void)c; return 1; }
__declspec(dllexport) void *PyInit_consumer(void)
{
    const double x[3] = {1, 2, 3}, y[3] = {4, 5, 6};
    void *module = PyModule_Create2(&definition, 3);
    if (module) PyModule_AddIntConstant(module, "dot", (long)scipy_cblas_ddot64_(3, x, 1, y, 1));
    return module;
}
"""


@pytest.fixture(scope="module", params=["c", "python"])
def there(request: pytest.FixtureRequest, windows_extension: Path) -> There:
    """What a program prints there as JSON, of either backend; `path` are directories beside nativeload's."""

    def run(program: str, *words: str | Path, path: tuple[Path, ...] = ()) -> Any:
        arguments = [windows_path(one) if isinstance(one, Path) else one for one in words]
        text = f"import ctypes, json, os, sys\nimport nativeload\ncore, arguments = nativeload.core, sys.argv[1:]\n{program}"
        env = {"NATIVELOAD_BACKEND": request.param, "LC_ALL": "C.UTF-8"}  # by which Wine knows names of files
        said = windows_python("-c", text, *arguments, path=[windows_extension, *path], env=env)
        return json.loads(said.splitlines()[-1])

    return run


@pytest.fixture(scope="module")
def blas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """scipy-openblas64's wheel for Windows, unpacked."""
    place = tmp_path_factory.mktemp("blas")
    unpack(wheel("scipy-openblas64", platform_tag="win_amd64"), place)
    return place


def test_openblas_multiplies(there: There, blas: Path) -> None:
    program = f"""
had = [name for _, name in core.linkmap()]
spec = nativeload.find_spec({_OPENBLAS!r}, symbols=["scipy_cblas_dgemm64_"])
mapped = "libscipy_openblas64_.dll" in [name for _, name in core.linkmap()]
audited = []
sys.addaudithook(lambda event, arguments: audited.append(list(arguments)) if event == "nativeload.load" else None)
library = nativeload.load({_OPENBLAS!r}, symbols=["scipy_cblas_dgemm64_"])
four, i = ctypes.c_double * 4, ctypes.c_int64
a, b, c, one, zero = four(1, 2, 3, 4), four(5, 6, 7, 8), four(), ctypes.c_double(1), ctypes.c_double(0)
library.ctypes.scipy_cblas_dgemm64_(101, 111, 111, i(2), i(2), i(2), one, a, i(2), b, i(2), zero, c, i(2))
same = nativeload.load({_OPENBLAS!r}, symbols=["scipy_cblas_dgemm64_"]) is library
(known,) = [one.to_dict() for one in nativeload.loaded() if one.path == library.path]
again = nativeload.find_spec("openblas")
print(json.dumps([mapped, spec.path, audited[0], list(c), same, library.origin, library.soname, library.abi,
    library.version == library.provider.version, known, again.origin, again.path]))
"""
    name = "libscipy_openblas64_.dll"
    mapped, path, audited, product, same, origin, soname, abi, versions, known, again, where = there(
        program, path=(blas,)
    )
    assert path == where == windows_path(blas / "scipy_openblas64" / "lib" / name)
    assert (mapped, product, same) == (False, [19, 22, 43, 50], True)
    assert audited == ["openblas", path]
    assert (origin, soname, abi, versions) == ("wheel", name, ["ilp64", "prefix=scipy_", "suffix=64_"], True)
    assert (known["name"], known["provider"]["distribution"], again) == ("openblas", "scipy-openblas64", "loaded")


@pytest.fixture(scope="module")
def consumer(blas: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An extension module that needs OpenBLAS's DLL by its name alone, in a directory of its own."""
    place = tmp_path_factory.mktemp("consumer")
    libraries = []
    (library,) = blas.rglob("libscipy_openblas64_.dll")
    for name, wanted in (
        ("python3.dll", ("PyModule_Create2", "PyModule_AddIntConstant")),
        (library.name, ("scipy_cblas_ddot64_",)),
    ):
        definition = place / f"{name}.def"
        definition.write_text(f'LIBRARY "{name}"\nEXPORTS\n' + "\n".join(wanted) + "\n")
        libraries.append(definition.with_suffix(".lib"))
        zig("dlltool", "-m", "i386:x86-64", "-d", definition, "-l", libraries[-1])
    (place / "consumer.c").write_text(_CONSUMER)
    words = ("-target", "x86_64-windows-gnu", "-shared", "-nostdlib", "-s")
    (place / "site").mkdir()
    zig(
        "cc", *words, "-fno-sanitize=undefined", place / "consumer.c", *libraries, "-o", place / "site" / "consumer.pyd"
    )
    return place / "site"


def test_a_consumer_is_bound_to_it(there: There, blas: Path, consumer: Path) -> None:
    program = f"""
try:
    import consumer
except ImportError as error:
    said = str(error)
nativeload.load({_OPENBLAS!r})
import consumer
print(json.dumps([said, consumer.dot]))
"""
    said, dot = there(program, path=(blas, consumer))
    assert "DLL load failed while importing consumer" in said
    assert dot == 32


@pytest.fixture
def declared(declaring: Callable[..., Path]) -> Callable[..., Path]:
    """A site whose one package declares libraries by (name, path)."""
    return functools.partial(declaring, "windows")


_FIND = f"""{FOUND}
def unmapped():
    mine = [path for path, _ in core.linkmap() if "pytest" in path and not path.endswith("_native.pyd")]
    return mine == []
"""


def test_what_a_provider_has_elsewhere_is_loaded_first(there: There, declared: Callable[..., Path]) -> None:
    """Also where two of its files need each other, which no order could serve."""
    site = declared("circle", ("first", "bin/first.dll"), ("second", "other/second.dll"), ("alone", "alone/alone.dll"))
    home = site / "circle"
    dll(home / "bin" / "first.dll", needed=["second.dll"])
    dll(home / "other" / "second.dll", needed=["third.dll", "first.dll"])
    dll(home / "other" / "third.dll")
    dll(home / "alone" / "alone.dll", needed=["nowhere.dll"])
    program = f"""{_FIND}
said = [found("first"), found("alone"), unmapped()]
library = nativeload.load("first")
print(json.dumps([*said, library.symbol("of_first") != 0, sorted({{name for _, name in core.linkmap()}} & {{"first.dll", "second.dll", "third.dll"}}), library.version]))
"""
    (path, first), refused, unmapped, has, names, version = there(program, path=(site,))
    assert path == windows_path(home / "bin" / "first.dll")
    assert [one.rpartition("\\")[2] for one in first] == ["third.dll", "second.dll"]
    assert len(refused) == 1
    assert "needs nowhere.dll, which is not found (wanted by " in refused[0]
    assert (unmapped, has, version) == (True, True, "1.5")
    assert names == ["first.dll", "second.dll", "third.dll"]


def test_what_will_not_do_is_refused_and_the_next_is_taken(
    there: There, declared: Callable[..., Path], tmp_path: Path
) -> None:
    wrong = {
        "absent": "does not exist",
        "foreign": "is for arm64, not for amd64",
        "cut": "is truncated",
        "text": "not a PE file",
        "elf": "not a PE file",
        "climbing": "climbs out of the package",
        "tool": "is not a shared library but a program",
    }
    climber = declared("climber", ("climbing", "../../x.dll"))
    site = declared("broken", *((one, f"bin/{one}.dll") for one in wrong if one != "climbing"))
    home = site / "broken" / "bin"
    dll(home / "foreign.dll", machine="arm64")
    whole = dll(home / "whole.dll").read_bytes()
    (home / "cut.dll").write_bytes(whole[: len(whole) // 2])
    (home / "text.dll").write_text("no library at all\n")
    shutil.copy("/bin/true", home / "elf.dll")
    shutil.copy(python(), home / "tool.dll")
    good = declared("good", *((one, f"lib/{one}.dll") for one in wrong))
    for one in wrong:
        dll(good / "good" / "lib" / f"{one}.dll")
    program = f"""{_FIND}
names = arguments
print(json.dumps([[found(name) for name in names], [[step.reason for step in nativeload.explain(name).steps if step.verdict == "rejected"] for name in names], unmapped()]))
"""
    alone, _, unmapped = there(program, *wrong, path=(site, climber))
    assert unmapped
    for (name, words), reasons in zip(wrong.items(), alone, strict=True):
        assert len(reasons) == 1, (name, reasons)
        assert words in reasons[0], (name, reasons)
    both, refusals, _ = there(program, *wrong, path=(site, climber, good))
    assert [path for path, _ in both] == [windows_path(good / "good" / "lib" / f"{one}.dll") for one in wrong]
    assert all(len(one) == 1 for one in refusals)


def test_names_that_are_not_ascii(there: There, declared: Callable[..., Path], tmp_path: Path) -> None:
    site = declared("thing", ("thing", "bin/thing.dll")).rename(tmp_path / "ünï 日本")
    library = dll(site / "thing" / "bin" / "thing.dll")
    program = """
library = nativeload.load("thing")
print(json.dumps([library.path, library.ctypes.of_thing(), nativeload.find_spec("thing").origin]))
"""
    assert there(program, path=(site,)) == [windows_path(library), 1, "loaded"]


def test_symbols_versions_and_machines_are_told(there: There, declared: Callable[..., Path]) -> None:
    site = declared("thing", ("thing", "bin/thing.dll"))
    dll(site / "thing" / "bin" / "thing.dll", exports=["compute_all", "compute_one"])
    program = f"""{_FIND}
print(json.dumps([found("thing", symbols=["compute_one"]), found("thing", symbols=["compute_own"]), found("thing>=2"), found("thing>=1,<2"), found("thing[ilp64]")]))
"""
    well, symbol, version, within, feature = there(program, path=(site,))
    assert well == within == [windows_path(site / "thing" / "bin" / "thing.dll"), []]
    assert symbol == ["does not export compute_own; the nearest it has: compute_one, compute_all"]
    assert version == ["is version 1.5 (of thing); >=2 was asked for"]
    assert feature == ["asked for ilp64; it has no features that can be told"]


def test_the_user_s_choice_counts(there: There, declared: Callable[..., Path], tmp_path: Path) -> None:
    site = declared("thing", ("thing", "bin/thing.dll"))
    shipped, chosen = dll(site / "thing" / "bin" / "thing.dll"), dll(tmp_path / "chosen" / "bin" / "libthing-2.dll")
    dll(tmp_path / "chosen" / "bin" / "thing2.dll")
    program = f"""{_FIND}
said = []
for value in arguments:
    os.environ["NATIVELOAD_THING"] = value
    said.append(found("thing"))
print(json.dumps(said))
"""
    values = (chosen, tmp_path / "chosen", "wheel", "system", tmp_path / "absent.dll", "relative\\thing.dll")
    by_file, by_directory, by_wheel, by_system, absent, relative = there(program, *values, path=(site,))
    assert by_file == by_directory == [windows_path(chosen), []]
    assert by_wheel == [windows_path(shipped), []]
    assert "NATIVELOAD_THING=system cannot be honoured: the system finder finds none" in by_system
    assert "cannot be honoured" in absent
    assert "a path must be absolute" in relative


def test_the_environment_s_and_the_system_s_libraries_are_found(there: There, tmp_path: Path) -> None:
    """A wheel's data files are put below the prefix, where the catalog's names of tbb's file are looked for."""
    unpack(wheel("tbb", platform_tag="win_amd64"), tmp_path / "tbb")
    (library,) = (tmp_path / "tbb").rglob("tbb12.dll")
    place = tmp_path / "prefix" / "Library" / "bin"
    place.mkdir(parents=True)
    shutil.copy(library, place)
    program = """
nothing = nativeload.find_spec("tbb")
sys.prefix = arguments[0]
tbb, zlib = nativeload.load("tbb"), nativeload.find_spec("odbc32")
print(json.dumps([nothing, tbb.path, tbb.origin, tbb.symbol("TBB_runtime_version") != 0, zlib.path.lower(), zlib.origin]))
"""
    nothing, path, origin, has, system, kind = there(program, tmp_path / "prefix")
    assert (nothing, path, origin, has) == (None, windows_path(place / "tbb12.dll"), "prefix", True)
    assert (system, kind) == ("c:\\windows\\system32\\odbc32.dll", "system")


def test_data_files_of_a_wheel_are_where_its_record_says(there: There, tmp_path: Path) -> None:
    """As pip installs tbb's wheel into a virtual environment."""
    site = tmp_path / "env" / "Lib" / "site-packages"
    unpack(wheel("tbb", platform_tag="win_amd64"), site)
    (site / "Library").rename(tmp_path / "env" / "Library")
    (record,) = site.glob("tbb-*.dist-info/RECORD")
    lines = [line.partition(".data/data/")[2] or line for line in record.read_text().splitlines()]
    record.write_text("".join(f"../../{line}\n" if line.startswith("Library/") else f"{line}\n" for line in lines))
    program = """
sys.prefix = arguments[0]
tbb = nativeload.find_spec("tbb")
print(json.dumps([tbb.path, tbb.origin, tbb.provider.distribution, tbb.version == tbb.provider.version]))
"""
    said = there(program, tmp_path / "env", path=(site,))
    assert said == [windows_path(tmp_path / "env" / "Library" / "bin" / "tbb12.dll"), "wheel", "tbb", True]


def test_a_directory_that_somebody_has_added_is_searched_for_what_is_needed(
    there: There, declared: Callable[..., Path], tmp_path: Path
) -> None:
    site = declared("needing", ("needing", "bin/needing.dll"))
    dll(site / "needing" / "bin" / "needing.dll", needed=["added.dll"])
    dll(tmp_path / "added" / "added.dll")
    program = f"""{_FIND}
alone = found("needing")
added = os.add_dll_directory(arguments[0])
said = found("needing")
print(json.dumps([alone, said, unmapped(), nativeload.load("needing").symbol("of_needing") != 0]))
"""
    alone, said, unmapped, has = there(program, tmp_path / "added", path=(site,))
    assert "needs added.dll, which is not found" in alone[0]
    assert said == [windows_path(site / "needing" / "bin" / "needing.dll"), []]
    assert (unmapped, has) == (True, True)


def test_a_loaded_one_is_the_only_copy(there: There, declared: Callable[..., Path], tmp_path: Path) -> None:
    """A module of the same file name answers there for every other, wherever it is from."""
    site = declared("thing", ("thing", "bin/thing.dll"))
    shipped, other = dll(site / "thing" / "bin" / "thing.dll"), dll(tmp_path / "other" / "thing.dll")
    program = f"""{_FIND}
handle = ctypes.WinDLL(arguments[0])
library = nativeload.load("thing")
os.environ["NATIVELOAD_THING"] = "wheel"
nativeload.prefer("thing", None)
print(json.dumps([library.path, library.origin, library.handle == handle._handle, found("thing")]))
"""
    path, origin, same, contradicted = there(program, other, path=(site,))
    assert (path, origin, same) == (windows_path(other), "loaded", True)
    assert f"it means {windows_path(shipped)}, but this process already has {windows_path(other)}" in contradicted


def test_what_was_packed_is_loaded(there: There, tmp_path: Path) -> None:
    """Two libraries of one wheel, of which one needs the other."""
    made = packed(tmp_path, dll(tmp_path / "libfoo-1.dll"), dll(tmp_path / "bar.dll", needed=["libfoo-1.dll"]))
    site = unpacked(made, tmp_path / "site")
    program = """
foo, bar = nativeload.load("foo"), nativeload.load("bar")
print(json.dumps([foo.path, foo.version, foo.ctypes.of_libfoo_1(), bar.provider.distribution, bar.ctypes.of_bar()]))
"""
    said = there(program, path=(site,))
    assert said == [windows_path(site / "foo_lib" / "lib" / "libfoo-1.dll"), "1.2", 1, "foo-lib", 1]


def test_a_program_finds_it_along_path(there: There, declared: Callable[..., Path]) -> None:
    """As programs are started there, which search PATH; without it, the program does not."""
    site = declared("thing", ("thing", "bin/thing.dll"))
    dll(site / "thing" / "bin" / "thing.dll")
    program = """
import subprocess
from nativeload import __main__
ask = [sys.executable, "-c", "import ctypes, sys; sys.exit(ctypes.CDLL('thing.dll', winmode=0).of_thing() + 6)"]
alone = subprocess.run(ask, capture_output=True).returncode
environ = nativeload.environ("thing")
print(json.dumps([alone, subprocess.run(ask, env=environ).returncode, environ["PATH"].split(";")[0],
    __main__._main(["run", "--with", "thing", "--", *ask]), __main__._main(["run", "no such program"])]))
"""
    alone, given, first, ran, absent = there(program, path=(site,))
    assert (alone, given, ran, absent) == (1, 7, 7, 127)
    assert first == windows_path(site / "thing" / "bin")
