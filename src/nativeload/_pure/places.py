"""The shared libraries in directories that are searched, read again only when one of them has changed."""

from __future__ import annotations

import os
from _thread import RLock
from bisect import bisect_left
from stat import S_ISDIR

from .file import signature


class Places:
    """Directories searched in order, before each those of its subdirectories that are there.

    `_watched` has the state of each path that the rest follows from, taken before it was read.
    """

    def __init__(self, directories: tuple[str, ...], subdirectories: tuple[str, ...]) -> None:
        self._directories = directories
        self._subdirectories = subdirectories
        self._watched: dict[str, str] = {}
        self._searched: dict[str, tuple[int, list[str]]] = {}
        self._lock = RLock()

    def look(self, consulted: dict[str, str]) -> list[tuple[str, int, list[str]]]:
        """(path, which directory, the names in it, sorted) of each place, as they are now."""
        with self._lock:
            if not self._watched or any(signature(path) != state for path, state in self._watched.items()):
                self._read()
            for path, state in self._watched.items():
                consulted.setdefault(path, state)
            return [(path, place, names) for path, (place, names) in self._searched.items()]

    def _watch(self, path: str) -> None:
        if path not in self._watched:
            self._watched[path] = signature(path)

    def _read(self) -> None:
        self._watched, self._searched = {}, {}
        for place, directory in enumerate(self._directories):
            self._watch(directory)  # what appears in it from now on changes that
            for name in self._subdirectories:
                top = f"{directory}/{name.partition('/')[0]}"
                if top in self._watched or _is_directory(top):
                    self._watch(top)
                    self._search_in(f"{directory}/{name}", place)
            self._search_in(directory, place)

    def _search_in(self, path: str, place: int) -> None:
        if path not in self._searched:
            self._watch(path)
            self._searched[path] = place, _names(path)


def places(directories: tuple[str, ...], subdirectories: tuple[str, ...], /) -> Places:
    """Directories that are searched, for `listed`."""
    return Places(directories, subdirectories)


def listed(places: Places, name: str, first: tuple[str, ...], consulted: dict[str, str], /) -> list[tuple[int, str]]:
    """(which directory, path) of each file that a name stands for."""
    found = []
    for path, place, names in places.look(consulted):
        known = [one for one in first if _slice(names, one, f"{one}\0")]
        there = _slice(names, name, f"{name}\0")
        if name.endswith(".so"):
            there += _slice(names, f"{name}.", f"{name}/")
        found += [(place, f"{path}/{one}") for one in dict.fromkeys((*known, *sorted(there, key=_age)))]
    return found


def _is_directory(path: str) -> bool:
    try:
        return S_ISDIR(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def _names(directory: str) -> list[str]:
    try:
        names = [name for name in os.listdir(directory) if ".so" in name]
    except (OSError, ValueError):
        return []
    return sorted(names, key=os.fsencode)


def _slice(names: list[str], start: str, end: str) -> list[str]:
    """The sorted names from one text on, up to another."""
    try:
        first, last = os.fsencode(start), os.fsencode(end)
    except UnicodeEncodeError:  # no file has such a name
        return []
    at = bisect_left(names, first, key=os.fsencode)
    return names[at : bisect_left(names, last, at, key=os.fsencode)]


def _age(name: str) -> tuple[bool, list[int]]:
    version = name.partition(".so")[2]
    return bool(version), [-int(part) for part in version.split(".") if part.isascii() and part.isdigit()]
