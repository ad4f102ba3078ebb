"""What LIEF says of a Mach-O or PE file, beside what nativeload says."""

from __future__ import annotations

from typing import Any

import lief

from nativeload import formats
from nativeload.formats import macho, machosymbols, pe

_KINDS = {"LOAD_DYLIB": "load", "LOAD_WEAK_DYLIB": "weak", "REEXPORT_DYLIB": "reexport", "LOAD_UPWARD_DYLIB": "upward"}
_SUBTYPES = {("x86_64", 8): "x86_64h", ("arm64", 2): "arm64e"}
_TO_WEAK = 0x80  # N_REF_TO_WEAK: any file may give it
_MACHINES = {"AMD64": "amd64", "I386": "x86", "ARM64": "arm64"}


def differences(path: str) -> tuple[int, list[str]]:
    """(images in the file, a sentence for each fact that differs) of a file that is one of either format."""
    lief.logging.disable()
    found = formats.of(path)
    pairs = list(_macho(path)) if found == "macho" else [_pe(path)] if found == "pe" else []
    wrong = [
        f"{path}: {name}: {_less(ours.get(name), theirs[name])} here, {_less(theirs[name], ours.get(name))} for LIEF"
        for ours, theirs in pairs
        for name in theirs
        if ours.get(name) != theirs[name]
    ]
    return len(pairs), wrong


def _less(one: Any, other: Any) -> str:
    both = isinstance(one, set) and isinstance(other, set)
    return repr(sorted(one - other) if both else one)[:200]


def _dots(version: Any) -> str:
    return ".".join(map(str, version))


def _macho(path: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    here = macho.read(path)
    fat: Any = lief.MachO.parse(path, config=lief.MachO.ParserConfig.deep)
    assert len(here.slices) == fat.size
    pairs = [(_ours(path, one), _theirs(one, binary)) for one, binary in zip(here.slices, fat, strict=True)]
    for ours, theirs in pairs:
        # The symbol table keeps what only code refers to that the linker has dropped; LIEF reads what dyld binds.
        ours["imports"] &= theirs["imports"]
    return pairs


def _ours(path: str, one: macho.Slice) -> dict[str, Any]:
    defined, undefined = machosymbols.symbols(path, one)
    return {
        "arch": one.arch,
        "needed": [(each.name, each.kind, each.current, each.compatibility) for each in one.needed],
        "id": (one.install_name, one.current, one.compatibility),
        "rpaths": list(one.rpaths),
        "uuid": one.uuid,
        "signed": one.signed,
        "min_os": one.min_os,
        "sdk": one.sdk,
        "filetype": one.filetype,
        "exports": set(machosymbols.exports(path, one)) if one.exports_at[1] else None,
        "defined": set(defined),
        "undefined": set(undefined),
        "imports": {(name, library) for library, names in machosymbols.imports(path, one) for name in names},
    }


def _theirs(one: macho.Slice, binary: Any) -> dict[str, Any]:
    ids = [each for each in binary.libraries if each.command.name == "ID_DYLIB"]
    cpu = binary.header.cpu_type.name.lower()
    minimum, sdk = (), ()
    if binary.has_build_version:
        minimum, sdk = binary.build_version.minos, binary.build_version.sdk
    elif binary.has_version_min:
        minimum, sdk = binary.version_min.version, binary.version_min.sdk
    table = [
        each
        for each in binary.symbols
        if each.origin.name in ("LC_SYMTAB", "SYMTAB") and not each.raw_type & 0xE0 and each.raw_type & 1
    ]
    # An indirect symbol (N_INDR), which is another library's passed on, is there as undefined too.
    undefined = {each.name for each in table if each.raw_type & 0xE == 0 and not each.value}
    defined = {each.name for each in table if each.raw_type & 0xE or each.value}
    exports = None
    if one.exports_at[1]:
        info = binary.dyld_exports_trie if binary.has_dyld_exports_trie else binary.dyld_info
        exports = {each.symbol.name for each in info.exports}
    return {
        "arch": _SUBTYPES.get((cpu, binary.header.cpu_subtype & 0xFFFFFF), cpu),
        "needed": [
            (each.name, _KINDS[each.command.name], _dots(each.current_version), _dots(each.compatibility_version))
            for each in binary.libraries
            if each.command.name != "ID_DYLIB"
        ],
        "id": (ids[0].name, _dots(ids[0].current_version), _dots(ids[0].compatibility_version))
        if ids
        else (None, "", ""),
        "rpaths": [each.path for each in binary.rpaths],
        "uuid": bytes(binary.uuid.uuid).hex() if binary.has_uuid else None,
        "signed": binary.has_code_signature,
        "min_os": _dots(minimum),
        "sdk": _dots(sdk),
        "filetype": binary.header.file_type.name.lower(),
        "exports": exports,
        "defined": defined,
        "undefined": undefined,
        "imports": {
            (each.symbol.name, each.library.name)
            for each in binary.bindings
            if each.has_symbol and each.has_library and not each.weak_import
            if not each.symbol.description & _TO_WEAK
        },
    }


def _pe(path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    one = pe.read(path)
    binary: Any = lief.PE.parse(path)
    table = binary.get_export() if binary.has_exports else None
    entries = [each for each in table.entries if each.address or each.is_forwarded] if table else []
    ours = {
        "machine": one.machine,
        "imports": [(each.name, each.symbols) for each in one.imports],
        "delayed": [(each.name, each.symbols) for each in one.delayed],
        "name": one.name,
        "exports": set(one.exports),
        "forwarders": set(one.forwarders),
        "manifest": one.manifest.strip(),
        "version": one.version,
        "signed": one.signed,
    }
    resources = binary.resources_manager if binary.has_resources else None
    manifest, version = "", ""
    if resources is not None and not isinstance(resources, lief.lief_errors):
        manifest = resources.manifest if resources.has_manifest else ""
        if resources.has_version:
            found = resources.version
            info = (found[0] if isinstance(found, list) else found).file_info
            numbers = (info.file_version_ms, info.file_version_ls)
            version = ".".join(str(part) for number in numbers for part in (number >> 16, number & 0xFFFF))
    theirs = {
        "machine": _MACHINES.get(binary.header.machine.name),
        "imports": [(each.name, _symbols(each)) for each in binary.imports],
        "delayed": [(each.name, _symbols(each)) for each in binary.delay_imports],
        "name": table.name if table else None,
        "exports": {each.name or f"#{each.ordinal}" for each in entries},
        "forwarders": {
            (each.name, f"{each.forward_information.library}.{each.forward_information.function}")
            for each in entries
            if each.is_forwarded
        },
        "manifest": (manifest or "").strip(),
        "version": version,
        "signed": bool(binary.data_directory(lief.PE.DataDirectory.TYPES.CERTIFICATE_TABLE).size),
    }
    return ours, theirs


def _symbols(one: Any) -> tuple[str, ...]:
    return tuple(f"#{each.ordinal}" if each.is_ordinal else each.name for each in one.entries)
