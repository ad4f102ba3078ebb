"""The native files of distributions and directories, and which of them something loads by itself."""

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES

from nativeload import catalog, declarations, metadata
from nativeload.errors import NativeLoadError
from nativeload.machinery.wheel import WheelFinder
from nativeload.requirement import normal, parse
from nativeload.spec import Record, Trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


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
        before, _, tag = name.partition(".")
        return f".{tag}" in EXTENSION_SUFFIXES and before.isidentifier() and not _is_library_name(name)

    @property
    def is_foreign(self) -> bool:
        """Whether it is an extension module of another interpreter: ".cpython-39-…", for one of 3.11."""
        tag = os.path.basename(self.path).partition(".")[2]
        return tag.startswith(("cpython-", "pypy", "graalpy")) and not self.is_extension

    @property
    def is_library(self) -> bool:
        """Whether it is named as what is loaded, not started."""
        return ".so" in os.path.basename(self.path)

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
    """(files, number of distributions, names that are not installed) of all distributions, or of those named.

    Among the files are those called `nativeload.toml`, for `tables`.
    """
    wanted = {normal(name): name for name in names}
    left = dict(wanted)
    found, count = [], 0
    for distribution in metadata.distributions():
        if not wanted or left.pop(distribution.name, None) is not None:
            count += 1
            name = distribution.name.replace("_", "-")
            found += [Native(distribution=name, path=path) for path in _native_files(distribution)]
    return found, count, list(left.values())


def _native_files(distribution: "metadata.Distribution") -> "Iterator[str]":
    for path in distribution.files(".so", "bin/", "libexec/", metadata.FILE):
        if os.path.basename(path) == metadata.FILE or (is_native_name(path) and not _is_other_name(path)):
            yield path


def _is_other_name(path: str) -> bool:
    """Whether it is a link to a file beside it; an installer may make every file a link into its own store."""
    return os.path.islink(path) and os.path.dirname(os.path.realpath(path)) == os.path.realpath(os.path.dirname(path))


def tables(found: "list[Native]") -> "tuple[list[Native], list[Native]]":
    """The files without, and those that are, called `nativeload.toml`."""
    there = [one for one in found if one.path.endswith(f"/{metadata.FILE}")]
    return [one for one in found if one not in there] if there else found, there


def below(path: str) -> "list[Native]":
    """The files at a path: itself, or everything native below a directory."""
    if not os.path.isdir(path):
        return [Native(distribution="", path=os.path.abspath(path))]
    found = []
    for directory, _, names in os.walk(os.path.abspath(path)):
        places = [f"{directory}/{name}" for name in sorted(names)]
        found += [one for one in places if is_native_name(one) and not os.path.islink(one)]
        found += [one for one in places if os.path.basename(one) == metadata.FILE]
    return [Native(distribution="", path=one) for one in found]


def declared() -> dict[str, str]:
    """The libraries of installed distributions that `nativeload.load` loads, and the DT_SONAME each must have."""
    paths: dict[str, str] = {}
    for distribution in metadata.providers():
        for _, package in distribution.declared():
            try:
                for one in declarations.read(distribution, package, Trace()).values():
                    paths[one.path] = one.soname or ""
            except NativeLoadError:
                continue
    for distribution in metadata.distributions():
        for entry in filter(None, map(catalog.lookup, catalog.of_distribution(distribution.name))):
            for found in WheelFinder(distribution.name).candidates(parse(entry.name), Trace()):
                name = os.path.basename(found.path)
                paths.setdefault(found.path, name if name in entry.sonames else "")
    return paths


def answering(soname: str) -> "list[Native]":
    """The libraries that are declared to answer for a soname."""
    try:
        proposed = [one for one in WheelFinder().candidates(parse(soname), Trace()) if one.alias]
    except NativeLoadError:  # a name that is none
        return []
    return [Native(distribution=one.provider.distribution if one.provider else "", path=one.path) for one in proposed]
