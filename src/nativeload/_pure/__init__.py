"""The pure-Python backend: the functions of `_native.pyi`, used where the C extension is not built.

Same names, arguments, results and errors. Importing this costs next to nothing: pyelftools and ctypes are
imported by the functions that need them. Nothing here chooses between the two backends.
"""

import sys

from .answer import recall
from .digest import digest
from .elf import image
from .file import real_name, signature, signatures
from .fill import fill
from .ldcache import ldcache_search
from .places import listed, places
from .scan import scan
from .symbols import exports
from .walk import check, fits, linker, undefined, walk

if sys.platform == "win32":
    from .windows import dlopen, dlsym, isa_level, libc, linkmap, loaded_handle, search_path, searched
elif sys.platform == "darwin":
    from .macos import libc, linkmap, search_path, searched
    from .process import dlopen, dlsym, isa_level, loaded_handle
else:
    from .process import dlopen, dlsym, isa_level, libc, linkmap, loaded_handle
    from .searchpath import search_path, searched

__all__ = [
    "check",
    "digest",
    "dlopen",
    "dlsym",
    "exports",
    "fill",
    "fits",
    "image",
    "isa_level",
    "ldcache_search",
    "libc",
    "linker",
    "linkmap",
    "listed",
    "loaded_handle",
    "places",
    "real_name",
    "recall",
    "scan",
    "search_path",
    "searched",
    "signature",
    "signatures",
    "undefined",
    "walk",
]
