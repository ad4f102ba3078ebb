"""What a bundle of PyInstaller's needs of nativeload, of the providers that are installed, and of who requires them.

Only PyInstaller imports this: it finds `hook-nativeload.py` by the entry point `pyinstaller40`. It imports no provider.
"""

import glob
import os

import nativeload
from nativeload import declarations, metadata
from nativeload.errors import DeclarationError
from nativeload.spec import Trace
from nativeload.tomlfile import Document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from nativeload.metadata import Distribution

    # file, and the directory of the bundle that it goes into
    Placed = tuple[str, str]


def hook_directories() -> list[str]:
    """Where the hook is."""
    return [os.path.dirname(__file__)]


def hidden() -> list[str]:
    """The modules that are imported by their names."""
    return [f"nativeload.{home}" for home in sorted({*nativeload._HOMES.values(), "errors", "_native"})]


def required() -> "Iterator[Placed]":
    """Each `nativeload.toml` that was installed: what packages require, and what providers declare."""
    for distribution in metadata.distributions():
        for file in distribution.files(f"/{metadata.FILE}"):
            yield file, os.path.relpath(os.path.dirname(file), distribution.site)


def provided() -> "Iterator[tuple[Distribution, list[Placed], list[Placed]]]":
    """(provider, declarations, libraries) of each provider, where they are looked for at run time."""
    for distribution in metadata.providers():
        packages = dict.fromkeys(package for _, package in distribution.declared())
        files: list[Placed] = []
        libraries: list[Placed] = []
        for package in packages:
            try:
                file = declarations.shipped(distribution, package, metadata.FILE, Trace())
                libraries += _libraries(distribution, package, file)
            except DeclarationError as error:  # The other providers still count; so does the rest of the program.
                from PyInstaller.log import getLogger

                getLogger(__name__).warning("left out: %s", error)
            else:
                files.append((file, package.replace(".", "/")))
        if packages:
            yield distribution, files, libraries


def _libraries(distribution: "Distribution", package: str, file: str) -> "Iterator[Placed]":
    """The libraries, with those beside them, which they may need."""
    home, place = os.path.dirname(file), package.replace(".", "/")
    named = declarations.libraries(Document(file), home)
    for name, found in declarations.read(distribution, package, Trace()).items():
        said = [named[name].path, *(path for _, path in named[name].builds)]
        for path, there in zip(said, [found.path, *(path for _, path in found.builds)], strict=True):
            inner = os.path.normpath(f"{place}/{os.path.relpath(os.path.dirname(path), home)}")
            for one in glob.glob(f"{glob.escape(os.path.dirname(there))}/*.so*"):
                yield one, inner
