"""Where the files of a package are by the import system's own account: editable installs have no other.

Nothing here imports the package. Finders and loaders are anybody's: what one raises concerns its package alone.
"""

import os
import sys
from importlib.machinery import PathFinder

import nativeload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec


def directories(top: str) -> list[str]:
    """The directories of a top-level package; none of one that is no directory."""
    spec = _spec(top)
    return [os.path.abspath(home) for home in spec.submodule_search_locations or ()] if spec is not None else []


def resource(package: str, file: str) -> str:
    """Where a package's file is by its loader's own account (`get_resource_reader`), "" where that tells no file.

    An editable install of meson-python is no directory: only its loader knows which files of the source and the build
    it stands for.
    """
    top, *inner = package.split(".")
    spec = _spec(top)
    try:
        found = spec.loader.get_resource_reader(top).files()  # type: ignore[union-attr]
        for name in (*inner, *file.split("/")):
            found = found.joinpath(name)
        return os.path.abspath(found) if found.is_file() else ""
    except Exception:  # It has no reader, or one that knows no files of this machine; or fails, as it likes.
        return ""


def resources(package: str) -> "Iterator[tuple[str, str]]":
    """(package, path) of every file of a package and of those in it, by its loader's own account, as for `resource`."""
    top, *inner = package.split(".")
    spec = _spec(top)
    try:
        place = spec.loader.get_resource_reader(top).files()  # type: ignore[union-attr]
        for name in inner:
            place = place.joinpath(name)
        todo = [(package, place)]
        for parent, place in todo:  # which grows meanwhile
            for one in place.iterdir():
                if one.is_dir():
                    todo.append((f"{parent}.{one.name}", one))
                else:
                    yield parent, os.path.abspath(one)
    except Exception:  # As above.
        return


def _spec(top: str) -> "ModuleSpec | None":
    # Without "", which comes first: a package of that name in the working directory is not the one installed.
    named = [entry for entry in sys.path if entry]
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        try:
            path = named if finder is PathFinder else None
            spec: ModuleSpec | None = find_spec(top, path, None) if find_spec else None
        except Exception as error:  # Whatever somebody's import hook raises, the other providers still count.
            raise nativeload.DeclarationError(top, f"the import system cannot say where it is: {error!r}") from error
        if spec is not None:
            return spec
    return None
