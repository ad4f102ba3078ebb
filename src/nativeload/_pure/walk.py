"""What the dynamic linker would map for a file: breadth first, nothing mapped (glibc's elf/dl-deps.c, elf/dl-load.c;
musl's ldso/dynlink.c)."""

from __future__ import annotations

from .process import linkmap, loaded_handle
from .search import LOADED, MISSING, Facts, Linker, Node, search

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .search import Tries

    # name, path, how, owner, why it is fatal, kind, tries
    Edge = tuple[str, str | None, int, int, str | None, int, Tries]

_PROCESS, _RECORD, _AGAIN, _TERSE, _OWN = 1, 2, 4, 8, 16
_NEEDED, _AUXILIARY, _FILTERED = 0, 1, 2
_MOST_NODES, _MOST_NAMES, _MOST_ASKED = 100_000, 1 << 20, 4096
_MUSL_OWN = ("libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet.")


def linker(rules: tuple[Any, ...], /) -> Linker:
    """A linker that follows these rules."""
    return Linker(*rules)


def walk(
    linker: Linker, groups: tuple[tuple[str, ...], ...], known: tuple[tuple[str, str], ...], options: int, /
) -> Any:
    """What a linker would map for the files of each group, and the versions that are not given."""
    with linker.lock:
        if not options & _AGAIN:
            linker.next_round()
        walked = _Walk(linker, known, options)
        for group in groups:
            if not walked.fatal:
                walked.open(group)
        lacks = [] if linker.musl else list(walked.lacks())
        if options & _TERSE and not lacks and walked.complete():
            return None
        return walked.answer(lacks)


def fits(linker: Linker, path: str, /) -> str | None:
    """The soname of a library that this process's linker maps as it is, with all that it needs; "" for none."""
    with linker.lock:
        linker.next_round()
        try:
            walked = _Walk(linker, (), _PROCESS | _OWN)
            walked.open((path,))
            well = walked.complete() and (linker.musl or not any(walked.lacks()))
        except (OSError, ValueError):
            return None
        facts = walked.nodes[0].facts
        return facts.soname or "" if well and linker.refuses(facts) == "" else None


def check(
    linker: Linker, groups: tuple[tuple[str, ...], ...], scope: tuple[str, ...], options: int, /
) -> tuple[tuple[str, ...], Any, tuple[tuple[str, bool], ...]]:
    """A walk, and the symbols that the last group's first file wants and nothing gives."""
    with linker.lock:
        walked = walk(linker, groups, (), options & ~_TERSE)
        paths = tuple(path for path, *_ in walked[0])
        terse = walk(linker, groups, (), options | _AGAIN) if options & _TERSE else walked
        return paths, terse, undefined(linker, groups[-1][0], scope + paths)


def undefined(linker: Linker, path: str, scope: tuple[str, ...], /) -> tuple[tuple[str, bool], ...]:
    """(name, weak) of each symbol that a file leaves undefined and no file of `scope` gives."""
    from .lookup import label, wanted

    wants = wanted(linker.real(path))
    with linker.lock:
        for one in scope:
            if wants:
                given = linker.given(one)
                wants = [want for want in wants if not given.gives(want, linker.musl)]
    return tuple((label(want), want[2]) for want in wants)


