"""A wheel's native and Python files, unpacked where nothing of it is run: bounded, and never outside the directory."""

import os
import stat
import zipfile
import zlib

from nativeload.errors import PlatformError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_FILES, _BYTES = 200_000, 8 << 30
_PIECE = 1 << 20
_SCHEMES = ("purelib", "platlib", "data")


def unpack(wheel: str, directory: str) -> None:
    """Unpack what matters into `directory`, laid out as `pip install --target` does. Raises PlatformError."""
    left = _BYTES
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = archive.infolist()
            if len(members) > _FILES:
                raise PlatformError(wheel, f"holds more than {_FILES} files")
            for member in members:
                path = _inside(wheel, member)
                if path and (is_native_name(path) or path.endswith(".py")):
                    left = _write(archive, member, os.path.join(directory, path), left)
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, ValueError) as error:
        if isinstance(error, PlatformError):
            raise
        raise PlatformError(wheel, f"cannot be unpacked: {error}") from None


def native(directory: str) -> "Iterator[str]":
    """The paths of files below a directory that look like native code, by their names."""
    for parent, folders, names in os.walk(directory):
        folders.sort()
        for name in sorted(names):
            path = f"{parent}/{name}"
            if is_native_name(name) and not os.path.islink(path):
                yield path


def is_native_name(path: str) -> bool:
    """Whether a name is that of a shared library or an extension module of some platform."""
    name = path.rpartition("/")[2].lower()
    before, dot_so, version = name.partition(".so")
    if dot_so and before and (not version or version[1:2].isdigit()):
        return True
    return name.endswith((".dylib", ".dll", ".pyd"))


def _inside(wheel: str, member: zipfile.ZipInfo) -> str:
    """Where a member goes, "" for what is left out. Raises PlatformError for one that would go elsewhere."""
    name = member.filename
    parts = name.split("/")
    if name.startswith("/") or "\\" in name or ":" in parts[0] or any(one in ("..", ".") for one in parts):
        raise PlatformError(wheel, f"holds {name!r}, which would be written outside its directory")
    if member.is_dir() or stat.S_ISLNK(member.external_attr >> 16):
        return ""
    if parts[0].endswith(".data"):
        return "/".join(parts[2:]) if parts[1:2] and parts[1] in _SCHEMES else ""
    return name


def _write(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: str, left: int) -> int:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with archive.open(member) as source, open(path, "xb") as file:
        while piece := source.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise ValueError(f"more than {_BYTES} bytes")
            file.write(piece)
    return left
