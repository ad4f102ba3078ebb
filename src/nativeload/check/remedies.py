"""What can be done about a fault: who ships what is missing, and the command that mends it, where one is known."""

import os

from nativeload import catalog, core, images, installers
from nativeload.abi import describe
from nativeload.check.files import answering

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nativeload.check.loads import Loads


def lines(kind: str, names: tuple[str, ...], distribution: str, loads: "Loads") -> list[str]:
    """What to add to the sentence of a fault with a file of a distribution."""
    if kind == "missing" and names:
        return [line for name in names for line in _who_else(name, loads)]
    if kind in ("missing", "format", "fatal") and distribution:
        return [reinstall(distribution)]
    if kind in ("machine", "libc", "isa-level"):
        return [f"install a build for this machine: {reinstall(distribution)}" if distribution else "build it here"]
    if kind == "symbol-version":
        return ["what gives the version is too old, or the file is built for a newer system"]
    if kind == "symbol":
        return ["two versions do not fit together, or a library that gives it is not named in the file"]
    return []


def reinstall(distribution: str) -> str:
    """The command that puts a distribution's own files back."""
    return f"reinstall {distribution}: pip install --force-reinstall --no-deps {distribution}"


def _who_else(name: str, loads: "Loads") -> list[str]:
    found = []
    for one in loads.shipping(name):
        said = f"{one.distribution or 'a file here'} ships it: {one.path}"
        if wrong := unusable(one.path):
            said += f", which {wrong}"
        elif images.soname(one.path) not in (name, ""):
            said += f", which has the DT_SONAME {images.soname(one.path)}"
        elif os.path.basename(one.path) != name:
            said += ", which has that DT_SONAME but another file name"
        found.append(said)
    found += [f"{one.distribution}'s {one.path} answers for it, where it is loaded as that" for one in answering(name)]
    return found or _install(name) or ["no installed distribution ships it"]


def unusable(path: str) -> str:
    """Why the linker would not take a file, "" where it would."""
    try:
        image = images.read(path)
    except (OSError, ValueError) as error:
        return f"cannot be read ({images.words(path, error)})"
    if not image.same_kind(images.process()):
        return f"is {describe(image)}"
    if image.libc not in ("", core.libc()[0]):
        return f"is built for {image.libc}"
    return image.unfit.reason if image.unfit else ""


def _install(name: str) -> list[str]:
    """The commands that install a library, where the catalog knows it."""
    entries = filter(None, map(catalog.lookup, catalog.by_soname(name)))
    return [command for entry in entries for command in installers.commands(entry)]
