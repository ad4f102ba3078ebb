"""How many file-system calls a warm load makes, counted by strace; those of the dlopen itself are not ours."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from parts.debian import deb, library_dirs

_CALLS = "%file,read,pread64,close,fstat,lseek,getdents64"
_BEGIN, _END = "/nativeload-begins", "/nativeload-ends"
LOAD = "nativeload.load('openblas')"
_SCRIPT = "import os, {module}; os.access({begin!r}, 0); {call}; os.access({end!r}, 0)"


def calls(python: Path, module: str, call: str, home: Path, *options: str) -> list[str]:
    """The calls that a line of Python makes once its module is imported, as strace writes them.

    `options` are Python's. The process has nothing but HOME in its environment.
    """
    script = _SCRIPT.format(module=module, call=call, begin=_BEGIN, end=_END)
    root = deb("strace", "libunwind8", "liblzma5")
    own = {"LD_LIBRARY_PATH": os.pathsep.join(map(os.fspath, library_dirs(root)))}
    # strace's own libraries are found by its environment, which the process it runs must not inherit.
    inner = ["/usr/bin/env", "-i", f"HOME={home}", "OPENBLAS_NUM_THREADS=1", os.fspath(python), *options, "-c", script]
    with tempfile.NamedTemporaryFile(mode="r", suffix=".strace") as log:
        command = [f"{root}/usr/bin/strace", "-f", "-e", f"trace={_CALLS}", "-o", log.name, *inner]
        subprocess.run(command, check=True, env=own, cwd=home)
        lines = [line.split(maxsplit=1)[1].strip() for line in log]
    begins = next(i for i, line in enumerate(lines) if _BEGIN in line)
    ends = next(i for i, line in enumerate(lines) if _END in line)
    return lines[begins + 1 : ends]


def beyond_dlopen(
    python: Path, path: str, home: Path, *options: str, modules: str = "nativeload", call: str = LOAD
) -> list[str]:
    """The calls of a `load("openblas")`, or another, that a bare dlopen of the file it loads does not make."""
    own = calls(python, "_ctypes", f"_ctypes.dlopen({path!r}, 2)", home, *options)
    extra = calls(python, modules, call, home, *options)
    for call in own:
        match = next((one for one in extra if _kind(one) == _kind(call)), None)
        if match is not None:
            extra.remove(match)
    return extra


def _kind(call: str) -> tuple[str, str]:
    """A call's name and the file it is about, "" for one by descriptor."""
    return call.partition("(")[0], call.partition('"')[2].partition('"')[0] if '"/' in call else ""
