"""A wheel's native and Python files, unpacked where nothing of it is run: bounded, and never outside the directory."""

import os
import stat

from nativeload import wheelfile
from nativeload.errors import ImageError, PlatformError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from zipfile import ZipInfo

_SCHEMES = ("purelib", "platlib", "data")


def unpack(wheel: str, directory: str) -> None:
    """Unpack what matters into `directory`, laid out as `pip install --target` does. Raises PlatformError."""
    try:
        wheelfile.unpack(wheel, directory, _place)
    except ImageError as error:
        raise PlatformError(wheel, f"cannot be unpacked: it {error.reason}") from None


def real(path: str) -> str:
    """A path without links in it, and with "/" on every system, as what is here takes it."""
    return os.path.realpath(path).replace(os.sep, "/")


def native(directory: str) -> "Iterator[str]":
    """The paths of files below a directory that look like native code, by their names."""
    for parent, folders, names in os.walk(directory):
        folders.sort()
        for name in sorted(names):
            path = f"{parent}/{name}".replace(os.sep, "/")
            if is_native_name(name) and not os.path.islink(path):
                yield path


def is_native_name(path: str) -> bool:
    """Whether a name is that of a shared library or an extension module of some platform."""
    name = path.rpartition("/")[2].lower()
    before, dot_so, version = name.partition(".so")
    if dot_so and before and (not version or version[1:2].isdigit()):
        return True
    return name.endswith((".dylib", ".dll", ".pyd"))


def _place(member: "ZipInfo") -> str:
    """Where a member goes, "" for what is left out."""
    name = member.filename
    if member.is_dir() or stat.S_ISLNK(member.external_attr >> 16):
        return ""
    first, _, inside = name.partition("/")
    if first.endswith(".data"):
        scheme, _, name = inside.partition("/")
        name = name if scheme in _SCHEMES else ""
    return name if is_native_name(name) or name.endswith(".py") else ""
