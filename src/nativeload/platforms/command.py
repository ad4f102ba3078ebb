"""`--tree`, `--check` and `--explain` of wheels and unpacked packages of any platform."""

import os
import sys
import tempfile
from contextlib import ExitStack

from nativeload import core, metadata, terminal
from nativeload.check.report import Report
from nativeload.errors import ImageError, PlatformError
from nativeload.platforms import contents, target
from nativeload.platforms.closures import Site, findings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from nativeload.closure import Closure

    Asked = list[tuple[Site, dict[str, Closure]]]


def tree(names: "Sequence[str]", platform: str, python: str, form: str, *, verbose: bool) -> int:
    """What the platform's linker would map for each file. Exit status 0 where nothing is wrong, else 1."""
    with _Unpacked(names, platform, python) as sites:
        closures = [one for _, found in _asked(sites) for one in found.values()]
    if form == "json":
        _show_json([one.to_dict() for one in closures])
    elif form == "dot":
        from nativeload import dot

        terminal.show(dot.text(closures, verbose=verbose))
    else:
        from nativeload.tree import text

        colour = terminal.is_coloured(sys.stdout, os.environ)
        shown = text(closures, verbose=verbose, colour=colour)
        terminal.show(terminal.encodable(shown, sys.stdout.encoding))
    return 0 if all(one.status == "ok" for one in closures) else 1


def explain(names: "Sequence[str]", platform: str, python: str, form: str) -> int:
    """Each file's closure, with every place that is looked at. Exit status 0 where nothing is wrong, else 1."""
    from nativeload import filereport

    with _Unpacked(names, platform, python) as sites:
        found = [one for _, closures in _asked(sites) for one in closures.values()]
    if form == "json":
        _show_json([filereport.with_tried(one) for one in found])
    else:
        lines = [line for one in found for line in (one.root, *filereport.places(one), "")]
        terminal.show(terminal.printable_lines("\n".join(lines)))
    return 0 if all(one.status == "ok" for one in found) else 1


def extensions(module: str) -> "list[str]":
    """The files of an extension module, or of those in a package. Raises ImageError where there is none."""
    from nativeload import modules

    found = modules.find(module)
    paths = [path for place in found.places for path in contents.native(place)] if found.kind == "package" else []
    if found.kind == "extension":
        paths = [*found.places]
    elif not paths:
        raise ImageError(module, found.reason or "has no extension module")
    return paths


def check(names: "Sequence[str]", platform: str, python: str, form: str) -> int:
    """What is wrong. Exit status 0 where no import would fail, else 1."""
    with _Unpacked(names, platform, python) as sites:
        asked = _asked(sites)
        problems = [one for site, found in asked for one in findings(site, found)]
    report = Report(
        distributions=len(sites.sites), images=sum(len(found) for _, found in asked), problems=tuple(problems)
    )
    terminal.show(terminal.json_text(report.to_dict()) if form == "json" else terminal.printable_lines(str(report)))
    return 1 if report.is_broken else 0


def _asked(sites: "_Unpacked") -> "Asked":
    return [(site, {path: site.closure(path) for path in paths}) for site, paths in sites.asked()]


def _show_json(facts: "list[dict[str, Any]]") -> None:
    terminal.show(terminal.json_text(facts[0] if len(facts) == 1 else facts))


# The systems where a path is taken to be of this platform: what is read of files there is read here.
OWN = ("darwin", "win32")


class _Unpacked:
    """The wheels, directories and files named, each where it lies or is unpacked, until the end."""

    def __init__(self, names: "Sequence[str]", platform: str, python: str) -> None:
        self._stack = ExitStack()
        self.sites = [self._place(name, platform, python) for name in names]

    def __enter__(self) -> "_Unpacked":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def asked(self) -> "Iterator[tuple[Site, list[str]]]":
        """Each site and platform with the files asked about."""
        for directory, files, tag, python, system32 in self.sites:
            for one in target.targets(tag, python):
                site = Site(directory, one, system32)
                yield site, files or list(site.files())

    def _place(self, name: str, platform: str, python: str) -> "tuple[str, list[str], str, str, str]":
        if not os.path.exists(name):
            raise PlatformError(name, "is not there")
        if name.endswith(".whl"):
            tag, version = target.of_wheel(os.path.basename(name), python)
            tag = platform or tag
            if tag == "any":
                raise PlatformError(name, "is for any platform")
            target.targets(tag, version)  # before anything is written
            directory = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="nativeload-"))
            contents.unpack(name, directory)
            return directory, [], tag, version, ""
        system32 = ""
        if not platform and sys.platform in OWN:
            platform, python = target.own()
            system32 = core.searched()[-1] if sys.platform == "win32" else ""
        if not platform:
            raise PlatformError(name, "says of itself no platform")
        if os.path.isdir(name):
            return name, [], platform, python, system32
        path = contents.real(name)
        # What the packages of a site do before, counts for each file in it.
        sites = map(contents.real, metadata.sites() if sys.platform in OWN else ())
        directory = next((one for one in sites if path.startswith(f"{one}/")), os.path.dirname(path))
        return directory, [path], platform, python, system32
