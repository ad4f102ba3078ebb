"""The symbols of a Mach-O file: what it exports by its trie or symbol table, and what it wants of which library.

Source of the numbers: <mach-o/nlist.h>, <mach-o/loader.h>.
"""

import struct

from nativeload.formats import Piece, opened
from nativeload.formats.macho import READS, WORK, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from nativeload.formats.macho import Slice

_NAMES = 1 << 20  # exports of one slice
_NAME = 1 << 16
_TWO_LEVEL = 0x80  # MH_TWOLEVEL
_WEAK_REFERENCE, _TO_WEAK = 0x40, 0x80  # N_WEAK_REF, N_REF_TO_WEAK
_LAST_ORDINAL = 0xFD  # MAX_LIBRARY_ORDINAL; above it are the program and every file


def exports(path: str, one: "Slice") -> tuple[str, ...]:
    """The names in a slice's exports trie, sorted; of one without a trie those that its symbol table defines."""
    offset, size = one.exports_at
    if not size:
        return symbols(path, one)[0]
    with opened(path) as file:
        trie = Piece(file, WORK, READS).whole(one.offset + offset, size)
    return tuple(sorted(_trie(trie)))


def symbols(path: str, one: "Slice") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The external names of a slice's symbol table: (defined, undefined), each sorted."""
    found: tuple[set[str], set[str]] = (set(), set())
    for name, is_undefined, _ in _table(path, one):
        found[is_undefined].add(name)
    return tuple(sorted(found[0])), tuple(sorted(found[1]))


def imports(path: str, one: "Slice") -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(name of a library that the slice needs, what it must have of it, sorted), for a two-level namespace.

    Not there: what may be missing (N_WEAK_REF), and C++'s definitions that any file may give (N_REF_TO_WEAK).
    """
    wanted: dict[int, set[str]] = {}
    if one.flags & _TWO_LEVEL:
        for name, is_undefined, description in _table(path, one):
            if is_undefined and not description & (_WEAK_REFERENCE | _TO_WEAK):
                wanted.setdefault(description >> 8 & 0xFF, set()).add(name)
    return tuple(
        (library.name, tuple(sorted(wanted[number])))
        for number, library in enumerate(one.needed[:_LAST_ORDINAL], 1)
        if number in wanted
    )


def _table(path: str, one: "Slice") -> "Iterator[tuple[str, bool, int]]":
    """(name, whether it is undefined, n_desc) of each external symbol."""
    place, count, strings_at, strings_size = one.symbols_at
    entry = struct.Struct(("<" if one.byteorder == "little" else ">") + ("IBBHQ" if "64" in one.arch else "IBBHI"))
    with opened(path) as file:
        piece = Piece(file, WORK, READS)
        table = piece.whole(one.offset + place, count * entry.size)
        strings = piece.whole(one.offset + strings_at, strings_size)
    work = WORK
    for name_at, kind, _, description, value in entry.iter_unpack(table):
        # External and no debugger's entry (N_STAB); N_UNDF with a value is a common symbol.
        if kind & 0xE0 or not kind & 1 or name_at >= len(strings):
            continue
        name = strings[name_at : strings.find(b"\0", name_at, name_at + _NAME)]
        work -= len(name)
        if work < 0:
            raise ValueError("its symbol table asks for more work than any sound file does")
        yield text(name), kind & 0xE == 0 and not value, description


def _trie(trie: bytes) -> set[str]:
    """The names of an exports trie: nodes of (size, terminal, children); each node is looked at once."""
    names: set[str] = set()
    seen: set[int] = set()
    work = len(trie) * 64 + _NAME
    left = [(0, b"")]
    while left:
        place, prefix = left.pop()
        if place in seen or place >= len(trie):
            raise ValueError("its exports trie is not sound: a node is met twice, or is not there")
        seen.add(place)
        size, place = _uleb(trie, place)
        if size:
            names.add(text(prefix))
        place += size
        if place >= len(trie):
            raise ValueError("its exports trie is not sound: a node does not fit")
        for _ in range(trie[place]):
            end = trie.find(b"\0", place + 1)
            if end < 0:
                raise ValueError("its exports trie is not sound: a name does not end")
            name = prefix + trie[place + 1 : end]
            child, place = _uleb(trie, end + 1)
            place -= 1
            work -= len(name)
            if work < 0 or len(names) > _NAMES or len(name) > _NAME:
                raise ValueError("its exports trie asks for more work than any sound file does")
            left.append((child, name))
    return names


def _uleb(content: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if place >= len(content):
            break
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("its exports trie is not sound: a number does not end")
