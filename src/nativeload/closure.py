"""What a file needs, transitively, and what of it is wrong, as records; whoever's linker it is that finds it."""

from nativeload.spec import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    Severity = Literal["error", "warning"]
    Status = Literal["ok", "problems", "fatal"]


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

    @property
    def severity(self) -> "Severity":
        """ "warning" for what must not meet in one process, which is mapped all the same; else "error"."""
        return "warning" if self.kind.startswith("two-") else "error"


class Closure(Record):
    """A file and everything that would be mapped with it, in load order, the file itself first.

    `status` is "ok" (with warnings at most), "problems" (it would be mapped as far as it is found), or "fatal" (the linker
    gives up). `weak` are
    (path, names) of the symbols that a file can do without and nothing gives, where symbols were asked for.
    """

    __slots__ = ("images", "problems", "root", "status", "weak")
    root: str
    status: "Status"
    images: tuple[Mapped, ...]
    problems: tuple[Problem, ...]
    weak: tuple[tuple[str, tuple[str, ...]], ...]

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
            "problems": [
                {"kind": p.kind, "severity": p.severity, "image": p.image, "detail": p.detail} for p in self.problems
            ],
        }

    def __str__(self) -> str:
        from nativeload import tree

        return tree.text([self])
