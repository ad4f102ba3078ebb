"""importlib for shared libraries: `nativeload.load("openblas")` gives the right copy, and `explain` says why.

The public face, and the usual `load` from start to end: what was loaded here, what the cache remembers, `Library`,
`dlopen`. It runs in other people's `__init__.py`, so it is one file, as each costs everybody a tenth of a
millisecond, and imports nothing that the interpreter has not imported already. What the usual `load` does not run
is imported when first asked for. Nothing here, and nothing it calls, imports a provider.
"""

import os
import sys
from _thread import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from collections.abc import Iterable
    from typing import Any, Literal, NoReturn, TypeAlias

    from nativeload import _native as core
    from nativeload import host
    from nativeload.abc import Finder
    from nativeload.closure import Closure
    from nativeload.errors import (
        ABIMismatchError,
        CoherenceError,
        CoherenceWarning,
        DeclarationError,
        ImageError,
        LibraryNotFoundError,
        LinkError,
        NativeLoadError,
        OverrideError,
        RequirementError,
        SearchPathError,
        SymbolNotFoundError,
    )
    from nativeload.explanation import Explanation, explain
    from nativeload.inventory import LoadedImage, loaded
    from nativeload.preferences import prefer
    from nativeload.programs import environ
    from nativeload.required import load_required
    from nativeload.resolution import find_spec, invalidate_caches
    from nativeload.resolver import resolve
    from nativeload.spec import LibrarySpec, Provider

    # name, path, soname, version, origin, distribution, its version; "" where unknown
    Facts: TypeAlias = tuple[str, str, str, str, str, str, str]
    # facts, ABI features, dependencies to load first, how sonames begin under which the process may have it or a rival
    Answer: TypeAlias = tuple[Facts, tuple[str, ...], tuple[str, ...], tuple[str, ...]]

    finders: list[Finder]
    """The chain, in order: a list that anyone may edit, like `sys.meta_path`."""

__all__ = [
    "ABIMismatchError",
    "Closure",
    "CoherenceError",
    "CoherenceWarning",
    "DeclarationError",
    "Explanation",
    "ImageError",
    "Library",
    "LibraryNotFoundError",
    "LibrarySpec",
    "LinkError",
    "LoadedImage",
    "NativeLoadError",
    "OverrideError",
    "Provider",
    "RequirementError",
    "SearchPathError",
    "SymbolNotFoundError",
    "environ",
    "explain",
    "find_spec",
    "finders",
    "host",
    "invalidate_caches",
    "load",
    "load_required",
    "loaded",
    "prefer",
    "resolve",
]

_HOMES = {  # of what is no error
    "Closure": "closure",
    "Explanation": "explanation",
    "LibrarySpec": "spec",
    "LoadedImage": "inventory",
    "Provider": "spec",
    "environ": "programs",
    "explain": "explanation",
    "find_spec": "resolution",
    "finders": "resolution",
    "host": "host",
    "invalidate_caches": "resolution",
    "load_required": "required",
    "loaded": "inventory",
    "prefer": "preferences",
    "resolve": "resolver",
}
_MAGIC = b"nativeload answer 2 0.1.0"  # the format of an answer on disk, and the version of nativeload
# Windows has no such modes. There, and on macOS, files are read; what searches or loads says that it cannot.
_NOW, _LOCAL, _GLOBAL = (getattr(os, f"RTLD_{mode}", 0) for mode in ("NOW", "LOCAL", "GLOBAL"))
_FLAGS = {"local": _NOW | _LOCAL, "global": _NOW | _GLOBAL}

_LINUX = sys.platform.startswith("linux")  # elsewhere no answer is kept on disk

_asked: "dict[tuple[str, tuple[str, ...], str], Library]" = {}
_handles: "dict[int, Library]" = {}
_aliased: "set[str]" = set()  # what is asked for by another soname: each who asks is looked at
_lock = RLock()
_preferred: "dict[str, str]" = {}  # by `prefer`
_process = ""


# What the user has set


def _setting(variable: str) -> str:
    """An environment variable of nativeload's, "" where unset; `python -E` and `-I` ignore them all."""
    if sys.flags.ignore_environment:
        return ""
    # As it is kept: `get` of a variable that is not set raises and catches an error, three times the rest.
    value = os.environ._data.get(os.environ.encodekey(variable))  # type: ignore[attr-defined]
    return "" if value is None else os.environ.decodevalue(value)


def _name_of(requirement: str) -> str:
    """The library's name: what stands before the extras, the specifier or anything else."""
    if requirement.isalnum() or requirement.replace("_", "").replace("-", "").isalnum():  # as most are
        return requirement
    for position, character in enumerate(requirement):
        if not (character.isalnum() or character in "._+-"):
            return requirement[:position]
    return requirement


