"""The system finder: what the dynamic linker itself would take, by bare name, development name and soname."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import nativeload
from nativeload import machinery
from unit.specimens import BAD, LINKER_SCRIPT, NAME, specimen
from unit.trial import ask, trial

# dlinfo(RTLD_DI_LINKMAP) of ctypes' own handle, in a child of its own for each name: constructors run, and some
# libraries end the process.
ORACLE = """
import ctypes, json, os, sys
import nativeload
class LinkMap(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("name", ctypes.c_char_p)]
def by_the_linker(name):
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_RDWR), 2)
            found = ctypes.POINTER(LinkMap)()
            handle = ctypes.c_void_p(ctypes.CDLL(name)._handle)
            ctypes.CDLL(None).dlinfo(handle, 2, ctypes.byref(found))
            os.write(into, found.contents.name)
        finally:
            os._exit(0)
    os.close(into)
    with open(out, "rb") as pipe:
        path = os.fsdecode(pipe.read())
    os.waitpid(child, 0)
    return path
def by_nativeload(name):
    spec = nativeload.find_spec(name)
    return spec.path if spec else ""
nativeload.finders[:] = [finder for finder in nativeload.finders if finder.name == "system"]
names = json.loads(sys.argv[1])
print(json.dumps({name: [by_the_linker(name), by_nativeload(name)] for name in names}))
"""

# What kills or stops a process that did not ask for it: sanitizers' runtimes, and a debugger's.
UNFIT = re.compile(r"lib(asan|tsan|lsan|ubsan|hwasan|thread_db|pcprofile|memusage|SegFault|cuda|nv)")


def _cached() -> list[str]:
    """The sonames of this machine's ld.so.cache, as ldconfig prints them."""
    ldconfig = shutil.which("ldconfig", path=f"{os.environ['PATH']}:/sbin:/usr/sbin")
    if ldconfig is None:
        pytest.skip("there is no ldconfig here")
    listing = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=True).stdout
    kind = {"x86_64": "libc6,x86-64", "aarch64": "libc6,AArch64"}.get(os.uname().machine, "libc6")
    return [line.split()[0] for line in listing.splitlines() if f"({kind}" in line and not UNFIT.match(line.strip())]


