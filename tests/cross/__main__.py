"""`python -m tests.cross`: the C core for other systems and machines.

It is compiled for each target with the warnings that are errors here, by zig, which has all their headers. Where a
target can be run on this machine (musl as it is, others by qemu-user, Windows by Wine), a program of the core reads the
same files there and here, and must print the same. For macOS and Windows the extension module is compiled and linked
too (`module.py`). Under Wine, another program loads a library of a real wheel, and must find what it finds here.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, os.fspath(Path(__file__).resolve().parent.parent))

from cross.module import headers, module

from parts._cache import tool
from parts.debian import deb
from parts.wheels import unpack, wheel
from parts.zig import zig

if TYPE_CHECKING:
    from collections.abc import Sequence

    Result = tuple[bool | None, str]  # whether it says the same, None where it was not run; and that in words

HERE = Path(__file__).resolve().parent
CORE = HERE.parent.parent / "csrc"
CORPUS = HERE.parent / "fuzz" / "corpus" / "image"
WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror", "-O2")
# What runs each: "" as it is, a qemu, Wine; None for what nothing here runs.
TARGETS = {
    "x86_64-linux-musl": "",
    "aarch64-linux-musl": "qemu-aarch64-static",
    "s390x-linux-musl": "qemu-s390x-static",  # big-endian
    "aarch64-linux-gnu": None,
    "x86_64-windows-gnu": "wine64",
    "aarch64-windows-gnu": None,
    "x86_64-macos": None,
    "aarch64-macos": None,
}
_SAMPLE = 60
# A wheel's library of the same name on both, one that asks for more and one of the system's; and a function of the first.
_HERE = ("libtbbmalloc.so.2", "scalable_malloc", "libc.so.6", "libtbbmalloc_proxy.so.2")
_WINDOWS = ("tbbmalloc.dll", "scalable_malloc", "kernel32.dll", "tbbmalloc_proxy.dll")
_DEBIANS_WINE = "/usr/lib/wine"  # without the package that puts it on the path


def compiled(target: str, scratch: Path, program_of: str = "facts") -> Path:
    """A program of every file of the core, each without a warning."""
    program = scratch / f"{program_of}-{target or 'here'}{'.exe' if 'windows' in target else ''}"
    sources = [*sorted(CORE.glob("*.c")), HERE / f"{program_of}.c"]
    words: list[str | Path] = [*WARNINGS, "-iquote", CORE, *sources, "-o", program]
    if target:
        zig("cc", "-target", target, *words)
    else:
        tool(os.environ.get("CC", "cc"), *words, "-ldl")
    return program


def runner(target: str) -> list[str] | None:
    """The command that runs a target's programs; None where there is none."""
    name = TARGETS[target]
    if name is None:
        return None
    if name.startswith("qemu"):
        return [os.fspath(deb("qemu-user-static") / "usr" / "bin" / name)]
    found = (shutil.which(name) or shutil.which(name, path=_DEBIANS_WINE)) if name else ""
    return None if found is None else [found] if found else []


def sample() -> list[str]:
    """Real libraries of this machine, and files that were made to break a reader."""
    real = sorted(path for path in Path("/usr/lib").rglob("*.so*") if path.is_file() and not path.is_symlink())
    broken = sorted(CORPUS.iterdir())
    return [
        os.fspath(path) for path in (*real[:: max(1, len(real) // _SAMPLE)], *broken[:: max(1, len(broken) // _SAMPLE)])
    ]


def site(scratch: Path) -> Path:
    """A directory of installed distributions: one that declares libraries, one that does not."""
    for name, text in (("one-1.0", "[nativeload.libraries]\none = one\n"), ("two-2.0", "[console_scripts]\n")):
        info = scratch / "site" / f"{name}.dist-info"
        info.mkdir(parents=True)
        (info / "entry_points.txt").write_text(text)
    return scratch / "site"


def loads(target: str, command: Sequence[str], scratch: Path) -> list[str]:
    """What a program says that loads a library of the newest tbb's wheel."""
    unpacked = scratch / f"tbb-{target or 'here'}"
    unpack(wheel("tbb", platform_tag="win_amd64" if target else None), unpacked)
    name, *rest = _WINDOWS if target else _HERE
    (path,) = unpacked.rglob(name)
    program = compiled(target, scratch, "loads")
    where = "Z:" + os.fspath(path).replace("/", "\\") if target else os.fspath(path)
    return said([*command, os.fspath(program), where, *rest], scratch, path.parent)


def said(command: Sequence[str], scratch: Path, cwd: Path | None = None) -> list[str]:
    env = {**os.environ, "WINEDEBUG": "-all", "WINEPREFIX": os.fspath(scratch / "wine")}
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, timeout=900, check=False)
    return [f"exit status {done.returncode}", *done.stdout.decode(errors="replace").replace("\r\n", "\n").splitlines()]


def tried(target: str, scratch: Path, arguments: Sequence[str], here: Sequence[str], loaded: Sequence[str]) -> Result:
    """One target compiled, and run where it can be: beside what the programs of this machine say."""
    program, command = compiled(target, scratch), runner(target)
    what = "compiled"
    if "linux" not in target:
        module(target, WARNINGS, CORE, scratch / "include", scratch)
        what = "compiled, the extension module too"
    if command is None:
        why = f"{TARGETS[target]} is not installed" if TARGETS[target] else "nothing here runs it"
        return None, f"{target}: {what}; not run: {why}"
    there, wanted = said([*command, os.fspath(program), *arguments], scratch), [*here]
    if "windows" in target:
        there += loads(target, command, scratch)
        wanted += loaded
    different = [(one, two) for one, two in zip(wanted, there, strict=False) if one != two]
    words = f"{target}: {what}, run; {len(there)} lines of {len(wanted)}, {len(different)} different"
    return there == wanted, "\n  ".join((words, *map(str, different[:5])))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cross", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all by default")
    targets = parser.parse_args().targets or list(TARGETS)
    with tempfile.TemporaryDirectory(prefix="nativeload-cross-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        headers(scratch, HERE / "pyconfig.h")
        arguments = [os.fspath(site(scratch)), *sample()]
        here = said([os.fspath(compiled("", scratch)), *arguments], scratch)
        loaded = loads("", [], scratch)
        same = []
        # zig makes a target's C library in one thread, which takes most of the time.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for agrees, words in pool.map(lambda target: tried(target, scratch, arguments, here, loaded), targets):
                print(words, flush=True)
                same.append(agrees)
    if {here[0], loaded[0]} != {"exit status 0"} or len(here) < 2 * _SAMPLE or set(same) == {None}:
        print("nothing was compared")
        return 1
    return 1 if False in same else 0


if __name__ == "__main__":
    sys.exit(main())
