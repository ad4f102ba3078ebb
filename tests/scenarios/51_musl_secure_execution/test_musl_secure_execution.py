"""A privileged program of musl: no path of the environment, and no $ORIGIN in its own path; in a library's it counts."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nativeload import resolve
from scenarios.closures import program
from scenarios.libraries import library
from scenarios.muslprograms import NAME, copied
from scenarios.smallroot import needs_root

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.nosanitize,
    needs_root,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="its program is written in x86-64's instructions"),
]
NOBODY = 65534
# It ends well, without a C library: that it gets so far says that its linker had what it looked for.
ENDS = 'void _start(void) { __asm__ volatile("mov $60, %eax; xor %edi, %edi; syscall"); }'


@pytest.fixture
def root() -> Iterator[Path]:
    """A root that anybody may enter, with musl's linker and a directory for /proc."""
    directory = Path(tempfile.mkdtemp(prefix="nativeload-secure-"))
    directory.chmod(0o755)
    copied(directory)
    (directory / "proc").mkdir()
    library(directory / "own" / "liba.so")
    yield directory
    shutil.rmtree(directory)


def runs(root: Path, who: int, *, library_path: str = "", **words: str) -> bool:
    """Whether a program of that user, set-user-ID, finds liba.so, as both say."""
    main = program(root / "bin" / "main", "-nostdlib", needed=["liba.so"], source=ENDS, linker=f"/lib/{NAME}", **words)
    os.chown(main, who, who)
    main.chmod(0o4755)
    script = 'mount --bind /proc "$0/proc" && exec chroot "$0" /bin/main'
    command = ["unshare", "--mount", "sh", "-c", script, os.fspath(root)]
    env = {"LD_LIBRARY_PATH": library_path} if library_path else {}
    done = subprocess.run(command, env={**os.environ, **env}, capture_output=True, check=False)
    closure = resolve("/bin/main", environ=env, root=root)
    assert (done.returncode == 0) == (closure.status == "ok"), (done, closure)
    return done.returncode == 0


def test_library_path(root: Path) -> None:
    assert not runs(root, NOBODY, library_path="/own")
    assert runs(root, os.getuid(), library_path="/own")


@pytest.mark.parametrize("kind", ["rpath", "runpath"])
def test_its_own_path(root: Path, kind: str) -> None:
    """A plain one counts; with $ORIGIN anywhere in it, none of it does."""
    assert runs(root, NOBODY, **{kind: "/own"})
    for text in ("$ORIGIN/../own", "/own:$ORIGIN"):
        assert not runs(root, NOBODY, **{kind: text})
        assert runs(root, os.getuid(), **{kind: text})


def test_a_librarys_path(root: Path) -> None:
    library(root / "own" / "liba.so", needed=["libb.so"], rpath="$ORIGIN/../lib-b")
    assert not runs(root, NOBODY, rpath="/own")
    library(root / "lib-b" / "libb.so")
    assert runs(root, NOBODY, rpath="/own")
