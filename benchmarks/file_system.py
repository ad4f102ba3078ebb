"""How many file-system calls a warm load makes, counted by strace; those of the dlopen itself are not ours."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from parts.debian import deb

CALLS = "%file,read,pread64,close,fstat,lseek,getdents64"
BEGIN, END = "/nativeload-begins", "/nativeload-ends"
_SCRIPT = "import os, {module}; os.access({begin!r}, 0); {call}; os.access({end!r}, 0)"


def _strace() -> tuple[Path, dict[str, str]]:
    root = deb("strace", "libunwind8", "liblzma5")
    libraries = [os.fspath(directory) for directory in root.glob("*/*-linux-gnu")] + [
        f"{root}/usr/lib/x86_64-linux-gnu"
    ]
    return root / "usr/bin/strace", {"LD_LIBRARY_PATH": ":".join(libraries)}


def calls(python: Path, module: str, call: str, home: Path) -> list[str]:
    """The calls that a line of Python makes once its module is imported."""
    script = _SCRIPT.format(module=module, call=call, begin=BEGIN, end=END)
    strace, environment = _strace()
    # strace's own libraries are found by its environment, which the process it runs must not inherit.
    inner = [
        "/usr/bin/env",
        "-u",
        "LD_LIBRARY_PATH",
        f"HOME={home}",
        "OPENBLAS_NUM_THREADS=1",
        os.fspath(python),
        "-I",
        "-c",
        script,
    ]
    with tempfile.NamedTemporaryFile(mode="r", suffix=".strace") as log:
        subprocess.run([strace, "-f", "-e", f"trace={CALLS}", "-o", log.name, *inner], check=True, env=environment)
        lines = [line.split(maxsplit=1)[1].strip() for line in log]
    begins = next(i for i, line in enumerate(lines) if BEGIN in line)
    ends = next(i for i, line in enumerate(lines) if END in line)
    return lines[begins + 1 : ends]


def beyond_dlopen(python: Path, path: str, home: Path) -> list[str]:
    """The calls of a warm `load("openblas")` that a bare dlopen of the same file does not make."""
    own = calls(python, "_ctypes", f"_ctypes.dlopen({path!r}, 2)", home)
    extra = calls(python, "nativeload", "nativeload.load('openblas')", home)
    for call in own:
        name = call.partition("(")[0]
        match = next((one for one in extra if one.partition("(")[0] == name and _subject(one) == _subject(call)), None)
        if match is not None:
            extra.remove(match)
    return extra


def _subject(call: str) -> str:
    """The file a call is about; "" for one by descriptor."""
    return call.partition('"')[2].partition('"')[0] if '"/' in call else ""
