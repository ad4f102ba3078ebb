"""What the Python files of a package do for Windows's loader before an extension module is imported: read, never run.

The directories of `os.add_dll_directory` and the libraries that ctypes loads by a path, where the path can be told from
the syntax tree: delvewheel's patch in `__init__.py`, and what packages write by hand.
"""

import ast
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MARKS = (b"add_dll_directory", b"WinDLL", b"CDLL", b"LoadLibrary")
_LOADS = ("WinDLL", "CDLL", "LoadLibrary")
_MOST = 1 << 20  # bytes of one file
_DEEPEST = 40


def before(site: str, path: str) -> tuple[list[str], list[str]]:
    """(directories added, libraries loaded) by the packages that are imported before the module at a path below `site`."""
    directories: dict[str, None] = {}
    loaded: dict[str, None] = {}
    folder = site
    for part in ["", *os.path.relpath(os.path.dirname(path), site).split(os.sep)]:
        folder = os.path.join(folder, part) if part else folder
        for file, content in _files(folder):
            for function, value in _calls(file, content, site):
                place = value.replace(os.sep, "/")
                if function == "add_dll_directory" and os.path.isdir(place):
                    directories[place] = None
                elif function in _LOADS and os.path.isfile(place):
                    loaded[place] = None
    return list(directories), list(loaded)


def _files(folder: str) -> "Iterator[tuple[str, bytes]]":
    """A package's `__init__.py`, and the modules beside it that it names, as far as they may matter."""
    init = read(f"{folder}/__init__.py")
    if not init:
        return
    for name in sorted(os.listdir(folder)):
        stem, dot_py, rest = name.partition(".py")
        if not dot_py or rest or (stem != "__init__" and os.fsencode(stem) not in init):
            continue
        content = read(f"{folder}/{name}")
        if any(mark in content for mark in _MARKS):
            yield f"{folder}/{name}", content


def read(path: str) -> bytes:
    """The start of a file, b"" where there is none that can be read."""
    try:
        with open(path, "rb") as file:
            return file.read(_MOST)
    except OSError:
        return b""


def _calls(path: str, content: bytes, site: str) -> "Iterator[tuple[str, str]]":
    """(function, path) of each call whose argument can be told."""
    try:
        tree = ast.parse(content)
        reading = _Reading(tree, path, site)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args:
                function = _last(node.func)
                if function == "add_dll_directory" or function in _LOADS:
                    value = reading.value(node.args[0])
                    if value:
                        yield function, value
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return


class _Reading:
    """The values of a module's expressions that are paths known from its own place."""

    def __init__(self, tree: ast.Module, path: str, site: str) -> None:
        self._path, self._site = path, site
        self._names: dict[str, ast.expr] = {}
        self._functions: dict[str, ast.expr] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                self._names.setdefault(node.targets[0].id, node.value)
            elif isinstance(node, ast.NamedExpr) and isinstance(node.target, ast.Name):
                self._names.setdefault(node.target.id, node.value)
            elif isinstance(node, ast.FunctionDef) and isinstance(node.body[-1], ast.Return) and node.body[-1].value:
                self._functions.setdefault(node.name, node.body[-1].value)

    def value(self, node: ast.expr, deep: int = 0) -> str:
        """The path that an expression comes to, "" where that cannot be told."""
        if deep > _DEEPEST:
            return ""
        deep += 1
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else ""
        if isinstance(node, ast.Name):
            if node.id == "__file__":
                return self._path
            return self.value(self._names[node.id], deep) if node.id in self._names else ""
        if isinstance(node, ast.NamedExpr):
            return self.value(node.value, deep)
        if isinstance(node, ast.Attribute):
            if node.attr == "parent":
                return os.path.dirname(self.value(node.value, deep))
            return {"pardir": "..", "curdir": ".", "sep": "/", "prefix": self._site}.get(node.attr, "")
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            return self._joined([node.left, node.right], deep)
        return self._called(node, deep) if isinstance(node, ast.Call) else ""

    def _called(self, node: ast.Call, deep: int) -> str:
        function = _last(node.func)
        if isinstance(node.func, ast.Name) and function in self._functions:
            return self.value(self._functions[function], deep)
        if function in ("join", "joinpath"):
            first = [node.func.value] if function == "joinpath" and isinstance(node.func, ast.Attribute) else []
            return self._joined([*first, *node.args], deep)
        if function in ("resolve", "absolute", "as_posix") and isinstance(node.func, ast.Attribute):
            return self.value(node.func.value, deep)
        if not node.args:
            return ""
        found = self.value(node.args[0], deep)
        if function == "dirname":
            return os.path.dirname(found)
        if function in ("abspath", "realpath", "normpath"):
            return os.path.normpath(found) if found else ""
        return found if function in ("Path", "str", "fspath", "PurePath") else ""

    def _joined(self, parts: list[ast.expr], deep: int) -> str:
        found = [self.value(one, deep) for one in parts]
        return os.path.normpath(os.path.join(*found)) if found and all(found) else ""


def _last(node: ast.expr) -> str:
    """`join` of `os.path.join`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
