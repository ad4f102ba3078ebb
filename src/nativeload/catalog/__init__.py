"""What is known of libraries that exist in the world: data files, one per family, read when somebody asks for one.

`schema.json` is the grammar, and [the page of the catalog](docs/reference/catalog.md) is made of the data. A name leads
to its family by `index.txt`, one small file, and of the family's file only the one library is read: what an unknown
name costs does not grow with the catalog. What users and distributions add is in `additions.py`. Nothing here reads a
library.
"""

import os

from nativeload import loader, metadata
from nativeload.requirement import normal
from nativeload.spec import Record, Trace
from nativeload.tomlfile import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from nativeload.requirement import Requirement


class Wheel(Record):
    """A distribution that ships the library.

    `path` is relative to the directory it is installed in, `data` to the environment's prefix (what a wheel's
    `.data/data` becomes): one of them is "". "{soversion}" stands for numbers and dots, "{machine}" for this
    machine's name. `version` says whether the distribution's version is the library's, `abi` are the features of what it
    ships, `needs` the properties that the machine must have for it. `macos` and `windows` are the paths in the wheels for those systems.
    """

    __slots__ = ("abi", "data", "distribution", "macos", "needs", "path", "version", "windows")
    distribution: str
    path: str
    data: str
    version: bool
    abi: tuple[str, ...]
    needs: tuple[str, ...]
    macos: str
    windows: str


class ABI(Record):
    """The `features` of a file that exports `symbol` (and has `soname`, where one is given)."""

    __slots__ = ("features", "soname", "symbol")
    symbol: str
    soname: str
    features: tuple[str, ...]


class Entry(Record):
    """One library of the catalog.

    `names` are others that it is asked for by; `sonames`, `macos` and `windows` what its file is called on each system,
    the newest major version first; `version_in_name` the text before and after the version in its file's name, two empty
    texts where that name tells none, None where the usual place tells it. `virtual` names it implements, `set` is shared
    by those that must come from one origin, `depends` names entries. `homes` are directories of an installation that
    an environment variable names ("CUDA_HOME/lib64"). `version_symbol` declares in C what gives the version once the
    library is loaded, `version_scale` divides a number into its parts. `where` is the data file, `by` the distribution
    that adds it, "" for what is shipped or the user's. `needs` are the properties (`nativeload.properties`) that the
    machine must have, by soname.
    """

    __slots__ = (
        "abi", "by", "depends", "homes", "install", "macos", "name", "names", "needs", "pep725", "pkg_config", "set", "sonames",
        "summary", "version_in_name", "version_scale", "version_symbol", "virtual", "wheels", "where", "windows",
    )  # fmt: skip
    name: str
    summary: str
    names: tuple[str, ...]
    sonames: tuple[str, ...]
    macos: tuple[str, ...]
    windows: tuple[str, ...]
    wheels: tuple[Wheel, ...]
    abi: tuple[ABI, ...]
    version_in_name: tuple[str, str] | None
    version_symbol: str
    version_scale: tuple[str, ...]
    pkg_config: str
    virtual: tuple[str, ...]
    set: str
    depends: tuple[str, ...]
    homes: tuple[str, ...]
    pep725: tuple[str, ...]
    install: tuple[tuple[str, tuple[str, ...]], ...]
    needs: tuple[tuple[str, tuple[str, ...]], ...]
    where: str
    by: str


GROUP = "nativeload.catalog"  # of the entry points by which distributions add to it
HOME = os.path.dirname(__file__)
_index = ""
_shipped: dict[str, Entry | None] = {}
# What users and distributions add, as it was when a search last asked for it.
_added: dict[str, tuple[Entry | None, Entry | None]] = {}


def lookup(name: str, trace: "Trace | None" = None) -> Entry | None:
    """The catalog's entry for a library's bare name, None where it has none. "libz3" is taken for "z3".

    The user's entries come first, then those shipped, then those of distributions. With a `trace`, additions are read
    anew where they changed, and what the answer rests on is consulted; without, as this search has read them.
    """
    asked = normal(name)
    if trace is not None or asked not in _added:
        trace = Trace() if trace is None else trace
        user = _of_user(asked, trace)
        distributed = None if user or _of_shipped(asked) else _of_distributions(asked, trace)
        _added[asked] = user, distributed
    user, distributed = _added[asked]
    return user or _of_shipped(asked) or distributed


def known(wanted: "Requirement", trace: "Trace | None" = None) -> list[Entry]:
    """The entries for what is asked for: that of its bare name, else those of the file that it is asked for by."""
    entry = lookup(wanted.stem, trace)
    if entry is not None or not wanted.filename:
        return [entry] if entry is not None else []
    machine = wanted.filename.replace(os.uname().machine, "{machine}")
    names = (f"={wanted.filename}", *by_soname(wanted.filename), *(by_soname(machine) if "{" in machine else ()))
    return list(filter(None, (lookup(name, trace) for name in names)))


def _of_user(asked: str, trace: "Trace") -> Entry | None:
    config = loader.config_file()
    # Where the directory of the configuration is not there, nothing in it is, and one question tells it.
    if not config or trace.consult(home := os.path.dirname(config)) == "-" or trace.consult(f"{home}/catalog") == "-":
        return None
    from nativeload.catalog import additions

    return additions.of_user(asked, trace)


