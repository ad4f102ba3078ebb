"""importlib for shared libraries: `nativeload.load("openblas")` gives the right copy, and `explain` says why.

The public face. Importing it imports nothing slow: what the usual `load` does not run is imported when first
asked for. Nothing here, and nothing it calls, imports a provider.
"""

import os
import sys

TYPE_CHECKING = False


def _backend() -> object:
    """The C extension; the pure-Python one where that is not built, or `NATIVELOAD_BACKEND` says so."""
    chosen = "" if sys.flags.ignore_environment else os.environ.get("NATIVELOAD_BACKEND", "")
    if chosen not in ("", "c", "python"):
        raise ImportError(f"NATIVELOAD_BACKEND={chosen} cannot be honoured: it is neither 'c' nor 'python'")
    if chosen != "python":
        try:
            from nativeload import _native
        except ImportError:
            if chosen == "c":
                raise
        else:
            return _native
    from nativeload import _pure

    return _pure


if not TYPE_CHECKING:
    core = _backend()

from nativeload.loader import Library, load  # noqa: E402 - they run on the backend

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nativeload import _native as core  # noqa: F401 - what every module takes it for
    from nativeload.abc import Finder
    from nativeload.errors import (
        ABIMismatchError,
        DeclarationError,
        LibraryNotFoundError,
        LinkError,
        NativeLoadError,
        OverrideError,
        RequirementError,
        SymbolNotFoundError,
    )
    from nativeload.explanation import Explanation
    from nativeload.inventory import LoadedImage
    from nativeload.spec import LibrarySpec, Provider

    finders: list[Finder]
    """The chain, in order: a list that anyone may edit, like `sys.meta_path`."""

__all__ = [
    "ABIMismatchError",
    "DeclarationError",
    "Explanation",
    "Library",
    "LibraryNotFoundError",
    "LibrarySpec",
    "LinkError",
    "LoadedImage",
    "NativeLoadError",
    "OverrideError",
    "Provider",
    "RequirementError",
    "SymbolNotFoundError",
    "explain",
    "find_spec",
    "finders",
    "invalidate_caches",
    "load",
    "loaded",
]

_HOMES = {"Explanation": "explanation", "LoadedImage": "inventory", "LibrarySpec": "spec", "Provider": "spec"}


def find_spec(requirement: str, *, symbols: "Iterable[str]" = ()) -> "LibrarySpec | None":
    """Say which library `load` would give, without mapping any; None when none would do.

    Parameters are those of `load`. Raises RequirementError for a malformed requirement and OverrideError for an
    override that cannot be honoured.
    """
    from nativeload import resolution

    return resolution.find_spec(requirement, symbols)


def explain(requirement: str, *, symbols: "Iterable[str]" = ()) -> "Explanation":
    """Run the search of `load` with every step recorded, mapping nothing: `str()` is the text, `.to_dict()` the JSON.

    Parameters are those of `load`. Raises RequirementError for a malformed requirement; every other refusal is
    part of the explanation.
    """
    from nativeload import explanation

    return explanation.explain(requirement, symbols)


def loaded() -> "list[LoadedImage]":
    """Every image this process has mapped, in load order, with its provider where that is known."""
    from nativeload import inventory

    return inventory.loaded()


def invalidate_caches() -> None:
    """Forget what this process read of directories and files, and that of every finder that has this method.

    The cache on disk needs none of it: each answer in it is checked against the files it came from.
    """
    from nativeload import resolution

    resolution.invalidate_caches()


def __getattr__(name: str) -> object:
    if name == "finders":
        from nativeload import resolution

        value: object = resolution.finders
    elif name in __all__:
        module = _HOMES.get(name, "errors")
        value = getattr(__import__(f"nativeload.{module}", fromlist=[name]), name)
    else:
        raise AttributeError(f"module 'nativeload' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