def test_it_takes_what_the_linker_takes() -> None:
    names = sorted({name for name in _cached() if ".so." in name})
    chosen = names[:: max(1, len(names) // 48)][:60]
    answers = ask(ORACLE, arguments=[str(chosen).replace("'", '"')], timeout=120)
    loaded = {name: paths for name, paths in answers.items() if paths[0]}
    assert len(loaded) >= min(24, len(chosen) // 2)
    # The linker itself is listed under one path and mapped under another.
    assert {name: paths for name, paths in loaded.items() if len(set(map(os.path.realpath, paths))) != 1} == {}
    assert sum(paths[0] == paths[1] for paths in loaded.values()) > len(loaded) // 2
    # Of a name that the linker does not find, neither has a path.
    assert ask(ORACLE, arguments=['["libspecimen.so.1"]']) == {"libspecimen.so.1": ["", ""]}


@pytest.fixture
def system(fresh: None) -> object:
    """The system finder alone."""
    before = list(nativeload.finders)
    nativeload.finders[:] = [machinery.SystemFinder()]
    yield nativeload.finders
    nativeload.finders[:] = before


@pytest.mark.usefixtures("system")
@pytest.mark.parametrize("name", ["z", "libz.so.1"])
def test_names_of_one_library(name: str) -> None:
    spec = nativeload.find_spec(name)
    assert spec is not None
    assert (spec.name, spec.soname, spec.origin, spec.provider) == (name, "libz.so.1", "system", None)
    # The development name is a package of its own, and the library is the same without it.
    development = nativeload.find_spec("libz.so")
    assert development is not None
    assert os.path.samefile(spec.path, development.path)
    assert nativeload.find_spec("libz.so.2") is None
    assert nativeload.find_spec(f"{name}>=1") is not None
    assert nativeload.find_spec(f"{name}>=1000") is None


def test_bare_and_development_names_in_a_directory(tmp_path: Path) -> None:
    env = {"LD_LIBRARY_PATH": tmp_path}
    for version in ("1", "2"):
        specimen(tmp_path / f"libspecimen.so.{version}.0", soname=f"libspecimen.so.{version}")
        (tmp_path / f"libspecimen.so.{version}").symlink_to(f"libspecimen.so.{version}.0")
    # Without a development name the newest is taken; with it, what the system holds to be current.
    for name, version in (("specimen", "2.0"), ("libspecimen.so", "2.0"), (NAME, "1.0"), ("specimen<2", "1.0")):
        answer = trial(name, env=env)
        assert answer.library["version"] == version
        assert answer.mapped_below(tmp_path) == [str(tmp_path / f"libspecimen.so.{version}")]
    (tmp_path / "libspecimen.so").symlink_to("libspecimen.so.1.0")
    answer = trial("specimen", env=env)
    assert (answer.library["path"], answer.library["version"]) == (str(tmp_path / "libspecimen.so"), "1.0")


@pytest.mark.parametrize("separator", [":", ";"])
def test_directories_in_their_order(separator: str, tmp_path: Path, good: Path) -> None:
    for place in "ab":
        (tmp_path / place).mkdir()
        shutil.copy(good, tmp_path / place / NAME)
    for first, second in ("ab", "ba"):
        env = {"LD_LIBRARY_PATH": separator.join(str(tmp_path / place) for place in (first, "none", second))}
        assert trial(NAME, env=env).library["path"] == str(tmp_path / first / NAME)


def test_later_changes_of_the_environment_do_nothing(tmp_path: Path, good: Path) -> None:
    """The linker reads LD_LIBRARY_PATH once, at the start."""
    shutil.copy(good, tmp_path)
    before = f"import os; os.environ['LD_LIBRARY_PATH'] = {str(tmp_path)!r}"
    assert trial("specimen", before=before).error == "LibraryNotFoundError"
    before = "import os; del os.environ['LD_LIBRARY_PATH']"
    assert trial("specimen", before=before, env={"LD_LIBRARY_PATH": tmp_path}).library["origin"] == "system"


@pytest.mark.parametrize("item", ["", ".", "lib"])
def test_no_working_directory_answers(item: str, tmp_path: Path, good: Path) -> None:
    """An empty item of LD_LIBRARY_PATH means the working directory, to the linker; nothing is loaded from there."""
    (tmp_path / "lib").mkdir()
    for place in (tmp_path, tmp_path / "lib"):
        shutil.copy(good, place / NAME)
    before = f"import os; os.chdir({str(tmp_path)!r})"
    answer = trial("specimen", env={"LD_LIBRARY_PATH": f"/none:{item}"}, before=before)
    # That such a directory is named makes no library of another kind: none was found.
    assert answer.error == "LibraryNotFoundError"
    assert "nothing is loaded from there" in answer.text
    assert answer.mapped_below(tmp_path) == []
    assert trial("specimen", env={"LD_LIBRARY_PATH": tmp_path}, before=before).library["origin"] == "system"


@pytest.mark.parametrize("kind", ["text", "foreign"])
def test_a_bad_file_hides_none_in_a_later_directory(kind: str, tmp_path: Path, good: Path) -> None:
    """The linker gives up at a text file; but its path is not what the linker is asked for here."""
    for place in "ab":
        (tmp_path / place).mkdir()
    BAD[kind][0](tmp_path / "a" / NAME, good)
    shutil.copy(good, tmp_path / "b" / NAME)
    answer = trial(NAME, env={"LD_LIBRARY_PATH": f"{tmp_path}/a:{tmp_path}/b"})
    assert answer.library["path"] == str(tmp_path / "b" / NAME)


@pytest.mark.parametrize("kind", ["text", "foreign"])
def test_of_a_dependency_the_linker_decides(kind: str, tmp_path: Path, good: Path) -> None:
    """It skips a library of another machine and gives up at a text file: said beforehand, and nothing mapped."""
    for place in "ab":
        (tmp_path / place).mkdir()
    BAD[kind][0](tmp_path / "a" / NAME, good)
    shutil.copy(good, tmp_path / "b" / NAME)
    source = "int specimen_answer(void); int top(void) { return specimen_answer(); }"
    specimen(tmp_path / "b" / "libtop.so", good, soname="libtop.so", source=source)
    answer = trial("top", env={"LD_LIBRARY_PATH": f"{tmp_path}/a:{tmp_path}/b"})
    if kind == "foreign":
        assert answer.mapped_below(tmp_path) == [str(tmp_path / "b" / NAME), str(tmp_path / "b" / "libtop.so")]
    else:
        assert f"needs {NAME}, for which the linker takes {tmp_path}/a/{NAME}" in answer.text
        assert answer.mapped_below(tmp_path) == []
        shutil.copy(good, tmp_path / "a" / NAME)
        assert trial("top", env={"LD_LIBRARY_PATH": f"{tmp_path}/a:{tmp_path}/b"}).library


def test_a_damaged_cache_of_the_linker(tmp_path: Path) -> None:
    """What no ldconfig wrote is as if there were none; the default directories are searched all the same."""
    code = (
        "import json, sys\n"
        "import nativeload\n"
        "from nativeload.linkers import host\n"
        "nativeload.finders[:] = nativeload.finders[-1:]\n"
        "def path(cache):\n"
        "    host.CACHE = cache\n"
        "    nativeload.invalidate_caches()\n"
        "    spec = nativeload.find_spec('libz.so.1')\n"
        "    return spec and spec.path\n"
        "print(json.dumps([path(cache) for cache in sys.argv[1:]]))"
    )
    (tmp_path / "text").write_bytes(LINKER_SCRIPT)
    content = Path("/etc/ld.so.cache").read_bytes()
    for size in (30, 100, len(content) // 2):
        (tmp_path / f"cut{size}").write_bytes(content[:size])
    caches = ["/etc/ld.so.cache", *sorted(str(file) for file in tmp_path.iterdir()), "/none"]
    found = ask(code, arguments=caches)
    assert found[0] is not None
    assert all(path is not None and os.path.samefile(path, found[0]) for path in found)
