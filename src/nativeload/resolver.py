"""Where Linux's linkers would find what a file needs: nothing is run or mapped.

The same walk serves `resolve`, `--tree`, `--check` and `--explain FILE`; `loading` asks it about this process.
"""

import os
import stat

from nativeload import core, images, roots
from nativeload.closure import Closure, Edge, Mapped, Problem
from nativeload.errors import ImageError
from nativeload.linkers import glibc, musl
from nativeload.loading import AGAIN, AUXILIARY, HOW, LOADED, OWN, RECORD, instead

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from nativeload.closure import Status
    from nativeload.images import Image
    from nativeload.linkers import Rules

RPATH = HOW.index("rpath")


class Resolver:
    """Closures of many files under one root and environment; each file is read once.

    Parameters: `environ`, in which a program starts (LD_LIBRARY_PATH, LD_PRELOAD), by default this process's, none
    below another root; `root`, the directory that is "/"; `record`, whether to keep each path that is tried.
    """

    def __init__(self, *, environ: "Mapping[str, str] | None" = None, root: str = "", record: bool = False) -> None:
        self.root = os.path.abspath(root) if root else ""
        self.environ = environ if environ is not None else {} if root else os.environ
        self._options = (RECORD if record else 0) | AGAIN
        self._preloaded: str | None = None  # what /etc/ld.so.preload names
        self._library_path = self.environ.get("LD_LIBRARY_PATH", "")
        self._walkers: dict[tuple[object, ...], tuple[Rules, object]] = {}
        self._starts: dict[tuple[object, ...], tuple[object, str, list[str]]] = {}
        self._usual: tuple[object, str, list[str]] | None = None  # of the kind of library that came last

    def resolve(self, path: str, loaded: "Sequence[str]" = (), *, symbols: bool = False) -> Closure:
        """The closure of one file, where the files of `loaded` have been loaded before. Raises ImageError."""
        return self.walk(path, loaded, symbols=symbols).closure()

    def walk(self, path: str, loaded: "Sequence[str]" = (), *, symbols: bool = False) -> "Walked":
        """What `resolve` makes a closure of, for who reads only some of it. Raises ImageError."""
        walked = self._walked(path, loaded)
        if symbols:
            from nativeload import pairs, undefined

            undefined.look(self, walked, loaded)
            for kind, image, detail in pairs.clashes(walked.everything, self.root):
                walked.take(Problem(kind=kind, image=image, detail=detail))
        return walked

    def _walked(self, path: str, loaded: "Sequence[str]") -> "Walked":
        whole = path if self.root else os.path.abspath(path)
        if self._usual is not None and not loaded:
            walker, own, preloads = self._usual
            try:
                return Walked(whole, self._walk(walker, ((whole, *preloads),), OWN), set(), own, bool(preloads))
            except (OSError, ValueError):
                pass  # It is a program, or another linker's, or not sound, which is found out below.
        try:
            facts = core.image(roots.inside(self.root, whole))
            walker, own, preloads = self._start(whole, facts)
            # What is preloaded follows the program, or what is there instead of one.
            first, *others = *(os.path.abspath(one) for one in loaded), whole
            groups = ((first, *preloads), *((one,) for one in others))
            there = {one[0] for one in self._walk(walker, groups[:-1])[0]} if others else set()
            walked = self._walk(walker, groups)
        except (OSError, ValueError) as error:
            raise ImageError(whole, images.words(whole, error)) from None
        return Walked(whole, walked, there, "" if there else own, bool(preloads))

    def mapped(self, loaded: "Sequence[str]") -> list[str]:
        """Everything that is mapped where these files have been loaded, in order. Raises ImageError."""
        last = self.walk(loaded[-1], loaded[:-1])
        return last.everything

    def image(self, path: str) -> "Image":
        """The facts of a file below the root. Raises ImageError."""
        try:
            return images.read(roots.inside(self.root, path))
        except (OSError, ValueError) as error:
            raise ImageError(path, images.words(path, error)) from None

    def _start(self, path: str, facts: "Any") -> "tuple[object, str, list[str]]":
        """What walks for a file; the linker, where it is in every list; the names of what is preloaded.

        It is the same for all libraries of one kind, unless LD_LIBRARY_PATH depends on where they are.
        """
        kind = (*facts[:3], images.libc(facts[8]))
        same_for_all = facts[6] is None and "$" not in self._library_path
        known = self._starts.get(kind) if same_for_all else None
        if known is None:
            image = images.made(facts)
            rules, walker = self.walker(path, image)
            listed = not rules.musl and glibc.is_always_listed(image, self.root)
            known = walker, rules.own if listed else "", self._preloads(rules)
            if same_for_all:
                self._usual = self._starts[kind] = known
        return known

    def _walk(self, walker: object, groups: tuple[tuple[str, ...], ...], options: int = 0) -> "Any":
        return core.walk(walker, groups, (), self._options | options)

    def _preloads(self, rules: "Rules") -> list[str]:
        text = self.environ.get("LD_PRELOAD", "").replace(":", " ")
        if rules.musl:
            return [] if rules.secure else text.split()
        # A privileged program takes no path, and of what is found in a directory only what is set-user-ID.
        names = [name for name in text.split(" ") if not (rules.secure and "/" in name)]
        if self._preloaded is None:
            listed = os.fsdecode(roots.read(self.root, "/etc/ld.so.preload", 1 << 20))
            self._preloaded = " ".join(line.partition("#")[0] for line in listed.split("\n"))
        names += self._preloaded.replace(":", " ").replace("\t", " ").split(" ")
        return [name for name in names if name]

    def _real(self, path: str) -> str:
        """Where a path is, as it is below the root, when all links are followed."""
        real = os.path.realpath(roots.inside(self.root, path))
        return real.removeprefix(os.path.realpath(self.root)) if self.root else real

    def walker(self, path: str, image: "Image") -> "tuple[Rules, object]":
        """The linker that would run a file: its rules, and what walks by them."""
        kind = (image.elf_class, image.byteorder, image.machine, image.interp, image.libc)
        secure = bool(image.interp) and _is_privileged(roots.inside(self.root, path))
        # What LD_LIBRARY_PATH means depends on the program's directory where it says $ORIGIN.
        origin = os.path.dirname(self._real(path) if image.interp else path)
        key = (*kind, secure, origin if "$" in self._library_path else "")
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
    symbols: bool = False,
) -> "Closure":
    """Say what the dynamic linker would map for an ELF file, from where and why, without running or mapping any.

    Parameters: `path`, the file; `environ`, the environment in which it would start, by default this process's
    (LD_LIBRARY_PATH and LD_PRELOAD count); `root`, a directory that is "/" for every path, with its own
    `ld.so.cache`; `loaded`, paths of files that the process has loaded before, in order; `symbols`, whether to look for
    the symbols that a file of the closure wants and nothing gives, nor the interpreter, and for what must not meet in one
    process.

    Raises ImageError for a file that cannot be read or is no ELF file; everything else that is wrong is in the
    closure's problems. The rules are those of the linker that the file would be run by: glibc's ld.so(8),
    elf/dl-load.c and elf/dl-deps.c, or musl's ldso/dynlink.c.
    """
    resolver = Resolver(environ=environ, root=os.fspath(root) if root is not None else "", record=True)
    return resolver.resolve(os.fspath(path), [os.fspath(one) for one in loaded], symbols=symbols)


