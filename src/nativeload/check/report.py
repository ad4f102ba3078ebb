"""What `--check` gives back."""

from nativeload.spec import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal

    Severity = Literal["error", "warning"]

# Each with a section in docs/reference/problems.md. Of what packages require:
REQUIRED = (
    "declaration",
    "required-missing",
    "required-version",
    "required-refused",
    "required-undeclared",
    "required-apart",
)
KINDS = (
    "missing",
    "fatal",
    "format",
    "machine",
    "libc",
    "isa-level",
    "symbol-version",
    "symbol",
    "soname",
    "two-majors",
    "two-openmp",
    "two-mpi",
    "two-blas",
    *REQUIRED,
)


class Finding(Record):
    """One problem: its `kind` (of KINDS), the distribution and the file it is with, and the sentence.

    An "error" is what breaks an import, a program, or a load; a "warning" what nothing is known to run into.
    """

    __slots__ = ("detail", "distribution", "image", "kind", "severity")
    kind: str
    severity: "Severity"
    distribution: str | None
    image: str
    detail: str

    def to_dict(self) -> "dict[str, str | None]":
        """The JSON form."""
        names = ("kind", "severity", "distribution", "image", "detail")
        return {name: getattr(self, name) for name in names}

    def __str__(self) -> str:
        return f"{self.severity}: {self.image} [{self.kind}]\n  {self.detail.replace(chr(10), chr(10) + '  ')}"


class Report(Record):
    """How many distributions and native files were looked at, and every problem found."""

    __slots__ = ("distributions", "images", "problems")
    distributions: int
    images: int
    problems: tuple[Finding, ...]

    @property
    def is_broken(self) -> bool:
        """Whether one of the problems is an error."""
        return any(problem.severity == "error" for problem in self.problems)

    def to_dict(self) -> "dict[str, Any]":
        """The JSON form: {"version": 1, "distributions", "images", "problems"}."""
        problems = [problem.to_dict() for problem in self.problems]
        return {"version": 1, "distributions": self.distributions, "images": self.images, "problems": problems}

    def __str__(self) -> str:
        errors = sum(problem.severity == "error" for problem in self.problems)
        counted = f"{_number(self.distributions, 'distribution')}, {_number(self.images, 'native file')}"
        found = f"{_number(errors, 'error')}, {_number(len(self.problems) - errors, 'warning')}"
        return "\n".join([*_grouped(self.problems), f"{counted}: {found}"])


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _grouped(problems: "Sequence[Finding]") -> list[str]:
    """The problems of each distribution under its name, errors first."""
    lines: list[str] = []
    for name in sorted({problem.distribution or "" for problem in problems}):
        these = [problem for problem in problems if (problem.distribution or "") == name]
        lines.append(f"{name or 'no distribution'}:")
        for problem in sorted(these, key=lambda one: one.severity):
            lines.append("  " + str(problem).replace("\n", "\n  "))
        lines.append("")
    return lines
