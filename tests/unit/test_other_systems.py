"""nativeload where the system has less than Linux: with what macOS and Windows lack taken from `os`."""

from __future__ import annotations

import sys

import pytest

from parts import run

# What Windows's os module lacks (the library reference's "Availability"), and macOS's.
LACKS = {
    "win32": """uname register_at_fork geteuid getuid pread fork O_NONBLOCK O_CLOEXEC O_NOFOLLOW O_NOCTTY O_DIRECTORY
        O_PATH RTLD_NOW RTLD_LOCAL RTLD_GLOBAL RTLD_LAZY RTLD_NOLOAD memfd_create MFD_CLOEXEC MFD_ALLOW_SEALING""",
    "darwin": "memfd_create MFD_CLOEXEC MFD_ALLOW_SEALING O_PATH",
    "freebsd14": "memfd_create MFD_CLOEXEC MFD_ALLOW_SEALING O_PATH",
}
# Modules that the import of nativeload may find imported are imported first: they are Python's own, and whole.
TAKE = """
import os, sys, platformdirs, importlib.metadata, tempfile
for name in {lacks!r}.split():
    if hasattr(os, name):
        delattr(os, name)
sys.platform = {platform!r}
"""
# What the process has and where it looks, only such a system can say.
ASK = """
import nativeload
from nativeload.errors import UnsearchedError
core = nativeload.core
assert core.__name__ == "nativeload._pure"
core.linkmap, core.libc = lambda: (), lambda: (sys.platform, "")
core.search_path, core.searched = lambda: [("/nowhere", "default")], lambda: ["/nowhere"]
for ask in (nativeload.find_spec, nativeload.load, nativeload.explain):
    try:
        print(ask("no_such_library_at_all"))
    except UnsearchedError as error:
        print(error.platform, str(error))
    except nativeload.LibraryNotFoundError as error:
        print(str(error))
"""


def asked(platform: str, lacks: str, before: str = "") -> str:
    program = TAKE.format(lacks=lacks, platform=platform) + before + ASK
    done = run(sys.executable, program, env={"NATIVELOAD_BACKEND": "python", "NATIVELOAD_CACHE": "off"})
    return done.stdout if not done.returncode else done.stderr


@pytest.mark.parametrize(
    ("platform", "file"),
    [("darwin", "libno_such_library_at_all.dylib"), ("win32", "no_such_library_at_all.dll")],
)
def test_a_search_says_where_it_looked_there(platform: str, file: str) -> None:
    said = asked(platform, LACKS[platform])
    assert said.splitlines()[0] == "None", said
    assert said.count("searched, in order") == 2
    assert f"system   absent   /nowhere/{file}: no such file" in said
    assert ".so" not in said


def test_elsewhere_a_search_says_that_there_is_none() -> None:
    lines = asked("freebsd14", LACKS["freebsd14"]).splitlines()
    assert len(lines) == 3, lines
    assert all(line.startswith("freebsd14 nativeload searches and loads on Linux, macOS") for line in lines), lines


def test_on_linux_the_same_questions_are_answered() -> None:
    said = asked("linux", "")
    assert "searched, in order" in said
    assert "libno_such_library_at_all.so" in said


def test_what_is_taken_is_missed() -> None:
    assert "AttributeError" in asked("win32", LACKS["win32"], "os.uname\n")
