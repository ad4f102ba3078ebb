"""`--explain` without a name: this process's linker, the chain, what the user chose, what there is, the cache."""

import os
import sys

from nativeload import cache, catalog, core, inventory, loader, preferences, resolution
from nativeload.catalog import additions
from nativeload.errors import OverrideError
from nativeload.linkers import host
from nativeload.loader import SYSTEM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BACKENDS = {"nativeload._native": "c", "nativeload._pure": "python"}  # as NATIVELOAD_BACKEND names them
_NO_EXTENSION = (
    "           its C extension is not here: the answers are the same, a search takes longer. With a compiler and Python's"
    "\n           headers: pip install --force-reinstall --no-cache-dir --no-binary nativeload nativeload"
)

# Where each finder looks, for somebody who reads about the chain for the first time.
_PLACES = {
    "loaded": "what this process already has",
    "override": "what is chosen: in code, NATIVELOAD_<NAME>, then the configuration files",
    "wheel": "libraries of installed distributions, declared or known to the catalog",
    "prefix": " and ".join(
        os.path.join(sys.prefix, *one.split("/")) for one in (SYSTEM.prefixes if SYSTEM else ("lib",))
    ),
    "system": "what the dynamic linker itself would find",
}


def overview() -> "dict[str, Any]":
    """Everything one asks first when lost, as JSON."""
    libc, version = core.libc()
    return {
        "version": 1,
        "nativeload": {
            "version": loader.VERSION,
            "backend": _BACKENDS[core.__name__],
            "source": _source("NATIVELOAD_BACKEND"),
        },
        "python": {"version": sys.version.partition(" ")[0], "executable": sys.executable, "prefix": sys.prefix},
        "process": {
            "machine": loader.machine(),
            "isa_level": core.isa_level(),
            "libc": libc,
            "libc_version": version,
            "linker": None if SYSTEM else host.linker().program.interp,
            "search_path": [{"directory": directory, "kind": kind} for directory, kind in core.search_path()],
            "ld_so_cache": host.CACHE if not SYSTEM and os.path.exists(host.CACHE) else None,
        },
        "finders": [finder.name for finder in resolution.finders],
        "overrides": overrides(),
        "configuration": configuration(),
        "catalog": _catalog(),
        "providers": [one.to_dict() for one in inventory.provided()],
        "loaded": [image.to_dict() for image in inventory.loaded()],
        "cache": _cache(),
    }


def overrides() -> "list[dict[str, str | None]]":
    """Every choice and where it is written; those that are not in force, with the reason."""
    found: list[dict[str, str | None]] = []
    winners: dict[str, str] = {}

    def add(level: str, library: str | None, where: str, value: str, named: str, ignored: str = "") -> None:
        wins = winners.setdefault(named, where) if not ignored else where
        note = ignored or (f"not used: {wins} wins" if wins != where else "")
        found.append({"level": level, "library": library, "variable": where, "value": value, "note": note})

    for library, value in loader.preferred.items():
        add("code", library, f"prefer({library!r})", value, _variable(library))
    for variable, value in sorted(os.environ.items()):
        own = variable in preferences.RESERVED and variable != preferences.FOR_ALL
        if variable.startswith("NATIVELOAD_") and not own and value:
            add(
                "variable",
                None,
                variable,
                value,
                variable,
                "" if loader.setting(variable) else f"ignored: {preferences.ISOLATED}",
            )
    for whose, path in preferences.files():
        try:
            for library, one in preferences.read(path, whose).items():
                add(whose, library, one.variable, one.value, _variable(library))
        except OverrideError as error:
            add(whose, None, error.variable, error.value, error.variable, error.reason)
    return found


def _variable(library: str) -> str:
    return preferences.FOR_ALL if library == preferences.ALL else loader.variable_of(library)


def configuration() -> "list[dict[str, str]]":
    """Each configuration file and its state, the one that counts first."""
    found = []
    for whose, path in preferences.files(obeyed=False):
        refused = preferences.untrusted(path, whose)
        state = f"ignored: {refused}" if refused else "read"
        if sys.flags.isolated:
            state = f"ignored: {preferences.ISOLATED}"
        elif not os.path.lexists(path):
            state = "absent"
        found.append({"whose": whose, "file": path, "state": state})
    return found


