"""What a finder is."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nativeload.requirement import Requirement
    from nativeload.spec import Candidate, Trace

__all__ = ["Finder"]


@runtime_checkable
class Finder(Protocol):
    """One link of `nativeload.finders`. A finder may also have `invalidate_caches()`.

    `name` is what an explanation calls it.
    """

    name: str

    def candidates(self, requirement: "Requirement", trace: "Trace") -> "Iterable[Candidate]":
        """Propose files that might be the library, best first; the chain judges each before it asks for the next.

        Maps nothing and runs nothing of a provider. What was looked at in vain goes to `trace.absent` or
        `trace.rejected`; every path the answer depends on to `trace.consult`, or a cached answer could outlive it.
        Raises only where the search must stop: OverrideError, ABIMismatchError.
        """
        ...
