"""What is wrong with native files. How much each matters, `excuses` says."""

import os

from nativeload import core, images, pairs, undefined
from nativeload.abi import describe
from nativeload.check import remedies
from nativeload.check.excuses import Excuses
from nativeload.check.loads import Loads
from nativeload.check.report import Finding, Report
from nativeload.loading import AUXILIARY, instead
from nativeload.spec import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from nativeload.check.files import Native
    from nativeload.check.requires import Requires


class Fault(Record):
    """Something wrong with `image`: a kind of KINDS, the sentence, and the names concerned: libraries or symbols.

    `place` is where the linker gives up, "" elsewhere.
    """

    __slots__ = ("detail", "image", "kind", "names", "place")
    kind: str
    image: str
    detail: str
    names: tuple[str, ...]
    place: str


def _fault(kind: str, image: str, detail: str, names: tuple[str, ...] = (), place: str = "") -> Fault:
    return Fault(kind=kind, image=image, detail=detail, names=names, place=place)


class Check:
    """One check of many files; `everything` gives all native files of the environment, if something is wrong;
    `requires` is what packages require.
    """

    def __init__(
        self, files: "Sequence[Native]", everything: "Callable[[], Sequence[Native]]", requires: "Requires"
    ) -> None:
        self._files = files
        self._loads = Loads(files, everything)
        self._requires = requires
        self._excuses = Excuses(self._loads, requires)

    def run(self, distributions: int, progress: "Callable[[int], None]") -> Report:
        """Check every file."""
        faults: dict[str, list[Fault]] = {}
        count = 0
        for number, one in enumerate(self._files):
            progress(number)
            found = self._faults(one)
            if found is None:
                continue
            count += 1
            if found:
                faults[one.path] = found
        progress(len(self._files))
        wrong = [one for one in self._files if one.path in faults]
        # First what is loaded by itself, because it says what else is.
        wrong.sort(key=lambda one: not (one.is_extension or one.is_program))
        problems = [finding for one in wrong for finding in self._judge(one, faults)]
        problems.sort(key=lambda finding: finding.image)
        problems += [*self._sonames(), *self._clashes(), *self._requires.findings()]
        return Report(distributions=distributions, images=count, problems=tuple(problems))

    # What is wrong with one file

    def _faults(self, one: "Native") -> list[Fault] | None:
        """Everything wrong with a file as the interpreter would load it; None where it is no native code."""
        if one.is_foreign:
            return []
        try:
            walked, wants = self._loads.check(one.path)
            image = images.read(one.path) if one.is_library else None
        except (OSError, ValueError) as error:
            return self._unreadable(one, error)
        fits = image is None or (image.same_kind(images.process()) and not image.unfit)
        if fits and walked is None and all(weak for _, weak in wants):
            return []
        return list(self._told(one, images.read(one.path), walked, wants))

    def _unreadable(self, one: "Native", error: Exception) -> list[Fault] | None:
        words = images.words(one.path, error)
        if not one.is_extension and words.startswith("not an ELF file: a text file"):
            return None  # A linker script, which compilers read.
        if not one.is_library and (words.startswith("not an ELF") or isinstance(error, FileNotFoundError)):
            return None  # A program that is a script, and has been.
        if isinstance(error, FileNotFoundError):
            return [_fault("missing", one.path, "is in its distribution's RECORD, and not there")]
        return [_fault("format", one.path, words)]

    def _told(
        self, one: "Native", image: "images.Image", walked: "Any", wants: tuple[tuple[str, bool], ...]
    ) -> "Iterator[Fault]":
        here = images.process()
        if not image.same_kind(here):
            yield _fault("machine", one.path, f"is {describe(image)}; this interpreter is {describe(here)}")
        elif one.is_library and image.unfit:
            yield _fault(image.unfit.kind, one.path, image.unfit.reason)
        elif image.libc not in ("", core.libc()[0]):
            yield _fault("libc", one.path, f"is built for {image.libc}; this interpreter runs on {core.libc()[0]}")
        else:
            found = list(_of_walk(one.path, walked or ((), ())))
            yield from found
            strong = tuple(name for name, weak in wants if not weak)
            if strong and not any(fault.kind in ("missing", "fatal") for fault in found):
                yield _fault("symbol", one.path, undefined.sentence(strong), strong)

    # What is said of it

    def _judge(self, one: "Native", faults: dict[str, list[Fault]]) -> "Iterator[Finding]":
        for fault in faults[one.path]:
            if fault.image != one.path and any(_is_same(fault, other) for other in faults.get(fault.image, ())):
                self._note(one, fault, error=False)
                continue  # It is said of that file itself.
            reason = self._excuses.excuse(one, fault)
            self._note(one, fault, error=not reason)
            distribution = one.distribution
            if fault.image != one.path:
                distribution = self._loads.distribution(fault.image) or distribution
            more = remedies.lines(fault.kind, fault.names, distribution, self._loads)
            yield Finding(
                kind=fault.kind,
                severity="warning" if reason else "error",
                distribution=distribution or None,
                image=fault.image,
                detail="\n".join([fault.detail, *more, *([reason] if reason else [])]),
            )

    def _note(self, one: "Native", fault: Fault, *, error: bool) -> None:
        """Keep which files are looked for in vain."""
        if error and fault.kind == "missing":
            self._excuses.want(one.distribution, fault.names)
        elif fault.kind == "fatal":
            self._excuses.want(one.distribution, (fault.place,))
        if error and fault.image != one.path:
            self._excuses.wanted.add(fault.image)

    def _sonames(self) -> "Iterator[Finding]":
        """The libraries that are loaded by their paths, and then not known by the name that others need."""
        misnamed = dict(self._excuses.misnamed)
        for one in self._files:
            wanted, who = misnamed.get(one.path, ("", ""))
            if not wanted and one.is_library:
                wanted, who = self._excuses.declared().get(one.path, ""), "nativeload.load"
            soname = images.soname(one.path) if wanted else ""
            if soname and not f"{soname}.".startswith(f"{wanted}."):
                yield Finding(
                    kind="soname",
                    severity="error",
                    distribution=one.distribution or None,
                    image=one.path,
                    detail=f"has the DT_SONAME {soname}; {who} loads it as {wanted}, and who needs that does not find it"
                    + (f"\n{remedies.reinstall(one.distribution)}" if one.distribution else ""),
                )

    def _clashes(self) -> "Iterator[Finding]":
        seen = set()
        for one in self._files:
            if not (one.is_extension or one.is_program):
                continue
            for kind, image, detail in pairs.clashes(self._loads.paths(one.path)):
                if detail not in seen:
                    seen.add(detail)
                    yield Finding(
                        kind=kind,
                        severity="warning",
                        distribution=one.distribution or None,
                        image=image,
                        detail=f"{detail}; both are mapped with {one.path}",
                    )


