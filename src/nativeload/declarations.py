"""`nativeload.toml`, by which a package says what libraries it ships: its grammar, and reading it."""

import os
import sys

import nativeload
from nativeload.metadata import FILE, package_directories
from nativeload.requirement import normal
from nativeload.spec import Record
from nativeload.tomlfile import Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nativeload.metadata import Distribution
    from nativeload.spec import Trace

TABLES = ("library", "requires")
DEVELOPMENT = ("include", "pkgconfig", "cmake")
_PLACES = ("path", "macos", "windows")
KEYS: "dict[str, type]" = {
    **dict.fromkeys((*_PLACES, "soname", "version", "prefix", "suffix", "set", *DEVELOPMENT), str),
    **dict.fromkeys(("abi", "requires", "aliases"), list),
    "builds": dict,
}
LEVELS = ("x86-64-v2", "x86-64-v3", "x86-64-v4")
_KINDS: "dict[type, str]" = {str: "a string", list: "a list of strings", dict: "a table of strings"}


class Library(Record):
    """One library that a provider declares, as it stands in its `nativeload.toml`, and where (`where`, "file:line").

    `path` is absolute and inside the package, "" where there is none for this platform; so are the directories of `development` by their keys, and those of
    `builds`, (properties that the machine must have, path) with the best first, CPU levels by their short names. `requires` are (requirement, where it says so) of what is
    loaded before it, `set` names the libraries that must come from one origin with it, `aliases` are other sonames that it
    answers for.
    """

    __slots__ = (
        "abi",
        "aliases",
        "builds",
        "development",
        "name",
        "path",
        "requires",
        "set",
        "soname",
        "version",
        "where",
    )
    name: str
    path: str
    soname: str | None
    version: str | None
    abi: tuple[str, ...]
    where: str
    development: tuple[tuple[str, str], ...]
    builds: tuple[tuple[str, str], ...]
    requires: tuple[tuple[str, str], ...]
    set: str
    aliases: tuple[str, ...]


def read(distribution: "Distribution", package: str, trace: "Trace") -> dict[str, Library]:
    """The libraries that a package's `nativeload.toml` declares. Raises DeclarationError, with file and line."""
    path, homes = _found(distribution, package, FILE, trace)
    home = os.path.dirname(path)
    found = libraries(Document(path), home)
    if homes == [home]:
        return found
    # An editable install, or purelib and platlib: what is built may be in another directory of the package.

    def settled(path: str) -> str:
        if path and trace.consult(path) == "-":
            for other in homes:
                if trace.consult(other + path[len(home) :]) != "-":
                    return other + path[len(home) :]
            return _resource(package, path[len(home) + 1 :], trace) or path
        return path

    return {
        name: one.replace(
            path=settled(one.path),
            builds=tuple((level, settled(path)) for level, path in one.builds),
            development=tuple((key, settled(path)) for key, path in one.development),
        )
        for name, one in found.items()
    }


def shipped(distribution: "Distribution", package: str, file: str, trace: "Trace") -> str:
    """The path of a file that a package has, which is not imported. Raises DeclarationError."""
    return _found(distribution, package, file, trace)[0]


def _found(distribution: "Distribution", package: str, file: str, trace: "Trace") -> tuple[str, list[str]]:
    """The path of a package's file, and the package's directories."""
    parts = package.split(".")
    if not all(part.isidentifier() for part in parts):
        raise nativeload.DeclarationError(f"{distribution.label}'s entry point", f"{package!r} is not a package's name")
    homes = package_directories(package, distribution.site, file)
    for home in homes:
        path = f"{home}{os.sep}{file}"
        trace.consult(path)
        if os.path.lexists(path):
            return path, homes
    if resource := _resource(package, file, trace):
        return resource, homes
    where = " or ".join(homes) or f"package {package}, which is not on sys.path as a directory"
    raise nativeload.DeclarationError(f"{distribution.label}'s entry point", f"there is no {file} in {where}")


def _resource(package: str, file: str, trace: "Trace") -> str:
    """What the package's loader says. It may have built the file anew to say so, and is asked again the next time."""
    from nativeload import packages

    path = packages.resource(package, file)
    if path:
        trace.consult(path)
        trace.lasting = False
    return path


