"""The NVIDIA driver's CUDA version, which only its library knows. Nothing here starts a process or a GPU.

`cuDriverGetVersion` needs no `cuInit` (the CUDA driver API, "Version Management"): it touches no device. The library
is mapped to ask it, so it is asked only when somebody wants to know: `nativeload.host`, or a build that needs CUDA.
"""

import os
import sys

from nativeload import abi, core, loader, requirement
from nativeload.machinery import SystemFinder
from nativeload.spec import Record, Rejection, Trace

LIBRARY = "nvcuda.dll" if os.name == "nt" else "libcuda.so.1"


class Driver(Record):
    """The driver's library, the CUDA version that it gives, as (major, minor), or why there is none."""

    __slots__ = ("path", "problem", "version")
    path: str
    version: tuple[int, int] | None
    problem: str


def driver(trace: Trace | None = None) -> Driver:
    """The driver's library: that of this process, else the one that the linker would find. `trace` is told of files."""
    own = Trace()
    path, problem = _loaded() or _found(own)
    if trace is not None:
        for file, state in own.consulted.items():
            trace.consulted.setdefault(file, state)
    return _asked(path) if path else Driver(path="", version=None, problem=problem)


def _loaded() -> tuple[str, str] | None:
    return next(((path, "") for path, soname in core.linkmap() if soname == LIBRARY), None)


def _found(trace: Trace) -> tuple[str, str]:
    """The path of the first that this process could map, or why there is none. Nobody's wheel is a driver."""
    wanted, problem = requirement.parse(LIBRARY), f"{LIBRARY} is not found: no NVIDIA driver"
    for candidate in SystemFinder().candidates(wanted, trace):
        verdict = abi.judge(candidate, wanted, trace)
        if not isinstance(verdict, Rejection):
            return candidate.path, ""
        problem = f"{candidate.path} {verdict.reason}"
    return "", problem


def _asked(path: str) -> Driver:
    import ctypes

    sys.audit("nativeload.load", "cuda", path)
    try:
        handle = core.dlopen(path, loader.FLAGS)
    except OSError as error:
        return Driver(path=path, version=None, problem=str(error))
    address = core.dlsym(handle, "cuDriverGetVersion")
    if address is None:
        return Driver(path=path, version=None, problem="has no cuDriverGetVersion")
    number = ctypes.c_int()
    status = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int))(address)(ctypes.byref(number))
    if status or number.value < 1000:
        return Driver(path=path, version=None, problem=f"cuDriverGetVersion gives {number.value}, status {status}")
    return Driver(path=path, version=(number.value // 1000, number.value % 1000 // 10), problem="")
