"""Libraries of macOS and Windows, and what about each keeps it out of a wheel; the platform tag that they earn.

A DLL is known by its file's name. A dylib is known by its install name, under which consumers look for it: `@rpath/` and
its file's name, so that it may lie wherever it is loaded from. Sources: dyld(1), Microsoft's PE Format; the tags of
PyPA's "Platform compatibility tags".
"""

import os
import posixpath

from nativeload import formats
from nativeload.formats import macho, pe
from nativeload.linkers import dyld, windows
from nativeload.pack.libraries import LETTERS
from nativeload.pack.policy import Platform
from nativeload.pack.problems import Problem, raise_if
from nativeload.spec import Record
from nativeload.systems.macos import MacOS
from nativeload.systems.windows import Windows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

_RPATH = "@rpath/"
_WINDOWS = {"amd64": "win_amd64", "x86": "win32", "arm64": "win_arm64"}
_MACOS = {("arm64",): "arm64", ("x86_64",): "x86_64", ("arm64", "x86_64"): "universal2"}
_FIRST_ARM64 = (11, 0)


class Foreign(Record):
    """One library: its file, and what its headers say.

    `soname` is the name of its file in the wheel, `install_name` that by which others need it, `name` that by which it
    will be loaded; `archs` are sorted, `kind` is "dylib" for a library, `least` the oldest macOS that its tag may name.
    """

    __slots__ = ("archs", "install_name", "kind", "least", "name", "needed", "path", "rpaths", "soname", "system")
    path: str
    system: str
    soname: str
    install_name: str
    name: str
    needed: tuple[str, ...]
    rpaths: tuple[str, ...]
    archs: tuple[str, ...]
    kind: str
    least: tuple[int, int]

    development_name = ""  # A linker is given the file itself.
    build_id = None


def read(path: str) -> Foreign:
    """A library by its headers. Raises OSError, ValueError, and ReaderError without what reads its format."""
    return _dll(path) if formats.of(path) == "pe" else _dylib(path)


def _dll(path: str) -> Foreign:
    image, file = pe.read(path), os.path.basename(path)
    return Foreign(
        path=path,
        system="windows",
        soname=file,
        name=Windows().stem(file),
        needed=tuple(one.name for one in image.imports),
        archs=(image.machine,),
        kind="dylib" if image.is_dll else "program",
        least=(0, 0),
        install_name=file,
        rpaths=(),
    )


def _dylib(path: str) -> Foreign:
    slices = macho.read(path).slices
    names = {one.install_name or "" for one in slices}
    known = posixpath.basename(min(names)) or os.path.basename(path)
    return Foreign(
        path=path,
        system="macos",
        soname=known,
        name=MacOS().stem(known),
        needed=tuple(dict.fromkeys(each.name for one in slices for each in one.needed if each.kind != "weak")),
        archs=tuple(sorted(one.arch for one in slices)),
        kind=min(one.filetype for one in slices),
        least=max(map(_least, slices)),
        install_name=min(names),
        rpaths=tuple(dict.fromkeys(each for one in slices for each in one.rpaths)),
    )


def _least(one: "macho.Slice") -> tuple[int, int]:
    """The oldest macOS that a slice's tag may name: none before 11 runs on arm64."""
    major, minor, *_ = (*map(int, one.min_os.split(".") if one.min_os else ()), 0, 0)
    least = (major, 0 if major > 10 else minor)
    return (0, 0) if one.arch == "arm64" and least <= _FIRST_ARM64 else least


def wrong(one: Foreign) -> "Iterator[Problem]":
    """What keeps one library out of a wheel, whatever else is in it."""
    if one.kind != "dylib":
        reason = f"is not a shared library but of the kind {one.kind}"
        yield Problem(subject=one.path, reason=reason, remedy="give a shared library")
        return
    if not LETTERS.issuperset(one.soname) or not one.name[:1].isalnum():
        form = "NAME.dll" if one.system == "windows" else "libNAME.VERSION.dylib"
        yield Problem(
            subject=one.path, reason=f"its name {one.soname!r} is not of the form {form}", remedy="link it so"
        )
    elif one.system == "macos" and one.install_name != f"{_RPATH}{one.soname}":
        yield Problem(
            subject=one.path,
            reason=f"its install name is {one.install_name or 'none'}: what is linked with it would look for that path",
            remedy=f"install_name_tool -id {_RPATH}{one.soname} {one.path}",
        )
    outside = [rpath for rpath in one.rpaths if not stays(rpath)]
    if outside:
        remedy = f"install_name_tool -delete_rpath {outside[0]} {one.path}"
        yield Problem(subject=one.path, reason=f"its rpath leaves the wheel: {', '.join(outside)}", remedy=remedy)
    if not tag_of(one):
        archs = " and ".join(one.archs)
        yield Problem(
            subject=one.path, reason=f"is for {archs}, which no wheel is tagged for", remedy="build it for one"
        )


def stays(rpath: str) -> bool:
    """Whether a directory of an rpath is in the package, for a library in the package's `lib`."""
    first, _, rest = rpath.partition("/")
    inner = posixpath.normpath(f"lib/{rest}")
    return first == "@loader_path" and inner != ".." and not inner.startswith("../")


def tag_of(one: Foreign) -> str:
    """The end of a platform tag that a library's machines have, "" where none has them."""
    return _WINDOWS.get(one.archs[0], "") if one.system == "windows" else _MACOS.get(one.archs, "")


def platform(libraries: "Sequence[Foreign]", elsewhere: "Collection[str]") -> Platform:
    """The tag of a wheel with these libraries; `elsewhere` are the names that required distributions bring.

    Raises NotPackedError where a library needs one that is neither in the wheel, nor required, nor the system's.
    """
    own = {one.install_name for one in libraries}
    missing = {one.path: list(lacking(one, {*own, *elsewhere})) for one in libraries}
    hard = [(path, name) for path, names in missing.items() for name in names if not windows.is_redistributable(name)]
    raise_if(
        Problem(
            subject=path,
            reason=f"needs {name}, which is not in the wheel, and not every system has it",
            remedy=f"give {name} too, or --requires the distribution that ships it, or link it statically",
        )
        for path, name in hard
    )
    common = next((f"{path} needs {name}" for path, names in missing.items() for name in names), "")
    note = f"{common}, which the Visual C++ Redistributable installs: not every machine has it" if common else ""
    first = libraries[0]
    if first.system == "windows":
        return Platform(tag=tag_of(first), note=note)
    major, minor = max((one.least for one in libraries), default=(0, 0))
    if (major, minor) == (0, 0):
        major, minor = _FIRST_ARM64
    return Platform(tag=f"macosx_{major}_{minor}_{tag_of(first)}", note=note)


def lacking(one: Foreign, there: "Iterable[str]") -> "Iterator[str]":
    """The names that a library needs, and neither `there` nor every system has."""
    if one.system == "windows":
        known = {name.lower() for name in there}
        return (name for name in one.needed if name.lower() not in known and not windows.is_systems(name))
    known = {*there, *(f"@loader_path/{posixpath.basename(name)}" for name in there)}
    return (name for name in one.needed if name not in known and not dyld.is_systems(name))
