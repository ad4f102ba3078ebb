"""Closures as text that a person likes to read."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from nativeload.closure import Closure


def text(closures: "Sequence[Closure]") -> str:
    """Each file and below it what it needs, each library once in full."""
    return "\n".join(f"{one.root}: {one.status}" for one in closures)
