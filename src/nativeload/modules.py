"""Where a module and its extension modules are, as `import` would find them: nothing of them is imported or run.

Only a top-level name is asked of the import system's finders, which editable installs extend: asking for a dotted one
imports the parent. What is below is looked up in the packages' directories, as importlib's FileFinder does.
"""

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES, all_suffixes

from nativeload import core, packages
from nativeload.spec import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    Kind = Literal["package", "extension", "python", "built-in", "absent"]


class Module(Record):
    """A module: what `kind` it is, its file or the directories of a package, and why it is absent, "" where it is not."""

    __slots__ = ("kind", "name", "places", "reason")
    name: str
    kind: "Kind"
    places: tuple[str, ...]
    reason: str


class Extension(Record):
    """An extension module: its full name and its file."""

    __slots__ = ("name", "path")
    name: str
    path: str


def find(name: str) -> Module:
    """The module of a full name."""
    top, *inner = name.split(".")
    if not all(part.isidentifier() for part in (top, *inner)):
        return _absent(name, "is not a module's name")
    found = _top(top)
    for part in inner:
        if found.kind == "absent":
            return _absent(name, found.reason)
        if found.kind != "package":
            return _absent(name, f"{found.name} is not a package")
        found = _below(found, part)
    return found


def extensions(module: Module) -> list[Extension]:
    """The extension modules: the module itself, or all of a package, in order of their names.

    In a package a file counts that has a suffix of an extension module and exports the function of its name by which
    `import` initializes it: a library that happens to lie there is none.
    """
    if module.kind == "extension":
        return [Extension(name=module.name, path=module.places[0])]
    found: dict[str, Extension] = {}
    if module.kind == "package":
        files = [one for place in module.places for one in _inside(place, module.name)]
        # of an editable install that is no directory
        for parent, path in files or packages.resources(module.name):
            if one := _extension(parent, path):
                found.setdefault(one.name, one)
    return sorted(found.values(), key=lambda one: one.name)


def initializer(name: str) -> str:
    """The function by which `import` initializes an extension module (PEP 489)."""
    last = name.rpartition(".")[2]
    if last.isascii():
        return f"PyInit_{last}"
    return f"PyInitU_{last.encode('punycode').decode().replace('-', '_')}"


def _absent(name: str, reason: str) -> Module:
    return Module(name=name, kind="absent", places=(), reason=reason)


def _top(name: str) -> Module:
    for finder in sys.meta_path:
        find_spec = getattr(finder, "find_spec", None)
        try:
            spec = find_spec(name, None, None) if find_spec else None
        except Exception as error:  # Whatever somebody's import hook raises, it is the answer of an import too.
            return _absent(name, f"{finder!r} cannot say where it is: {error!r}")
        if spec is not None:
            if spec.submodule_search_locations is not None:
                places = tuple(map(os.path.abspath, spec.submodule_search_locations))
                return Module(name=name, kind="package", places=places, reason="")
            return _of_file(name, spec.origin or "")
    return _absent(name, "no finder of the import system knows it")


def _of_file(name: str, path: str) -> Module:
    if not os.path.isabs(path):
        return Module(name=name, kind="built-in", places=(), reason="")
    kind: Kind = "extension" if path.endswith(tuple(EXTENSION_SUFFIXES)) else "python"
    return Module(name=name, kind=kind, places=(path,), reason="")


def _below(package: Module, part: str) -> Module:
    """A package's module. Directories without an `__init__` are portions of a namespace, if nothing else is found."""
    name = f"{package.name}.{part}"
    portions = []
    for place in package.places:
        whole = f"{place}/{part}"
        if os.path.isdir(whole):
            if any(os.path.isfile(f"{whole}/__init__{suffix}") for suffix in all_suffixes()):
                return Module(name=name, kind="package", places=(whole,), reason="")
            portions.append(whole)
        for suffix in (*EXTENSION_SUFFIXES, *(one for one in all_suffixes() if one not in EXTENSION_SUFFIXES)):
            if os.path.isfile(whole + suffix):
                return _of_file(name, whole + suffix)
    if portions:
        return Module(name=name, kind="package", places=tuple(portions), reason="")
    for suffix in all_suffixes():
        if path := packages.resource(package.name, part + suffix):  # of an editable install that is no directory
            return _of_file(name, path)
    return _absent(name, f"there is none in {' or '.join(package.places) or package.name}")


def _inside(place: str, package: str) -> "Iterator[tuple[str, str]]":
    """(package, path) of each file below a package's directory that may be imported."""
    for directory, folders, files in os.walk(place):
        folders[:] = sorted(one for one in folders if one.isidentifier() and one != "__pycache__")
        inner = os.path.relpath(directory, place)
        parent = package if inner == "." else f"{package}.{inner.replace('/', '.')}"
        yield from ((parent, f"{directory}/{file}") for file in sorted(files))


def _extension(parent: str, path: str) -> Extension | None:
    """The extension module that a file of a package is, by its name; None where it is none."""
    file = os.path.basename(path)
    for suffix in EXTENSION_SUFFIXES:
        stem = file.removesuffix(suffix)
        if stem != file and stem.isidentifier():
            one = Extension(name=parent if stem == "__init__" else f"{parent}.{stem}", path=path)
            # By a tagged name it was meant to be one, whatever is wrong with it.
            return one if suffix != ".so" or is_initialized(one) else None
    return None


def is_initialized(extension: Extension) -> bool:
    """Whether a file can be read and exports the function by which `import` initializes it."""
    try:
        return core.image(extension.path, (initializer(extension.name),))[17][0]
    except (OSError, ValueError):
        return False
