"""What the Python files of a distribution say of its native files: who opens one, and who does without it.

They are read, never run, and only when something is wrong with a native file.
"""

import ast
import os

from nativeload import catalog, metadata
from nativeload.errors import DeclarationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# What a file has in it that loads libraries itself, and one that looks for their names.
_LOADS = (b"CDLL", b"dlopen", b"nativeload", b"LoadLibrary")
_LISTS = (b"glob(", b"listdir(", b"scandir(", b"iterdir(")
_CAUGHT = ("ImportError", "ModuleNotFoundError", "OSError", "Exception", "BaseException")
_MOST = 1 << 20  # bytes of one file that are looked at
_DEEPEST = 4  # modules from the one that catches to the one that fails

_files: dict[str, list[tuple[str, str, bytes]]] = {}
_loaders: dict[str, list[tuple[str, bytes]]] = {}
_imports: dict[str, list[tuple[str, str]]] = {}


def is_for_tests(distribution: str, path: str) -> bool:
    """Whether a file lies where only tests or examples of its distribution do."""
    found = metadata.find(distribution) if distribution else None
    return found is not None and path.startswith(f"{found.site}/") and _is_aside(path[len(found.site) :])


def _is_aside(inside: str) -> bool:
    return any(part in ("test", "tests", "testing", "_examples", "examples") for part in inside.split("/")[:-1])


def opens(distribution: str, path: str) -> str:
    """A Python file that opens a library by its name, "" where there is none."""
    return _loader(distribution, _names(os.path.basename(path)))


def preloads(distribution: str, name: str, path: str) -> str:
    """A Python file that may load the library of a DT_NEEDED name before `path` needs it, "" where there is none."""
    return _loader(distribution, _names(name), path)


def _loader(distribution: str, names: tuple[bytes, ...], path: str = "") -> str:
    if distribution not in _loaders:
        found = [(file, content) for file, _, content in _of(distribution) if any(word in content for word in _LOADS)]
        _loaders[distribution] = found
    for file, content in _loaders[distribution]:
        if any(name in content for name in names):
            return file
        # nativeload.load takes a library's bare name.
        if b"nativeload" in content and any(name.removeprefix(b"lib") in content for name in names):
            return file
        # One that loads whatever there is, in a package that is imported before the file.
        if path.startswith(f"{os.path.dirname(file)}/") and any(word in content for word in _LISTS):
            return file
    return ""


def _names(name: str) -> tuple[bytes, ...]:
    """How a program may write a library's name: without version, hash or "lib", or as nativeload knows it."""
    stem = name.partition(".so")[0]
    before, dash, after = stem.rpartition("-")
    stem = before if dash and len(after) == 8 else stem
    found = [stem, *catalog.by_soname(name)]
    return tuple(os.fsencode(one) for one in found)


def does_without(distribution: str, path: str) -> str:
    """A Python file that goes on when an extension module cannot be imported, "" where one would fail."""
    found = metadata.find(distribution) if distribution else None
    if found is None or not path.startswith(f"{found.site}/"):
        return ""
    return _optional(distribution, path[len(found.site) + 1 :].partition(".")[0].replace("/", "."), _DEEPEST)


def _optional(distribution: str, module: str, deepest: int) -> str:
    """The file that catches it when a module fails; "" where nobody does, or somebody does not."""
    catches = ""
    last = os.fsencode(module.rpartition(".")[2])
    for file, importer, content in _of(distribution):
        if importer == module or last not in content:
            continue
        for name, how in _imported(file, importer, content):
            if name != module:
                continue
            if how == "caught":
                catches = catches or file
            else:
                found = _optional(distribution, importer, deepest - 1) if deepest and "." in importer else ""
                if not found:
                    return ""
                catches = catches or found
    return catches


def _of(distribution: str) -> list[tuple[str, str, bytes]]:
    """(path, module, content) of each Python file of a distribution that is not for tests."""
    if distribution not in _files:
        _files[distribution] = list(_read(distribution))
    return _files[distribution]


def _read(distribution: str) -> "Iterator[tuple[str, str, bytes]]":
    found = metadata.find(distribution) if distribution else None
    if found is None:
        return
    for home, path in [*_edited(found), *((found.site, path) for path in found.files(".py,"))]:
        inside = path.removeprefix(f"{home}/")
        if _is_aside(inside):
            continue
        try:
            with open(path, "rb") as file:
                content = file.read(_MOST)
        except OSError:
            continue
        module = inside.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        yield path, module, content


def _edited(distribution: "metadata.Distribution") -> "Iterator[tuple[str, str]]":
    """(directory above, path) of Python files of packages whose native files alone are installed, to be edited."""
    site = distribution.site
    packages = {path.removeprefix(f"{site}/").partition("/")[0] for path in distribution.files(".so,")}
    for package in filter(str.isidentifier, packages):
        if os.path.isfile(f"{site}/{package}/__init__.py"):
            continue
        try:
            homes = metadata.package_directories(package, site, "__init__.py")
        except DeclarationError:
            continue
        for home in homes:
            for directory, _, names in os.walk(home) if not home.startswith(f"{site}/") else ():
                yield from ((os.path.dirname(home), f"{directory}/{name}") for name in names if name.endswith(".py"))


def _imported(path: str, importer: str, content: bytes) -> list[tuple[str, str]]:
    """(module, "plain" or "caught") of each import in a file."""
    if path not in _imports:
        try:
            tree = ast.parse(content)
        except (SyntaxError, ValueError, RecursionError):
            _imports[path] = []
        else:
            package = importer if path.endswith("/__init__.py") else importer.rpartition(".")[0]
            _imports[path] = list(_walk(tree, package, "plain"))
    return _imports[path]


def _walk(node: ast.AST, package: str, how: str) -> "Iterator[tuple[str, str]]":
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield alias.name, how
        elif isinstance(child, ast.ImportFrom):
            above = package.rsplit(".", child.level - 1)[0] if child.level > 1 else package
            base = ".".join(filter(None, (above if child.level else "", child.module)))
            yield base, how
            for alias in child.names:
                yield f"{base}.{alias.name}", how
        elif isinstance(child, ast.Try):
            caught = "caught" if any(map(_goes_on, child.handlers)) else how
            yield from _walk(ast.Module(body=child.body, type_ignores=[]), package, caught)
            rest = [*child.handlers, *child.orelse, *child.finalbody]
            yield from _walk(ast.Tuple(elts=rest), package, how)  # type: ignore[arg-type]
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        else:
            yield from _walk(child, package, how)


def _goes_on(handler: ast.ExceptHandler) -> bool:
    """Whether it catches a failing import and raises nothing itself."""
    caught = [node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)] if handler.type else [*_CAUGHT]
    raises = any(isinstance(node, ast.Raise) for statement in handler.body for node in ast.walk(statement))
    return not raises and any(name in _CAUGHT for name in caught)
