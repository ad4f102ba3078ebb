"""Which version a library is, told without running it, and where that was read."""

import os

from nativeload import core, loader
from nativeload.tomlfile import regular

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nativeload.catalog import Entry


def told(path: str, soname: str | None, entry: "Entry | None") -> tuple[str | None, str]:
    """(version, where it was read): the catalog's rule, the real file's name, the soname; None where none tells."""
    if loader.SYSTEM is not None:
        version = loader.SYSTEM.version(path)
        return version, "of the file itself" if version else "neither its provider nor the file tells"
    name = core.real_name(path)
    if entry is not None and entry.version_in_name:
        version = _between(name, *entry.version_in_name)
        if version:
            return version, "from the file's name"
        version = _by_pkg_config(path, name, soname, entry.pkg_config) if entry.pkg_config else None
        return (version, "of its pkg-config file") if version else (None, "its file name does not tell")
    for text, source in ((name, "from the file's name"), (soname or "", "from the soname")):
        version = text.partition(".so.")[2]
        if version and version.replace(".", "").isdigit():
            return version, source
    return None, "neither its provider nor its name tells"


def _by_pkg_config(path: str, name: str, soname: str | None, package: str) -> str | None:
    """The version in the `.pc` file beside a library, where the development name beside it means this very file."""
    directory = os.path.dirname(path)
    development = (soname or name).partition(".so")[0]
    if core.real_name(f"{directory}/{development}.so") != name:
        return None
    try:
        with open(f"{directory}/pkgconfig/{package}.pc", encoding="utf-8", errors="replace", opener=regular) as lines:
            for line in lines:
                if line.startswith("Version:"):
                    return line.partition(":")[2].strip() or None
    except OSError:
        pass
    return None


def _between(name: str, before: str, after: str) -> str | None:
    start = name.find(before)
    version = name[start + len(before) : len(name) - len(after)] if start >= 0 and name.endswith(after) else ""
    return version if version[:1].isdigit() else None
