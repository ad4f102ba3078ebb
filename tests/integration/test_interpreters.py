"""Several interpreters in one process: each has its own nativeload, all have the linker's one copy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from integration.layouts import bare
from integration.projects import provider_wheel, python_path
from parts import run, site

# `work` runs in each of some interpreters, at the same time in threads where each has a GIL of its own, and
# reports by a pipe, because an interpreter shares no objects.
START = '''
import json, os, sys, threading
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
import_nativeload_first, own_gil = sys.argv[1] == "1", sys.argv[2] == "1"


def create():
    if sys.version_info >= (3, 13):
        return interpreters.create("isolated" if own_gil else "legacy")
    return interpreters.create(isolated=own_gil)


def live(work):
    # Ended by the thread that it ran in: until 3.12 another one waits for ever for the interpreter's "main thread".
    one = create()
    try:
        failed = interpreters.run_string(one, work)
        if failed is not None:
            raise RuntimeError(getattr(failed, "formatted", failed))
    finally:
        interpreters.destroy(one)


def everywhere(count, work):
    reading, writing = os.pipe()
    prelude = f"""
import json, os
def report(*facts):
    os.write({writing}, json.dumps(facts).encode() + bytes([10]))
"""
    threads = [threading.Thread(target=live, args=(prelude + work,)) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.close(writing)
    with open(reading) as reports:
        return [json.loads(line) for line in reports]


WORK = """
import sys
import nativeload
before = len(nativeload._handles)
library = nativeload.load("answer>=1")
again = nativeload.load("answer>=1") is library
refused = ""
try:
    nativeload.load("answer>=99")
except nativeload.ABIMismatchError as error:
    refused = type(error).__name__
report(before, again, refused, library.handle, library.symbol("answer"), nativeload.find_spec("answer").path)
"""
'''

ALL = """
handle = None
if import_nativeload_first:
    import nativeload
    handle = nativeload.load("answer").handle
said = everywhere(4, WORK)
said += everywhere(4, WORK)
import nativeload
print(json.dumps([said, [len(said), len({tuple(one) for one in map(tuple, said)})], handle or nativeload.load("answer").handle]))
"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site(provider_wheel(tmp_path_factory.mktemp("provider")))


# Interpreters have a GIL of their own from 3.12.
OWN_GIL = [False, True] if sys.version_info >= (3, 12) else [False]


@pytest.mark.parametrize("main_first", [True, False], ids=["after main", "before main"])
@pytest.mark.parametrize("own_gil", OWN_GIL, ids=["one GIL", "own GIL"][: len(OWN_GIL)])
def test_each_loads_the_one_copy(own_gil: bool, main_first: bool, backend: str, installed: Path) -> None:
    if own_gil and backend == "python" and sys.version_info < (3, 13):
        pytest.skip("ctypes, by which the Python backend calls the linker, has no GIL of its own before 3.13")
    arguments = (str(int(main_first)), str(int(own_gil)))
    env = {"PYTHONPATH": python_path(installed)}
    result = run(bare(), START + ALL, *arguments, env=env, timeout=40).check()
    said, counts, handle = result.json
    assert counts == [8, 1], result.stderr
    before, again, refused, loaded, address, path = said[0]
    # A new interpreter has loaded nothing itself.
    assert (before, again, refused, loaded) == (0, True, "ABIMismatchError", handle)
    assert address
    assert path == str(installed / "answer_provider" / "lib" / "libanswer.so.1")


def test_an_interpreter_that_fails_says_so(installed: Path) -> None:
    """That the reports above are of interpreters that did the work."""
    env = {"PYTHONPATH": python_path()}
    result = run(bare(), START + ALL, "0", "0", env=env, timeout=40)
    assert "LibraryNotFoundError" in result.stderr
    assert result.returncode == 1
