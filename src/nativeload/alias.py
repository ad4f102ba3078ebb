"""A soname that a library answers for: a minimal ELF file of that DT_SONAME whose DT_NEEDED is the library, loaded in
front of those who need the soname.

They find its symbols because what a file needs is searched for its symbols too.
"""

import itertools
import os
import sys

from nativeload import core, images, stub
from nativeload.errors import NativeLoadError
from nativeload.linkers import host
from nativeload.loading import PROCESS
from nativeload.spec import Rejection, rejection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_written: dict[str, str] = {}


def load(alias: str, path: str) -> None:
    """Let a loaded library answer for a soname too. Raises OSError where the linker refuses, or there is no memory."""
    if _written.get(alias) == path:
        return
    if core.libc()[0] == "musl":
        from nativeload import preload

        preload.answer(alias, path)
    else:
        facts = images.read(path)
        content = stub.stub(path, facts.machine, soname=alias, versions=facts.verdef)
        stub.dlopen(stub.memory(alias, content))
    _written[alias] = path


# Whether it will do for who asks


def refusal(alias: str, path: str) -> Rejection | None:
    """Why the native files of who asks, which need the soname, cannot use a library in its place, or may not."""
    for file in _consumers(alias):
        unknown = ""
        try:
            problem, missing = _lacking(file, alias, path)
            if problem and missing:
                unknown = (
                    f"it needs {', '.join(missing)} too, which is not found and may give {problem}: load that before"
                )
        except (OSError, ValueError) as error:
            problem = unknown = str(error)
        if unknown:
            reason = f"whether it gives what {file} uses of {alias} cannot be checked: {unknown}"
            return rejection("dependency", reason, alias=alias, consumer=file, problem=unknown)
        if problem:
            reason = f"does not give what {file} uses of {alias}: {problem}"
            return rejection("symbol", reason, alias=alias, consumer=file, missing=problem)
    return None


def _lacking(file: str, alias: str, path: str) -> "tuple[str, list[str]]":
    """The versions and symbols that a file wants and would not find, and what it needs that is not found, which may
    give these. What a later `load` would find is found."""
    walker = host.linker().walker
    walked: Any = core.walk(walker, ((file,),), ((alias, path),), PROCESS)
    versions = [version for _, name, version, _ in walked[1] if name == alias]
    if versions:
        return ", ".join(versions), []
    scope = [image[0] for image in walked[0]]
    missing: list[str] = []
    first = [os.path.realpath(sys.executable)]
    for name, answer in dict.fromkeys(edge[:2] for image in walked[0] for edge in image[3]):
        found = answer or _found(name)
        (first if found else missing).append(found or name)
    for one in first:
        reached: Any = core.walk(walker, ((one,),), (), 0)
        scope += [image[0] for image in reached[0]]
    strong = [name for name, weak in core.undefined(walker, file, tuple(scope)) if not weak]
    return ", ".join(strong[:5]), missing


def _found(soname: str) -> str:
    from nativeload import resolution

    try:
        spec, _ = resolution.resolve(soname)
    except NativeLoadError:
        return ""
    return spec.path if spec else ""


def _consumers(alias: str) -> "list[str]":
    """The native files that need a soname: of the packages whose code is running, where one of these has any; else of
    everything installed, because nothing tells for whom it is loaded."""
    from nativeload.check import files

    asking = [one for one in _running() if _needs(one, alias)]
    return asking or [one.path for one in files.of_distributions()[0] if _needs(one.path, alias)]


def _running() -> "Iterator[str]":
    """The files of each package whose code is running, and those beside a module or program that is in none."""
    homes: dict[tuple[str, bool], None] = {}
    frame: Any = sys._getframe()
    while frame is not None:
        homes |= dict.fromkeys(_homes(frame.f_globals))
        frame = frame.f_back
    for home, whole in homes:
        for directory, _, names in itertools.islice(os.walk(home), None if whole else 1):
            yield from (f"{directory}/{one}" for one in names if ".so" in one)


def _homes(facts: "dict[str, Any]") -> "Iterator[tuple[str, bool]]":
    """(directory, with all that is below it) of a module's files, by its globals: a namespace is no package of one's."""
    parts = str(getattr(facts.get("__spec__"), "name", None) or facts.get("__name__", "")).split(".")
    for name in itertools.accumulate(parts, "{}.{}".format):
        package: Any = sys.modules.get(name)
        if getattr(package, "__file__", None) and hasattr(package, "__path__"):
            yield from ((home, True) for home in package.__path__)
            if not any(map(os.path.isdir, package.__path__)):  # an editable install that is no directory
                from nativeload import packages

                yield from ((os.path.dirname(path), False) for _, path in packages.resources(name))
            return
    if file := facts.get("__file__"):
        yield os.path.dirname(file), False


def _needs(path: str, alias: str) -> bool:
    try:
        facts = images.read(path)
    except (OSError, ValueError):
        return False  # It cannot be mapped.
    return alias in facts.needed and facts.same_kind(images.process())
