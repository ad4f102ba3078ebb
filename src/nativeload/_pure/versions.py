"""The symbol versions that an ELF file needs and defines (.gnu.version_r and .gnu.version_d), by its dynamic tags."""

from __future__ import annotations

from .elf import malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from elftools.construct import Construct

    from .elf import Elf, Verneed

_VER_FLG_BASE = 1
_VER_FLG_WEAK = 2
# Of what a symbol has for a version: its index, and whether whoever names no version passes it over.
HIDDEN, _INDEX = 0x8000, 0x7FFF

# A version's index has 15 bits; real files have some tens of versions.
_MAX_VERSIONS = 1 << 12


def verneed(elf: Elf) -> Verneed:
    """(file, ((version, weak), …)) of DT_VERNEED, in order."""
    found = elf.table("DT_VERNEED", "the table of versions needed")
    if found is None:
        return ()
    structs, chain = elf.structs, _Chain(elf, found)
    return tuple(
        (
            elf.string(need.vn_file),
            tuple(
                (elf.string(version.vna_name), bool(version.vna_flags & _VER_FLG_WEAK))
                for _, version in chain.walk(structs.Elf_Vernaux, at + need.vn_aux, need.vn_cnt, "vna_next")
            ),
        )
        for at, need in chain.walk(structs.Elf_Verneed, 0, elf.dynamic.get("DT_VERNEEDNUM", _MAX_VERSIONS), "vn_next")
    )


def verdef(elf: Elf) -> tuple[str, ...]:
    """The names of the versions of DT_VERDEF, in order, without that of the file itself (VER_FLG_BASE)."""
    found = elf.table("DT_VERDEF", "the table of versions defined")
    if found is None:
        return ()
    structs, chain = elf.structs, _Chain(elf, found)
    names = []
    for at, version in chain.walk(structs.Elf_Verdef, 0, elf.dynamic.get("DT_VERDEFNUM", _MAX_VERSIONS), "vd_next"):
        if not version.vd_flags & _VER_FLG_BASE:
            # the first of its names is its own; the others are the versions that it inherits from
            for _, name in chain.walk(structs.Elf_Verdaux, at + version.vd_aux, 1, "vda_next"):
                names.append(elf.string(name.vda_name))
    return tuple(names)


def indices(elf: Elf) -> dict[int, tuple[str, int, bool]]:
    """(name, hash, hidden) of each version, needed or defined, by the index that symbols have for it.

    Those defined count, where both have one (_dl_check_map_versions in glibc's elf/dl-version.c).
    """
    found: dict[int, tuple[str, int, bool]] = {}
    structs, count = elf.structs, _MAX_VERSIONS
    if table := elf.table("DT_VERNEED", "the table of versions needed"):
        chain = _Chain(elf, table)
        for at, need in chain.walk(structs.Elf_Verneed, 0, elf.dynamic.get("DT_VERNEEDNUM", count), "vn_next"):
            for _, one in chain.walk(structs.Elf_Vernaux, at + need.vn_aux, need.vn_cnt, "vna_next"):
                found[one.vna_other & _INDEX] = elf.string(one.vna_name), one.vna_hash, bool(one.vna_other & HIDDEN)
    if table := elf.table("DT_VERDEF", "the table of versions defined"):
        chain = _Chain(elf, table)
        for at, one in chain.walk(structs.Elf_Verdef, 0, elf.dynamic.get("DT_VERDEFNUM", count), "vd_next"):
            if not one.vd_flags & _VER_FLG_BASE:
                for _, name in chain.walk(structs.Elf_Verdaux, at + one.vd_aux, 1, "vda_next"):
                    found[one.vd_ndx & _INDEX] = elf.string(name.vda_name), one.vd_hash, False
    return {index: version for index, version in found.items() if version[1]}


class _Chain:
    """Entries that each say how far on the next one is, within one table. Their number in all is bounded."""

    def __init__(self, elf: Elf, table: tuple[int, int]) -> None:
        self._elf = elf
        self._offset, self._room = table
        self._left = _MAX_VERSIONS

    def walk(self, shape: Construct, at: int, count: int, next_field: str) -> Iterator[tuple[int, Any]]:
        """(place, entry) of at most `count` entries from `at`: a next of 0 ends the chain, as it does for glibc."""
        for _ in range(count):
            if at + shape.sizeof() > self._room:
                malformed("a symbol version lies outside the loadable segments")
            self._left -= 1
            if self._left < 0:
                malformed(f"more than {_MAX_VERSIONS} symbol versions")
            entry = self._elf.parse(shape, self._offset + at, "the symbol versions end")
            yield at, entry
            if not entry[next_field]:
                return
            at += entry[next_field]
