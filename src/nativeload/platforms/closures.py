"""The closures of a directory's files by the rules of one platform's linker, and what is wrong with them."""

import os

from nativeload import formats
from nativeload.check.report import Finding
from nativeload.closure import Closure, Edge, Problem
from nativeload.errors import ImageError
from nativeload.linkers import stepwise
from nativeload.linkers.dyld import Dyld
from nativeload.linkers.windows import Windows, is_redistributable
from nativeload.platforms import contents, sources
from nativeload.resolver import Resolver

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nativeload.platforms.target import Target

_SUFFIXES = {"macos": (".so", ".dylib"), "windows": (".dll", ".pyd")}
_COMMON = "the Visual C++ Redistributable installs it"
_TOO_NEW = "dyld maps it all the same; what it calls may not be there"
_UNMET = "no extension module needs it, and no Python file names it"
_FORMATS = {"macos": "macho", "windows": "pe", "linux": "elf"}
# What the manylinux and musllinux policies let a wheel take from the system, by the name up to ".so" (PEP 600, 656).
_SYSTEM = frozenset(
    (  # noqa: SIM905 - words are read as words
        "libc libm libmvec libdl librt libpthread libutil libnsl libresolv libcrypt libanl libgcc_s libstdc++ libX11 "
        "libXext libXrender libICE libSM libGL libgobject-2.0 libgthread-2.0 libglib-2.0 libz libexpat libatomic "
        "ld-linux ld-linux-x86-64 ld-linux-aarch64 ld-linux-armhf ld64 ld"
    ).split()
)


class Site:
    """The native files below a directory, for one platform; paths are told as they are below it.

    `system32` is this Windows's own directory, where it is asked about itself; else what every Windows has is there.
    """

    def __init__(self, directory: str, target: "Target", system32: str = "") -> None:
        self.directory = contents.real(directory)
        self.target = target
        self._system32 = system32
        self._dyld = Dyld(target.arch)
        self._resolver = Resolver(root=self.directory, environ={}, record=True)
        self._loaders: dict[tuple[str, ...], Windows] = {}

    def files(self) -> "Iterator[str]":
        """The paths of native files that this platform's Python may meet."""
        for path in contents.native(self.directory):
            if not self._is_foreign(path) and self._is_named_for_it(path):
                yield path

    def closure(self, path: str) -> Closure:
        """A file's closure; of one that cannot be read one that says so, of the kind "format" or "machine"."""
        try:
            found = formats.of(path)
            wanted = _FORMATS[self.target.system]
            if found != wanted:
                return self._shown(
                    _refused(path, "format", f"is no {wanted} file but {found or 'another kind of file'}")
                )
            return self._shown(self._of_elf(path) if found == "elf" else self._stepwise(path))
        except (ValueError, OSError) as error:
            words = str(error.strerror if isinstance(error, OSError) else error)
            kind = "machine" if words.startswith("is for ") else "format"
            return self._shown(_refused(path, kind, words))

    def is_extension(self, path: str) -> bool:
        """Whether an import statement can load it."""
        name = path.rpartition("/")[2]
        before, _, tag = name.partition(".")
        suffix = "pyd" if self.target.system == "windows" else "so"
        last = tag.rpartition(".")[2]
        return last == suffix and before.isidentifier() and (tag != "so" or not before.startswith("lib"))

    def is_opened(self, path: str) -> bool:
        """Whether a Python file here has the library's name in it."""
        stem = os.fsencode(path.rpartition("/")[2].partition(".")[0].removeprefix("lib"))
        for parent, _, names in os.walk(self.directory):
            for name in names:
                if name.endswith(".py") and stem in sources.read(f"{parent}/{name}"):
                    return True
        return False

    def too_new(self, path: str) -> str:
        """That a file asks for a newer macOS than the platform's, "" where it does not."""
        if self.target.system != "macos":
            return ""
        try:
            asked = self._dyld.image(path).min_os.removesuffix(".0")
        except (OSError, ValueError):
            return ""
        if tuple(map(int, asked.split(".") if asked else ())) <= self.target.least:
            return ""
        return f"is built for macOS {asked}; the platform is {self.target.tag}"

    def _is_named_for_it(self, path: str) -> bool:
        name = path.rpartition("/")[2].lower()
        return ".so" in name if self.target.system == "linux" else name.endswith(_SUFFIXES[self.target.system])

    def _is_foreign(self, path: str) -> bool:
        """Whether it is an extension module of another Python than the target's."""
        tag = self.target.python.replace(".", "")
        last = path.rpartition("/")[2].partition(".")[2]
        if not tag or not last.startswith(("cpython-", "cp")):
            return False
        version = last.removeprefix("cpython-").removeprefix("cp").partition("-")[0]
        return version[:1].isdigit() and version.rstrip("tmd") != tag

    def _stepwise(self, path: str) -> Closure:
        if self.target.system == "macos":
            return stepwise.closure(self._dyld, path)
        directories, loaded = sources.before(self.directory, path)
        key = tuple(directories)
        if key not in self._loaders:
            python = self.target.python or "3"
            self._loaders[key] = Windows(
                self.target.arch, python=python, directories=directories, system32=self._system32
            )
        return stepwise.closure(self._loaders[key], path, loaded)

    def _of_elf(self, path: str) -> Closure:
        inside = path.removeprefix(self.directory)
        try:
            machine = self._resolver.image(inside).machine
            if machine != self.target.elf_machine:
                raise ValueError(f"is for the ELF machine {machine}, not for {self.target.arch}")
            found = self._resolver.resolve(inside)
        except ImageError as error:
            raise ValueError(error.reason) from None
        images = tuple(one.replace(needed=tuple(map(_of_platform, one.needed))) for one in found.images)
        needed = {(one.path, edge.name): edge for one in images for edge in one.needed}
        left = tuple(one for one in found.problems if not _is_given(one, needed))
        return found.replace(images=images, problems=left, status="problems" if left else "ok")

    def _shown(self, found: Closure) -> Closure:
        """The closure with paths as they are below the directory."""
        start = f"{self.directory}/"

        def short(text: str) -> str:
            return (
                text.replace(start, "") if self.target.system != "linux" else text.removeprefix(start).removeprefix("/")
            )

        return found.replace(
            root=short(found.root),
            images=tuple(
                one.replace(path=short(one.path), needed=tuple(_edge(edge, short) for edge in one.needed))
                for one in found.images
            ),
            problems=tuple(
                one.replace(image=short(one.image), detail=one.detail.replace(start, "")) for one in found.problems
            ),
        )


