"""What there is: the images this process has mapped, the libraries that installed distributions provide."""

import os

from nativeload import catalog, core, loader, metadata, requirement
from nativeload.machinery.wheel import WheelFinder
from nativeload.spec import Provider, Record, Rejection, Trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class LoadedImage(Record):
    """One image of this process. `provider` is None where no distribution is known to ship it.

    `name` is the library's, where nativeload loaded it.
    """

    __slots__ = ("name", "path", "provider", "soname")
    path: str
    soname: str | None
    name: str | None
    provider: Provider | None

    def to_dict(self) -> "dict[str, Any]":
        """The JSON form."""
        return {
            "path": self.path,
            "soname": self.soname,
            "name": self.name,
            "provider": self.provider and self.provider.to_dict(),
        }


class Provided(Record):
    """One library that an installed distribution provides: usable here (`problem` is ""), or why not."""

    __slots__ = ("abi", "name", "path", "problem", "provider", "version")
    name: str
    path: str
    provider: Provider | None
    version: str | None
    abi: tuple[str, ...]
    problem: str

    def to_dict(self) -> "dict[str, Any]":
        """The JSON form."""
        return {**self._fields(), "abi": list(self.abi), "provider": self.provider and self.provider.to_dict()}


def loaded() -> "list[LoadedImage]":
    """Every image this process has mapped, in load order, with its provider where that is known.

    The program itself, which has no path in the linker's map, is left out.
    """
    ours = {library.path: library for library in loader.libraries()}
    shipped = _by_path()
    images = []
    for path, soname in core.linkmap():
        if path:
            library = ours.get(path)
            provider = (library.provider if library else None) or shipped.get(os.path.realpath(path))
            images.append(
                LoadedImage(path=path, soname=soname, name=library.name if library else None, provider=provider)
            )
    return images


def _by_path() -> dict[str, Provider]:
    """{real path: provider} of every library that a distribution declares or the catalog knows."""
    return {os.path.realpath(one.path): one.provider for one in provided() if one.provider is not None}


def provided() -> list[Provided]:
    """Every library of every provider, by name: those declared, those the catalog knows; each judged."""
    from nativeload.catalog import additions

    groups = (metadata.GROUP, metadata.DYNAMIC)
    declared = (one.declared(group) for one in metadata.providers() for group in groups)
    names = {library for libraries in declared for library, _ in libraries}
    shipping = (catalog.of_distribution(one.name) for one in metadata.distributions())
    added = (one.name for one in additions.everything()[0])
    found = []
    for name in sorted(names.union(added, *shipping)):
        found += _provided(name)
    return found


def _provided(name: str) -> list[Provided]:
    from nativeload import abi
    from nativeload.errors import RequirementError

    trace = Trace()
    try:
        wanted = requirement.parse(name)
    except RequirementError as error:
        return [Provided(name=name, path="", provider=None, version=None, abi=(), problem=str(error))]
    found = []
    for proposed in WheelFinder().candidates(wanted, trace):
        verdict = abi.judge(proposed, wanted)
        refused = isinstance(verdict, Rejection)
        found.append(
            Provided(
                name=name,
                path=proposed.path if isinstance(verdict, Rejection) else verdict.path,
                provider=proposed.provider,
                version=proposed.version if isinstance(verdict, Rejection) else verdict.version,
                abi=proposed.abi if isinstance(verdict, Rejection) else verdict.abi,
                problem=str(verdict) if refused else "",
            )
        )
    for step in trace.steps:
        if step.verdict == "rejected":
            problem = f"{step.reason} ({step.candidate})"
            found.append(Provided(name=name, path="", provider=None, version=None, abi=(), problem=problem))
    return found
