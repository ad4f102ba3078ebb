"""Loading: the registry of what was loaded, the usual `load` from start to end, and `Library`.

Runs in other people's `__init__.py`: a `load` whose answer is in the cache imports nothing further.
"""

import os
import sys
from _thread import RLock

from nativeload import cache, core

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from collections.abc import Iterable
    from typing import Any, Literal

    from nativeload.cache import Answer
    from nativeload.spec import LibrarySpec, Provider

_FLAGS = {"local": os.RTLD_NOW | os.RTLD_LOCAL, "global": os.RTLD_NOW | os.RTLD_GLOBAL}

_asked: "dict[tuple[str, tuple[str, ...], str], Library]" = {}
_handles: "dict[int, Library]" = {}
_lock = RLock()


def _after_fork() -> None:
    # A lock that another thread of the parent held would never be released in the child.
    global _lock
    _lock = RLock()


os.register_at_fork(after_in_child=_after_fork)


class Library:
    """One loaded library; made by `load`, never closed.

    `name` as asked for, `path` (absolute), `soname`, `version`, `origin` ("loaded", "override", "wheel", "prefix"
    or "system"), `abi` (the features found in it) and `handle` (the linker's, as an int).
    """

    __slots__ = ("_ctypes", "_provider", "abi", "handle", "name", "origin", "path", "soname", "version")

    def __init__(self, answer: "Answer", handle: int) -> None:
        facts, self.abi, _, _ = answer
        self.name, self.path, soname, version, self.origin, *self._provider = facts
        self.soname = soname or None
        self.version = version or None
        self.handle = handle
        self._ctypes: ctypes.CDLL | None = None

    def __repr__(self) -> str:
        return f"<nativeload.Library {self.name!r} from {self.path!r}>"

    @property
    def provider(self) -> "Provider | None":
        """The installed distribution that ships it, None where no distribution is known to."""
        from nativeload.spec import Provider

        distribution, version = self._provider
        return Provider(distribution=distribution, version=version) if distribution else None

    @property
    def ctypes(self) -> "ctypes.CDLL":
        """A `ctypes.CDLL` of this very handle: nothing is opened again."""
        if self._ctypes is None:
            import ctypes

            self._ctypes = ctypes.CDLL(self.path, handle=self.handle)
        return self._ctypes

    def ffi(self, cdef: "str | Any") -> "Any":
        """A cffi library of this very handle.

        `cdef` is C declarations, or a `cffi.FFI` that has them (to use its types and `new` as well). Raises
        ModuleNotFoundError without cffi (`pip install nativeload[cffi]`).
        """
        if isinstance(cdef, str):
            import cffi

            declarations, cdef = cdef, cffi.FFI()
            cdef.cdef(declarations)
        return cdef.dlopen(cdef.cast("void *", self.handle))

    def symbol(self, name: str) -> int:
        """The address of a symbol, as dlsym has it (its dependencies' symbols included).

        Raises SymbolNotFoundError, which names the nearest that the library has.
        """
        address = core.dlsym(self.handle, name)
        if address is None:
            from nativeload.advice import nearest
            from nativeload.errors import SymbolNotFoundError

            raise SymbolNotFoundError(self.path, name, nearest(self.path, name))
        return address


def load(requirement: str, *, symbols: "Iterable[str]" = (), mode: 'Literal["local", "global"]' = "local") -> Library:
    """Load the right copy of a native library, once, and say which it is.

    Parameters: `requirement` in the syntax of PEP 508, a library's name with ABI features as extras
    ("openblas[ilp64]>=0.3.20"), a soname ("libz.so.1") or a development name ("libz.so"); `symbols` that it must
    export; `mode` "local" (RTLD_LOCAL) or "global" (RTLD_GLOBAL: its symbols are seen by every later library).

    Raises RequirementError, LibraryNotFoundError, ABIMismatchError, OverrideError, or LinkError when the linker
    itself refuses. Nothing is mapped unless the file passed every check. Audit events: `nativeload.find`
    (requirement) for a search, `nativeload.load` (name, path) before each file is loaded.
    """
    if type(symbols) is not tuple:
        if isinstance(symbols, str):
            raise TypeError("symbols is a sequence of names, not one string")
        symbols = tuple(symbols)
    library = _asked.get((requirement, symbols, mode))
    if library is None:
        with _lock:
            library = _asked.get((requirement, symbols, mode))
            if library is None:
                library = _asked[requirement, symbols, mode] = _load(requirement, symbols, mode)
                return library
    sys.audit("nativeload.load", library.name, library.path)
    return library


def _load(requirement: str, symbols: tuple[str, ...], mode: str) -> Library:
    if mode not in _FLAGS:
        raise ValueError(f"mode is 'local' or 'global', not {mode!r}")
    if not isinstance(requirement, str):
        raise TypeError(f"a requirement is a str, not {type(requirement).__name__}")
    sys.audit("nativeload.find", requirement)
    asked = cache.key(requirement, symbols)
    answer = cache.recall(asked)
    if answer is not None and not _mapped(answer):
        try:
            return _open(answer, mode)
        except OSError:
            pass  # The full search says why, or finds another.
    return _load_anew(requirement, symbols, mode, asked)


def _load_anew(requirement: str, symbols: tuple[str, ...], mode: str, asked: str) -> Library:
    from nativeload import errors, resolution

    spec, trace = resolution.resolve(requirement, symbols)
    if spec is None:
        raise resolution.failure(requirement, trace)
    answer = _answer(spec, resolution.known_sonames(spec))
    try:
        library = _open(answer, mode)
    except OSError as error:
        raise errors.LinkError(spec.path, str(error)) from None
    if spec.origin != "loaded":
        cache.store(asked, answer, trace.consulted)
    return library


def _answer(spec: "LibrarySpec", sonames: tuple[str, ...]) -> "Answer":
    provider = (spec.provider.distribution, spec.provider.version) if spec.provider else ("", "")
    facts = (spec.name, spec.path, spec.soname or "", spec.version or "", spec.origin, *provider)
    return facts, spec.abi, spec.dependencies, sonames


def _mapped(answer: "Answer") -> bool:
    """Whether the process may have this library already: then the cached answer is not the whole story."""
    (name, *_), _, _, sonames = answer
    stem = f"lib{name}.so"
    return any(s and (s in sonames or s.startswith(stem)) for _, s in core.linkmap())


def _open(answer: "Answer", mode: str) -> Library:
    facts, _, dependencies, _ = answer
    for path in dependencies:
        sys.audit("nativeload.load", facts[0], path)
        core.dlopen(path, _FLAGS["local"])
    sys.audit("nativeload.load", facts[0], facts[1])
    handle = core.dlopen(facts[1], _FLAGS[mode])
    return _handles.setdefault(handle, Library(answer, handle))


def libraries() -> list[Library]:
    """What was loaded here, once each."""
    return list(_handles.values())
