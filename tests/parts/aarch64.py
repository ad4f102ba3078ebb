"""An aarch64 Linux on this machine: Debian's packages of arm64 in a root directory, whose programs qemu-user runs.

The kernel hands each of them to qemu, by binfmt_misc of a user namespace of its own (Linux 6.7 and newer): nothing of
this machine is set up, and no root is needed.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

from parts._cache import ROOT, entry, file_digest, key_of, tool, tree_digest
from parts.debian import deb
from parts.wheels import PROJECT, nativeload_wheel, site, unpack, wheel
from parts.zig import zig

PYTHON = "/usr/bin/python3.11"
# Inside the root: real wheels, in no directory that a Python there looks into.
WHEELS = "/opt/wheels"
PLATFORM = "manylinux_2_28_aarch64"
# One that there is. qemu's own, "max", has SME, with which the product of OpenBLAS's newest kernel is wrong (qemu 7.2).
_CPU = "neoverse-n1"
_TARGET = "aarch64-linux-gnu"
# A Python and what its modules need; ldconfig is libc-bin's.
_PACKAGES = (
    *("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libpython3.11-dev"),
    *("libc6", "libc-bin", "libgcc-s1", "libstdc++6"),
    *("libexpat1", "zlib1g", "libffi8", "libbz2-1.0", "liblzma5", "libsqlite3-0", "libssl3", "libuuid1", "libcrypt1"),
    *("libncursesw6", "libtinfo6", "libreadline8", "libdb5.3", "libnsl2", "libtirpc3"),
)
_COMPARED = ("numpy", "scipy")
# e_type's first byte may be a program's or a PIE's; the fourth of the mask's last is for the OSABI (qemu-binfmt-conf.sh).
_MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
_MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
# F: qemu is opened now, as inside the root it is not; P: a program is told the name by which it was called.
_ENTER = f"""
root=$1 qemu=$2; shift 2; binfmt=/proc/sys/fs/binfmt_misc
mount -t binfmt_misc binfmt_misc $binfmt
printf '%s' ':aarch64:M::{_MAGIC}:{_MASK}:'"$qemu:FP" > $binfmt/register
mount --bind "$root" "$root"
while [ "$1" != -- ]; do mkdir -p "$root$1"; mount --rbind "$1" "$root$1"; shift; done
shift; export QEMU_CPU={_CPU}; exec chroot "$root" "$@"
"""
_UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")


@functools.cache
def possible() -> bool:
    """Whether this kernel gives a user namespace a binfmt_misc of its own."""
    mount = ["mount", "-t", "binfmt_misc", "binfmt_misc", "/proc/sys/fs/binfmt_misc"]
    return bool(shutil.which("unshare")) and not subprocess.run([*_UNSHARE, *mount], check=False).returncode


def root() -> Path:
    """The root directory: laid out as an installed Debian is (a merged /usr, an ld.so.cache), and wheels in `WHEELS`."""
    packages = deb(*_PACKAGES, architecture="arm64")
    wheels = [wheel(name, platform_tag=PLATFORM) for name in _COMPARED]

    def make(directory: Path) -> None:
        shutil.copytree(packages, directory, symlinks=True, dirs_exist_ok=True)
        for name in ("bin", "sbin", "lib"):
            (directory / "usr" / name).mkdir(exist_ok=True)
            if (directory / name).exists():
                tool("cp", "-a", f"{directory / name}/.", directory / "usr" / name)
                shutil.rmtree(directory / name)
            (directory / name).symlink_to(f"usr/{name}")
        for one in wheels:
            unpack(one, directory / WHEELS[1:])
        tool(*_enter(directory), "/sbin/ldconfig")

    return entry("roots", key_of(packages.name, *map(file_digest, wheels)), make)


def aarch64(*shared: Path) -> list[str]:
    """The beginning of a command, of a program and its arguments, that runs there.

    /tmp, the cache of parts and the directories `shared` are there too, at their own paths.
    """
    return _enter(root(), ROOT, *shared)


def _enter(top: Path, *shared: Path) -> list[str]:
    qemu = deb("qemu-user-static") / "usr" / "bin" / "qemu-aarch64-static"
    places = [os.fspath(one) for one in (*map(Path, ("/proc", "/sys", "/dev", "/tmp")), *shared)]
    return [*_UNSHARE, "sh", "-ec", _ENTER, "sh", os.fspath(top), os.fspath(qemu), *places, "--"]


def nativeload_there() -> list[Path]:
    """Directories for PYTHONPATH there: nativeload with its extension compiled for it, and what it needs."""
    ours = nativeload_wheel()
    core = PROJECT / "csrc"

    def make(directory: Path) -> None:
        unpack(ours, directory)
        for built in (directory / "nativeload").glob("_native*.so"):
            built.unlink()
        sources = [*sorted(core.glob("*.c")), *sorted(core.glob("binding/*.c"))]
        words: list[str | Path] = ["-std=c11", "-O2", "-fvisibility=hidden", "-DPy_LIMITED_API=0x030b0000"]
        extension(directory / "nativeload" / "_native.abi3.so", *words, "-iquote", core, *sources)

    key = key_of("aarch64", file_digest(ours), tree_digest(core))
    return [entry("sites", key, make), site(wheel("pyelftools"), wheel("packaging"))]


def extension(output: Path, *words: str | Path) -> Path:
    """A shared library of that machine, compiled with its Python's headers, as warnings are errors here."""
    include = root() / "usr" / "include"
    headers: list[str | Path] = ["-isystem", include / "python3.11", "-isystem", include]
    warnings = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]
    output.parent.mkdir(parents=True, exist_ok=True)
    zig("cc", "-target", f"{_TARGET}.2.17", "-shared", "-fPIC", *warnings, *headers, *words, "-o", output)
    return output