def _variable_of(name: str) -> str:
    """The environment variable that overrides a library: `NATIVELOAD_OPENBLAS`."""
    name = name.upper()
    if not (name.isascii() and name.isidentifier()):  # as most are
        for character in name:
            if not (character.isalnum() and character.isascii()):
                name = name.replace(character, "_")
    return f"NATIVELOAD_{name}"


def _variables_of(name: str) -> "tuple[str, ...]":
    """The environment variables that override a library, the one that counts first: its own, its bare name's."""
    if ".so" not in name:
        return (_variable_of(name),)
    return _variable_of(name), _variable_of(name.partition(".so")[0].removeprefix("lib"))


def _user_directory(variable: str, default: str, kind: str) -> str:
    """nativeload's directory of one kind as platformdirs has it, "" where there is none."""
    if not _LINUX:
        import platformdirs

        return str(getattr(platformdirs, f"user_{kind}_dir")("nativeload", appauthor=False))
    # The rule of the XDG base directories, which platformdirs takes milliseconds of imports to say.
    home = os.environ.get("HOME") or os.path.expanduser("~")
    base = os.environ.get(variable, "").strip() or f"{home.rstrip('/')}/{default}"
    return f"{base}/nativeload" if base.startswith("/") else ""


def _cache_directory() -> str:
    """Where answers are kept, "" where they are not: `NATIVELOAD_CACHE` is a directory, or 0 for none; on Linux."""
    chosen = _setting("NATIVELOAD_CACHE")
    if not _LINUX or chosen.lower() in ("0", "off", "no", "false"):
        return ""
    return chosen if chosen.startswith("/") else _user_directory("XDG_CACHE_HOME", ".cache", "cache")


def _config_files(*, obeyed: bool = True) -> "tuple[str, ...]":
    """The configuration files of the environment, the user and the site, "" for none; `python -I` obeys none."""
    if obeyed and sys.flags.isolated:
        return ()
    user = _user_directory("XDG_CONFIG_HOME", ".config", "config")
    if _LINUX:
        site = os.environ.get("XDG_CONFIG_DIRS", "").partition(":")[0].strip() or "/etc/xdg"
        site = f"{site}/nativeload" if site.startswith("/") else ""
    else:
        import platformdirs

        site = platformdirs.site_config_dir("nativeload", appauthor=False)
    homes = (os.sep.join((sys.prefix, "etc", "nativeload")), user, site)
    return tuple([home and f"{home}{os.sep}config.toml" for home in homes])


def _settings() -> "list[Any]":
    """Every variable of nativeload's: one library may be chosen by that of another, or by that of a virtual name."""
    if sys.flags.ignore_environment:
        return []
    # As they are kept: to decode each of a hundred takes longer than all the rest of a key.
    start: Any = os.environ.encodekey("NATIVELOAD_")
    kept: dict[Any, Any] = os.environ._data  # type: ignore[attr-defined]
    return [item for item in list(kept.items()) if item[0].startswith(start)]  # which other threads may change


# What the cache remembers


def _key(requirement: str, symbols: "tuple[str, ...]") -> str:
    """Everything but files that could change the answer, as text; "" where more could."""
    global _process
    if not _process:
        searched = core.searched()
        for directory in searched:
            if directory[:1] != "/":
                return ""  # What a dependency comes to depends on the current directory.
        host = (sys.implementation.cache_tag, core.__name__, os.uname().machine, core.libc(), core.isa_level())
        _process = repr((*host, sys.prefix, searched))
    place = None
    for entry in sys.path:
        # A relative one is another directory in each working directory. "" is none: no library is looked for there.
        if type(entry) is str and entry[:1] not in ("", "/"):
            here = os.stat(".")
            place = here.st_dev, here.st_ino
    chosen = _settings(), _preferred, _config_files()
    return repr((requirement, symbols, chosen, _process, place, sys.path))


# Loading


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

    def __reduce__(self) -> "NoReturn":
        raise TypeError("a Library is of the process that loaded it: pass its name on, and load that there")

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

            with _lock:  # what one thread says of a function's types, all must see
                if self._ctypes is None:
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