def findings(site: Site, closures: "dict[str, Closure]") -> "tuple[Finding, ...]":
    """What is wrong, once of each file: an error where an import or a Python file meets it, else a warning."""
    found: dict[tuple[str, str, str], str] = {}
    for path, closure in closures.items():
        if words := site.too_new(path):
            found["machine", closure.root, words] = _TOO_NEW
        if not closure.problems:
            continue
        unmet = "" if site.is_extension(path) or site.is_opened(path) else _UNMET
        for one in closure.problems:
            key = one.kind, one.image, one.detail.partition("; tried\n")[0]
            name = one.detail.removeprefix("needs ").partition(",")[0]
            is_common = one.kind == "missing" and is_redistributable(name)
            excuse = _COMMON if is_common else unmet
            found[key] = excuse and found.get(key, excuse)
    return tuple(
        Finding(
            kind=kind,
            severity="warning" if excuse else "error",
            distribution=None,
            image=image,
            detail=f"{detail}\n{excuse}" if excuse else detail,
        )
        for (kind, image, detail), excuse in sorted(found.items(), key=lambda one: one[0][1])
    )


def _refused(path: str, kind: str, words: str) -> Closure:
    problem = Problem(kind=kind, image=path, detail=words)
    return Closure(root=path, status="fatal", images=(), problems=(problem,), weak=())


def _of_platform(edge: Edge) -> Edge:
    stem = edge.name.partition(".so")[0]
    if edge.path is None and (stem in _SYSTEM or stem.startswith(("libc.musl-", "ld-musl-"))):
        return edge.replace(path=edge.name, how="the platform", tried=())
    return edge


def _is_given(problem: Problem, needed: "dict[tuple[str, str], Edge]") -> bool:
    name = problem.detail.removeprefix("needs ").partition(",")[0]
    edge = needed.get((problem.image, name))
    return problem.kind == "missing" and edge is not None and edge.how == "the platform"


def _edge(edge: Edge, short: "Callable[[str], str]") -> Edge:
    return edge.replace(
        path=edge.path and short(edge.path),
        how=short(edge.how),
        tried=tuple((short(path), short(rule), why) for path, rule, why in edge.tried),
    )
