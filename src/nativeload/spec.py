"""What a search is made of: provider, candidate, rejection, step, spec, and the trace that keeps them.

Records are frozen, slotted and keyword-only, without `dataclasses`, which takes milliseconds to import.
"""

from nativeload import core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, Self, dataclass_transform

    from nativeload.catalog import Entry
    from nativeload.metadata import Distribution

    Origin = Literal["loaded", "override", "wheel", "prefix", "system"]
    Verdict = Literal["accepted", "rejected", "absent"]
    Fact = str | int | tuple[str, ...]
    Status = Literal["found", "not-found", "incompatible"]
else:

    def dataclass_transform(**_: object) -> object:
        return lambda cls: cls


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Record:
    """Fields are the subclass's `__slots__`; each must be given, by name, when one is made."""

    __slots__: "tuple[str, ...]" = ()

    def __init__(self, **fields: object) -> None:
        if len(fields) != len(self.__slots__):
            other = sorted(fields.keys() ^ set(self.__slots__))
            raise TypeError(f"{type(self).__name__} has no field {other[0]!r}, or that is not given")
        core.fill(self, fields)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")

    def _fields(self) -> "dict[str, Any]":
        return {name: getattr(self, name) for name in self.__slots__}

    def replace(self, **changes: object) -> "Self":
        """A copy with some fields changed."""
        return type(self)(**{**self._fields(), **changes})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and type(self) is type(other) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash((type(self), *self._fields().values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self._fields().items())})"

    def __reduce__(self) -> "tuple[object, ...]":
        return _rebuild, (type(self), self._fields())


def _rebuild(cls: "type[Record]", fields: "dict[str, Any]") -> Record:
    return cls(**fields)


class Provider(Record):
    """The installed distribution that ships a library."""

    __slots__ = ("distribution", "version")
    distribution: str
    version: str

    def to_dict(self) -> dict[str, str]:
        """The JSON form."""
        return self._fields()

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


class Candidate(Record):
    """A file that might be the library, before anything in it was read.

    `reason` is why it was proposed. `version` and `abi` are what its provider declares, None and () where nobody
    does; `soname`, if given, is what the file must say. `entry` is the catalog's knowledge of the library.
    `siblings` are directories of the same provider, where its dependencies may lie. `needs` are the properties that the
    machine must have for it (`nativeload.properties`), `requires` (requirement, where it says so, the distribution that it
    must come from, "" for any) what is loaded before it, `together` (set, soname, path) what comes from one origin with it. `alias` is the soname asked
    for where it is another one.
    """

    __slots__ = (
        "abi", "alias", "entry", "needs", "origin", "path", "provider", "reason", "requires", "siblings", "soname", "together",
        "version",
    )  # fmt: skip
    path: str
    origin: "Origin"
    reason: str
    provider: Provider | None
    version: str | None
    soname: str | None
    abi: tuple[str, ...]
    entry: "Entry | None"
    siblings: tuple[str, ...]
    needs: tuple[str, ...]
    requires: tuple[tuple[str, str, str], ...]
    together: tuple[tuple[str, str, str], ...]
    alias: str


_UNDECLARED: "dict[str, Any]" = {
    "path": "", "origin": "", "reason": "", "provider": None, "version": None, "soname": None, "abi": (), "entry": None,
    "siblings": (), "needs": (), "requires": (), "together": (), "alias": "",
}  # fmt: skip


def candidate(path: str, origin: "Origin", reason: str, **known: "Any") -> Candidate:
    """A Candidate of which only `known` is declared."""
    made = Candidate.__new__(Candidate)  # what a call of the class does, in a third of its time
    fields = _UNDECLARED.copy()
    fields.update(known, path=path, origin=origin, reason=reason)
    core.fill(made, fields)
    return made


class Rejection(Record):
    """Why a candidate was refused: a stable `kind`, the sentence, and in `known` the facts that it is made of.

    Kinds: declaration, file, format, machine, libc, symbol-version, isa-level, symbol, abi, version, soname,
    dependency, host, override, set.
    """

    __slots__ = ("kind", "known", "reason")
    kind: str
    reason: str
    known: "tuple[tuple[str, Fact], ...]"

    @property
    def facts(self) -> "dict[str, Fact]":
        """What a program needs of the sentence, by name: {"needed": 4, "cpu": 3}. What nobody knows is left out."""
        return dict(self.known)

    def __str__(self) -> str:
        return self.reason


def rejection(kind: str, reason: str, /, **facts: "Fact | None") -> Rejection:
    """A Rejection with its facts; one that is None is not known."""
    known = tuple((name, value) for name, value in facts.items() if value is not None)
    return Rejection(kind=kind, reason=reason, known=known)


class LibrarySpec(Record):
    """What `load` would load, and why.

    `dependencies` are paths to be loaded before it, in order: what its DT_NEEDED names and the linker would not
    find by itself, and what its provider requires. `alias` is another soname that it is to answer for, "" for none.
    """

    __slots__ = ("abi", "alias", "dependencies", "name", "origin", "path", "provider", "soname", "version")
    name: str
    path: str
    soname: str | None
    version: str | None
    abi: tuple[str, ...]
    origin: "Origin"
    provider: Provider | None
    dependencies: tuple[str, ...]
    alias: str

    def to_dict(self) -> "dict[str, Any]":
        """The JSON form of a spec."""
        provider = self.provider and self.provider.to_dict()
        fields: dict[str, Any] = {**self._fields(), "abi": list(self.abi), "provider": provider}
        del fields["dependencies"], fields["alias"]
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


class Trace:
    """The recorder every search carries: `explain` shows it, errors are made of it, the cache stores its paths.

    `consulted` maps each path looked at to its signature *before* it was read, so that a change during the
    search makes the cached answer stale, never wrong. `lasting` is False where the answer rests on more than that.
    `above` are the libraries that require, one the next, what is searched for. `beside` is how sonames begin whose
    origin the answer must share: where a process has one, it is searched for anew.
    """

    def __init__(self) -> None:
        self.finder = ""
        self.lasting = True
        self.above: tuple[str, ...] = ()
        self.beside: tuple[str, ...] = ()
        self.consulted: dict[str, str] = {}
        self.providers: list[Distribution] | None = None  # of which one may ship what is searched for
        self._steps: list[tuple[str, str, str, str, Rejection | None]] = []

    def __len__(self) -> int:
        return len(self._steps)

    def consult(self, path: str) -> str:
        """Note that the answer depends on this path being as it is now; returns its signature ("-": absent)."""
        known = self.consulted.get(path)
        if known is None:
            known = self.consulted[path] = core.signature(path)
        return known

    def consult_all(self, paths: tuple[str, ...]) -> tuple[str, ...]:
        """`consult` of each path; what is returned is how they are now."""
        states = core.signatures(paths)
        for path, state in zip(paths, states, strict=True):
            self.consulted.setdefault(path, state)
        return states

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