class _Walk:
    """One walk. `nodes` are in load order; `names` has every name that is answered, by a node or a path."""

    def __init__(self, linker: Linker, known: tuple[tuple[str, str], ...], options: int) -> None:
        self.linker = linker
        linker.spent, linker.preloading = 0, False
        self.edges = 0
        self.record = bool(options & _RECORD)
        self.process = bool(options & _PROCESS)
        self.own = bool(options & _OWN)
        self.fatal = False
        self.nodes: list[Node] = []
        self.names: dict[str, Node | str] = {}
        self.files: dict[tuple[int, int], Node] = {}
        for name, path in known:
            self.names.setdefault(name, path)
        mapped = linkmap() if self.process else ()
        for path, soname in mapped:
            self.names.setdefault(soname or path, path)
            self.names.setdefault(path, path)
        self.mapped = [path for path, _ in mapped if path]
        self.basenames = {path.rpartition("/")[2] for path in self.mapped if "/" in path}

    def open(self, paths: tuple[str, ...]) -> None:
        """Map a file by path, what is preloaded with it, then all that they need."""
        facts = self.linker.facts(paths[0])
        if isinstance(facts, str):
            raise ValueError(facts)
        if self.own and not self.linker.is_own(facts):
            raise ValueError("malformed: another linker's file, or a program")
        if facts.file not in self.files:
            program = self.nodes[0] if self.nodes and self.nodes[0].facts.is_program else None
            self.nodes.append(self._add(paths[0], facts, program))
        self.linker.starts = self.nodes[0].facts.is_program
        for name in paths[1:]:
            self._preload(name)
        at = 0
        while at < len(self.nodes) and not self.fatal:
            node = self.nodes[at]
            if not node.done:
                self._follow_all(node)
                at = min((self.nodes.index(one) for one in node.filters if not one.done), default=at)
            else:
                at += 1

    def _preload(self, name: str) -> None:
        """Map what LD_PRELOAD names: found as if the program needed it, and passed over where it is not.

        musl asks nobody's rpath for it, and knows no tokens in it.
        """
        program = self.nodes[0] if not self.linker.musl and self.nodes[0].facts.is_program else None
        if program is not None and "/" in name:
            name = program.expand(name)
        self.linker.preloading = True
        _, answer, fresh = self._resolve(program, name, _NEEDED) if name else (None, None, False)
        self.linker.preloading = False
        if answer is not None and fresh:
            self.nodes.append(answer)

    def _add(self, path: str, facts: Facts, loader: Node | None) -> Node:
        if len(self.files) >= _MOST_NODES:
            raise ValueError(f"malformed: more than {_MOST_NODES} files needed")
        node = Node(path, facts, loader, self.linker)
        found = self.linker.musl or not facts.is_program  # glibc does not know the program's file again
        if found:
            self.files.setdefault(facts.file, node)
        if not self.linker.musl:  # musl matches by file identity, and by the name searched for
            if found:
                self.names.setdefault(path, node)
            if facts.soname is not None:
                self.names.setdefault(facts.soname, node)
        return node

    def _follow_all(self, node: Node) -> None:
        node.done = True
        filters = [] if self.linker.musl else list(node.facts.filters)
        for place in range(len(node.facts.needed) + 1):
            while filters and filters[0][0] == place:
                _, kind, name = filters.pop(0)
                self._follow(node, name, kind)
            if place < len(node.facts.needed):
                self._follow(node, node.facts.needed[place], _NEEDED)

    def _follow(self, node: Node, name: str, kind: int) -> None:
        if self.fatal:
            return
        self.linker.spend(len(name))
        self.edges += 1
        if self.edges > _MOST_NAMES:
            raise ValueError(f"malformed: more than {_MOST_NAMES} names of files needed")
        expanded = node.expand(name) if "$" in name and not self.linker.musl else name
        answer: Node | None = None
        edge: Edge = name, None, MISSING, -1, "a dynamic string token in it stands for nothing", kind, ()
        fresh = False
        if self.linker.trusted is not None and not self.linker.musl and node.has_token(name):
            kind = _FILTERED if kind == _AUXILIARY else kind
            edge = name, None, MISSING, -1, "a privileged program takes no dynamic string token there", kind, ()
        elif expanded:
            edge, answer, fresh = self._resolve(node, expanded, kind)
        if kind != _NEEDED and answer is not None and not fresh and self._never_ends(answer, node):
            kind = _FILTERED
            edge = *edge[:4], "each is a filter for the other, and the linker never ends", kind, edge[6]
        node.edges.append((edge, answer))
        if edge[4] is not None and kind != _AUXILIARY:
            self.fatal = not self.linker.musl  # which looks at all before it ends
        elif answer is not None and kind != _NEEDED:
            self._put_before(answer, fresh, node)
        elif answer is not None and fresh:
            self.nodes.append(answer)

    def _never_ends(self, node: Node, owner: Node) -> bool:
        """Whether a filter of an owner is one that the owner is a filter of.

        It would be moved before the owner, which would be followed again and moved before it, until glibc's linker
        has no stack left.
        """
        return node is not owner and node.done and node in self.nodes[self.nodes.index(owner) :]

    def _put_before(self, node: Node, fresh: bool, owner: Node) -> None:
        """Where a DT_AUXILIARY or DT_FILTER wants a node: before the owner, unless it is already."""
        self.linker.spend(len(self.nodes))
        place = self.nodes.index(owner)
        if node is owner or (not fresh and node in self.nodes[:place]):
            return
        if not fresh:
            self.nodes.remove(node)
        self.nodes.insert(place, node)
        owner.filters.append(node)

    def _resolve(self, node: Node | None, name: str, kind: int) -> tuple[Edge, Node | None, bool]:
        known = self._answer(name)
        if isinstance(known, Node):
            return (name, known.path, LOADED, -1, None, kind, ()), known, False
        if known is not None:
            return (name, known, LOADED, -1, None, kind, ()), None, False
        own = self._facts_of(self.linker.own) if self._is_linker(name) else None
        if own is not None:
            return self._own(name, own, kind)
        path, how, owner, fatal, facts, tries = search(self.linker, node, name, self.record)
        if path is None or facts is None:
            requested = self._requested(name) if path is None and self.process else None
            by = -1 if owner is None else id(owner)
            return (name, requested or path, LOADED if requested else how, by, fatal, kind, tries), None, False
        same = self.files.get(facts.file)
        if same is None and self.linker.musl and self.linker.is_libc(path):
            own = self._facts_of(self.linker.own)
            if own is not None:  # no second C library is mapped
                return self._own(name, own, kind)
        answer = same or self._add(path, facts, node)
        self._name(name, answer)
        if same or owner is None:
            return (name, answer.path, LOADED if same else how, -1, None, kind, tries), answer, same is None
        return (name, path, how, id(owner), None, kind, tries), answer, True

    def _own(self, name: str, own: Facts, kind: int) -> tuple[Edge, Node, bool]:
        """The linker itself, which answers to a name."""
        mapped = self.files.get(own.file)
        self.names.setdefault(name, mapped or self._add(self.linker.own, own, None))
        answer = self.files[own.file]
        return (name, answer.path, LOADED, -1, None, kind, ()), answer, mapped is None

    def _name(self, name: str, node: Node) -> None:
        """Make a file that was found answer to the name, by which it is known from now on, as its linker has it."""
        if not self.linker.musl:
            self.names.setdefault(name, node)
        elif not node.named and "/" not in name:
            node.named = True
            self.names.setdefault(node.path.rpartition("/")[2], node)

    def _answer(self, name: str) -> Node | str | None:
        if name in self.names:
            return self.names[name]
        return self._requested(name) if self.process and name in self.basenames else None

    def _is_linker(self, name: str) -> bool:
        """Whether a name is that of the linker itself, there before all others; musl's is also its C library."""
        own = self.linker.own
        if self.linker.musl:  # known by its path
            return name.startswith(_MUSL_OWN) or name == own
        if "/" not in own or not name.startswith("ld"):  # so every DT_SONAME of theirs begins
            return bool(own) and name == own
        facts = self._facts_of(own)
        return name == (facts.soname if facts is not None and facts.soname else own.rpartition("/")[2])

    def _requested(self, name: str) -> str | None:
        """The image that answers to a name because it was once requested by it, which the linker alone knows."""
        # glibc puts a name on the stack, and a file may hold one of megabytes.
        handle = loaded_handle(name) if len(name) < _MOST_ASKED else None
        path = next((path for path in self.mapped if loaded_handle(path) == handle), None) if handle else None
        if path is not None:
            self.names.setdefault(name, path)
        return path

    def lacks(self) -> Iterator[tuple[int, str, str, str | None]]:
        """Each version that a file wants and its giver does not have (_dl_check_map_versions)."""
        for place, node in enumerate(self.nodes):
            for name, versions in node.facts.verneed:
                giver = self.names.get(name)
                path = giver.path if isinstance(giver, Node) else giver
                facts = giver.facts if isinstance(giver, Node) else self._facts_of(giver)
                # A giver that defines none lets every version pass; but one that wants none either has no DT_VERSYM,
                # and then an assertion ends the process up to glibc 2.40 (check_match in elf/dl-lookup.c).
                bare = facts is not None and not facts.verdef and not facts.verneed
                none = path is None or (bare and self.linker.release < 41)
                for version, weak in versions:
                    if none or (facts is not None and facts.verdef and not weak and version not in facts.given):
                        yield place, name, version, path

    def _facts_of(self, path: str | None) -> Facts | None:
        try:
            facts = self.linker.facts(path) if path is not None else None
        except OSError:
            return None
        return None if isinstance(facts, str) else facts

    def complete(self) -> bool:
        """Whether every name is answered by an absolute path, and this CPU will do."""
        from . import isa_level

        edges = [edge for node in self.nodes for edge, _ in node.edges]
        needs = max(node.facts.isa_needed for node in self.nodes)
        found = all(edge[5] == _AUXILIARY or (edge[1] or "").startswith("/") for edge in edges)
        return not self.fatal and found and (needs <= 1 or not 0 < isa_level() < needs)

    def answer(self, lacks: list[tuple[int, str, str, str | None]]) -> Any:
        places = {id(node): place for place, node in enumerate(self.nodes)}
        images = tuple(
            (
                node.path,
                node.facts.soname,
                node.facts.isa_needed,
                tuple((*edge[:3], places.get(edge[3], -1), *edge[4:]) for edge, _ in node.edges),
            )
            for node in self.nodes
        )
        return images, tuple(lacks)
