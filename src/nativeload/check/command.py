"""The command line's `--check`: what to check, progress on a terminal, and the report."""

import os
import sys

from nativeload.check import files
from nativeload.check.judgement import Check
from nativeload.check.report import Report
from nativeload.check.requires import Requires
from nativeload.errors import NativeLoadError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_STEP = 20  # files from one line of progress to the next


class NothingToCheckError(NativeLoadError, LookupError):
    """A name that is no installed distribution, or a path that is not there."""


def check(names: "Sequence[str]" = (), progress: "Callable[[int], None]" = lambda _: None) -> Report:
    """Check every native file of all installed distributions, or of those named, or at the paths named.

    A name with a "/" in it, and "." and "..", are paths. `progress` is told how many files have been looked at.
    Raises NothingToCheckError for a name that is neither.
    """
    paths = [name for name in names if "/" in name or name in (".", "..")]
    wanted = [name for name in names if name not in paths]
    absent = [path for path in paths if not os.path.lexists(path)]
    native, count, unknown = files.of_distributions(wanted) if wanted or not paths else ([], 0, [])
    if absent or unknown:
        raise NothingToCheckError(
            "; ".join([*(f"no such file: {one}" for one in absent), *map(_not_installed, unknown)])
        )
    for path in paths:
        native += files.below(path)
    native, tables = files.tables(native)
    everything = (lambda: native) if not names else (lambda: files.tables(files.of_distributions()[0])[0])
    return Check(native, everything, Requires(tables)).run(count, progress)


def shown(count: int) -> None:
    """Say on a terminal how many files have been looked at."""
    if count % _STEP == 0:
        sys.stderr.write(f"\r{count} files")
        sys.stderr.flush()


def hidden() -> None:
    """Take the line of progress away."""
    sys.stderr.write("\r\x1b[K")
    sys.stderr.flush()


def _not_installed(name: str) -> str:
    return f"no installed distribution is called {name!r}; a path has a '/'"
