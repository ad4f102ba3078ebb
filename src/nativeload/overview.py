"""`--explain` without a name: this process's linker, the chain, what the user chose, what there is, the cache."""

import os
import sys

from nativeload import cache, catalog, core, inventory, loader, resolution
from nativeload.catalog import additions
from nativeload.errors import OverrideError
from nativeload.linkers import host
from nativeload.machinery import override

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BACKENDS = {"nativeload._native": "c", "nativeload._pure": "python"}  # as NATIVELOAD_BACKEND names them

# Where each finder looks, for somebody who reads about the chain for the first time.
_PLACES = {
    "loaded": "what this process already has",
    "override": "NATIVELOAD_<NAME>, then [override] in the configuration file",
    "wheel": "libraries of installed distributions, declared or known to the catalog",
    "prefix": f"{sys.prefix}/lib",
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
            "machine": os.uname().machine,
            "isa_level": core.isa_level(),
            "libc": libc,
            "libc_version": version,
            "linker": host.linker().program.interp,
            "search_path": [{"directory": directory, "kind": kind} for directory, kind in core.search_path()],
            "ld_so_cache": host.CACHE if os.path.exists(host.CACHE) else None,
        },
        "finders": [finder.name for finder in resolution.finders],
        "overrides": _overrides(),
        "configuration": _configuration(),
        "catalog": _catalog(),
        "providers": [one.to_dict() for one in inventory.provided()],
        "loaded": [image.to_dict() for image in inventory.loaded()],
        "cache": _cache(),
    }


def _overrides() -> "list[dict[str, str | None]]":
    """Every choice and where it is written; those that are not in force, with the reason."""
    found: list[dict[str, str | None]] = []
    for variable, value in sorted(os.environ.items()):
        if variable.startswith("NATIVELOAD_") and variable not in override.RESERVED and value:
            note = "" if loader.setting(variable) else f"ignored: {override.ISOLATED}"
            found.append({"variable": variable, "value": value, "library": None, "note": note})
    try:
        choices = override.configured()
    except OverrideError as error:
        return [*found, {"variable": error.variable, "value": error.value, "library": None, "note": error.reason}]
    for name, one in choices.items():
        variable = loader.variable_of(name)
        wins = variable not in override.RESERVED and loader.setting(variable)
        note = f"not used: {variable} wins" if wins else ""
        found.append({"variable": one.variable, "value": one.value, "library": name, "note": note})
    return found


def _configuration() -> "dict[str, Any]":
    path = loader.config_file(obeyed=False)
    if not path:
        return {"file": None, "state": "none: there is no home directory"}
    if sys.flags.isolated:
        return {"file": path, "state": f"ignored: {override.ISOLATED}"}
    if not os.path.lexists(path):
        return {"file": path, "state": "absent"}
    refused = override.untrusted(path)
    return {"file": path, "state": f"ignored: {refused}" if refused else "read"}


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
        return {"directory": None, "state": "off", "answers": 0, "source": source}
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
    level = f", x86-64-v{process['isa_level']}" if process["isa_level"] else ""
    lines = [
        f"nativeload {facts['nativeload']['version']} ({facts['nativeload']['backend']} backend, {facts['nativeload']['source']})",
        f"python     {python['version']} at {python['executable']}, prefix {python['prefix']}",
        f"process    {process['machine']}{level}, {process['libc']} {process['libc_version']}, {process['linker']}",
        f"cache      {facts['cache']['directory'] or 'off'}: {facts['cache']['state']}, {facts['cache']['answers']} answers ({facts['cache']['source']})",
        f"catalog    {facts['catalog']['shipped']} libraries and {len(facts['catalog']['added'])} added",
        f"config     {facts['configuration']['file'] or ''}: {facts['configuration']['state']}",
    ]
    if added := [f"{one['name']:<14} {one['where']}" for one in facts["catalog"]["added"]]:
        lines += _section("added to the catalog", added)
    if wrong := [f"{one['where']}: {one['reason']}" for one in facts["catalog"]["problems"]]:
        lines += _section("not usable for the catalog", wrong)
    lines += _section("overrides", [_override_line(one) for one in facts["overrides"]])
    lines += _section(
        "finders, in order", [f"{n:<9} {_PLACES.get(n, 'added by this program')}" for n in facts["finders"]]
    )
    directories = [f"{d['directory']} ({d['kind']})" for d in process["search_path"]]
    lines += _section("the linker searches", [*directories, f"{process['ld_so_cache'] or 'no ld.so.cache'}"])
    lines += _section("libraries of installed distributions", [provided_line(one) for one in facts["providers"]])
    return "\n".join(lines + _section("mapped in this process", [_loaded_line(one) for one in facts["loaded"]]))


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", f"{title}:", *(f"  {line.rstrip()}" for line in lines or ["none"])]


def _override_line(one: "dict[str, str | None]") -> str:
    note = f"  {one['note']}" if one["note"] else ""
    if one["library"] is None:
        return f"{one['variable']}={one['value']}{note}"
    file, _, line = str(one["variable"]).rpartition(":")
    return f"{one['library']} = {one['value']}  ({os.path.basename(file)} line {line}){note}"


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