def _is_privileged(path: str) -> bool:
    """Whether to start a program would change who this process runs as: then its linker obeys no environment."""
    try:
        state = os.stat(path)
    except OSError:
        return False
    as_user = state.st_mode & stat.S_ISUID and state.st_uid != os.getuid()
    return bool(as_user or (state.st_mode & stat.S_ISGID and state.st_gid != os.getgid()))


class Walked:
    """What a walk gave, of which records are made when asked for: of many files, most are not.

    `root` is the file, `paths` what would be mapped in load order, the file itself first.
    """

    __slots__ = ("_files", "_lacking", "_own", "_places", "_preloaded", "_problems", "paths", "root", "weak")

    def __init__(self, root: str, walked: "Any", there: set[str], own: str, preloaded: bool) -> None:
        """`there` is what was before; `own` is the linker, where it is in every list."""
        self._files, self._lacking = walked
        self._places = {file[0]: place for place, file in enumerate(self._files)}
        self._own = "" if own in self._places else own
        self._preloaded = preloaded
        self._problems: tuple[Problem, ...] | None = None
        self.weak: tuple[tuple[str, tuple[str, ...]], ...] = ()
        self.root = root
        # What filters for the file stands before it.
        paths = [root] if root in self._places else []
        paths += [path for path in self._places if path != root and path not in there]
        self.paths: Sequence[str] = [*paths, self._own] if self._own else paths

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong."""
        if self._problems is None:
            self._problems = tuple(self._find_problems())
        return self._problems

    def take(self, *problems: Problem) -> None:
        """Keep what else was found to be wrong."""
        self._problems = (*self.problems, *problems)

    @property
    def everything(self) -> list[str]:
        """What would be mapped by then, in load order, with what was there before."""
        return [*self._places, *([self._own] if self._own else ())]

    @property
    def strays(self) -> "Sequence[str]":
        """What would be mapped although no file needs it: LD_PRELOAD's, and the linker itself."""
        if not self._own and not self._preloaded:
            return ()
        needed = {edge[1] for file in self._files for edge in file[3]}
        return [path for path in self.paths if path not in needed and path != self.root]

    def needed(self, path: str, passed_over: "Container[str]" = ()) -> tuple[Edge, ...]:
        """What a file of `paths` needs, in order, but for what is answered by a file that is passed over."""
        place = self._places.get(path)
        edges = () if place is None else self._files[place][3]
        return tuple([self._edge(edge) for edge in edges if edge[1] not in passed_over or edge[4] is not None])

    def finders(self) -> dict[str, tuple[str, str]]:
        """{file: the first that needs it by a search, and by what rule it is found}."""
        found: dict[str, tuple[str, str]] = {}
        for file in self._files:
            for edge in file[3]:
                if edge[2] != LOADED and edge[1] is not None and edge[1] not in found:
                    found[edge[1]] = file[0], self._edge(edge).how
        return found

    def closure(self) -> Closure:
        """All of it as records."""
        found = [self._mapped(path) for path in self.paths]
        fatal = any(problem.kind == "fatal" for problem in self.problems)
        status: Status = (
            "fatal" if fatal else "ok" if all(one.severity == "warning" for one in self.problems) else "problems"
        )
        return Closure(root=self.root, status=status, images=tuple(found), problems=self.problems, weak=self.weak)

    def _mapped(self, path: str) -> Mapped:
        if path == self._own:
            return Mapped(path=path, soname=path.rpartition("/")[2], needed=())
        return Mapped(path=path, soname=self._files[self._places[path]][1], needed=self.needed(path))

    def _edge(self, edge: "Any") -> Edge:
        name, path, how, owner, fatal, kind, tries = edge
        said = HOW[how]
        if how == LOADED:
            place = self._places.get(path)
            said = f"already loaded as {path if place is None else self._files[place][1] or path}"
        elif how == RPATH:
            said = f"rpath of {self._files[owner][0] if owner >= 0 else 'the program'}"
        tried = tuple((tried, HOW[rule], why) for tried, rule, why in tries)
        return Edge(name=name, path=path, how=said, fatal=fatal, optional=kind == AUXILIARY, tried=tried)

    def _find_problems(self) -> "Iterator[Problem]":
        for path in self.paths:
            place = self._places.get(path)
            for raw in self._files[place][3] if place is not None else ():
                if (raw[1] is None or raw[4] is not None) and raw[5] != AUXILIARY:
                    yield _problem(path, self._edge(raw))
        for place, name, version, giver in self._lacking:
            # A library that is not found was said to be missing.
            if giver is not None and (path := self._files[place][0]) in self.paths:
                detail = f"needs {version} of {name}; {instead(version, giver)}"
                yield Problem(kind="symbol-version", image=path, detail=detail)
        for path, _, needs, _ in self._files:
            if needs > 1 and needs > (level := core.isa_level()) > 0 and path in self.paths:
                detail = f"needs a CPU of level x86-64-v{needs}; this one is x86-64-v{level}"
                yield Problem(kind="isa-level", image=path, detail=detail)


def _problem(path: str, edge: Edge) -> Problem:
    if edge.fatal is not None:
        detail = f"needs {edge.name}: the linker gives up at {edge.path or edge.name}: {edge.fatal}"
        return Problem(kind="fatal", image=path, detail=detail)
    places = "".join(f"\n  {path} ({rule}){f': {why}' if why else ''}" for path, rule, why in edge.tried)
    detail = f"needs {edge.name}, which is not found" + (f"; tried{places}" if places else "")
    return Problem(kind="missing", image=path, detail=detail)
