"""The distributions of one directory and what their entry_points.txt hold. Nothing here parses them."""

import os

from .file import RegularFile

_SUFFIXES = (".dist-info", ".egg-info")
_LIMIT = 1 << 20


def scan(directory: str, groups: tuple[str, ...], /) -> list[tuple[str, str | None]]:
    """Every `*.dist-info` and `*.egg-info` of `directory`, sorted: (name, entry_points.txt where it has a group whose name begins like one).

    Raises OSError when the directory cannot be listed. A distribution whose text cannot be read has None.
    """
    wanted = [b"[" + os.fsencode(group) for group in groups]
    names = sorted((name for name in os.listdir(directory) if name.endswith(_SUFFIXES)), key=os.fsencode)
    return [(name, _text(os.path.join(directory, name, "entry_points.txt"), wanted)) for name in names]


def _text(path: str, wanted: list[bytes]) -> str | None:
    try:
        with RegularFile(path) as file:
            if file.size > _LIMIT:
                return None
            content = file.read(0, file.size, "the entry points end") if file.size else b""
    except (OSError, ValueError):  # ValueError: it was cut meanwhile
        return None
    return os.fsdecode(content) if any(group in content for group in wanted) else None
