"""Threads, processes and forks: one library, one object, and nobody waits for ever."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from integration.layouts import bare
from integration.projects import LOAD_ANSWER, provider_wheel, python_path, settled
from parts import maps, run, site

THREADS, LOADS, PROCESSES = 32, 200, 50
HAS_GIL = "t" not in sys.abiflags


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return settled(site(provider_wheel(tmp_path_factory.mktemp("provider"))))


@pytest.fixture
def env(installed: Path) -> dict[str, str]:
    return {"PYTHONPATH": python_path(installed)}


# The backend's dlopen is counted, and takes its time, so that whoever does not wait for it is seen.
COUNTED = (
    maps()
    + """
import contextlib, json, os, sys, threading, time
import nativeload

calls, searches, real = [], [], nativeload.core.dlopen


def counted(path, flags):
    calls.append(path)
    time.sleep(0.05)
    return real(path, flags)


nativeload.core.dlopen = counted
sys.addaudithook(lambda event, args: searches.append(args) if event == "nativeload.find" else None)
found = []


def together(count, work):
    start, failed = threading.Barrier(count), []

    def begin(number):
        start.wait()
        try:
            work(number)
        except BaseException as error:
            failed.append(repr(error))

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed
"""
)

HAMMER = f"""
def work(number):
    found.extend(nativeload.load("answer") for _ in range({LOADS}))


failed = together({THREADS}, work)
copies = [path for path in mapped() if path.endswith("libanswer.so.1")]
print(json.dumps([len(found), len(set(map(id, found))), len(calls), len(searches), len(copies), failed]))
"""


def test_a_gil_that_is_off_stays_off(env: dict[str, str]) -> None:
    """An extension module that does not say that it can do without turns it on, with a warning."""
    code = "gil = getattr(sys, '_is_gil_enabled', lambda: True); before = gil()\n"
    code = f"import sys\n{code}import nativeload; nativeload.load('answer'); print(before, gil())"
    assert run(bare(), code, options=["-W", "error"], env=env).check().stdout == f"{HAS_GIL} {HAS_GIL}\n"


def test_threads_share_one_dlopen_and_one_object(env: dict[str, str]) -> None:
    everyone = THREADS * LOADS
    assert run(bare(), COUNTED + HAMMER, env=env).check().json == [everyone, 1, 1, 1, 1, []]

    # Without the lock, each thread that comes before the first has finished opens it for itself.
    unlocked = COUNTED + "nativeload._lock = contextlib.nullcontext()\n" + HAMMER
    assert run(bare(), unlocked, env=env).check().json[2] > 1


def test_threads_that_ask_in_different_words(env: dict[str, str]) -> None:
    """Every spelling means the same copy and the same object; a search for each, and nothing deadlocks."""
    code = """
words = ["answer", "answer>=1", "libanswer.so.1", "libanswer.so"]


def work(number):
    found.extend(nativeload.load(words[(number + turn) % 4], mode=["local", "global"][turn % 2]) for turn in range(50))
    nativeload.find_spec("answer")
    str(nativeload.explain("answer>=2"))
    nativeload.loaded()
    nativeload.invalidate_caches()


failed = together(16, work)
print(json.dumps([len(found), len({library.handle for library in found}), len(set(map(id, found))), failed]))
"""
    assert run(bare(), COUNTED + code, env=env).check().json == [800, 1, 1, []]


# Everybody asks for everything while what was read is dropped again and again, and must be told what one thread alone is.
SEARCH = """
sys.setswitchinterval(1e-5)
asked = ["answer", "libz.so.1", "blas"]


def said(name):
    spec = nativeload.find_spec(name)
    return spec and spec.path, [image.path for image in nativeload.loaded() if image.path.endswith("libz.so.1")]


alone = {name: said(name) for name in asked}


def work(number):
    for turn in range(3):
        name = asked[(number + turn) % 3]
        if said(name) != alone[name]:
            found.append((name, said(name)))
        os.environ[f"NATIVELOAD_NOBODY_{number}_{turn}"] = "1"
        nativeload.load("answer", symbols=["answer"] * (turn % 3))
        str(nativeload.explain("answer>=2"))
        if number % 4 == 0:
            nativeload.invalidate_caches()
        nativeload.prefer(f"nobody-{number}", "system")


failed = together(32, work)
print(json.dumps([sorted(set(failed)), found[:3], list(alone.values())]))
"""


def test_threads_that_search_while_what_was_read_is_dropped(env: dict[str, str], installed: Path) -> None:
    failed, wrong, alone = run(bare(), COUNTED + SEARCH, env=env).check().json
    assert (failed, wrong) == ([], [])
    assert alone[0][0] == os.fspath(installed / "answer_provider" / "lib" / "libanswer.so.1")
    assert alone[1][0] is not None


def test_a_look_waits_for_the_one_that_reads(backend: str, env: dict[str, str], installed: Path) -> None:
    if backend == "c":
        pytest.skip("nothing can hold a thread where the C core reads a directory")
    code = """
held = threading.Event()


def hold(event, args):
    if event == "os.listdir" and threading.current_thread().name == "holder":
        held.set()
        time.sleep(0.3)


def look():
    found.append(len(nativeload.core.listed(places, "libanswer.so.1", (), {})))


