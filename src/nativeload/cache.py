"""Keeping answers on disk. An answer is what was asked, every path it rests on with its signature, and the answer.

It holds only while each path has the signature it had; anything else about a cache file (stale, truncated,
foreign, hostile, unreadable) means that the search is done again. `recall` of the backend reads what is kept here.
"""

import os
from time import time_ns

from nativeload import core
from nativeload.loader import MAGIC, cache_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from nativeload.loader import Answer

_FILES = 512  # files in the cache directory before the older half of them goes
_DIGITS = frozenset("0123456789abcdef")
_SETTLED = 2_000_000_000  # ns a path must have been unchanged: some file systems count time in seconds


def store(asked: str, answer: "Answer", consulted: "Mapping[str, str]") -> None:
    """Keep an answer, atomically; where that is not possible, silently do not.

    A path that changed less than two seconds ago might change again without its signature telling, so an answer
    that rests on one is not kept.
    """
    home = cache_directory()
    settled = time_ns() - _SETTLED
    if not home or any(int(state.split()[3]) > settled for state in consulted.values() if state != "-"):
        return
    groups = ((asked,), tuple(consulted), tuple(consulted.values()), *answer)
    fields = [text for group in groups for text in (str(len(group)), *group)]
    if any("\0" in text for text in fields):  # A provider's TOML can have one, and would write fields of its own.
        return
    try:
        body = os.fsencode("\0".join(fields))
        name = core.digest(os.fsencode(asked))
        _write(home, name, b"\n".join((MAGIC, core.digest(body).encode(), body)))
    except (OSError, UnicodeEncodeError):
        return


def foreign(home: str) -> bool:
    """Whether others own a directory, or can write to it."""
    state = os.stat(home)
    return state.st_uid != os.geteuid() or bool(state.st_mode & 0o022)


def users(home: str) -> bool:
    """Whether a directory is to be made in a user's: as root's, under sudo, it would be no use to that user ever."""
    while not os.path.isdir(home):
        home = os.path.dirname(home)
    return os.stat(home).st_uid != 0


def _write(home: str, name: str, content: bytes) -> None:
    if os.geteuid() == 0 and users(home):
        raise PermissionError(f"{home} would lie in a user's directory")
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


def ours(name: str) -> bool:
    """Whether a file's name is an answer's, or that of one whose writing was cut off (".DIGEST.PID.ID")."""
    digest = name[1:17] if name.startswith(".") else name
    return len(digest) == 16 and _DIGITS.issuperset(digest)


def _prune(home: str) -> None:
    """Keep the directory small: environments come and go, their answers would stay. Other files are not ours."""
    names = list(filter(ours, os.listdir(home)))
    if len(names) < _FILES:
        return
    ages = sorted((os.stat(f"{home}/{name}").st_mtime_ns, name) for name in names)
    for _, name in ages[: len(ages) // 2]:
        os.unlink(f"{home}/{name}")
