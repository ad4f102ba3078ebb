"""What a search did, step by step, and every path its answer rests on."""

from nativeload.loader import signature
from nativeload.spec import Rejection, Step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Status = Literal["found", "not-found", "incompatible"]


class Trace:
    """The recorder every search carries: `explain` shows it, errors are made of it, the cache stores its paths.

    `consulted` maps each path looked at to its signature *before* it was read, so that a change during the
    search makes the cached answer stale, never wrong. `lasting` is False where the answer rests on more than that.
    """

    def __init__(self) -> None:
        self.finder = ""
        self.lasting = True
        self.consulted: dict[str, str] = {}
        self._steps: list[tuple[str, str, str, str, Rejection | None]] = []

    def __len__(self) -> int:
        return len(self._steps)

    def consult(self, path: str) -> str:
        """Note that the answer depends on this path being as it is now; returns its signature ("-": absent)."""
        known = self.consulted.get(path)
        if known is None:
            known = self.consulted[path] = signature(path)
        return known

    def accepted(self, candidate: str, reason: str) -> None:
        """The search ends here."""
        self._steps.append((self.finder, candidate, "accepted", reason, None))

    def rejected(self, candidate: str, rejection: Rejection) -> None:
        """A candidate was there and will not do."""
        self._steps.append((self.finder, candidate, "rejected", rejection.reason, rejection))

    def absent(self, candidate: str, reason: str) -> None:
        """A place was looked at and nothing was there."""
        self._steps.append((self.finder, candidate, "absent", reason, None))

    @property
    def rejection(self) -> Rejection | None:
        """The latest step's rejection, if it was one."""
        return self._steps[-1][4] if self._steps else None

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps so far, in order."""
        return tuple(
            Step(finder=f, candidate=c, verdict=v, reason=r, rejection=x)  # type: ignore[arg-type]
            for f, c, v, r, x in self._steps
        )

    @property
    def status(self) -> "Status":
        """The search's outcome. A provider that only declares badly has not shown an incompatible library."""
        if self._steps and self._steps[-1][2] == "accepted":
            return "found"
        refused = any(x is not None and x.kind != "declaration" for *_, x in self._steps)
        return "incompatible" if refused else "not-found"
