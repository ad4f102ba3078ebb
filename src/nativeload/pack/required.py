"""What `--requires` means: an installed distribution, and the sonames of the libraries that it brings."""

from nativeload import declarations, formats, images, metadata
from nativeload.errors import DeclarationError, ReaderError
from nativeload.pack.problems import Problem, raise_if
from nativeload.requirement import normal
from nativeload.spec import Trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nativeload.metadata import Distribution


def sonames(requirements: "Iterable[str]") -> dict[str, str]:
    """{soname: the name of the library that has it, "" where it has none} of installed distributions, by PEP 508's syntax.

    Raises NotPackedError for a requirement that cannot be read, and for one that is not installed in this version:
    what it ships is read from its files.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    problems: list[Problem] = []
    found: dict[str, str] = {}
    for text in requirements:
        try:
            wanted = Requirement(text)
        except InvalidRequirement as error:
            reason = str(error).partition("\n")[0]
            problems.append(Problem(subject=text, reason=reason, remedy="write: --requires 'bar-lib>=1.2,<2'"))
            continue
        distribution = metadata.find(wanted.name)
        if distribution is None or not wanted.specifier.contains(distribution.version, prereleases=True):
            installed = f"only {distribution.version} is" if distribution else "it is not"
            reason = f"what it brings is read from its files, and {installed} installed here"
            problems.append(Problem(subject=text, reason=reason, remedy=f"pip install '{text}', and pack again"))
            continue
        names = _names(distribution)
        for path, soname in shipped(distribution):
            if soname:
                found[soname] = found.get(soname) or names.get(path, "")
    raise_if(problems)
    return found


def shipped(distribution: "Distribution") -> "Iterator[tuple[str, str]]":
    """(path, the name by which others need it, "" for none) of each library of a distribution."""
    for path in distribution.files(".so", ".dylib", ".dll"):
        try:
            if formats.of(path) in ("pe", "macho"):
                from nativeload.pack import foreign

                yield path, foreign.read(path).install_name
            else:
                yield path, images.read(path).soname or ""
        except (OSError, ValueError, ReaderError):
            continue


def _names(distribution: "Distribution") -> dict[str, str]:
    """{path: name} of the libraries that a distribution declares."""
    found = {}
    for name, package in distribution.declared():
        try:
            library = declarations.read(distribution, package, Trace()).get(normal(name))
        except DeclarationError:
            continue
        if library is not None:
            found[library.path] = name
    return found
