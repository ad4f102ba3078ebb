"""Would a provider work when it is installed? What is wrong with its wheel, or with what was unpacked of one.

Nothing is installed, imported or loaded: the metadata, `nativeload.toml`, the headers of the libraries and the source of
the package's `__init__.py` are read.
"""

import ast
import os

from nativeload import abi, declarations, foreignvalidation, formats, images, metadata
from nativeload.errors import DeclarationError
from nativeload.pack import required
from nativeload.requirement import normal
from nativeload.spec import Record
from nativeload.tomlfile import Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Literal

    from nativeload.images import Image
    from nativeload.metadata import Distribution

    Severity = Literal["error", "warning"]

_REMEDIES = {
    "no-entry-point": 'name it in [project.entry-points."nativeload.libraries"] of pyproject.toml',
    "no-declaration": "put nativeload.toml into the package, and tell the build back end to ship it",
    "unknown-library": "give the entry point the name of a table [library.NAME], or declare it there",
    "declaration": "mend nativeload.toml",
    "missing-file": "tell the build back end to ship the file (package data), or mend its path",
    "format": "build the library anew; what is in the wheel is not what was built",
    "machine": "build it for the wheel's machine, or tag the wheel for the library's",
    "install-name": "install_name_tool -id @rpath/NAME FILE, NAME being the file's: under that it is loaded first",
    "soname": "patchelf --set-soname NAME FILE, or mend the declaration",
    "tag": "tag the wheel for its platform (wheel tags --platform-tag …): any system would install it",
    "rpath": "patchelf --remove-rpath FILE (install_name_tool -delete_rpath RPATH FILE): what is beside it or required is loaded first",
    "dependency": "ship it too, or require the library that another distribution provides",
    "global": "load with RTLD_LOCAL, or not at all: nativeload loads the library when it is asked for",
    "no-metadata": "give a wheel, or a directory with a *.dist-info in it",
}
_GLOBAL = ("RTLD_GLOBAL", "setdlopenflags")


class Finding(Record):
    """What is wrong: a stable kind, with what, the sentence, and what to do."""

    __slots__ = ("detail", "kind", "severity", "subject")
    kind: str
    severity: "Severity"
    subject: str
    detail: str

    @property
    def remedy(self) -> str:
        """What to do."""
        return _REMEDIES[self.kind]

    def to_dict(self) -> dict[str, str]:
        """The JSON form."""
        return {**self._fields(), "remedy": self.remedy}


def validate(place: str) -> tuple[list[str], list[Finding]]:
    """The libraries that the distributions in a wheel or a directory declare, and what is wrong with them.

    Raises ImageError for a file that is no wheel, OSError for a directory that cannot be listed.
    """
    if os.path.isdir(place):
        return _validate(place)
    from nativeload.wheelfile import unpacked

    with unpacked(place) as home:
        names, found = _validate(home)
        return names, [one.replace(**_named(one, home)) for one in found]


def _named(one: Finding, home: str) -> "dict[str, Any]":
    """A finding's texts with the files as the wheel has them."""
    return {"subject": one.subject.replace(f"{home}/", ""), "detail": one.detail.replace(f"{home}/", "")}


def _validate(site: str) -> tuple[list[str], list[Finding]]:
    site = os.path.abspath(site)
    there = [name for name in sorted(os.listdir(site)) if name.endswith((".dist-info", ".egg-info"))]
    if not there:
        return [], [
            _finding("no-metadata", site, "has no *.dist-info: it is neither a wheel nor where one was unpacked")
        ]
    names: list[str] = []
    found: list[Finding] = []
    for directory in there:
        provider = _Provider(site, directory)
        found += provider.check()
        names += provider.libraries
    return names, found


def _finding(kind: str, subject: str, detail: str, severity: "Severity" = "error") -> Finding:
    return Finding(kind=kind, severity=severity, subject=subject, detail=detail)


