"""Closures as a directed graph in Graphviz's language: a node for each file, an edge for each name that it needs."""

from nativeload.terminal import printable
from nativeload.tree import is_family

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from nativeload.closure import Closure, Edge


def text(closures: "Sequence[Closure]", *, verbose: bool = False) -> str:
    """One digraph of all; libc's family only if `verbose`. What is missing or fatal is red and dashed."""
    graph = _Graph(verbose)
    for closure in closures:
        graph.add(closure)
    return "\n".join(["digraph closure {", "  rankdir=LR;", "  node [shape=box];", *graph.lines, "}"])


class _Graph:
    def __init__(self, verbose: bool) -> None:
        self.lines: list[str] = []
        self._verbose = verbose
        self._nodes: dict[str, str] = {}
        self._edges: set[tuple[str, str]] = set()

    def add(self, closure: "Closure") -> None:
        """The nodes and edges of one closure that are not there yet."""
        self._node(closure.root, "style=bold")
        for image in closure.images:
            for edge in image.needed:
                if self._verbose or not edge.path or edge.fatal or not is_family(edge.path):
                    self._edge(image.path, edge)

    def _edge(self, owner: str, edge: "Edge") -> None:
        lost = edge.path is None or edge.fatal is not None
        start = self._node(owner)
        # A name that is not found is a node of its own.
        end = self._node(edge.path or edge.name, "color=red, fontcolor=red, style=dashed" if lost else "")
        if (start, end) not in self._edges:
            self._edges.add((start, end))
            label = edge.fatal or edge.how
            self.lines.append(f"  {start} -> {end} [label={_quoted(label)}{', color=red' if lost else ''}];")

    def _node(self, path: str, style: str = "") -> str:
        known = self._nodes.get(path)
        if known is None:
            known = self._nodes[path] = f"n{len(self._nodes)}"
            name = _quoted(path.rpartition("/")[2] or path)
            rest = f", {style}" if style else ""
            self.lines.append(f"  {known} [label={name}, tooltip={_quoted(path)}{rest}];")
        return known


def _quoted(text: str) -> str:
    # In a label, what follows a backslash is an escape, and "&amp;" an entity.
    escaped = printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return f'"{escaped}"'
