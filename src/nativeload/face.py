"""The public functions that search or report: all but `load`. Imported when first asked for.

Nothing here decides anything: each hands over to the module that does.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from nativeload.explanation import Explanation
    from nativeload.inventory import LoadedImage
    from nativeload.spec import LibrarySpec


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

    The cache on disk is left alone: each answer in it is checked against the files it came from. One change shows
    in none of them: an `entry_points.txt` edited in place, because the directory on `sys.path` stands for all that is
    installed in it. After such an edit, remove the cache.
    """
    from nativeload import resolution

    resolution.invalidate_caches()
