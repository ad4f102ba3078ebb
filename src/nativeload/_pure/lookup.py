"""What a file wants of others, and whether one gives it, as do_lookup_x in glibc's elf/dl-lookup.c and find_sym in
musl's ldso/dynlink.c tell."""

from __future__ import annotations

import os

from .elf import Elf
from .file import RegularFile
from .symbols import Symbols
from .versions import HIDDEN, indices

TYPE_CHECKING = False
if TYPE_CHECKING:
    Version = tuple[str, int, bool]  # name, hash, whether no other will do
    Want = tuple[bytes, Version | None, bool]


def wanted(path: str) -> list[Want]:
    """(name, version, weak) of the symbols that a file leaves undefined, in the table's order. Errors are those of
    `exports`."""
    with RegularFile(path) as file:
        elf = Elf(file)
        symbols = Symbols(elf)
        own, versions = symbols.versions(), indices(elf)
        return [
            (name, versions.get(own[index] & ~HIDDEN) if own else None, weak)
            for name, index, weak in symbols.undefined()
        ]


def label(want: Want) -> str:
    """A symbol's name, as readelf has it where a version is wanted: "name@version"."""
    name = os.fsdecode(want[0])
    return f"{name}@{want[1][0]}" if want[1] else name


class Given:
    """What a file exports; nothing where it cannot be read."""

    def __init__(self, path: str) -> None:
        self.symbols: dict[bytes, list[int]] = {}
        self._versions: dict[int, Version] = {}
        try:
            with RegularFile(path) as file:
                elf = Elf(file)
                symbols = Symbols(elf)
                own, self._versions = symbols.versions(), indices(elf)
                for name, index in symbols.defined():
                    self.symbols.setdefault(name, []).extend(own[index : index + 1])
        except (OSError, ValueError):
            self.symbols.clear()

    def gives(self, want: Want, musl: bool) -> bool:
        """Whether it exports a symbol in the version wanted (check_match); without one it is the oldest that is taken,
        else the only one that is not hidden. musl knows no versions but those that are not hidden."""
        name, version, _ = want
        own = self.symbols.get(name)
        if not own:
            return own is not None
        shown = [one for one in own if not one & HIDDEN]
        if musl:
            return bool(shown)
        if not self._versions:
            return True
        if version is None:
            return any(one & ~HIDDEN < 3 for one in own) or len(shown) == 1
        if any((given := self._versions.get(one & ~HIDDEN)) and given[:2] == version[:2] for one in own):
            return True
        return not version[2] and any(one not in self._versions for one in shown)
