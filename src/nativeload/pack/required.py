"""What `--requires` means: an installed distribution, and the sonames of the libraries that it brings."""

from nativeload import images, metadata
from nativeload.pack.problems import Problem, raise_if

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def sonames(requirements: "Iterable[str]") -> dict[str, str]:
    """{soname: the requirement that brings it} of installed distributions, by PEP 508's syntax.

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
        for path in distribution.files(".so"):
            try:
                soname = images.read(path).soname
            except (OSError, ValueError):
                continue
            if soname:
                found.setdefault(soname, text)
    raise_if(problems)
    return found