def _of_distributions(asked: str, trace: "Trace") -> Entry | None:
    for distribution in metadata.providers(trace):
        if f"[{GROUP}]" in (distribution.entry_points or ""):
            from nativeload.catalog import additions

            return additions.of_distributions(asked, trace)
    return None


def _of_shipped(asked: str) -> Entry | None:
    if asked not in _shipped and asked[:1] not in ("=", "@", "%", "&"):
        family, _, name = (_listed(asked) or _listed(asked.removeprefix("lib"))).partition(" ")
        _shipped[asked] = _read(family, name) if name else None
    return _shipped.get(asked)


def names() -> list[str]:
    """Every library that is shipped in the catalog, sorted."""
    lines = (line.split(" ") for line in index().split("\n"))
    return sorted({line[2] for line in lines if len(line) == 3 and line[0][0].isalnum()})


def by_soname(soname: str) -> list[str]:
    """The libraries that the catalog knows by a soname."""
    return _listed(f"={soname}").split()


def of_distribution(distribution: str) -> list[str]:
    """The libraries that the catalog says a distribution ships."""
    return _listed(f"@{normal(distribution)}").split()


def implementing(virtual: str) -> list[str]:
    """The libraries that implement a virtual name ("blas"), in the default order of preference; those added come last."""
    known = _listed(f"%{normal(virtual)}").split()
    if known:
        from nativeload.catalog import additions

        added = (one.name for one in additions.everything()[0] if normal(virtual) in one.virtual)
        known += [name for name in added if name not in known]
    return known


def of_set(name: str) -> list[Entry]:
    """The libraries that must come from one origin with each other; those added come last."""
    from nativeload.catalog import additions

    shipped = list(filter(None, map(lookup, _listed(f"&{name}").split())))
    return [*shipped, *(one for one in additions.everything()[0] if one.set == name and one not in shipped)]


def virtuals() -> list[str]:
    """The virtual names there are."""
    return sorted(line[1:].partition(" ")[0] for line in index().split("\n") if line.startswith("%"))


def index() -> str:
    """`index.txt`: a line "NAME FAMILY LIBRARY" for each name; "=SONAME", "@DISTRIBUTION", "%VIRTUAL" and "&SET" lead
    to libraries.
    """
    global _index
    if not _index:
        with open(f"{HOME}/index.txt", encoding="utf-8") as file:
            _index = f"\n{file.read()}"
    return _index


def _listed(key: str) -> str:
    """What follows a key in the index, "" where it is not there."""
    start = index().find(f"\n{key} ") if "\n" not in key and " " not in key else -1
    return "" if start < 0 else _index[start + len(key) + 2 : _index.index("\n", start + 1)]


def _read(family: str, name: str) -> Entry:
    """One library of a family's file, of which nothing else is parsed."""
    path = f"{HOME}/{family}.toml"
    with open(path, encoding="utf-8") as file:
        sections = iter(f"\n{file.read()}".split("\n[library."))
    parts: list[str] = []
    for section in sections:
        if section.startswith((f"{name}]", f"{name}.")):
            parts.append(section)
    table = plain("[library." + "\n[library.".join(parts))
    assert table is not None, f"{path} is not plain"
    return entry(name, table["library"][name], path)


def entry(name: str, table: "dict[str, Any]", where: str, by: str = "") -> Entry:
    """A library as its table in a data file describes it."""
    before, braces, after = table.get("version-in-file-name", "").partition("{version}")
    undescribed = "version-in-file-name" not in table
    texts = {key: tuple(table.get(key, ())) for key in _LISTS}
    return Entry(
        name=name,
        summary=table.get("summary", ""),
        wheels=tuple(map(_wheel, table.get("wheel", ()))),
        abi=tuple(
            ABI(symbol=rule["symbol"], soname=rule.get("soname", ""), features=tuple(rule["features"]))
            for rule in table.get("abi", ())
        ),
        version_in_name=None if undescribed else (before, after) if braces else ("", ""),
        version_symbol=table.get("version-symbol", ""),
        version_scale=tuple(table.get("version-scale", ())),
        pkg_config=table.get("pkg-config", ""),
        set=table.get("set", ""),
        install=tuple((installer, tuple(packages)) for installer, packages in table.get("install", {}).items()),
        needs=tuple((rule["soname"], tuple(rule["features"])) for rule in table.get("needs", ())),
        where=where,
        by=by,
        **texts,
    )


_LISTS = ("names", "sonames", "macos", "windows", "virtual", "depends", "homes", "pep725")


def _wheel(table: "dict[str, Any]") -> Wheel:
    return Wheel(
        distribution=table["distribution"],
        path=table.get("path", ""),
        data=table.get("data", ""),
        version=table.get("version", "distribution") == "distribution",
        abi=tuple(table.get("abi", ())),
        needs=tuple(table.get("needs", ())),
        macos=table.get("macos", ""),
        windows=table.get("windows", ""),
    )


def forget() -> None:
    """Drop what users and distributions have added, as it was read."""
    _added.clear()


def every() -> "Iterator[Entry]":
    """Every entry that is shipped."""
    return filter(None, map(_of_shipped, names()))
