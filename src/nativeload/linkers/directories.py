"""The shared libraries of directories that are searched, read again only when one of them has changed."""

import os
from bisect import bisect_left

from nativeload import core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from nativeload.spec import Trace

_LISTINGS = 64  # directories kept; then all are forgotten

_listings: dict[str, list[str]] = {}


def _listing(directory: str, state: str) -> list[str]:
    """The names in one directory, whose signature is `state`, sorted."""
    names = _listings.get(state)  # by its state: /lib is often /usr/lib
    if names is None:
        try:
            names = sorted(os.listdir(directory))
        except OSError:
            names = []
        if len(_listings) >= _LISTINGS:
            _listings.clear()
        _listings[state] = names
    return names


def read(directory: str, trace: "Trace | None" = None) -> list[str]:
    """The names in one directory as it is now, sorted."""
    return _listing(directory, trace.consult(directory) if trace is not None else core.signature(directory))


def versions(names: list[str], stem: str) -> list[str]:
    """Those of the sorted names that are a library's development name ("libz.so") or that with a version."""
    first = bisect_left(names, stem)
    found = names[first : first + 1] if names[first : first + 1] == [stem] else []
    # "." sorts after some characters that may follow the stem, and before others.
    first = bisect_left(names, f"{stem}.", first)
    return found + names[first : bisect_left(names, f"{stem}/", first)]


class Searched:
    """Directories searched in order, each for a reason; before each, its subdirectories for this CPU.

    Relative ones are left out: nothing is loaded from the current directory.
    """

    def __init__(self, directories: "Sequence[tuple[str, str]]", subdirectories: "Sequence[str]") -> None:
        self._directories = directories
        self._subdirectories = subdirectories
        self._paths: tuple[str, ...] = ()
        self._states: tuple[str, ...] = ("never looked",)
        self._places: list[tuple[str, str, list[str]]] = []

    def look(self, trace: "Trace") -> list[tuple[str, str, list[str]]]:
        """(directory, reason, the names in it, sorted) of each place, as they are now."""
        if trace.consult_all(self._paths) != self._states:
            self._read(trace)
        return self._places

    def _read(self, trace: "Trace") -> None:
        places: dict[str, str] = {}
        tops: dict[str, None] = {}
        for directory, reason in self._directories:
            if not os.path.isabs(directory):
                continue
            tops[directory] = None
            for name in self._subdirectories:
                top = f"{directory}/{name.partition('/')[0]}"
                if top in tops or os.path.isdir(top):
                    tops[top] = None
                    places.setdefault(f"{directory}/{name}", reason)
            places.setdefault(directory, reason)
        self._paths = tuple({**tops, **places})
        self._states = trace.consult_all(self._paths)
        states = dict(zip(self._paths, self._states, strict=True))
        self._places = [(place, reason, _listing(place, states[place])) for place, reason in places.items()]


def forget() -> None:
    """Drop what was read."""
    _listings.clear()
