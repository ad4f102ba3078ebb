"""Every path that the linker tries for a name, in its order (LD_DEBUG=libs), is what nativeload would try."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

import pytest

from parts import run
from scenarios.libraries import library

if TYPE_CHECKING:
    from pathlib import Path

NAME = "libnowhere.so.9"

PROGRAM = """
import _ctypes, os, sys
from nativeload import core
from nativeload.linkers import host
images, _ = core.walk(host.linker().walker, ((sys.argv[2],),), (), 2)
print(*(path for *_, tries in images[-1][3] for path, _, _ in tries), sep="\\n")
try:
    _ctypes.dlopen(sys.argv[2], os.RTLD_NOW)
except OSError:
    pass
"""


@pytest.mark.parametrize("low", [{}, {"rpath": "{0}/low:$ORIGIN/$LIB"}, {"runpath": "$ORIGIN:{0}/low:"}])
@pytest.mark.parametrize("high", [{}, {"rpath": "{0}/high:{0}/low"}, {"runpath": "{0}/high"}])
@pytest.mark.parametrize("environment", ["", "{0}/env;{0}/low:{0}/high"])
def test_tried(tmp_path: Path, low: dict[str, str], high: dict[str, str], environment: str) -> None:
    for place in ("low/glibc-hwcaps/x86-64-v2", "env/tls", "env/x86_64", "high/glibc-hwcaps/x86-64-v3"):
        (tmp_path / place).mkdir(parents=True)
    low, high = ({kind: text.format(tmp_path) for kind, text in paths.items()} for paths in (low, high))
    requester = library(tmp_path / "app" / "liblow.so", soname="liblow.so", needed=[NAME], **low)
    root = library(tmp_path / "app" / "libhigh.so", needed=[str(requester)], **high)
    env = {"LD_DEBUG": "libs", "LD_LIBRARY_PATH": environment.format(tmp_path)}
    done = run(sys.executable, PROGRAM, NAME, root, requester, env=env, cwd=tmp_path / "env").check()
    search = done.stderr.partition(f"find library={NAME} [0]")[2]
    tried = re.findall(r"trying file=(.*)", search)
    # The linker also tries directories that do not exist, the first time; and its own list names none twice.
    real = [os.path.join(tmp_path, "env", path) for path in tried]
    ours = [os.path.join(tmp_path, "env", path) for path in done.stdout.splitlines()]
    assert present(ours) == present(real)
    assert len(present(real)) > 3


def present(paths: list[str]) -> list[str]:
    directories = [os.path.normpath(os.path.dirname(path)) for path in paths]
    return [place for place in dict.fromkeys(directories) if os.path.isdir(place)]
