"""What tools that this project did not write read in an ELF file: readelf, LIEF, pyelftools.

Each gives some of the fields of `nativeload._native.image`, by their names, and `exports` as that function has them.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

from elftools.elf.elffile import ELFFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BINDINGS = ("STB_GLOBAL", "STB_WEAK", "STB_LOOS")  # the last is GNU_UNIQUE
# readelf knows GNU_UNIQUE only where the OSABI is GNU's; to the linker it is one whatever that says.
_EXPORTED = r" (?:GLOBAL|WEAK|UNIQUE|<OS specific>: 10) +(?:DEFAULT|PROTECTED) +(?!UND)\w+ ([^@\s]+)"


def output(*command: str) -> str:
    """What a tool prints, undecodable bytes as the file system's names have them."""
    done = subprocess.run(command, capture_output=True, env=os.environ | {"LC_ALL": "C"}, check=False)
    return os.fsdecode(done.stdout)


def readelf_facts(path: str) -> dict[str, Any]:
    """All that decides what is loaded."""
    text = output("readelf", "-W", "-l", "-d", "-V", "-n", path)
    tags = {tag: re.findall(rf"\({tag.upper()}\).*\[(.*)\]", text) for tag in ("needed", "soname", "rpath", "runpath")}
    before, _, needs = text.partition("Version needs section")
    files = [(block.split()[0], re.findall(r"Name: (\S+)  Flags: (\S+)", block)) for block in needs.split("File: ")[1:]]
    levels = "".join(re.findall(r"x86 ISA needed:((?:,? x86-64-\w+)*)", text)).replace("baseline", "v1")
    return {
        "needed": tuple(tags.pop("needed")),
        "interp": "".join(re.findall(r"Requesting program interpreter: (.*)\]", text)) or None,
        "verneed": tuple((file, tuple((name, "WEAK" in flags) for name, flags in found)) for file, found in files),
        "verdef": tuple(re.findall(r"Flags: (?!BASE).*Name: (\S+)", before)),
        "build_id": "".join(re.findall(r"Build ID: (\w+)", text)[:1]) or None,
        "isa_needed": max(map(int, re.findall(r"x86-64-v(\d)", levels)), default=0),
        **{tag: values[0] if values else None for tag, values in tags.items()},
    }


def readelf_exports(path: str) -> list[str]:
    """The names of exported symbols."""
    return sorted(set(re.findall(_EXPORTED, output("readelf", "-W", "--dyn-syms", path))))


def lief_facts(path: str) -> dict[str, Any]:
    """What LIEF's header, entries and version tables have."""
    import lief

    lief.logging.disable()
    binary: Any = lief.ELF.parse(path)
    header, tags = binary.header, lief.ELF.DynamicEntry.TAG

    def text(tag: Any, field: str) -> str | None:
        entry = binary.get(tag) if binary.has(tag) else None
        return getattr(entry, field) if entry is not None else None

    return {
        "elf_class": 64 if header.identity_class == lief.ELF.Header.CLASS.ELF64 else 32,
        "byteorder": "little" if header.identity_data == lief.ELF.Header.ELF_DATA.LSB else "big",
        "machine": header.machine_type.value,
        "flags": header.processor_flag,
        "type": header.file_type.value & 0xFF,
        "needed": tuple(binary.libraries),
        "soname": text(tags.SONAME, "name"),
        "rpath": text(tags.RPATH, "rpath"),
        "runpath": text(tags.RUNPATH, "runpath"),
        "interp": binary.interpreter or None,
        "verneed": tuple(
            (one.name, tuple((aux.name, bool(aux.flags & 2)) for aux in one.get_auxiliary_symbols()))
            for one in binary.symbols_version_requirement
        ),
    }


def pyelftools_facts(path: str) -> dict[str, Any]:
    """What pyelftools' sections and dynamic segment have."""
    with open(path, "rb") as file:
        elf: Any = ELFFile(file)
        dynamic = next((one for one in elf.iter_segments("PT_DYNAMIC")), None)
        tags = list(dynamic.iter_tags()) if dynamic is not None else []
        facts: dict[str, Any] = {
            "elf_class": elf.elfclass,
            "byteorder": "little" if elf.little_endian else "big",
            "flags": elf.header.e_flags,
            "needed": tuple(_text(tag.needed) for tag in tags if tag.entry.d_tag == "DT_NEEDED"),
            "flags_1": next((tag.entry.d_val for tag in tags if tag.entry.d_tag == "DT_FLAGS_1"), 0),
        }
        for name in ("soname", "rpath", "runpath"):
            values = [getattr(tag, name) for tag in tags if tag.entry.d_tag == f"DT_{name.upper()}"]
            facts[name] = _text(values[0]) if values else None
        section = next(elf.iter_sections("SHT_GNU_verneed"), None)
        facts["verneed"] = tuple(_needs(section)) if section is not None else ()
        section = next(elf.iter_sections("SHT_GNU_verdef"), None)
        facts["verdef"] = tuple(_definitions(section)) if section is not None else ()
        return facts


def _needs(section: Any) -> Iterator[tuple[str, tuple[tuple[str, bool], ...]]]:
    for need, versions in section.iter_versions():
        yield _text(need.name), tuple((_text(one.name), bool(one.entry.vna_flags & 2)) for one in versions)


def _definitions(section: Any) -> Iterator[str]:
    for definition, names in section.iter_versions():
        if not definition.entry.vd_flags & 1:  # VER_FLG_BASE
            yield _text(next(names).name)


def pyelftools_exports(path: str) -> list[str]:
    """The names of exported symbols."""
    with open(path, "rb") as file:
        section: Any = next(ELFFile(file).iter_sections("SHT_DYNSYM"), None)
        symbols = section.iter_symbols() if section is not None else ()
        return sorted(
            {
                _text(one.name)
                for one in symbols
                if one.entry.st_shndx != "SHN_UNDEF"
                and one.entry.st_info.bind in _BINDINGS
                and one.entry.st_other.visibility in ("STV_DEFAULT", "STV_PROTECTED")
            }
        )


def _text(text: str) -> str:
    """As the file system's names: pyelftools decodes as UTF-8, and what is no UTF-8 as latin-1 or with replacements."""
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))


ORACLES: dict[str, tuple[Callable[[str], dict[str, Any]], Callable[[str], list[str]] | None]] = {
    "readelf": (readelf_facts, readelf_exports),
    "LIEF": (lief_facts, None),
    "pyelftools": (pyelftools_facts, pyelftools_exports),
}
