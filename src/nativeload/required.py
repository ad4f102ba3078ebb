"""What a package requires, by the table [requires] of its own `nativeload.toml`, and loading all of it.

The usual `load_required` runs in somebody's `__init__.py`: what was read once is kept as an answer of `load` is, and
what reads it is imported where that is not so.
"""

import os
import sys

from nativeload import _MAGIC, _cache_directory, _name_of, core, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from nativeload import Library

    # requirement, where it says so ("file:line")
    Required = tuple[str, str]

FILE = "nativeload.toml"

# What packages required of this process and got: (package, requirement, where it says so, path of the library).
_had: list[tuple[str, str, str, str]] = []


def load_required(name: str) -> "dict[str, Library]":
    """Load all that a package requires; the libraries by their names, in the order in which they were loaded.

    Parameters: `name`, of a package or of a module in one: `load_required(__name__)`, in its `__init__.py` or anywhere
    below. The innermost package that has a `nativeload.toml` counts, by the table [requires] there. A library that
    another one needs is loaded before it, whatever the order in the table.

    Raises DeclarationError where there is no such file or table, or it cannot be read, with file and line; and what
    `load` raises, the error naming who requires it, and who required before what is in its way.
    """
    files = _files(name)
    home = _cache_directory()
    asked = repr(("requires", files))
    known = core.recall(home, _MAGIC, asked) if home else None
    if known is not None:
        (_, package, *_), texts, places, _ = known
        return _load(package, list(zip(texts, places, strict=True)))[0]
    from nativeload.cache import store

    package, required, consulted = _look(name, files)
    libraries, order = _load(package, required)
    facts = ("requires", package, "", "", "", "", "")
    store(asked, (facts, tuple(text for text, _ in order), tuple(where for _, where in order), ()), consulted)
    return libraries


def _files(name: str) -> "tuple[tuple[str, str], ...]":
    """(package, where its file would be) of each package that a module is in, innermost first."""
    found = []
    spec = getattr(sys.modules.get(name), "__spec__", None)
    if name == "__main__" and spec is not None:
        name = spec.name  # of `python -m PACKAGE`
    while name:
        spec = getattr(sys.modules.get(name), "__spec__", None)
        for place in (spec.submodule_search_locations or ()) if spec is not None else _places(name):
            found.append((name, f"{os.path.abspath(place)}/{FILE}"))
        name = name.rpartition(".")[0]
    return tuple(found)


def _places(name: str) -> tuple[str, ...]:
    """The directories of a package that has not been imported."""
    from nativeload import modules

    module = modules.find(name)
    return module.places if module.kind == "package" else ()


def _load(package: str, required: "list[Required]") -> "tuple[dict[str, Library], list[Required]]":
    """The libraries, and what is required in the order in which it could be loaded."""
    libraries: dict[str, Library] = {}
    order: list[Required] = []
    while required:
        late: list[tuple[Required, ImportError]] = []
        for text, where in required:
            try:
                library = load(text)
            except ImportError as error:
                late.append(((text, where), error))
                if _waiting(error):  # It would do once what it needs is loaded, which may be among the rest.
                    continue
                raise _told(package, late[-1:]) from None
            libraries[_name_of(text)] = library
            order.append((text, where))
            if (entry := (package, text, where, library.path)) not in _had:
                _had.append(entry)
        if len(late) == len(required):
            raise _told(package, late)
        required = [one for one, _ in late]
    return libraries, order


# What is imported where something is read or has failed


def _look(name: str, files: "tuple[tuple[str, str], ...]") -> "tuple[str, list[Required], dict[str, str]]":
    """(package, what it requires, what that rests on) of the innermost package that has a file."""
    from nativeload import packages
    from nativeload.errors import DeclarationError

    consulted = {}
    for package, file in files:
        consulted[file] = core.signature(file)
        if consulted[file] != "-":
            return package, read(file), consulted
    for package, _ in files:
        if file := packages.resource(package, FILE):
            consulted[file] = core.signature(file)
            return package, read(file), consulted
    archives = [one for one in _above(files) if os.path.isfile(one)]
    if archives:
        reason = f"it is in {archives[0]}, an archive, and the linker maps only files of their own: unpack it"
    elif files:
        reason = f"there is no {' or '.join(file for _, file in files)}"
    else:
        reason = "it is no package, nor a module in one"
    raise DeclarationError(f"load_required({name!r})", reason)


def file_of(name: str) -> str:
    """The file by which a package or a module in one requires libraries, imported or not; "" where there is none."""
    from nativeload import packages

    files = _files(name)
    there = (file for _, file in files if os.path.isfile(file))
    return next(there, "") or next(filter(None, (packages.resource(package, FILE) for package, _ in files)), "")


def _above(files: "tuple[tuple[str, str], ...]") -> "Iterator[str]":
    for _, file in files:
        while file != (file := os.path.dirname(file)):
            yield file


def read(file: str, *, needed: bool = True) -> "list[Required]":
    """What the table [requires] of a file says, in its order. Raises DeclarationError, with file and line; also where
    there is none, if it is needed.
    """
    from nativeload import declarations, requirement
    from nativeload.errors import DeclarationError, RequirementError
    from nativeload.tomlfile import Document

    document = Document(file)
    declarations.check_tables(document)
    table = document.table.get("requires", None if needed else {})
    if not isinstance(table, dict):
        raise DeclarationError(document.where("requires"), 'there is no table [requires] of NAME = ">=1,<2"')
    found = []
    for name, value in table.items():
        where = document.where(name, "requires")
        if not isinstance(value, str) or value.strip()[:1] not in ("", "[", "(", "<", ">", "=", "!", "~"):
            raise DeclarationError(where, f'{name} is "[features]>=1,<2", or "" for any')
        try:
            wanted = requirement.parse(name + value.strip())
        except RequirementError as error:
            raise DeclarationError(where, str(error)) from None
        if wanted.name != name:
            raise DeclarationError(where, f"{name!r} is not a library's name")
        found.append((wanted.text, where))
    return found


def _waiting(error: ImportError) -> "list[tuple[str, str]]":
    """(file, name that it needs) of each that is refused only for want of what has that name."""
    from nativeload.errors import ABIMismatchError

    steps = error.steps if isinstance(error, ABIMismatchError) else ()
    refused = [(step.candidate, step.rejection) for step in steps if step.rejection is not None]
    return [(path, str(why.facts.get("name", ""))) for path, why in refused if why.kind == "dependency"]


def _told(package: str, late: "list[tuple[Required, ImportError]]") -> ImportError:
    """The error that no other library of these cures, with who requires what; the first of a circle, with all of it."""
    from nativeload import images
    from nativeload.errors import ABIMismatchError, LibraryNotFoundError

    given = {images.soname(path) for _, error in late for path, _ in _waiting(error)}
    uncured = [one for one in late if any(name not in given for _, name in _waiting(one[1]))]
    (_, where), error = (uncured or late)[0]
    if isinstance(error, (LibraryNotFoundError, ABIMismatchError)):
        seen = {step.candidate for step in error.steps}
        said = [f"{package} requires it ({where})"]
        said += [f"{who} required {what!r} before ({at}): {path}" for who, what, at, path in _had if path in seen]
        if len(late) > 1 and not uncured:
            each = [f"{one!r} needs {name}" for (one, _), why in late for _, name in _waiting(why)]
            said.append(f"each waits for another: {', '.join(each)}")
        error.required = tuple(said)
    return error