def load(requirement: str, *, symbols: "Iterable[str]" = (), mode: 'Literal["local", "global"]' = "local") -> "Library":
    """Load the right copy of a native library, once, and say which it is.

    Parameters: `requirement` in the syntax of PEP 508, a library's name with ABI features as extras
    ("openblas[ilp64]>=0.3.20"), a soname ("libz.so.1") or a development name ("libz.so"); `symbols` that it must
    export; `mode` "local" (RTLD_LOCAL) or "global" (RTLD_GLOBAL: its symbols are seen by every later library).

    Raises RequirementError, LibraryNotFoundError, ABIMismatchError, OverrideError, CoherenceError, or LinkError when
    the linker itself refuses. Nothing is mapped unless the file passed every check. Audit events: `nativeload.find`
    (requirement) for a search, `nativeload.load` (name, path) before each file is loaded.
    """
    if type(symbols) is not tuple:
        if isinstance(symbols, str):  # Its letters would be taken for names.
            raise TypeError("symbols is a sequence of names, not one string")
        symbols = tuple(symbols)
    library = _asked.get((requirement, symbols, mode))
    if library is None:
        with _lock:
            library = _asked.get((requirement, symbols, mode))
            if library is None:
                library = _load(requirement, symbols, mode)
                if requirement not in _aliased:
                    _asked[requirement, symbols, mode] = library
                return library
    sys.audit("nativeload.load", library.name, library.path)
    return library


def _load(requirement: str, symbols: "tuple[str, ...]", mode: str) -> Library:
    if mode not in _FLAGS:
        raise ValueError(f"mode is 'local' or 'global', not {mode!r}")
    if not isinstance(requirement, str):
        raise TypeError(f"a requirement is a str, not {type(requirement).__name__}")
    sys.audit("nativeload.find", requirement)
    asked = _key(requirement, symbols) if _LINUX else ""
    if "nativeload.resolution" in sys.modules:
        from nativeload.loader import edited

        if edited():
            asked = ""
    home = asked and _cache_directory()
    answer = core.recall(home, _MAGIC, asked) if home else None
    if answer is not None:
        # The process may have this library already: then the cached answer is not the whole story.
        begins = f"lib{answer[0][0]}.so", *answer[3]
        for _, soname in core.linkmap():
            if soname and soname.startswith(begins):
                break
        else:
            library = _open(answer, mode)
            if type(library) is Library:
                return library
            # The full search says why the linker refuses, or finds another.
    from nativeload import loader

    return loader.load_anew(requirement, symbols, mode, asked)


def _open(answer: "Answer", mode: str) -> "Library | OSError":
    """The library, or the linker's refusal. What an audit hook raises is for the caller."""
    facts, _, dependencies, _ = answer
    for path in (*dependencies, facts[1]):  # of every file before the first is mapped
        sys.audit("nativeload.load", facts[0], path)
    dlopen = core.dlopen
    if core.libc()[0] == "musl":  # for which a path is nobody's name
        from nativeload.preload import dlopen
    if sys.platform == "win32":  # where what depends on each other may lie in several directories
        added = [os.add_dll_directory(os.path.dirname(path)) for path in (*dependencies, facts[1])]
    try:
        for path in dependencies:
            dlopen(path, _FLAGS["local"])
        handle = dlopen(facts[1], _FLAGS[mode])
    except OSError as error:
        return error
    finally:
        if sys.platform == "win32":
            for directory in added:
                directory.close()
    return _handles.setdefault(handle, Library(answer, handle))


def _after_fork() -> None:
    # A lock that another thread of the parent held would never be released in the child.
    global _lock
    _lock = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


# What is imported when asked for


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'nativeload' has no attribute {name!r}")
    module = __import__(f"nativeload.{_HOMES.get(name, 'errors')}", fromlist=[name])
    value: object = globals().setdefault(name, getattr(module, name))
    return value


def __dir__() -> "list[str]":
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})


# The backend: the C extension; the pure-Python one where that is not built, or `NATIVELOAD_BACKEND` says so.


def _extension() -> "Any":
    """The C extension, by its path: half of what the import system takes is a list of this directory, made for it."""
    import _imp

    suffix = ".abi3.so" if _STABLE_ABI else _imp.extension_suffixes()[0]
    spec = type(__spec__)("nativeload._native", None, origin=f"{__path__[0]}/_native{suffix}")
    module = _imp.create_dynamic(spec)
    _imp.exec_dynamic(module)
    module.__spec__ = spec
    return sys.modules.setdefault(spec.name, module)


_STABLE_ABI = "t" not in getattr(sys, "abiflags", "")  # a free-threaded CPython has none (PEP 703)
_chosen = _setting("NATIVELOAD_BACKEND")
if _chosen not in ("", "c", "python"):
    raise ImportError(f"NATIVELOAD_BACKEND={_chosen} cannot be honoured: it is neither 'c' nor 'python'")
if TYPE_CHECKING:
    pass
elif _chosen == "python":
    import nativeload._pure as core
else:
    try:
        core = _extension()
    except ImportError:
        try:  # under another name, or by another loader
            if not _STABLE_ABI:  # but 3.13's import system takes one of the stable ABI, which ends the process
                raise
            import nativeload._native as core
        except ImportError:
            if _chosen:
                raise
            import nativeload._pure as core
