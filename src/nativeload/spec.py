"""The records a search is made of: provider, candidate, rejection, step, trace, spec. Nothing here reads a file."""

from nativeload.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from nativeload.catalog import Entry

    Origin = Literal["loaded", "override", "wheel", "prefix", "system"]
    Verdict = Literal["accepted", "rejected", "absent"]


class Provider(Record):
    """The installed distribution that ships a library."""

    __slots__ = ("distribution", "version")
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


class Candidate(Record):
    """A file that might be the library, before anything in it was read.

    `reason` is why it was proposed. `version` and `abi` are what its provider declares, None and () where nobody
    does; `soname`, if given, is what the file must say. `entry` is the catalog's knowledge of the library.
    `siblings` are directories of the same provider, where its dependencies may lie.
    """

    __slots__ = ("abi", "entry", "origin", "path", "provider", "reason", "siblings", "soname", "version")
    path: str
    origin: "Origin"
    reason: str
    provider: Provider | None
    version: str | None
    soname: str | None
    abi: tuple[str, ...]
    entry: "Entry | None"
    siblings: tuple[str, ...]


def candidate(path: str, origin: "Origin", reason: str, **known: "Any") -> Candidate:
    """A Candidate of which only `known` is declared."""
    fields = {"provider": None, "version": None, "soname": None, "abi": (), "entry": None, "siblings": ()}
    return Candidate(path=path, origin=origin, reason=reason, **{**fields, **known})


class Rejection(Record):
    """Why a candidate was refused: a stable `kind` and the sentence.

    Kinds: declaration, file, format, machine, libc, symbol-version, isa-level, symbol, abi, version, soname,
    dependency.
    """

    __slots__ = ("kind", "reason")
    kind: str
    reason: str

    def __str__(self) -> str:
        return self.reason


class LibrarySpec(Record):
    """What `load` would load, and why.

    `dependencies` are paths to be loaded before it, in order: what its DT_NEEDED names and the linker would not
    find by itself.
    """

    __slots__ = ("abi", "dependencies", "name", "origin", "path", "provider", "soname", "version")
    name: str
    path: str
    soname: str | None
    version: str | None
    abi: tuple[str, ...]
    origin: "Origin"
    provider: Provider | None
    dependencies: tuple[str, ...]

    def to_dict(self) -> "dict[str, Any]":
        """The JSON form of a spec."""
        provider = self.provider and {"distribution": self.provider.distribution, "version": self.provider.version}
        fields: dict[str, Any] = {**self._fields(), "abi": list(self.abi), "provider": provider}
        del fields["dependencies"]
        return fields


class Step(Record):
    """One thing a finder looked at: the verdict, and its reason."""

    __slots__ = ("candidate", "finder", "reason", "rejection", "verdict")
    finder: str
    candidate: str
    verdict: "Verdict"
    reason: str
    rejection: Rejection | None

    def to_dict(self) -> dict[str, str]:
        """The JSON form of a step."""
        return {"finder": self.finder, "candidate": self.candidate, "verdict": self.verdict, "reason": self.reason}

    def __str__(self) -> str:
        return f"{self.finder:<8} {self.verdict:<8} {self.candidate}: {self.reason}"
