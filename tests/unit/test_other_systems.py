"""Importing nativeload where the system has less than Linux: with what macOS and Windows lack taken from `os`."""

from __future__ import annotations

import sys

import pytest

from parts import run

# What Windows's os module lacks (the library reference's "Availability"), and macOS's.
LACKS = {
    "win32": """uname register_at_fork geteuid getuid pread fork O_NONBLOCK O_CLOEXEC O_NOFOLLOW O_NOCTTY O_DIRECTORY
        O_PATH RTLD_NOW RTLD_LOCAL RTLD_GLOBAL RTLD_LAZY RTLD_NOLOAD memfd_create MFD_CLOEXEC MFD_ALLOW_SEALING""",
    "darwin": "memfd_create MFD_CLOEXEC MFD_ALLOW_SEALING O_PATH",
}
# Modules that the import of nativeload may find imported are imported first: they are Python's own, and whole.
TAKE = """
import os, sys, platformdirs, importlib.metadata, tempfile
for name in {lacks!r}.split():
    if hasattr(os, name):
        delattr(os, name)
sys.platform = {platform!r}
"""
ASK = """
import nativeload
from nativeload.errors import UnsearchedError
assert nativeload.core.__name__ == "nativeload._pure"
for ask in (nativeload.find_spec, nativeload.load, nativeload.explain):
    try:
        print(ask("z"))
    except UnsearchedError as error:
        print(error.platform, str(error))
"""


def asked(platform: str, lacks: str, before: str = "") -> str:
    program = TAKE.format(lacks=lacks, platform=platform) + before + ASK
    done = run(sys.executable, program, env={"NATIVELOAD_BACKEND": "python", "NATIVELOAD_CACHE": "off"})
    return done.stdout if not done.returncode else done.stderr


@pytest.mark.parametrize("platform", LACKS)
def test_it_is_imported_and_says_that_it_does_not_search(platform: str) -> None:
    lines = asked(platform, LACKS[platform]).splitlines()
    assert len(lines) == 3, lines
    assert all(line.startswith(f"{platform} nativeload searches and loads on Linux") for line in lines), lines


def test_on_linux_the_same_questions_are_answered() -> None:
    said = asked("linux", "")
    assert "searched, in order" in said
    assert "Error" not in said


def test_what_is_taken_is_missed() -> None:
    assert "AttributeError" in asked("win32", LACKS["win32"], "os.uname\n")
