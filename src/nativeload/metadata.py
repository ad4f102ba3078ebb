"""Installed distributions, and where the packages are that their entry points in `nativeload.libraries` name.

Distributions are those on `sys.path`, the first of a name wins, as for `import`. Nothing here imports a provider.
"""

import os
import sys

from nativeload import _STABLE_ABI, core
from nativeload.requirement import normal
from nativeload.spec import Record
from nativeload.tomlfile import regular

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from nativeload.spec import Trace

GROUP = "nativeload.libraries"
DYNAMIC = "dynamic_library"  # the group of the dynamic-library project: name, and the package that has lib<name>.so
GROUPS = ("nativeload.", f"{DYNAMIC}]")  # what their names begin with: one scan finds them
FILE = "nativeload.toml"


class Distribution(Record):
    """An installed distribution: `site` is the directory it is in, `directory` its dist-info's or egg-info's name."""

    __slots__ = ("directory", "entry_points", "name", "site")
    name: str
    site: str
    directory: str
    entry_points: str | None

    @property
    def version(self) -> str:
        """Its version, from the directory's name; "" where nothing tells."""
        version = self.directory.rpartition(".")[0].partition("-")[2]
        return version.partition("-py")[0] or self._header("Version")

    @property
    def label(self) -> str:
        """Its name as its author writes it."""
        return self._header("Name") or self.name

    def _header(self, field: str) -> str:
        return next(self.headers(field), "")

    def headers(self, field: str) -> "Iterator[str]":
        """What each line of that name in its METADATA says."""
        for file in ("METADATA", "PKG-INFO"):
            try:
                path = f"{self.site}/{self.directory}/{file}"
                with open(path, encoding="utf-8", errors="replace", opener=regular) as lines:
                    for line in lines:
                        if line.startswith(f"{field}:"):
                            yield line.partition(":")[2].strip()
                        if not line.strip():
                            break
            except OSError:
                continue

    def declared(self, group: str = GROUP) -> "Iterator[tuple[str, str]]":
        """(name, package) of each entry point in one of `GROUPS`: (library, package) in the usual one."""
        inside = False
        for raw in (self.entry_points or "").splitlines():
            line = raw.strip()
            if line.startswith("["):
                inside = line == f"[{group}]"
            elif inside and "=" in line and not line.startswith(("#", ";")):
                name, _, value = line.partition("=")
                yield name.strip(), value.partition(":")[0].partition("[")[0].strip()

    def files(self, *words: str) -> "Iterator[str]":
        """The paths in its RECORD, absolute, of lines with one of the words if any are given; none without RECORD."""
        try:
            path = f"{self.site}/{self.directory}/RECORD"
            with open(path, encoding="utf-8", errors="surrogateescape", opener=regular) as lines:
                for line in lines:
                    for word in words:
                        if word in line:
                            break
                    else:
                        if words:
                            continue
                    # Only a name with a comma or a quote is quoted, and no library's is.
                    yield os.path.normpath(os.path.join(self.site, line.partition(",")[0]))
        except OSError:
            return


# What one directory holds: {normal name: (dist-info's name, entry_points.txt or None)}, and those that declare.
_Site = tuple[dict[str, tuple[str, str | None]], list[str]]
# sys.path as it was when it was last asked for its directories, and these, where none depends on the current one.
_known_path: tuple[list[str], list[str]] = ([], [])
_sites: dict[str, tuple[str, _Site]] = {}
# The directories, their states, and the distributions there that declare.
_known_providers: "tuple[tuple[str, ...], tuple[str, ...], list[Distribution]]" = ((), (), [])


