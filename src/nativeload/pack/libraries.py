"""The libraries that were given, read, and what about each keeps it out of a wheel. What they need is `policy`'s."""

import os
import re

from nativeload import formats, images, requirement
from nativeload.errors import RequirementError
from nativeload.pack.problems import Problem, raise_if
from nativeload.spec import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nativeload.images import Image
    from nativeload.pack.foreign import Foreign

_SCRIPT = 4096  # bytes of a text file that are looked at
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-")


class Library(Record):
    """One library: the file that holds it, links followed, its facts, and the `name` by which it will be loaded."""

    __slots__ = ("image", "name", "path", "soname")
    path: str
    image: "Image"
    soname: str
    name: str

    system = "linux"

    @property
    def install_name(self) -> str:
        """The name by which others need it."""
        return self.soname

    @property
    def needed(self) -> tuple[str, ...]:
        """What it needs, by name."""
        return self.image.needed

    @property
    def build_id(self) -> str | None:
        """Its build ID, in hex."""
        return self.image.build_id

    @property
    def development_name(self) -> str:
        """What a linker looks for when it is told `-lNAME`, "" where there is no such NAME."""
        return f"{self.soname.partition('.so')[0]}.so" if self.soname.startswith("lib") else ""


def read(paths: "Iterable[str]") -> "list[Library | Foreign]":
    """The libraries at these paths, of one system, each file once. Raises NotPackedError with everything that is wrong
    with them.
    """
    problems: list[Problem] = []
    found: list[Library] = []
    others: list[Foreign] = []
    for given, path in {os.path.realpath(path): path for path in paths}.items():
        try:
            if formats.of(given) in ("pe", "macho"):
                from nativeload.pack import foreign

                other = foreign.read(given)
                problems += foreign.wrong(other)
                others.append(other)
                continue
            image = images.read(given)
        except (OSError, ValueError) as error:
            problems.append(_unreadable(path, error))
            continue
        wrong = list(_wrong(path, image))
        problems += wrong
        if not wrong:
            assert image.soname is not None
            found.append(Library(path=given, image=image, soname=image.soname, name=_name(image.soname)))
    raise_if([*problems, *_mixed(found), *_apart([*found, *others]), *_twice([*found, *others])])
    return sorted([*found, *others], key=lambda one: one.soname)


def _unreadable(path: str, error: Exception) -> Problem:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_SCRIPT)
    except (OSError, ValueError):
        text = ""
    if script := re.search(r"\b(?:INPUT|GROUP)\s*\(([^()]*)", text):
        reason = "is a text linker script, which no dynamic linker can load"
        return Problem(subject=path, reason=reason, remedy=f"give the library that it names: {script[1].strip()}")
    remedy = "give shared libraries (lib….so.…) that this user can read"
    return Problem(subject=path, reason=images.words(path, error), remedy=remedy)


def _name(soname: str) -> str:
    """The library's name: "foo" of "libfoo.so.1"; "" of a soname that is no library's."""
    try:
        wanted = requirement.parse(soname)
    except RequirementError:
        return ""
    return wanted.stem if wanted.filename else ""


def _wrong(path: str, image: "Image") -> "Iterator[Problem]":
    if image.unfit is not None:
        yield Problem(subject=path, reason=image.unfit.reason, remedy="give a shared library")
        return
    likely = os.path.basename(path)
    if not image.soname:
        yield Problem(
            subject=path,
            reason="has no soname: what is linked with it would ask for it by a path, and loading it would help nobody",
            remedy=f"link it with -Wl,-soname,{likely}, or: patchelf --set-soname {likely} {path}",
        )
    elif not LETTERS.issuperset(image.soname) or not _name(image.soname):
        yield Problem(
            subject=path,
            reason=f"its soname {image.soname!r} is not of the form libNAME.so.VERSION",
            remedy="link it with such a -Wl,-soname",
        )
    for kind, places in (("rpath", image.rpath), ("runpath", image.runpath)):
        outside = [place or "(the current directory)" for place in (places or "").split(":") if not _stays(place)]
        if places is not None and outside:
            yield Problem(
                subject=path,
                reason=f"its {kind} leaves the wheel: {', '.join(outside)}",
                remedy=f"link it without -rpath, or: patchelf --remove-rpath {path} (its own wheel's libraries are "
                "found without one)",
            )


def _stays(place: str) -> bool:
    """Whether a directory of an rpath is in the package, for a library in the package's `lib`."""
    first, *rest = place.replace("${ORIGIN}", "$ORIGIN").split("/")
    inner = os.path.normpath("/".join(("lib", *rest)))
    return first == "$ORIGIN" and "$" not in inner and inner != ".." and not inner.startswith("../")


def _mixed(found: list[Library]) -> "Iterator[Problem]":
    for one in found[1:]:
        first = found[0]
        if not one.image.same_kind(first.image):
            kinds = [f"ELF{x.elf_class} machine {x.machine}, {x.byteorder}-endian" for x in (one.image, first.image)]
            reason = f"is of another machine than {first.path} ({kinds[0]}, not {kinds[1]})"
        elif one.image.libc and first.image.libc and one.image.libc != first.image.libc:
            reason = f"is of another C library than {first.path} ({one.image.libc}, not {first.image.libc})"
        else:
            continue
        yield Problem(subject=one.path, reason=reason, remedy="pack a wheel for each: installers choose by its tag")


def _apart(found: "Sequence[Library | Foreign]") -> "Iterator[Problem]":
    """Libraries of two systems, or of macOS's or Windows's machines."""
    for one in found[1:]:
        kinds = [" ".join((x.system, *getattr(x, "archs", ()))) for x in (one, found[0])]
        if kinds[0] != kinds[1]:
            reason = f"is of another platform than {found[0].path} ({kinds[0]}, not {kinds[1]})"
            yield Problem(subject=one.path, reason=reason, remedy="pack a wheel for each: installers choose by its tag")


def _twice(found: "Sequence[Library | Foreign]") -> "Iterator[Problem]":
    known: dict[str, Library | Foreign] = {}
    for one in found:
        other = known.setdefault(requirement.normal(one.name), one)
        if other is one:
            continue
        if other.soname == one.soname:
            reason = f"has the soname {one.soname}, and so has {other.path}: a process can have one of them"
        else:
            reason = f"would be the library {one.name!r}, and so would {other.path} ({other.soname})"
        yield Problem(subject=one.path, reason=reason, remedy="give one of them; pack another wheel for the other")
