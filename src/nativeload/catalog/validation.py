"""Whether data files of the catalog are what `schema.json` says, with the line of what is wrong.

The few words of JSON Schema that ours uses are read here: a validator would be one more dependency of every install.
"""

import json
import re

from nativeload.catalog import HOME, Entry, entry
from nativeload.errors import DeclarationError
from nativeload.tomlfile import Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Path = tuple[str | int, ...]

_TYPES: dict[str, tuple[type, str]] = {
    "object": (dict, "a table"),
    "array": (list, "a list"),
    "string": (str, "a string"),
}
_TABLES = ("wheel", "abi", "needs")
_schema: "dict[str, Any]" = {}


def schema() -> "dict[str, Any]":
    """`schema.json`."""
    if not _schema:
        with open(f"{HOME}/schema.json", encoding="utf-8") as file:
            _schema.update(json.load(file))
    return _schema


def read(path: str, by: str = "") -> tuple[list[Entry], list[tuple[str, str]]]:
    """(the sound entries of a file, (where, what is wrong) of everything else). `by` is the distribution that adds it."""
    try:
        document = Document(path)
    except DeclarationError as error:
        return [], [(error.where, error.reason)]
    found = list(_wrong(document.table, schema(), ()))
    libraries = document.table.get("library")
    tables = libraries if isinstance(libraries, dict) else {}
    if by:
        found += [(("library", name, "homes"), _ELSEWHERE) for name, table in tables.items() if "homes" in table]
    bad = {at[1] for at, _ in found if len(at) > 1}
    sound = [entry(name, table, path, by) for name, table in tables.items() if name not in bad]
    return sound, [(_where(document, at), f"{_name(at)}{reason}") for at, reason in found]


_ELSEWHERE = "a distribution cannot send the search to directories outside the environment"


def _wrong(value: "Any", rule: "dict[str, Any]", at: "Path") -> "Iterator[tuple[Path, str]]":
    """(where, what) of all that is wrong with a value."""
    kind, called = _TYPES[rule["type"]]
    is_right: bool = isinstance(value, kind)
    if not is_right:
        yield at, f"is not {called}"
    elif kind is dict:
        yield from _wrong_table(value, rule, at)
    elif kind is list:
        if len(value) < rule.get("minItems", 0):
            yield at, "is empty"
        for number, item in enumerate(value):
            yield from _wrong(item, rule["items"], (*at, number))
    elif "enum" in rule and value not in rule["enum"]:
        yield at, f"is {value!r}, not one of {', '.join(rule['enum'])}"
    elif "pattern" in rule and not re.search(rule["pattern"], value):
        yield at, f"{value!r} is not of the form {rule['pattern']}"


def _wrong_table(table: "dict[str, Any]", rule: "dict[str, Any]", at: "Path") -> "Iterator[tuple[Path, str]]":
    for key in rule.get("required", ()):
        if key not in table:
            yield at, f"has no {key}"
    if len(table) < rule.get("minProperties", 0):
        yield at, "is empty"
    if "oneOf" in rule and sum(all(key in table for key in one["required"]) for one in rule["oneOf"]) != 1:
        yield at, f"has not exactly one of {', '.join(key for one in rule['oneOf'] for key in one['required'])}"
    for key, value in table.items():
        pattern = rule.get("propertyNames", {}).get("pattern", "")
        inner = rule.get("properties", {}).get(key) or next(
            (one for form, one in rule.get("patternProperties", {}).items() if re.search(form, key)),
            rule.get("additionalProperties"),
        )
        if not re.search(pattern, key):
            yield (*at, key), f"the name {key!r} is not of the form {pattern}"
        elif not inner:
            yield (*at, key), f"unknown key {key!r}; known are {', '.join(rule['properties'])}"
        else:
            yield from _wrong(value, inner, (*at, key))


def _name(at: "Path") -> str:
    """What a place in the document is called: "library.z.wheel[2].path: "."""
    words = [f"[{word + 1}]" if isinstance(word, int) else f".{word}" for word in at]
    return f"{''.join(words).removeprefix('.')}: " if at else "the file "


def _where(document: Document, at: "Path") -> str:
    """ "file:line" of a place in the document, of what is around it where it has no line of its own."""
    names = [word for word in at if isinstance(word, str)]
    number = at[3] if len(at) > 3 and isinstance(at[3], int) else None
    if number is not None and (len(names) > 3 or names[2] in _TABLES):  # in one of several tables of the same name
        return document.where("".join(names[3:4]), ".".join(names[:3]), number)
    return document.where(names[-1], ".".join(names[:-1])) if names else document.path