def sites() -> list[str]:
    """The directories on `sys.path` that can hold distributions, absolute, once each.

    The interpreter's own library is left out, and so is "" (the current directory, whatever it is by then): what
    is installed there is not a provider of machine code. A frozen program has everything in one directory.
    """
    global _known_path
    path, known = sys.path.copy(), _known_path
    if known[0] == path:
        return known[1]
    stdlib = os.path.dirname(os.__file__)
    archive = f"python{sys.version_info[0]}{sys.version_info[1]}{'' if _STABLE_ABI else 't'}.zip"
    own = {"", f"{stdlib}/lib-dynload", *([] if getattr(sys, "frozen", False) else [stdlib])}
    entries = [e for e in path if isinstance(e, str) and e not in own and os.path.basename(e) != archive]
    if all(map(os.path.isabs, entries)):
        known = _known_path = path, list(dict.fromkeys(map(os.path.abspath, entries)))
        return known[1]
    try:
        return list(dict.fromkeys(map(os.path.abspath, entries)))
    except OSError:  # The working directory is gone, and with it what a relative entry meant.
        return list(dict.fromkeys(os.path.normpath(e) for e in entries if os.path.isabs(e)))


def _scan(site: str) -> _Site:
    try:
        found = core.scan(site, GROUPS)
    except OSError:
        return {}, []
    # All of them at once: one by one they take longer than to read what they declare.
    plain = normal("\0".join([directory.rpartition(".")[0].partition("-")[0] for directory, _ in found]))
    names: dict[str, tuple[str, str | None]] = {}
    for name, one in zip(plain.split("\0"), found, strict=False):
        names.setdefault(name, one)
    return names, [name for name, (_, text) in names.items() if text is not None]


def _site(site: str, state: str) -> _Site:
    known = _sites.get(site)
    if known is None or known[0] != state:
        known = _sites[site] = state, _scan(site)
    return known[1]


def forget() -> None:
    """Drop what was read."""
    global _known_providers
    _sites.clear()
    _known_providers = (), (), []


def find(name: str, trace: "Trace | None" = None) -> Distribution | None:
    """The installed distribution of a name, None if there is none."""
    plain = normal(name)
    for site in sites():
        found = _site(site, trace.consult(site) if trace is not None else core.signature(site))[0].get(plain)
        if found:
            return Distribution(name=plain, site=site, directory=found[0], entry_points=found[1])
    return None


def distributions() -> "Iterator[Distribution]":
    """Every installed distribution."""
    seen: set[str] = set()
    for site in sites():
        for name, (directory, text) in _site(site, core.signature(site))[0].items():
            if name not in seen:
                seen.add(name)
                yield Distribution(name=name, site=site, directory=directory, entry_points=text)


def providers(trace: "Trace | None" = None) -> "list[Distribution]":
    """Every distribution that has an entry point in one of `GROUPS`; with a `trace`, found once in a search."""
    global _known_providers
    if trace is not None and trace.providers is not None:
        return trace.providers
    places = tuple(sites())
    # One question for all of them.
    states = trace.consult_all(places) if trace is not None else core.signatures(places)
    known = _known_providers
    if known[:2] != (places, states):
        known = _known_providers = places, states, _providers(places, states)
    if trace is not None:
        trace.providers = known[2]
    return known[2]


def _providers(places: tuple[str, ...], states: tuple[str, ...]) -> "list[Distribution]":
    found = []
    before: list[dict[str, tuple[str, str | None]]] = []
    for site, state in zip(places, states, strict=True):
        names, declaring = _site(site, state)
        for name in declaring:
            if not any(name in earlier for earlier in before):
                directory, text = names[name]
                found.append(Distribution(name=name, site=site, directory=directory, entry_points=text))
        before.append(names)
    return found


def package_directories(package: str, site: str, file: str = FILE) -> list[str]:
    """The directories of an importable package, without importing it; those of the distribution's own site first.

    Only the top-level name is asked of the import system's finders: asking for a dotted one imports the parent.
    An editable install's finder answers here, also for its portion of a namespace that is a directory elsewhere.
    """
    top, *inner = package.split(".")
    tops = [os.sep.join((place, top)) for place in (site, *sites())]
    homes = [os.sep.join((home, *inner)) for home in tops if os.path.isdir(home)]
    if not any(os.path.lexists(f"{home}/{file}") for home in homes):
        from nativeload import packages

        homes += [os.sep.join((home, *inner)) for home in packages.directories(top)]
    return list(dict.fromkeys(homes))
