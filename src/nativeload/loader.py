"""The usual `load`, from start to end: what was loaded here, what the cache remembers, `Library`, `dlopen`.

Runs in other people's `__init__.py`, and imports nothing that the interpreter has not imported already: each file
more is a tenth of a millisecond to everybody. The search itself (`resolution`) and the keeping of answers (`cache`)
are imported when an answer is not in the cache.
"""

import os
import sys
from _thread import RLock
from stat import S_ISREG

from nativeload import core

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from collections.abc import Iterable
    from typing import Any, Literal, TypeAlias

    from nativeload.spec import LibrarySpec, Provider

    # name, path, soname, version, origin, distribution, its version; "" where unknown
    Facts: TypeAlias = tuple[str, str, str, str, str, str, str]
    # facts, ABI features, dependencies to load first, sonames under which the process may have it already
    Answer: TypeAlias = tuple[Facts, tuple[str, ...], tuple[str, ...], tuple[str, ...]]

VERSION = "0.1.0"
MAGIC = f"nativeload answer 1 {VERSION}".encode()
_LIMIT = 1 << 18  # bytes; a real answer has about 2,000
_FACTS = 7  # texts in Facts
_OFF = ("0", "off", "no", "false")
_FLAGS = {"local": os.RTLD_NOW | os.RTLD_LOCAL, "global": os.RTLD_NOW | os.RTLD_GLOBAL}

_asked: "dict[tuple[str, tuple[str, ...], str], Library]" = {}
_handles: "dict[int, Library]" = {}
_lock = RLock()
_process = ""


def _after_fork() -> None:
    # A lock that another thread of the parent held would never be released in the child.
    global _lock
    _lock = RLock()


os.register_at_fork(after_in_child=_after_fork)


# What the user has set


def setting(variable: str) -> str:
    """An environment variable of nativeload's, "" where unset; `python -E` and `-I` ignore them all."""
    return "" if sys.flags.ignore_environment else os.environ.get(variable, "")


def name_of(requirement: str) -> str:
    """The library's name: what stands before the extras, the specifier or anything else."""
    for position, character in enumerate(requirement):
        if not (character.isalnum() or character in "._+-"):
            return requirement[:position]
    return requirement


def variable_of(name: str) -> str:
    """The environment variable that overrides a library: `NATIVELOAD_OPENBLAS`."""
    upper = name.upper()
    if not (upper.isascii() and upper.isalnum()):
        upper = "".join(c if c.isalnum() and c.isascii() else "_" for c in upper)
    return f"NATIVELOAD_{upper}"


def variables_of(name: str) -> tuple[str, ...]:
    """The environment variables that override a library, the one that counts first: its own, its bare name's."""
    own, bare = variable_of(name), variable_of(name.partition(".so")[0].removeprefix("lib"))
    return (own, bare) if ".so" in name else (own,)


def _user_directory(variable: str, default: str, kind: str) -> str:
    """nativeload's directory of one kind as platformdirs has it, "" where there is none."""
    if not sys.platform.startswith("linux"):
        import platformdirs

        return str(getattr(platformdirs, f"user_{kind}_dir")("nativeload", appauthor=False))
    # The rule of the XDG base directories, which platformdirs takes milliseconds of imports to say.
    home = os.environ.get("HOME") or os.path.expanduser("~")
    base = os.environ.get(variable, "").strip() or f"{home.rstrip('/')}/{default}"
    return f"{base}/nativeload" if base.startswith("/") else ""


def cache_directory() -> str:
    """Where answers are kept, "" where they are not: `NATIVELOAD_CACHE` is a directory, or 0 for none."""
    chosen = setting("NATIVELOAD_CACHE")
    if chosen.lower() in _OFF:
        return ""
    return chosen if chosen.startswith("/") else _user_directory("XDG_CACHE_HOME", ".cache", "cache")


def config_file(*, obeyed: bool = True) -> str:
    """The user's configuration file, "" where there is none; `python -I` obeys none."""
    base = "" if obeyed and sys.flags.isolated else _user_directory("XDG_CONFIG_HOME", ".config", "config")
    return base and f"{base}/config.toml"


# What the cache remembers


def key(requirement: str, symbols: tuple[str, ...]) -> str:
    """Everything but files that could change the answer, as text; "" where more could."""
    global _process
    if not _process:
        searched = core.searched()
        if not all(map(os.path.isabs, searched)):
            return ""  # What a dependency comes to depends on the current directory.
        host = (sys.implementation.cache_tag, core.__name__, os.uname().machine, core.libc(), core.isa_level())
        _process = repr((*host, sys.prefix, searched))
    overrides = [setting(variable) for variable in variables_of(name_of(requirement))]
    # A relative entry is another directory in each working directory. "" is none: no library is looked for there.
    here = os.stat(".") if any(type(e) is str and e and not os.path.isabs(e) for e in sys.path) else None
    place = here and (here.st_dev, here.st_ino)
    return repr((requirement, symbols, overrides, config_file(), _process, place, sys.path))


