"""Real parts for the tests: wheels, Debian packages, environments, one-line libraries, processes.

Whatever is fetched or built here is made once and kept in a cache outside the tree
(``$TEST_NATIVELOAD_CACHE``, else ``~/.cache/nativeload-tests``); sessions that run at the same time share
it. pip and apt are used as this machine has them configured. Nothing here imports nativeload, and nothing
but the standard library is needed, because the noxfile uses it too.

A path that comes from the cache is shared: read it, never write to it. To damage a part, copy it first.
"""

from parts._cache import PartError
from parts.compiler import cc
from parts.debian import deb, library_dirs
from parts.environments import venv
from parts.process import Result, execute, maps, run
from parts.wheels import build_wheel, cffi, nativeload_wheel, site, unpack, wheel

__all__ = [
    "PartError",
    "Result",
    "build_wheel",
    "cc",
    "cffi",
    "deb",
    "execute",
    "library_dirs",
    "maps",
    "nativeload_wheel",
    "run",
    "site",
    "unpack",
    "venv",
    "wheel",
]