def libraries(document: Document, home: str, system: str = "") -> dict[str, Library]:
    """What a file declares of the package in a directory, by normal names, for a system ("windows", "macos", "linux"), by
    default this one. Raises DeclarationError.
    """
    check_tables(document)
    found = document.table.get("library", {})
    if not isinstance(found, dict):
        raise nativeload.DeclarationError(document.where("library"), "library is a table: write [library.NAME]")
    system = system or {"darwin": "macos", "win32": "windows"}.get(sys.platform, "linux")
    return {normal(name): _library(document, home, name, table, system) for name, table in found.items()}


def check_tables(document: Document) -> None:
    """Raises DeclarationError where a file has other tables than there are."""
    for key in document.table:
        if key not in TABLES:
            reason = f"unknown key {key!r}; a {FILE} has tables [library.NAME] and [requires]"
            raise nativeload.DeclarationError(document.where(key), reason)


def _library(document: Document, home: str, name: str, table: "Any", system: str) -> Library:
    header = f"library.{name}"
    if not isinstance(table, dict):
        raise nativeload.DeclarationError(document.where(name, "library"), f"{header} is a table: write [{header}]")
    for key, value in table.items():
        _check(document, header, key, value)
    if not any(place in table for place in _PLACES):
        raise nativeload.DeclarationError(document.where(header), f"[{header}] has no path")
    place = _here(table, system)
    affixes = tuple(f"{key}={table[key].lower()}" for key in ("prefix", "suffix") if table.get(key))
    return Library(
        name=name,
        path=_inside(document, home, header, place, table[place]) if place else "",
        soname=table.get("soname"),
        version=table.get("version"),
        abi=(*(feature.lower() for feature in table.get("abi", ())), *affixes),
        where=document.where(place, header) if place else document.where(header),
        development=tuple(
            (key, _inside(document, home, header, key, table[key])) for key in DEVELOPMENT if key in table
        ),
        builds=_builds(document, home, f"{header}.builds", table.get("builds", {})),
        requires=tuple((text, document.where("requires", header)) for text in table.get("requires", ())),
        set=table.get("set", ""),
        aliases=_aliases(document, header, table.get("aliases", [])),
    )


def _check(document: Document, header: str, key: str, value: "Any") -> None:
    if key not in KEYS:
        raise nativeload.DeclarationError(
            document.where(key, header), f"unknown key {key!r}; known are {', '.join(KEYS)}"
        )
    inside = [*value.values()] if type(value) is dict else value if type(value) is list else []
    if type(value) is not KEYS[key] or not all(type(item) is str for item in inside):
        raise nativeload.DeclarationError(document.where(key, header), f"{key} is {_KINDS[KEYS[key]]}")


def _aliases(document: Document, header: str, names: list[str]) -> tuple[str, ...]:
    for name in names:
        if ".so" not in name or "/" in name or "\0" in name:
            raise nativeload.DeclarationError(
                document.where("aliases", header), f"alias {name!r} is no soname: libNAME.so.1"
            )
    return tuple(names)


def _here(table: "dict[str, Any]", system: str) -> str:
    """The key that has the path on a system, "" where none does."""
    return system if system in table else "path" if "path" in table else ""


def _builds(document: Document, home: str, header: str, table: "dict[str, str]") -> tuple[tuple[str, str], ...]:
    particular = [key for key in table if key not in LEVELS]
    for key in particular:
        from nativeload.properties import parse

        try:
            for text in key.split(","):
                parse(text)
        except ValueError as error:
            reason = f"{key!r} is no CPU level ({', '.join(LEVELS)}), and {error}"
            raise nativeload.DeclarationError(document.where(key, header), reason) from None
    order = particular + [level for level in reversed(LEVELS) if level in table]
    return tuple((key, _inside(document, home, header, key, table[key])) for key in order)


def _inside(document: Document, home: str, header: str, key: str, path: str) -> str:
    where = document.where(key, header)
    if not path or "\0" in path:
        raise nativeload.DeclarationError(where, f"{key} is empty, or no path")
    if os.path.isabs(path):
        raise nativeload.DeclarationError(where, f"{key} {path!r} is absolute; it is relative to the package")
    whole = os.path.normpath(f"{home}/{path}")
    # By name, not by what links lead to: an installer may make every file a link into its own store.
    if not whole.startswith(f"{home}{os.sep}"):
        raise nativeload.DeclarationError(where, f"{key} {path!r} climbs out of the package")
    return whole