sys.addaudithook(hold)
places = nativeload.core.places((sys.argv[1],), ())
holder = threading.Thread(target=look, name="holder")
holder.start()
held.wait()
look()
holder.join()
print(json.dumps(found))
"""
    home = installed / "answer_provider" / "lib"
    assert run(bare(), COUNTED + code, home, env=env).check().json == [1, 1]
    uncured = "import _thread, contextlib; _thread.RLock = contextlib.nullcontext\n"
    assert run(bare(), uncured + COUNTED + code, home, env=env).check().json == [0, 1]


@pytest.mark.parametrize("first", ["find_spec", "explain", "load"])
def test_a_load_while_another_thread_begins_a_search(first: str, env: dict[str, str]) -> None:
    """The search's modules are imported when it is needed: whoever comes meanwhile finds some of them half made."""
    code = f"""
half_made = threading.Event()


def slow(event, args):
    if event == "import" and args[0] == "nativeload.machinery.loaded":
        half_made.set()
        time.sleep(0.5)


sys.addaudithook(slow)


def work(number):
    if number:
        half_made.wait()
        assert "nativeload.resolution" in sys.modules and not hasattr(sys.modules["nativeload.resolution"], "run")
        found.append(nativeload.load("answer").soname)
    else:
        found.append(nativeload.{first}("answer"))


print(json.dumps([together(2, work), len(found)]))
"""
    assert run(bare(), COUNTED + code, env=env).check().json == [[], 2]


def test_a_load_that_fails_leaves_the_lock_free(env: dict[str, str]) -> None:
    code = """
def work(number):
    try:
        nativeload.load("answer>=99" if number % 2 else "nothing-of-that-name")
    except ImportError:
        found.append(nativeload.load("answer"))


failed = together(8, work)
print(json.dumps([len(found), len(set(map(id, found))), failed]))
"""
    assert run(bare(), COUNTED + code, env=env).check().json == [8, 1, []]


def test_threads_that_import_packages_that_load(installed: Path, tmp_path: Path) -> None:
    """The import system's locks and ours are taken in one order."""
    for number in range(8):
        text = f"import nativeload\nlibrary = nativeload.load('answer>=1.{number % 3}')\n"
        (tmp_path / f"package{number}.py").write_text(text)
    code = """
def work(number):
    found.append(__import__(f"package{number % 8}").library if number % 3 else nativeload.load("answer"))


failed = together(24, work)
print(json.dumps([len(found), len(set(map(id, found))), failed]))
"""
    env = {"PYTHONPATH": python_path(installed, tmp_path)}
    assert run(bare(), COUNTED + code, env=env).check().json == [24, 1, []]


def test_processes_on_a_cold_cache(env: dict[str, str], installed: Path, tmp_path: Path) -> None:
    def one(number: int) -> dict[str, object]:
        found: dict[str, object] = run(bare(), LOAD_ANSWER, env=env, home=tmp_path).check().json
        return found

    with ThreadPoolExecutor(PROCESSES) as pool:
        answers = list(pool.map(one, range(PROCESSES)))
    path = os.fspath(installed / "answer_provider" / "lib" / "libanswer.so.1")
    assert [(answer["answer"], answer["path"], answer["version"]) for answer in answers] == [
        (42, path, "1.5")
    ] * PROCESSES
    # One answer is kept, whole, with nothing half written beside it; the next process needs no search.
    kept = os.listdir(tmp_path / ".cache" / "nativeload")
    assert [name for name in kept if not name.startswith(".")] == kept
    assert len(kept) == 1
    searched = f"{LOAD_ANSWER}\nprint(json.dumps('nativeload.resolution' in sys.modules))"
    assert run(bare(), searched, env=env, home=tmp_path).check().json is False
    assert run(bare(), searched, env={**env, "NATIVELOAD_CACHE": "0"}, home=tmp_path).check().json is True


# A thread of the parent is in the middle of a load when the process forks: an audit hook holds it there.
FORK = """
import os, signal, sys, threading
{prelude}
import nativeload
held, release, parent = threading.Event(), threading.Event(), os.getpid()


def hold(event, args):
    if event == "nativeload.find" and threading.current_thread().name == "holder" and os.getpid() == parent:
        held.set()
        release.wait()


sys.addaudithook(hold)
holder = threading.Thread(target=nativeload.load, args=("answer",), name="holder")
holder.start()
held.wait()
child = os.fork()
if child == 0:
    signal.alarm(20)
    os._exit(nativeload.load("answer>=1").ctypes.answer())
status = os.waitpid(child, 0)[1]
release.set()
holder.join()
print(os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status))
"""


def test_a_child_forked_while_a_thread_loads(env: dict[str, str]) -> None:
    options = ["-W", "ignore::DeprecationWarning"]  # of forking with threads, which is what is tested
    assert run(bare(), FORK.format(prelude=""), options=options, env=env).check().stdout == "42\n"
    # Were the lock not made anew in the child, it would wait until the alarm ends it.
    uncured = FORK.format(prelude="os.register_at_fork = lambda **hooks: None").replace("alarm(20)", "alarm(2)")
    assert run(bare(), uncured, options=options, env=env).check().stdout == "-14\n"


def test_a_child_has_what_its_parent_loaded(env: dict[str, str]) -> None:
    code = """
library = nativeload.load("answer")
child = os.fork()
if child == 0:
    same = nativeload.load("answer") is library and len(calls) == 1
    os._exit(library.ctypes.answer() if same else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run(bare(), COUNTED + code, env=env).check().stdout == "42\n"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method: str, env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(
        "import nativeload\n\n\ndef answer(_):\n    return nativeload.load('answer').ctypes.answer()\n"
    )
    (tmp_path / "main.py").write_text(
        "import multiprocessing, sys, nativeload, work\n"
        "if __name__ == '__main__':\n"
        "    nativeload.load('answer')\n"
        "    with multiprocessing.get_context(sys.argv[1]).Pool(4) as pool:\n"
        "        print(set(pool.map(work.answer, range(16))))\n"
    )
    code = f"import runpy, sys; sys.path.insert(0, {os.fspath(tmp_path)!r}); runpy.run_path('main.py', run_name='__main__')"
    assert run(bare(), code, method, env=env, cwd=tmp_path).check().stdout == "{42}\n"