def _catalog() -> "dict[str, Any]":
    """How many libraries are shipped, and what users and distributions add, with what is wrong of it."""
    entries, problems = additions.everything()
    return {
        "shipped": len(catalog.names()),
        "added": [{"name": one.name, "where": one.where, "distribution": one.by or None} for one in entries],
        "problems": [{"where": where, "reason": reason} for where, reason in problems],
    }


def _cache() -> "dict[str, Any]":
    home, source = loader.cache_directory(), _source("NATIVELOAD_CACHE")
    if not home:
        state = "no answers are kept on this system" if SYSTEM else "off"
        return {"directory": None, "state": state, "answers": 0, "source": source}
    if not os.path.isdir(home):
        return {"directory": home, "state": "empty: made when first needed", "answers": 0, "source": source}
    state = "ready" if os.access(home, os.W_OK) else "not writable: every search is done anew"
    if cache.foreign(home):
        state = "not written: others own it or can write it"
    return {"directory": home, "state": state, "answers": sum(map(cache.ours, os.listdir(home))), "source": source}


def _source(variable: str) -> str:
    """Where a setting comes from: its variable, or the default."""
    value = loader.setting(variable)
    return f"{variable}={value}" if value else "default"


def text(facts: "dict[str, Any]") -> str:
    """The overview for a person."""
    process, python = facts["process"], facts["python"]
    own = {key: facts["nativeload"][key] for key in ("backend", "source")}
    linker = f", {process['linker']}" if process["linker"] else ""
    level = f", x86-64-v{process['isa_level']}" if process["isa_level"] else ""
    lines = [
        f"nativeload {facts['nativeload']['version']} ({facts['nativeload']['backend']} backend, {facts['nativeload']['source']})",
        *([_NO_EXTENSION] if own == {"backend": "python", "source": "default"} else []),
        f"python     {python['version']} at {python['executable']}, prefix {python['prefix']}",
        f"process    {process['machine']}{level}, {process['libc']} {process['libc_version']}{linker}",
        f"cache      {facts['cache']['directory'] or 'off'}: {facts['cache']['state']}, {facts['cache']['answers']} answers ({facts['cache']['source']})",
        f"catalog    {facts['catalog']['shipped']} libraries and {len(facts['catalog']['added'])} added",
        *(f"config     {one['file']}: {one['state']}" for one in facts["configuration"]),
    ]
    if added := [f"{one['name']:<14} {one['where']}" for one in facts["catalog"]["added"]]:
        lines += _section("added to the catalog", added)
    if wrong := [f"{one['where']}: {one['reason']}" for one in facts["catalog"]["problems"]]:
        lines += _section("not usable for the catalog", wrong)
    lines += _section("overrides", [override_line(one) for one in facts["overrides"]])
    lines += _section(
        "finders, in order", [f"{n:<9} {_PLACES.get(n, 'added by this program')}" for n in facts["finders"]]
    )
    directories = [f"{d['directory']} ({d['kind']})" for d in process["search_path"]]
    cached = [] if SYSTEM else [process["ld_so_cache"] or "no ld.so.cache"]
    lines += _section("the linker searches", [*directories, *cached])
    lines += _section("libraries of installed distributions", [provided_line(one) for one in facts["providers"]])
    return "\n".join(lines + _section("mapped in this process", [_loaded_line(one) for one in facts["loaded"]]))


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", f"{title}:", *(f"  {line.rstrip()}" for line in lines or ["none"])]


def override_line(one: "dict[str, str | None]") -> str:
    """One choice, for a person."""
    note = f"  {one['note']}" if one["note"] else ""
    if one["library"] is None:
        return f"{one['variable']}={one['value']}{note}"
    file, _, line = str(one["variable"]).rpartition(":")
    where = f"{os.path.basename(file)} line {line}" if file else one["variable"]
    return f"{one['library']} = {one['value']}  ({where}){note}"


def provided_line(one: "dict[str, Any]") -> str:
    """One library of `--list`, for a person."""
    provider = one["provider"] or {"distribution": "?", "version": ""}
    origin = f"{provider['distribution']} {provider['version']}".strip()
    if one["problem"]:
        return f"{one['name']:<14} not usable: {one['problem']} ({origin})"
    features = f" [{', '.join(one['abi'])}]" if one["abi"] else ""
    return f"{one['name']:<14} {one['version'] or 'version unknown'}{features} {one['path']} ({origin})"


def _loaded_line(image: "dict[str, Any]") -> str:
    provider = image["provider"]
    return f"{image['path']} ({provider['distribution']} {provider['version']})" if provider else str(image["path"])
