"""macOS as a search meets it: Mach-O files, by dyld's rules. None of it has run there."""

import os

from nativeload.systems.system import System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nativeload.catalog import Entry, Wheel
    from nativeload.formats.macho import Slice
    from nativeload.linkers.stepwise import Linker


class MacOS(System):
    """dyld knows an image by its path, and by its install name.

    A file's current version is none: it counts the interface's changes, as libtool does, more often than releases.
    """

    suffix = ".dylib"
    variable = "DYLD_LIBRARY_PATH"
    prefixes = ("lib",)

    def file(self, name: str) -> str:
        return f"lib{name}.dylib"

    def stem(self, name: str) -> str:
        if not name.endswith(".dylib"):
            return ""
        base, _, version = name.removesuffix(".dylib").removeprefix("lib").partition(".")
        return base if not version or version.replace(".", "").isdigit() else ""

    def stands_for(self, name: str, file: str) -> bool:
        """ "z" stands for libz.dylib, libz.1.dylib and libz.1.2.dylib."""
        rest = file.removeprefix(f"lib{name}.")
        version = rest.removesuffix("dylib")
        return rest != file and version != rest and (not version or version.replace(".", "").isdigit())

    def known(self, entry: "Entry") -> tuple[str, ...]:
        shipped = (wheel.macos.rpartition("/")[2] for wheel in entry.wheels)
        return (*entry.macos, *(one for one in shipped if one and "{" not in one))

    def pattern(self, wheel: "Wheel") -> str:
        return wheel.macos

    def unfit(self, path: str) -> str:
        kind = self.image(path).filetype
        return "" if kind in ("dylib", "bundle") else f"is not a shared library but of the type {kind}"

    def soname(self, path: str) -> str:
        image: Slice = self.image(path)
        return image.install_name or os.path.basename(path)

    def exports(self, path: str) -> "Iterable[str]":
        from nativeload.formats import machosymbols

        # C's names begin with "_" there, which dlsym adds.
        return [name.removeprefix("_") for name in machosymbols.exports(path, self.image(path))]

    def linker(self, there: "Mapping[str, str]", siblings: "Mapping[str, str]") -> "Linker":
        from nativeload.systems.loading import Dyld

        return Dyld(self, there, siblings)

    def _read(self, path: str) -> "Slice":
        from nativeload.linkers.dyld import Dyld
        from nativeload.loader import machine

        return Dyld("arm64" if machine() == "aarch64" else machine()).image(path)