class _Provider:
    """One distribution of a directory; `libraries` are those that it declares."""

    def __init__(self, site: str, directory: str) -> None:
        self.libraries: list[str] = []
        self._site, self._info = site, f"{site}/{directory}"
        entry_points = _text(f"{self._info}/entry_points.txt")
        name = normal(directory.rpartition(".")[0].partition("-")[0])
        self._distribution: Distribution = metadata.Distribution(
            name=name, site=site, directory=directory, entry_points=entry_points
        )
        tags = [
            line.partition(":")[2].strip() for line in _text(f"{self._info}/WHEEL").splitlines() if line[:4] == "Tag:"
        ]
        self._tags = [tag for tag in tags if tag]
        self._system = foreignvalidation.system_of(self._tags)
        self._sonames = {name or os.path.basename(path) for path, name in required.shipped(self._distribution)}

    def check(self) -> "Iterator[Finding]":
        declared = dict(self._distribution.declared())
        packages: dict[str, dict[str, declarations.Library]] = {}
        for package in dict.fromkeys(declared.values()):
            home = f"{self._site}/{package.replace('.', '/')}"
            try:
                document = Document(f"{home}/{metadata.FILE}")
                packages[package] = declarations.libraries(document, home, self._system)
            except DeclarationError as error:
                missing = not os.path.lexists(f"{home}/{metadata.FILE}")
                yield _finding("no-declaration" if missing else "declaration", error.where, error.reason)
            yield from self._loads_for_all(home)
        for name, package in declared.items():
            if package in packages and normal(name) not in packages[package]:
                known = ", ".join(packages[package]) or "none"
                yield _finding("unknown-library", f"entry point {name}", f"{package} declares no such library: {known}")
        for libraries in packages.values():
            for one in libraries.values():
                if one.name not in map(normal, declared) and normal(one.name) not in map(normal, declared):
                    yield _finding("no-entry-point", one.where, f"{one.name} has no entry point, by which it is found")
                if one.path:
                    self.libraries.append(one.name)
                    for path in dict.fromkeys((one.path, *(build for _, build in one.builds))):
                        yield from self._file(one, path)
        yield from self._forgotten(set(declared.values()))

    def _forgotten(self, packages: set[str]) -> "Iterator[Finding]":
        """Declarations that no entry point leads to."""
        for path in self._distribution.files(metadata.FILE):
            package = os.path.relpath(os.path.dirname(path), self._site).replace("/", ".")
            if package in packages or not os.path.isfile(path):
                continue
            try:
                document = Document(path)
            except DeclarationError as error:
                yield _finding("declaration", error.where, error.reason)
                continue
            if "library" in document.table:
                yield _finding("no-entry-point", path, f"no entry point names the package {package}")

    def _file(self, one: declarations.Library, path: str) -> "Iterator[Finding]":
        if not os.path.lexists(path):
            yield _finding("missing-file", one.where, f"{path} is declared, and not there")
            return
        try:
            if self._system != "linux" or formats.of(path) in ("pe", "macho"):
                requires = bool(one.requires) or self._requires()
                for kind, detail, severity in foreignvalidation.judged(
                    path, self._tags, self._sonames, requires=requires
                ):
                    yield _finding(kind, path, detail, severity)
                return
            image = images.read(path)
        except (OSError, ValueError) as error:
            yield _finding("format", path, images.words(path, error))
            return
        if image.unfit:
            yield _finding("format", path, image.unfit.reason)
        yield from self._named(one, path, image)
        yield from self._tagged(path, image)
        yield from self._needs(one, path, image)

    def _named(self, one: declarations.Library, path: str, image: "Image") -> "Iterator[Finding]":
        if not image.soname:
            yield _finding(
                "soname", path, "has no DT_SONAME: what is linked with it is not given it by loading it first"
            )
        elif one.soname and one.soname != image.soname:
            yield _finding("soname", path, f"has the DT_SONAME {image.soname}; {one.soname} is declared ({one.where})")

    def _tagged(self, path: str, image: "Image") -> "Iterator[Finding]":
        for tag in self._tags:
            platform = tag.rpartition("-")[2]
            machine = abi.describe(image)
            if platform == "any":
                yield _finding("tag", path, f"is {machine}, in a wheel for any platform ({tag})")
            elif (wanted := _machine_of(platform)) and wanted != (image.machine, image.elf_class):
                yield _finding("machine", path, f"is {machine}, in a wheel for {platform}")
            elif image.libc and ("musllinux" in platform) != (image.libc == "musl") and "linux" in platform:
                yield _finding("machine", path, f"is built for {image.libc}, in a wheel for {platform}")

    def _needs(self, one: declarations.Library, path: str, image: "Image") -> "Iterator[Finding]":
        rpath = image.runpath if image.runpath is not None else image.rpath
        for item in filter(None, (rpath or "").split(":")):
            inside = item.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", os.path.dirname(path))
            if not os.path.normpath(inside).startswith(f"{self._site}/"):
                yield _finding("rpath", path, f"has the rpath {item}, which leads out of the wheel", "warning")
        allowed = _allowed(path, image)
        if allowed is None or any("manylinux" not in tag and "musllinux" not in tag for tag in self._tags):
            return  # What a wheel for one system may expect of it, nobody lists.
        for name in image.needed:
            if name not in self._sonames and name not in allowed and not name.startswith(("ld-linux", "ld64.so.")):
                severity: Severity = "warning" if one.requires or self._requires() else "error"
                other = "; what it requires may bring it" if severity == "warning" else ""
                yield _finding(
                    "dependency", path, f"needs {name}, which is not in the wheel and no policy lists{other}", severity
                )

    def _requires(self) -> bool:
        return "\nRequires-Dist:" in _text(f"{self._info}/METADATA")

    def _loads_for_all(self, home: str) -> "Iterator[Finding]":
        """Whether importing the package loads a library for everybody's symbols to be taken from."""
        try:
            tree = ast.parse(_text(f"{home}/__init__.py"))
        except (SyntaxError, ValueError, RecursionError):
            return
        for node in ast.walk(tree):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if isinstance(node, ast.Attribute | ast.Name) and name in _GLOBAL:
                yield _finding(
                    "global", f"{home}/__init__.py:{node.lineno}", f"uses {name}: its symbols would be everybody's"
                )
                return


def _text(path: str) -> str:
    """A text of at most 1 MiB, "" where there is none."""
    from nativeload.roots import read

    return read("", path, 1 << 20).decode("utf-8", "replace")


def _machine_of(platform: str) -> tuple[int, int] | None:
    """(e_machine, class) of a platform tag of Linux, None for another."""
    from nativeload.pack.policy import MACHINES

    kinds = {name: kind[:2] for kind, name in MACHINES.items()}
    return next((kinds[name] for name in kinds if "linux" in platform and platform.endswith(f"_{name}")), None)


def _allowed(path: str, image: "Image") -> "set[str] | None":
    """The libraries that any policy lets a wheel expect of a system; None without auditwheel, which knows them."""
    from nativeload.pack.policy import policies_of
    from nativeload.pack.problems import NotPackedError

    try:
        policies = policies_of(path, image, image.libc or "glibc")
    except NotPackedError:
        return None
    return {name for policy in policies for name in policy.whitelist}
