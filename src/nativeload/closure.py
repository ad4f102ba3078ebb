"""What a file needs, transitively, and where the linker would find each of it: nothing is run or mapped.

The same walk serves `resolve`, `--tree`, `--check` and `--explain FILE`; `loading` asks it about this process.
"""

import os
import stat

from nativeload import core, images, roots
from nativeload.errors import ImageError
from nativeload.linkers import glibc, musl
from nativeload.loading import AGAIN, AUXILIARY, HOW, LOADED, RECORD, instead
from nativeload.spec import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Literal

    from nativeload.images import Image
    from nativeload.linkers.rules import Rules

    Status = Literal["ok", "problems", "fatal"]

RPATH = HOW.index("rpath")


class Edge(Record):
    """A name that a file needs, and the file that answers to it, None where none does.

    `how` says by what rule; `tried` are (path, rule, why it was passed over: None where nothing is there), where they
    were recorded; `fatal` is why the linker gives up at the path. `optional` is what a DT_AUXILIARY names.
    """

    __slots__ = ("fatal", "how", "name", "optional", "path", "tried")
    name: str
    path: str | None
    how: str
    fatal: str | None
    optional: bool
    tried: tuple[tuple[str, str, str | None], ...]


class Mapped(Record):
    """A file that would be mapped: its path, its DT_SONAME, and what it needs in order."""

    __slots__ = ("needed", "path", "soname")
    path: str
    soname: str | None
    needed: tuple[Edge, ...]


class Problem(Record):
    """Something that is wrong: a stable `kind`, the file it is wrong with, and the sentence."""

    __slots__ = ("detail", "image", "kind")
    kind: str
    image: str
    detail: str


class Closure(Record):
    """A file and everything that would be mapped with it, in load order, the file itself first.

    `status` is "ok", "problems" (it would be mapped as far as it is found), or "fatal" (the linker gives up).
    """

    __slots__ = ("images", "problems", "root", "status")
    root: str
    status: "Status"
    images: tuple[Mapped, ...]
    problems: tuple[Problem, ...]

    def to_dict(self) -> "dict[str, Any]":
        """The JSON form: {"version": 1, "root", "status", "images", "problems"}."""
        return {
            "version": 1,
            "root": self.root,
            "status": self.status,
            "images": [
                {
                    "path": image.path,
                    "soname": image.soname,
                    "needed": [{"name": one.name, "path": one.path, "how": one.how} for one in image.needed],
                }
                for image in self.images
            ],
            "problems": [{"kind": p.kind, "image": p.image, "detail": p.detail} for p in self.problems],
        }

    def __str__(self) -> str:
        from nativeload import tree

        return tree.text([self])


class Resolver:
    """Closures of many files under one root and environment; each file is read once.

    Parameters: `environ`, in which a program starts (LD_LIBRARY_PATH, LD_PRELOAD), by default this process's, none
    below another root; `root`, the directory that is "/"; `record`, whether to keep each path that is tried.
    """

    def __init__(self, *, environ: "Mapping[str, str] | None" = None, root: str = "", record: bool = False) -> None:
        self.root = os.path.abspath(root) if root else ""
        self.environ = environ if environ is not None else {} if root else os.environ
        self._options = (RECORD if record else 0) | AGAIN
        self._walkers: dict[tuple[object, ...], tuple[Rules, object]] = {}

    def resolve(self, path: str, loaded: "Iterable[str]" = ()) -> Closure:
        """The closure of one file, where the files of `loaded` have been loaded before. Raises ImageError."""
        whole = path if self.root else os.path.abspath(path)
        image = self.image(whole)
        rules, walker = self._walker(whole, image)
        before = tuple((os.path.abspath(one),) for one in loaded)
        try:
            there = {one[0] for one in self._walk(walker, before)[0]} if before else set()
            walked = self._walk(walker, (*before, (whole, *self._preloads(rules))))
        except (OSError, ValueError) as error:
            raise ImageError(whole, images.words(whole, error)) from None
        listed = "" if rules.musl or there or not glibc.is_always_listed(image, self.root) else rules.own
        return _closure(whole, walked, there, listed)

    def image(self, path: str) -> "Image":
        """The facts of a file below the root. Raises ImageError."""
        try:
            return images.read(roots.inside(self.root, path))
        except (OSError, ValueError) as error:
            raise ImageError(path, images.words(path, error)) from None

    def _walk(self, walker: object, groups: tuple[tuple[str, ...], ...]) -> "Any":
        return core.walk(walker, groups, (), self._options)

    def _preloads(self, rules: "Rules") -> list[str]:
        text = self.environ.get("LD_PRELOAD", "").replace(":", " ")
        names = text.split() if rules.musl else [name for name in text.split(" ") if name]
        # A privileged program takes no path, and only what is itself privileged in a default directory.
        return [] if rules.secure else names

    def _walker(self, path: str, image: "Image") -> "tuple[Rules, object]":
        kind = (image.elf_class, image.byteorder, image.machine, image.interp, image.libc)
        secure = bool(image.interp) and _is_privileged(roots.inside(self.root, path))
        # What LD_LIBRARY_PATH means depends on the program's directory where it says $ORIGIN.
        origin = os.path.dirname(os.path.realpath(path) if image.interp and not self.root else path)
        key = (*kind, secure, origin if "$" in self.environ.get("LD_LIBRARY_PATH", "") else "")
        if key not in self._walkers:
            is_musl = "ld-musl" in (image.interp or "") or (not image.interp and image.libc == "musl")
            make = musl.rules if is_musl else glibc.rules
            rules = make(image, origin, self.environ, self.root, secure=secure)
            self._walkers[key] = rules, rules.walker()
        return self._walkers[key]


