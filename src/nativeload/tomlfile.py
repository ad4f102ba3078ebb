"""TOML files, with the line of each key. The plain files everybody writes are read without importing `re`.

`tomllib` takes milliseconds to import, in somebody's `__init__.py`. So tables of strings and of lists of strings,
one to a line, are read here; whatever else a file has makes `tomllib` read the whole of it, and every error is
`tomllib`'s own.
"""

import os
from stat import S_ISDIR, S_ISREG

import nativeload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_LIMIT = 1 << 20  # bytes


class Document:
    """One file: `table` is its content; `where(...)` says "file:line" of a key, for errors."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            with open(path, "rb", opener=regular) as file:
                content = file.read(_LIMIT + 1)
            if len(content) > _LIMIT:
                raise nativeload.DeclarationError(path, "is larger than 1 MiB")
            self._text = content.decode()
        except OSError as error:
            raise nativeload.DeclarationError(path, error.strerror or str(error)) from None
        except UnicodeDecodeError as error:
            raise nativeload.DeclarationError(path, f"is not UTF-8 (byte {error.start})") from None
        table = plain(self._text)
        self.table: dict[str, Any] = _full(self._text, path) if table is None else table

    def where(self, key: str, table: str = "", number: int | None = None) -> str:
        """ "file:line" of a key, of its table where it has no line of its own; the file where neither has.

        `number` counts from 0 the tables of that name (`[[table]]`), and only in that one the key is looked for.
        """
        wanted, header, found, seen = ".".join(filter(None, (table, key))), "", 0, 0
        for line_number, line in enumerate(self._text.split("\n"), 1):
            name = line.partition("#")[0].partition("=")[0].replace('"', "").strip(" \t\r[]")
            whole = f"{header}.{name}" if header else name
            if line.lstrip().startswith("["):
                whole = header = name
                seen += name == table
            if number is not None and seen <= number:
                continue
            if f"{whole}.".startswith(f"{wanted}."):
                return f"{self.path}:{line_number}"
            if not found and table and f"{whole}.".startswith(f"{table}."):
                found = line_number
        return f"{self.path}:{found}" if found else self.path


def regular(path: str, flags: int) -> int:
    """An opener for `open`: it takes a regular file only, and never waits, as opening a FIFO does."""
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    mode = os.fstat(descriptor).st_mode
    if S_ISREG(mode) or S_ISDIR(mode):  # a directory `open` refuses itself
        return descriptor
    os.close(descriptor)
    from errno import EINVAL

    raise OSError(EINVAL, "is not a regular file", path)


def _full(text: str, path: str) -> "dict[str, Any]":
    import tomllib

    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        message = str(error) or "is nested too deeply"
        line = message.partition("at line ")[2].partition(",")[0]
        if "at end of document" in message:
            line = str(text.rstrip().count("\n") + 1)
        raise nativeload.DeclarationError(f"{path}:{line}" if line.isdigit() else path, message) from None


def plain(text: str) -> "dict[str, Any] | None":
    """The content of a plain file; None where only a full reader can tell."""
    root: dict[str, Any] = {}
    table: dict[str, Any] | None = root
    for raw in text.replace("\r\n", "\n").split("\n"):
        line = raw.strip(" \t")
        if not line.isprintable():
            return None
        if not line or line[0] == "#":
            continue
        if line[0] == "[":
            table = _open(root, line)
        else:
            table = _assign(table, line)
        if table is None:
            return None
    return root


def _open(root: "dict[str, Any]", line: str) -> "dict[str, Any] | None":
    """The table that a header line opens: `[a.b]` once, or one more of `[[a.b]]`."""
    array = line.startswith("[[") and line.endswith("]]")
    *outer, name = (line[2:-2] if array else line[1:-1]).split(".")
    if not line.endswith("]") or not all(_BARE.issuperset(n) and n for n in (*outer, name)):
        return None
    parent = root
    for step in outer:
        parent = parent.setdefault(step, {})
        if type(parent) is not dict:
            return None
    opened: dict[str, Any] = {}
    if name not in parent:
        parent[name] = [opened] if array else opened
    elif array and type(parent[name]) is list and parent[name] and type(parent[name][0]) is dict:
        parent[name].append(opened)
    else:
        return None
    return opened


def _assign(table: "dict[str, Any] | None", line: str) -> "dict[str, Any] | None":
    """The table with one more `key = value`."""
    key, equals, text = line.partition("=")
    key = key.strip(" \t")
    value = _value(text.strip(" \t"))
    if table is None or not equals or not key or not _BARE.issuperset(key) or key in table or value is None:
        return None
    table[key] = value
    return table


def _value(text: str) -> "str | list[str] | None":
    """A basic string without escapes, or a list of such on one line."""
    if text.startswith("[") and text.endswith("]"):
        inside = text[1:-1].strip(" \t")
        items = [_string(item.strip(" \t")) for item in inside.split(",")] if inside else []
        return None if None in items else items  # type: ignore[return-value]
    return _string(text)


def _string(text: str) -> str | None:
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return None
    inside = text[1:-1]
    return None if '"' in inside or "\\" in inside else inside