def _of_walk(path: str, walked: "Any") -> "Iterator[Fault]":
    """What a walk says of a file and of all that it needs."""
    level = core.isa_level()
    for mapped, _, needs, edges in walked[0]:
        image = os.path.normpath(mapped)
        wanted = "" if image == path else f" (mapped with {path})"
        if needs > 1 and needs > level > 0:
            yield _fault("isa-level", image, f"needs a CPU of level x86-64-v{needs}; this one is x86-64-v{level}")
        for name, found, _, _, fatal, kind, _ in edges:
            if fatal and kind != AUXILIARY:
                place = os.path.normpath(found or name)
                yield _fault("fatal", image, f"needs {name}: the linker gives up at {place}: {fatal}", (name,), place)
            elif found is None and kind != AUXILIARY:
                yield _fault("missing", image, f"needs {name}, which is not found{wanted}", (name,))
    for number, name, version, giver in walked[1]:
        if giver is not None:
            detail = f"needs {version} of {name}; {instead(version, giver)}"
            yield _fault("symbol-version", os.path.normpath(walked[0][number][0]), detail, (version,))


def _is_same(fault: Fault, other: Fault) -> bool:
    """Whether one fault is said already by another of the same file."""
    if other.kind in ("machine", "libc", "format"):
        return True
    return (fault.kind, fault.image, fault.names) == (other.kind, other.image, other.names)
