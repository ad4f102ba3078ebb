"""What is known of libraries that exist in the world: one data file each, read when somebody asks for it.

A data file is TOML: `sonames` the library has been known by; `version-in-file-name` ("-r{version}.so") where the
real file's name tells the version; `[install]`, packages by installer; `[[wheel]]`, a distribution that ships it
and where; `[[abi]]`, the features that a symbol tells, the first that fits; `[[needs]]`, what a soname needs of the
machine. Nothing here reads a library.
"""

import os

from nativeload.requirement import normal
from nativeload.spec import Record
from nativeload.tomlfile import Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Wheel(Record):
    """A distribution that ships the library.

    `path` is relative to the directory it is installed in, `data` to the environment's prefix (what a wheel's
    `.data/data` becomes): one of them is "". "{soversion}" stands for numbers and dots, "{machine}" for this
    machine's name. `version` says whether the distribution's version is the library's.
    """

    __slots__ = ("data", "distribution", "path", "version")
    distribution: str
    path: str
    data: str
    version: bool


class ABI(Record):
    """The `features` of a file that exports `symbol` (and has `soname`, where one is given)."""

    __slots__ = ("features", "soname", "symbol")
    symbol: str
    soname: str
    features: tuple[str, ...]


class Entry(Record):
    """One library of the catalog. `version_in_name` is the text before and after the version in its file's name,
    `needs` are the properties (`nativeload.properties`) that the machine must have, by soname.
    """

    __slots__ = ("abi", "install", "name", "needs", "sonames", "version_in_name", "wheels")
    name: str
    sonames: tuple[str, ...]
    wheels: tuple[Wheel, ...]
    abi: tuple[ABI, ...]
    version_in_name: tuple[str, str] | None
    install: tuple[tuple[str, tuple[str, ...]], ...]
    needs: tuple[tuple[str, tuple[str, ...]], ...]


_HOME = os.path.dirname(__file__)
_names: list[str] = []
_entries: dict[str, Entry | None] = {}


def lookup(name: str) -> Entry | None:
    """The catalog's entry for a library's bare name, None where it has none. "libz3" is taken for "z3"."""
    plain = normal(name)
    if plain not in _entries:
        found = next((name for name in (plain, plain.removeprefix("lib")) if name in names()), None)
        _entries[plain] = _entry(found, Document(f"{_HOME}/{found}.toml").table) if found else None
    return _entries[plain]


def names() -> list[str]:
    """Every library in the catalog, sorted."""
    if not _names:
        _names.extend(sorted(file.removesuffix(".toml") for file in os.listdir(_HOME) if file.endswith(".toml")))
    return _names


def _entry(name: str, table: "dict[str, Any]") -> Entry:
    before, braces, after = table.get("version-in-file-name", "").partition("{version}")
    return Entry(
        name=name,
        sonames=tuple(table["sonames"]),
        wheels=tuple(_wheel(**wheel) for wheel in table.get("wheel", ())),
        abi=tuple(
            ABI(symbol=rule["symbol"], soname=rule.get("soname", ""), features=tuple(rule["features"]))
            for rule in table.get("abi", ())
        ),
        version_in_name=(before, after) if braces else None,
        install=tuple((installer, tuple(packages)) for installer, packages in table.get("install", {}).items()),
        needs=tuple((rule["soname"], tuple(rule["features"])) for rule in table.get("needs", ())),
    )


def _wheel(distribution: str, path: str = "", data: str = "", version: str = "distribution") -> Wheel:
    return Wheel(distribution=distribution, path=path, data=data, version=version == "distribution")
