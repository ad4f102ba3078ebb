"""Which version a library is, told without running it, and where that was read."""

from nativeload import core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nativeload.catalog import Entry


def told(path: str, soname: str | None, entry: "Entry | None") -> tuple[str | None, str]:
    """(version, where it was read): the catalog's rule, the real file's name, the soname; None where none tells."""
    name = core.real_name(path)
    if entry is not None and entry.version_in_name:
        version = _between(name, *entry.version_in_name)
        return (version, "from the file's name") if version else (None, "its file name does not tell")
    for text, source in ((name, "from the file's name"), (soname or "", "from the soname")):
        version = text.partition(".so.")[2]
        if version and version.replace(".", "").isdigit():
            return version, source
    return None, "neither its provider nor its name tells"


def _between(name: str, before: str, after: str) -> str | None:
    start = name.find(before)
    version = name[start + len(before) : len(name) - len(after)] if start >= 0 and name.endswith(after) else ""
    return version if version[:1].isdigit() else None
