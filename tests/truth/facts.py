"""The facts that nativeload reads in files, beside what other readers have. None of them is right by itself."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nativeload.images import Image
from parts.oracles import ORACLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BACKENDS: dict[str, Any] = {name: import_module(name) for name in ("nativeload._native", "nativeload._pure")}


def differences(path: str) -> list[str]:
    """What a reader says of a file that nativeload's backends do not, and where these differ; none of a file that none
    of them reads."""
    try:
        (first, ours), (second, other) = ((name, read(backend, path)) for name, backend in BACKENDS.items())
    except (OSError, ValueError) as error:
        return [f"{path}: {error}"]
    found = [f"{path}: {what}" for what in _differing(second, other, first, ours)]
    for name, (facts, exports) in ORACLES.items():
        try:
            said = facts(path) | ({"exports": exports(path)} if exports else {})
        except Exception as error:  # another reader's, whatever it raises
            found.append(f"{path}: {name} raises {error!r}")
        else:
            found += [f"{path}: {what}" for what in _differing(name, said, first, ours)]
    return found


def read(backend: Any, path: str) -> dict[str, Any]:
    """A backend's facts of a file by their names, without the signature, and what it exports."""
    facts = dict(zip(Image.__slots__, backend.image(path), strict=True))
    del facts["signature"], facts["exported"]
    return facts | {"exports": backend.exports(path)}


def _differing(name: str, said: Mapping[str, Any], first: str, ours: Mapping[str, Any]) -> Iterator[str]:
    for field, value in said.items():
        if value != ours[field]:
            if isinstance(value, list):
                value, mine = (sorted(set(one) - set(two)) for one, two in ((value, ours[field]), (ours[field], value)))
            else:
                mine = ours[field]
            yield f"{field}: {name} has {str(value)[:200]}, {first} {str(mine)[:200]}"
