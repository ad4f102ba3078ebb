"""Writing one choice into a configuration file: the line is changed, whatever else is there stays as it is.

The text is edited by lines and then read: where it does not say exactly what it said before, but for this choice, it is
not written. Written beside the file and moved into its place, so that a reader finds the old one or the new one.
"""

import os
import sys

from nativeload import cache, preferences
from nativeload.errors import OverrideError
from nativeload.requirement import normal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HEADER = "[prefer]"


def write(path: str, name: str, value: str) -> str:
    """Choose `value` for a library, "" to withdraw the choice; the path written, which a link may have led to.

    Raises OverrideError for a file that cannot be edited, PermissionError for one that others could have put there.
    """
    directory = os.path.dirname(path)
    _make(directory)
    target = os.path.realpath(path)
    for place in {directory, os.path.dirname(target)}:
        _refuse_foreign(place)
    before = _text(target)
    after = _checked(target, before, _edited(before, name, value), name, value)
    temporary = f"{target}.{os.getpid()}"
    mode = os.stat(target).st_mode & 0o777 if os.path.exists(target) else 0o644
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | flags, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(after)
        os.replace(temporary, target)
    except OSError:
        os.unlink(temporary)
        raise
    return target


def _make(directory: str) -> None:
    if sys.platform != "win32" and os.geteuid() == 0 and cache.users(directory):
        raise PermissionError(f"{directory} would lie in a user's directory: write as that user")
    os.makedirs(directory, mode=0o755, exist_ok=True)


def _refuse_foreign(directory: str) -> None:
    """A link in a directory that others can write may have been put there to have another file written."""
    state = os.stat(directory)
    if sys.platform == "win32":  # where a link takes a right that users have not
        return
    if state.st_uid not in (os.geteuid(), 0):
        raise PermissionError(f"{directory} belongs to another user")
    if state.st_mode & 0o002:
        raise PermissionError(f"{directory} can be written by others")


def _text(path: str) -> str:
    from nativeload.tomlfile import regular

    try:
        with open(path, encoding="utf-8", newline="", opener=regular) as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError:
        raise OverrideError(path, _HEADER, "is not UTF-8") from None


def _edited(text: str, name: str, value: str) -> str:
    """The text with the choice's line changed, added or removed."""
    lines = text.splitlines(keepends=True)
    end = "\r\n" if text.endswith("\r\n") else "\n"
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += end
    own = next((i for i, line in enumerate(lines) if _key_of(line) == normal(name) and _is_choice(lines, i)), None)
    line = f"{name if _is_bare(name) else _quoted(name)} = {_quoted(value)}" if value else ""
    if own is not None:
        comment = _comment(lines[own])
        lines[own : own + 1] = [f"{line}{comment}{end}"] if line else []
    elif line:
        header = next((i for i, one in enumerate(lines) if _table(one) == "prefer"), None)
        if header is None:
            lines += [end] if lines and lines[-1].strip() else []
            header = len(lines)
            lines.append(f"{_HEADER}{end}")
        lines.insert(_last(lines, header) + 1, f"{line}{end}")
    return "".join(lines)


def _table(line: str) -> str:
    """The table that a line opens, "" for another line."""
    line = line.partition("#")[0].strip()
    return line.strip("[] \t") if line.startswith("[") and line.endswith("]") else ""


def _is_choice(lines: list[str], number: int) -> bool:
    opened = [_table(line) for line in lines[:number] if _table(line)]
    return bool(opened) and opened[-1] in preferences.TABLES


def _last(lines: list[str], header: int) -> int:
    """The last line of the table that a line opens, before the blank lines and comments that lead to the next."""
    last = header
    for number in range(header + 1, len(lines)):
        if _table(lines[number]):
            break
        if _key_of(lines[number]):
            last = number
    return last


def _key_of(line: str) -> str:
    key, equals, _ = line.partition("=")
    key = key.strip().strip("\"'")
    return normal(key) if equals and not line.lstrip().startswith(("#", "[")) else ""


def _comment(line: str) -> str:
    """What stands after the value, with the space before it."""
    value = line.partition("=")[2].strip()
    closed = value.find(value[:1], 1) if value[:1] in ("'", '"') else -1
    rest = value[closed + 1 :].strip() if closed > 0 else ""
    return f"  {rest}" if rest.startswith("#") else ""


def _is_bare(name: str) -> bool:
    return all(one.isascii() and (one.isalnum() or one in "-_") for one in name)


def _quoted(text: str) -> str:
    import json

    return json.dumps(text)


def _checked(path: str, before: str, after: str, name: str, value: str) -> str:
    """The text after, where it says what it must. Raises OverrideError."""
    import tomllib

    try:
        old, new = tomllib.loads(before), tomllib.loads(after)
    except tomllib.TOMLDecodeError as error:
        raise OverrideError(path, _HEADER, f"is no TOML: {error}") from None
    if _said(new) != {
        **{k: v for k, v in _said(old).items() if k != normal(name)},
        **({normal(name): value} if value else {}),
    }:
        raise OverrideError(path, _HEADER, f"cannot be edited line by line: write {name} = {_quoted(value)} yourself")
    return after


def _said(document: "dict[str, Any]") -> "dict[str, Any]":
    """All that a file says: the choices by library, and whatever else by its own name."""
    found: dict[str, Any] = {}
    for table, entries in document.items():
        chosen = table in preferences.TABLES and isinstance(entries, dict)
        found |= {normal(name): entry for name, entry in entries.items()} if chosen else {f"[{table}]": entries}
    return found
