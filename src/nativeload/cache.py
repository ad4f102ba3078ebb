"""Answers remembered on disk: what was asked, what was answered, and every path the answer rests on.

An answer holds only while each of those paths has the signature it had; anything else about a cache file (stale,
truncated, foreign, hostile, unreadable) means that the search is done again. Runs on every usual `load`, so it
imports nothing that the interpreter has not imported already.
"""

import os
import sys
from stat import S_ISREG

from nativeload import core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    # name, path, soname, version, origin, distribution, its version; "" where unknown
    Facts: TypeAlias = tuple[str, str, str, str, str, str, str]
    # facts, ABI features, dependencies to load first, sonames under which the process may have it already
    Answer: TypeAlias = tuple[Facts, tuple[str, ...], tuple[str, ...], tuple[str, ...]]

VERSION = "0.1.0"
_MAGIC = f"nativeload answer 1 {VERSION}"
_LIMIT = 1 << 18  # bytes; a real answer has about 2,000
_FILES = 512  # files in the cache directory before the older half of them goes
_SETTLED = 2_000_000_000  # ns a path must have been unchanged: some file systems count time in seconds
_OFF = ("0", "off", "no", "false")


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
    return "NATIVELOAD_" + "".join(c if c.isalnum() and c.isascii() else "_" for c in name.upper())


def _user_directory(variable: str, default: str, kind: str) -> str:
    """nativeload's directory of one kind as platformdirs has it, "" where there is none."""
    if not sys.platform.startswith("linux"):
        import platformdirs

        return str(getattr(platformdirs, f"user_{kind}_dir")("nativeload", appauthor=False))
    # The rule of the XDG base directories, which platformdirs takes milliseconds of imports to say.
    base = os.environ.get(variable, "").strip() or os.path.expanduser(default)
    return f"{base}/nativeload" if base.startswith("/") else ""


def directory() -> str:
    """Where answers are kept, "" where they are not: `NATIVELOAD_CACHE` is a directory, or 0 for none."""
    chosen = setting("NATIVELOAD_CACHE")
    if chosen.lower() in _OFF:
        return ""
    return chosen if chosen.startswith("/") else _user_directory("XDG_CACHE_HOME", "~/.cache", "cache")


def config_file(*, obeyed: bool = True) -> str:
    """The user's configuration file, "" where there is none; `python -I` obeys none."""
    base = "" if obeyed and sys.flags.isolated else _user_directory("XDG_CONFIG_HOME", "~/.config", "config")
    return base and f"{base}/config.toml"


def signature(path: str) -> str:
    """What identifies a file's or a directory's present state; "-" where there is none."""
    try:
        state = os.stat(path)
    except (OSError, ValueError):
        return "-"
    return f"{state.st_dev} {state.st_ino} {state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}"


_process = ""


def key(requirement: str, symbols: tuple[str, ...]) -> str:
    """Everything but files that could change the answer, as text."""
    global _process
    if not _process:
        parts = [sys.implementation.cache_tag or "", core.__name__, os.uname().machine, *core.libc()]
        parts += [str(core.isa_level()), sys.prefix, *(f"{kind} {path}" for path, kind in core.search_path())]
        _process = "\n".join(parts)
    override = setting(variable_of(name_of(requirement)))
    return "\n\n".join((requirement, *symbols, override, config_file(), _process, *map(str, sys.path)))


def _pack(groups: "tuple[tuple[str, ...], ...]") -> bytes:
    fields = [text for group in groups for text in (str(len(group)), *group)]
    return "\0".join(fields).encode("utf-8", "surrogateescape")


def _unpack(body: bytes) -> "list[tuple[str, ...]]":
    fields = iter(body.decode("utf-8", "surrogateescape").split("\0"))
    return [tuple(next(fields) for _ in range(int(count))) for count in fields]


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
    """The answer stored under a key, if every path it rests on is as it was."""
    home = directory()
    content = _read_own(f"{home}/{core.digest(asked.encode('utf-8', 'surrogateescape'))}") if home else b""
    magic, _, rest = content.partition(b"\n")
    checksum, _, body = rest.partition(b"\n")
    if magic != _MAGIC.encode() or checksum != core.digest(body).encode():
        return None
    try:
        (stored,), paths, signatures, facts, abi, dependencies, sonames = _unpack(body)
    except (ValueError, RuntimeError):
        return None
    if stored != asked or any(signature(path) != was for path, was in zip(paths, signatures, strict=True)):
        return None
    return facts, abi, dependencies, sonames  # type: ignore[return-value]


def store(asked: str, answer: "Answer", consulted: "Mapping[str, str]") -> None:
    """Keep an answer, atomically; where that is not possible, silently do not.

    A path that changed less than two seconds ago might change again without its signature telling, so an answer
    that rests on one is not kept.
    """
    from time import time_ns

    home = directory()
    settled = time_ns() - _SETTLED
    if not home or "\0" in asked or any(int(s.split()[3]) > settled for s in consulted.values() if s != "-"):
        return
    body = _pack(((asked,), tuple(consulted), tuple(consulted.values()), *answer))
    name = core.digest(asked.encode("utf-8", "surrogateescape"))
    try:
        _write(home, name, b"\n".join((_MAGIC.encode(), core.digest(body).encode(), body)))
    except OSError:
        return


def _write(home: str, name: str, content: bytes) -> None:
    os.makedirs(home, mode=0o700, exist_ok=True)
    if foreign(home):
        raise PermissionError(f"{home} can be written by others")
    _prune(home)
    temporary = f"{home}/.{name}.{os.getpid()}.{id(content)}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            written = os.write(descriptor, content)
        finally:
            os.close(descriptor)
        if written != len(content):
            raise OSError("the disk is full")
        os.replace(temporary, f"{home}/{name}")
    except OSError:
        os.unlink(temporary)
        raise


def foreign(home: str) -> bool:
    """Whether others own a directory, or can write to it."""
    state = os.stat(home)
    return state.st_uid != os.geteuid() or bool(state.st_mode & 0o022)


def _prune(home: str) -> None:
    """Keep the directory small: environments come and go, their answers would stay."""
    names = os.listdir(home)
    if len(names) < _FILES:
        return
    ages = sorted((os.stat(f"{home}/{name}").st_mtime_ns, name) for name in names)
    for _, name in ages[: len(ages) // 2]:
        os.unlink(f"{home}/{name}")
