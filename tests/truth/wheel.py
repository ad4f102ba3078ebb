"""A small wheel with extension modules and the libraries they need beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parts import site, wheel

if TYPE_CHECKING:
    from pathlib import Path


def one_wheel() -> Path:
    """The directory it is installed in."""
    return site(wheel("shapely"))
