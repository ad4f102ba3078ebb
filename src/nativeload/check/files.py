"""The native files of distributions and directories, and which of them something loads by itself."""

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES

from nativeload import metadata
from nativeload.errors import NativeLoadError
from nativeload.requirement import normal
from nativeload.spec import Record, Trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What Python code that loads a library itself has in it.
_LOADS = (b"CDLL", b"dlopen", b"nativeload", b"LoadLibrary", b"RTLD_GLOBAL")
_SUFFIXES = tuple(EXTENSION_SUFFIXES)
_MOST = 1 << 20  # bytes of one Python file that are looked at


def _is_library_name(name: str) -> bool:
    return name.startswith("lib") and name.partition(".")[2] == "so"


class Native(Record):
    """A file that may be native code: its path, and the name of the distribution that it belongs to, "" for none."""

    __slots__ = ("distribution", "path")
    distribution: str
    path: str

    @property
    def is_extension(self) -> bool:
        """Whether an import statement can load it into this interpreter."""
        # "libfoo.so" and "libfoo.so.1" alike are libraries, though a module may well be called so.
        name = self.path.rpartition("/")[2]
        return name.endswith(_SUFFIXES) and name.partition(".")[0].isidentifier() and not _is_library_name(name)

    @property
    def is_foreign(self) -> bool:
        """Whether it is an extension module of another interpreter: ".cpython-39-…", for one of 3.11."""
        tag = os.path.basename(self.path).partition(".")[2]
        return tag.startswith(("cpython-", "pypy")) and not self.is_extension

    @property
    def is_program(self) -> bool:
        """Whether it lies where the environment's programs do."""
        return os.path.dirname(self.path) == f"{sys.prefix}/bin"


def is_native_name(path: str) -> bool:
    """Whether a path looks like native code: a shared library with or without a version, or a program."""
    directory, _, name = path.rpartition("/")
    before, dot_so, version = name.partition(".so")
    if dot_so and before:
        return not version or version[1:2].isdigit()
    return directory.rpartition("/")[2] in ("bin", "sbin", "libexec") and "." not in name


def of_distributions(names: "Iterable[str]" = ()) -> "tuple[list[Native], int, list[str]]":
    """(files, number of distributions, names that are not installed) of all distributions, or of those named."""
    wanted = {normal(name): name for name in names}
    left = dict(wanted)
    found, count = [], 0
    for distribution in metadata.distributions():
        if not wanted or left.pop(distribution.name, None) is not None:
            count += 1
            found += [Native(distribution=distribution.name, path=path) for path in _native_files(distribution)]
    return found, count, list(left.values())


def _native_files(distribution: "metadata.Distribution") -> "Iterator[str]":
    for path in distribution.files(".so", "bin/", "libexec/"):
        if is_native_name(path) and not os.path.islink(path):
            yield path


def below(path: str) -> "list[Native]":
    """The files at a path: itself, or everything native below a directory."""
    if not os.path.isdir(path):
        return [Native(distribution="", path=os.path.abspath(path))]
    found = []
    for directory, _, names in os.walk(os.path.abspath(path)):
        places = [f"{directory}/{name}" for name in sorted(names)]
        found += [one for one in places if is_native_name(one) and not os.path.islink(one)]
    return [Native(distribution="", path=one) for one in found]


def declared() -> set[str]:
    """The libraries that installed distributions declare: `nativeload.load` loads them."""
    paths: set[str] = set()
    for distribution in metadata.providers():
        for _, package in distribution.declared():
            try:
                paths.update(one.path for one in metadata.read(distribution, package, Trace()).values())
            except NativeLoadError:
                continue
    return paths


def loads_libraries(distribution: str) -> str:
    """A Python file of a distribution that loads libraries itself, "" where there is none."""
    found = metadata.find(distribution) if distribution else None
    for path in found.files(".py,") if found else ():
        try:
            with open(path, "rb") as file:
                content = file.read(_MOST)
        except OSError:
            continue
        if any(word in content for word in _LOADS):
            return path
    return ""
