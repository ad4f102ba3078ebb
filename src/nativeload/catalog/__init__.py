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
_KINDS = ("%", "&", "=", "@")  # of the lines that lead to libraries, in the order of the index
_index: dict[str, str] = {}
_shipped: dict[str, Entry | None] = {}
# What users and distributions add to a name, as a search last read it; whether there is anything that they add at all.
_added: dict[str, tuple[Entry | None, Entry | None]] = {}
_adding: bool | None = None
_latest: "tuple[Requirement | None, list[Entry]]" = (None, [])


def lookup(name: str, trace: "Trace | None" = None) -> Entry | None:
    """The catalog's entry for a library's bare name, None where it has none. "libz3" is taken for "z3".

    The user's entries come first, then those shipped, then those of distributions. With a `trace`, additions are read
    anew where they changed, and what the answer rests on is consulted; without, as the last search has read them.
    """
    asked = normal(name)
    added = _added.get(asked)  # which another thread may forget
    if trace is not None or (added is None and _adding is not False):
        added = _add(asked, Trace() if trace is None else trace)
    user, distributed = added or (None, None)
    return user or _of_shipped(asked) or distributed


def known(wanted: "Requirement", trace: "Trace | None" = None) -> list[Entry]:
    """The entries for what is asked for: that of its bare name, else those of the file that it is asked for by.

    A distribution's say nothing of a file that a shipped one has. Without a `trace`, what the search that goes on has
    found of this very requirement is found again.
    """
    global _latest
    latest = _latest
    if trace is None and latest[0] is wanted:
        return latest[1]
    found = _known(wanted, trace)
    if trace is not None:
        _latest = wanted, found
    return found


def _known(wanted: "Requirement", trace: "Trace | None") -> list[Entry]:
    entry = lookup(wanted.stem, trace)
    if not wanted.filename or (entry is not None and not entry.by):
        return [entry] if entry is not None else []
    if loader.SYSTEM is not None:
        named = (one for one in every() if loader.SYSTEM.is_known(one, wanted.filename))
        return list(dict.fromkeys((*filter(None, [entry]), *named)))
    machine = wanted.filename.replace(loader.machine(), "{machine}")
    shipped = [*by_soname(wanted.filename), *(by_soname(machine) if "{" in machine else ())]
    added = entry or lookup(f"={wanted.filename}", trace)
    first = [added] if added is not None and not (added.by and shipped) else []
    return [*first, *filter(None, (lookup(name, trace) for name in shipped))]


def _add(asked: str, trace: "Trace") -> tuple[Entry | None, Entry | None]:
    global _adding
    home = loader.config_file().rpartition(os.sep)[0]
    # Where the directory of the configuration is not there, nothing in it is, and one question tells it.
    user = bool(home) and trace.consult(home) != "-" and trace.consult(f"{home}/catalog") != "-"
    points = [one.entry_points or "" for one in metadata.providers(trace)]
    distributed = any(f"[{GROUP}]" in text for text in points)
    _adding = user or distributed
    if not (user or distributed):
        _added.clear()
        return None, None
    from nativeload.catalog import additions

    own = additions.of_user(asked, trace) if user else None
    others = None if own or not distributed or _of_shipped(asked) else additions.of_distributions(asked, trace)
    _added[asked] = own, others
    return own, others


def _of_shipped(asked: str) -> Entry | None:
    try:
        return _shipped[asked]
    except KeyError:
        line = "" if asked.startswith(_KINDS) else _listed(asked)
        if not line and asked.startswith("lib"):
            line = _listed(asked[3:])
        family, _, name = line.partition(" ")
        found = _shipped[asked] = _read(family, name) if name else None
        return found


def names() -> list[str]:
    """Every library that is shipped in the catalog, sorted."""
    return sorted({line.rpartition(" ")[2] for line in index("").split("\n") if line})


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


def like(entry: Entry, soname: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(ABI features, needs) of all the wheels whose file has a soname, wherever a file of it is; empty where they differ:
    libcudart.so.13 is CUDA 13's.
    """
    kinds = {(wheel.abi, wheel.needs) for wheel in entry.wheels if os.path.basename(wheel.path) == soname}
    return kinds.pop() if len(kinds) == 1 else ((), ())


def of_set(name: str) -> list[Entry]:
    """The libraries that must come from one origin with each other; those added come last."""
    from nativeload.catalog import additions

    shipped = list(filter(None, map(lookup, _listed(f"&{name}").split())))
    return [*shipped, *(one for one in additions.everything()[0] if one.set == name and one not in shipped)]


def virtuals() -> list[str]:
    """The virtual names there are."""
    return sorted(line[1:].partition(" ")[0] for line in index("%").split("\n") if line)


def index(kind: str) -> str:
    """The lines of `index.txt` of one kind: "NAME FAMILY LIBRARY" for each name, and what leads to libraries:
    "%VIRTUAL", "&SET", "=SONAME", "@DISTRIBUTION". Each begins and ends with the end of a line.
    """
    global _index
    if not _index:
        kinds, last = dict[str, str](), ""
        rest = f"\n{_text(f'{HOME}/index.txt')}"
        for following in _KINDS:
            before, found, rest = rest.partition(f"\n{following}")
            kinds[last] = f"{before}\n"
            last, rest = following, found + rest
        _index = {**kinds, last: rest}
    return _index[kind]


def _text(path: str) -> str:
    """A data file of the catalog's own: by whatever has loaded this module, where that is in an archive."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except NotADirectoryError:
        data: bytes = __loader__.get_data(path)  # type: ignore[name-defined]
        return data.decode()


def _listed(key: str) -> str:
    """What follows a key in the index, "" where it is not there."""
    lines = index(key[:1] if key.startswith(_KINDS) else "")
    start = lines.find(f"\n{key} ") if "\n" not in key and " " not in key else -1
    return "" if start < 0 else lines[start + len(key) + 2 : lines.index("\n", start + 1)]


def _read(family: str, name: str) -> Entry:
    """One library of a family's file, of which nothing else is parsed."""
    path = f"{HOME}/{family}.toml"
    sections = iter(f"\n{_text(path)}".split("\n[library."))
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
    global _adding, _latest
    _added.clear()
    _adding, _latest = None, (None, [])


def every() -> "Iterator[Entry]":
    """Every entry that is shipped."""
    return filter(None, map(_of_shipped, names()))
