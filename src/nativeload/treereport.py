"""`--tree FILE…`: what the dynamic linker would map for each file, as a tree, a graph or JSON."""

from nativeload.closure import Closure, Problem
from nativeload.errors import ImageError
from nativeload.resolver import Resolver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Files:
    """The files asked about, below `root`, where the files of `loaded` have been loaded before.

    Raises ImageError for one of these that cannot be read.
    """

    def __init__(self, paths: "Sequence[str]", root: str, loaded: "Sequence[str]") -> None:
        self._paths = [_inside(path) for path in paths] if root else paths
        self._root = root
        self._loaded = [_inside(path) for path in loaded] if root else loaded
        self._symbols = len(paths) == 1  # of many files, --check looks for them
        if loaded:
            resolver = Resolver(root=root)
            for path in self._loaded:
                resolver.image(path)

    def text(self, *, verbose: bool, colour: bool) -> tuple[str, bool]:
        """The tree, and whether all is well."""
        from nativeload.tree import Tree

        resolver = Resolver(root=self._root)
        recorder: Resolver | None = None
        tree, well = Tree(verbose=verbose, colour=colour), True
        for path in self._paths:
            try:
                walked = resolver.walk(path, self._loaded, symbols=self._symbols)
                if any(problem.severity == "error" for problem in walked.problems):
                    # Only of what is wrong it is told what was tried.
                    recorder = recorder or Resolver(root=self._root, record=True)
                    walked, well = recorder.walk(path, self._loaded, symbols=self._symbols), False
                tree.add(walked)
            except ImageError as error:
                tree.refused(error.path, error.reason)
                well = False
        return "\n".join(tree.lines), well

    def dot(self, *, verbose: bool) -> tuple[str, bool]:
        """The graph, and whether all is well."""
        from nativeload import dot

        closures = self._closures()
        return dot.text(closures, verbose=verbose), _all_well(closures)

    def json(self) -> tuple[str, bool]:
        """The JSON of the file, of several the list, and whether all is well."""
        import json

        closures = self._closures()
        facts = [closure.to_dict() for closure in closures]
        return json.dumps(facts[0] if len(facts) == 1 else facts, indent=2), _all_well(closures)

    def _closures(self) -> list[Closure]:
        resolver = Resolver(root=self._root, record=True)
        return [closure(resolver, path, self._loaded, symbols=self._symbols) for path in self._paths]


def closure(resolver: Resolver, path: str, loaded: "Sequence[str]" = (), *, symbols: bool = False) -> Closure:
    """A file's closure; of one that cannot be read, a closure that says so, of the kind "file"."""
    try:
        return resolver.resolve(path, loaded, symbols=symbols)
    except ImageError as error:
        problem = Problem(kind="file", image=error.path, detail=error.reason)
        return Closure(root=error.path, status="fatal", images=(), problems=(problem,), weak=())


def _inside(path: str) -> str:
    """A path as it is below a root."""
    return f"/{path.lstrip('/')}"


def before(names: "Sequence[str]") -> list[str]:
    """The files that `--after` puts first: a path, or what `load` of a requirement would load, in order.

    Raises what the search for it raises, and its failure where it finds nothing.
    """
    files: list[str] = []
    for name in names:
        if "/" in name:
            files.append(name)
            continue
        from nativeload import resolution

        spec, trace = resolution.resolve(name)
        if spec is None:
            raise resolution.failure(name, trace)
        files += [*spec.dependencies, spec.path]
    return list(dict.fromkeys(files))


def _all_well(closures: "Sequence[Closure]") -> bool:
    return all(one.status == "ok" for one in closures)
