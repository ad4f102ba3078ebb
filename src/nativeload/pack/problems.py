"""Why nothing was packed."""

from nativeload.errors import NativeLoadError
from nativeload.spec import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Problem(Record):
    """Something that keeps a wheel from being made: what it is wrong with, the sentence, and what to do."""

    __slots__ = ("reason", "remedy", "subject")
    subject: str
    reason: str
    remedy: str


class NotPackedError(NativeLoadError, ValueError):
    """A wheel that would not work as a provider was not made; `problems` are all that was found."""

    def __init__(self, problems: "Iterable[Problem]") -> None:
        super().__init__(tuple(problems))
        self.problems: tuple[Problem, ...] = self.args[0]

    def __str__(self) -> str:
        lines = [f"  {one.subject}: {one.reason}\n    {one.remedy}" for one in self.problems]
        return "\n".join(["no wheel was made:", *lines])


def raise_if(problems: "Iterable[Problem]") -> None:
    """Raises NotPackedError where there is a problem."""
    if found := tuple(problems):
        raise NotPackedError(found)
