"""Why that library: the search of `load` with its trace shown. Never a second search of its own."""

from nativeload import resolution
from nativeload.errors import ABIMismatchError, LibraryNotFoundError, OverrideError
from nativeload.spec import Record, Trace, rejection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from nativeload.spec import LibrarySpec, Status, Step


class Explanation(Record):
    """A search and its outcome. `error` is what `load` says of a choice it cannot honour, "" where there is none."""

    __slots__ = ("error", "requirement", "spec", "status", "steps")
    requirement: str
    status: "Status"
    spec: "LibrarySpec | None"
    steps: "tuple[Step, ...]"
    error: str

    def to_dict(self) -> "dict[str, Any]":
        """The JSON form: {"version": 1, "requirement", "status", "spec", "steps"}."""
        return {
            "version": 1,
            "requirement": self.requirement,
            "status": self.status,
            "spec": self.spec and self.spec.to_dict(),
            "steps": [step.to_dict() for step in self.steps],
        }

    def __str__(self) -> str:
        return "\n".join(
            [*_outcome(self), "", "searched, in order:", *(f"  {step}" for step in self.steps), *_advice(self)]
        )


def explain(requirement: str, *, symbols: "Iterable[str]" = ()) -> "Explanation":
    """Run the search of `load` with every step recorded, mapping nothing: `str()` is the text, `.to_dict()` the JSON.

    Parameters are those of `load`. Raises RequirementError for a malformed requirement; every other refusal is
    part of the explanation.
    """
    wanted = resolution.asked(requirement, symbols)
    trace, spec, error = Trace(), None, ""
    try:
        spec = resolution.run(wanted, trace)
    except (ABIMismatchError, LibraryNotFoundError):
        pass  # It says what the steps say.
    except OverrideError as refused:
        error, trace.finder = str(refused), "override"
        choice = {"variable": refused.variable, "value": refused.value}
        refusal = rejection("override", f"cannot be honoured: {refused.reason}", **choice)
        trace.rejected(f"{refused.variable}={refused.value}", refusal)
    return Explanation(requirement=requirement, status=trace.status, spec=spec, steps=trace.steps, error=error)


def _outcome(explanation: Explanation) -> list[str]:
    spec = explanation.spec
    if spec is None:
        lines = [f"{explanation.requirement}: {explanation.status.replace('-', ' ')}"]
        return [*lines, f"  {explanation.error}"] if explanation.error else lines
    lines = [f"{explanation.requirement}: {spec.path}"]
    known: dict[str, str | None] = {
        "soname": spec.soname,
        "version": spec.version or "unknown",
        "abi": ", ".join(spec.abi),
    }
    known |= {"origin": spec.origin, "provider": str(spec.provider) if spec.provider else None}
    known |= {"first": ", ".join(spec.dependencies)}
    return lines + [f"  {name:<9} {value}" for name, value in known.items() if value]


def _advice(explanation: Explanation) -> list[str]:
    # A file that will not do is named by whoever asked; only a name can be had from elsewhere.
    if explanation.spec is not None or explanation.error or "/" in explanation.requirement:
        return []
    from nativeload.advice import advice

    lines = advice(explanation.requirement, explanation.steps)
    return ["", "what you can do:", *(f"  {line}" for line in lines)]