def _edited() -> bool:
    """Whether somebody has changed the chain: what another one gives is remembered for nobody."""
    resolution = sys.modules.get("nativeload.resolution")
    # Without its list it is being imported by another thread, and nobody can have changed it.
    return resolution is not None and hasattr(resolution, "finders") and tuple(resolution.finders) != resolution.USUAL


def _read_own(path: str) -> bytes:
    """A regular file that only this user can have written, b"" where it is anything else."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        state = os.fstat(descriptor)
        private = state.st_uid == os.geteuid() and not state.st_mode & 0o022
        if not (private and S_ISREG(state.st_mode) and state.st_size <= _LIMIT):
            return b""
        return os.read(descriptor, _LIMIT)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def recall(asked: str) -> "Answer | None":
    """The answer stored under a key, if every path it rests on is as it was; none under ""."""
    home = cache_directory() if asked else ""
    content = _read_own(f"{home}/{core.digest(asked.encode('utf-8', 'surrogateescape'))}") if home else b""
    magic, _, rest = content.partition(b"\n")
    checksum, _, body = rest.partition(b"\n")
    if magic != MAGIC or checksum != core.digest(body).encode():
        return None
    fields = iter(body.decode("utf-8", "surrogateescape").split("\0"))
    try:
        groups = [tuple(next(fields) for _ in range(int(count))) for count in fields]
        (stored,), paths, signatures, facts, abi, dependencies, sonames = groups
        if stored != asked or any(core.signature(path) != was for path, was in zip(paths, signatures, strict=True)):
            return None
    except (ValueError, RuntimeError):
        return None
    if len(facts) != _FACTS:
        return None
    return facts, abi, dependencies, sonames  # type: ignore[return-value]


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
        symbols = names(symbols)
    library = _asked.get((requirement, symbols, mode))
    if library is None:
        with _lock:
            library = _asked.get((requirement, symbols, mode))
            if library is None:
                library = _asked[requirement, symbols, mode] = _load(requirement, symbols, mode)
                return library
    sys.audit("nativeload.load", library.name, library.path)
    return library


def names(symbols: "Iterable[str]") -> tuple[str, ...]:
    """Symbols asked for, as a tuple. Raises TypeError for a string, whose letters would be taken for them."""
    if isinstance(symbols, str):
        raise TypeError("symbols is a sequence of names, not one string")
    return tuple(symbols)


def _load(requirement: str, symbols: tuple[str, ...], mode: str) -> Library:
    if mode not in _FLAGS:
        raise ValueError(f"mode is 'local' or 'global', not {mode!r}")
    if not isinstance(requirement, str):
        raise TypeError(f"a requirement is a str, not {type(requirement).__name__}")
    sys.audit("nativeload.find", requirement)
    asked = "" if _edited() else key(requirement, symbols)
    answer = recall(asked)
    if answer is not None and not _mapped(answer):
        _announce(answer)
        try:
            return _open(answer, mode)
        except OSError:
            pass  # The full search says why, or finds another.
    return _load_anew(requirement, symbols, mode, asked)


def _load_anew(requirement: str, symbols: tuple[str, ...], mode: str, asked: str) -> Library:
    from nativeload import cache, errors, resolution

    spec, trace = resolution.resolve(requirement, symbols)
    if spec is None:
        raise resolution.failure(requirement, trace)
    answer = _answer(spec, resolution.known_sonames(spec))
    _announce(answer)
    try:
        library = _open(answer, mode)
    except OSError as error:
        raise errors.LinkError(spec.path, str(error)) from None
    if asked and spec.origin != "loaded" and trace.lasting:
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


def _announce(answer: "Answer") -> None:
    """Raise the audit event of every file before the first is mapped; what a hook raises is for the caller."""
    facts, _, dependencies, _ = answer
    for path in (*dependencies, facts[1]):
        sys.audit("nativeload.load", facts[0], path)


def _open(answer: "Answer", mode: str) -> Library:
    facts, _, dependencies, _ = answer
    for path in dependencies:
        core.dlopen(path, _FLAGS["local"])
    handle = core.dlopen(facts[1], _FLAGS[mode])
    return _handles.setdefault(handle, Library(answer, handle))


def libraries() -> list[Library]:
    """What was loaded here, once each."""
    return list(_handles.values())