def resolve(
    path: "str | os.PathLike[str]",
    *,
    environ: "Mapping[str, str] | None" = None,
    root: "str | os.PathLike[str] | None" = None,
    loaded: "Iterable[str | os.PathLike[str]]" = (),
) -> Closure:
    """Say what the dynamic linker would map for an ELF file, from where and why, without running or mapping any.

    Parameters: `path`, the file; `environ`, the environment in which it would start, by default this process's
    (LD_LIBRARY_PATH and LD_PRELOAD count); `root`, a directory that is "/" for every path, with its own
    `ld.so.cache`; `loaded`, paths of files that the process has loaded before, in order.

    Raises ImageError for a file that cannot be read or is no ELF file; everything else that is wrong is in the
    closure's problems. The rules are those of the linker that the file would be run by: glibc's ld.so(8),
    elf/dl-load.c and elf/dl-deps.c, or musl's ldso/dynlink.c.
    """
    resolver = Resolver(environ=environ, root=os.fspath(root) if root is not None else "", record=True)
    return resolver.resolve(os.fspath(path), map(os.fspath, loaded))


def _is_privileged(path: str) -> bool:
    """Whether to start a program would change who this process runs as: then its linker obeys no environment."""
    try:
        state = os.stat(path)
    except OSError:
        return False
    as_user = state.st_mode & stat.S_ISUID and state.st_uid != os.getuid()
    return bool(as_user or (state.st_mode & stat.S_ISGID and state.st_gid != os.getgid()))


def _closure(root: str, walked: "Any", there: set[str], own: str) -> Closure:
    """The records of what a walk gave, less what was there before; `own` is the linker, where it is in every list."""
    mapped = walked[0]
    owners = [path for path, *_ in mapped]
    names = {path: soname or path for path, soname, *_ in mapped}
    found = [
        Mapped(path=path, soname=soname, needed=tuple(_edge(edge, owners, names) for edge in edges))
        for path, soname, _, edges in mapped
        if path not in there or path == root
    ]
    found.sort(key=lambda image: image.path != root)  # what filters for the root stands before it
    if own and own not in names:
        found.append(Mapped(path=own, soname=own.rpartition("/")[2], needed=()))
    problems = tuple(_problems(walked, found))
    fatal = any(problem.kind == "fatal" for problem in problems)
    status: Status = "fatal" if fatal else "problems" if problems else "ok"
    return Closure(root=root, status=status, images=tuple(found), problems=problems)


def _edge(edge: "Any", owners: list[str], names: dict[str, str]) -> Edge:
    name, path, how, owner, fatal, kind, tries = edge
    said = HOW[how]
    if how == LOADED:
        said = f"already loaded as {names.get(path, path)}"
    elif how == RPATH:
        said = f"rpath of {owners[owner] if owner >= 0 else 'the program'}"
    tried = tuple((place, HOW[rule], why) for place, rule, why in tries)
    return Edge(name=name, path=path, how=said, fatal=fatal, optional=kind == AUXILIARY, tried=tried)


def _problems(walked: "Any", found: list[Mapped]) -> "Iterator[Problem]":
    for image in found:
        for edge in image.needed:
            if edge.fatal and not edge.optional:
                detail = f"needs {edge.name}: the linker gives up at {edge.path or edge.name}: {edge.fatal}"
                yield Problem(kind="fatal", image=image.path, detail=detail)
            elif edge.path is None and not edge.optional:
                places = "".join(f"\n  {path} ({rule}){f': {why}' if why else ''}" for path, rule, why in edge.tried)
                detail = f"needs {edge.name}, which is not found" + (f"; tried{places}" if places else "")
                yield Problem(kind="missing", image=image.path, detail=detail)
    for place, name, version, giver in walked[1]:
        # A library that is not found was said to be missing.
        if giver is not None:
            detail = f"needs {version} of {name}; {instead(version, giver)}"
            yield Problem(kind="symbol-version", image=walked[0][place][0], detail=detail)
    level = core.isa_level()
    for path, _, needs, _ in walked[0]:
        if needs > 1 and needs > level > 0:
            detail = f"needs a CPU of level x86-64-v{needs}; this one is x86-64-v{level}"
            yield Problem(kind="isa-level", image=path, detail=detail)
