"""CPythons that this machine lacks: a free-threaded one, and the newest, in a root directory of its own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from parts._cache import ROOT, entry, key_of, tool
from parts.debian import source
from parts.roots import SUITE, debian_root

# What the tests call, beside what every Debian has: compilers with their headers, pip's way to the index.
_PACKAGES = ("python3", "python3-dev", "python3-venv", "gcc", "g++", "make", "pkgconf", "libc6-dev", "ca-certificates")
# How this machine reaches the network, and what a process needs of the kernel.
_SHARED = (
    "/proc",
    "/sys",
    "/dev",
    "/tmp",
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/ssl/certs",
    "/etc/pip.conf",
    "/etc/xdg",
)


def free_threaded(name: str = "python3.13", suite: str = "trixie") -> Path:
    """The program of a CPython without a GIL, built in some minutes from the source package of a Debian.

    As upstream has it: Debian's patches give an interpreter of this kind no site-packages.
    """

    def build(directory: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="nativeload-cpython-") as scratch:
            tree = source(name, suite, Path(scratch))
            tool("./configure", "--disable-gil", f"--prefix={directory}", cwd=tree)
            tool("make", f"-j{os.cpu_count()}", cwd=tree)
            tool("make", "install", cwd=tree)

    return entry("interpreters", key_of("free-threaded", name, suite), build) / "bin" / f"{name}t"


def newest() -> Path:
    """A root directory with the CPython of the coming Debian, and its C library."""
    return debian_root(SUITE, *_PACKAGES)


# To be a mount point, as every process's root is, it is mounted on itself. A suite in the making may be older than it says.
_ENTER = """
root=$1; shift; mount --bind "$root" "$root"
echo 'Acquire::Check-Valid-Until "false";' > "$root/etc/apt/apt.conf.d/90old"
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir -p "$root$1"; else touch "$root$1"; fi
    mount --rbind "$1" "$root$1"; shift
done
shift; exec chroot "$root" "$@"
"""


def inside(root: Path, *shared: Path) -> list[str]:
    """The beginning of a command, of a program and its arguments, that runs in a root directory; only root may.

    The directories `shared` and the cache of parts are there too, at their own paths.
    """
    binds = [os.fspath(one) for one in (*map(Path, _SHARED), ROOT, *shared) if one.exists()]
    return ["unshare", "--mount", "sh", "-ec", _ENTER, "sh", os.fspath(root), *binds, "--"]
