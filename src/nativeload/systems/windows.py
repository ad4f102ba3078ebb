"""Windows as a search meets it: PE files, by the loader's rules with the flags that CPython imports with."""

import os

from nativeload.systems.system import System

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nativeload.catalog import Entry, Wheel
    from nativeload.formats.pe import PE
    from nativeload.linkers.stepwise import Linker

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


class Windows(System):
    """The process's loader knows a module by its file's name, whatever its case, and wherever it is from."""

    suffix = ".dll"
    variable = "PATH"
    prefixes = ("Library/bin", "bin")

    def file(self, name: str) -> str:
        return f"{name}.dll"

    def stem(self, name: str) -> str:
        base = name[:-4] if name.lower().endswith(".dll") else ""
        base = base[3:] if base[:3].lower() == "lib" else base
        before, _, version = base.rpartition("-")
        return before if before and version.replace(".", "").isdigit() else base

    def folded(self, name: str) -> str:
        return name.lower()

    def stands_for(self, name: str, file: str) -> bool:
        """ "z" stands for z.dll, libz.dll and libz-1.dll, as MinGW's compilers name a version; for no z1.dll."""
        base = file.removesuffix(".dll")
        for begin in (name.lower(), f"lib{name.lower()}"):
            rest = base.removeprefix(begin) if base != file and base.startswith(begin) else "?"
            if not rest or (rest[0] == "-" and rest[1:].replace(".", "").isdigit()):
                return True
        return False

    def known(self, entry: "Entry") -> tuple[str, ...]:
        return (*entry.windows, *(wheel.windows.rpartition("/")[2] for wheel in entry.wheels if wheel.windows))

    def pattern(self, wheel: "Wheel") -> str:
        return wheel.windows

    def unfit(self, path: str) -> str:
        image: PE = self.image(path)
        return "" if image.is_dll else "is not a shared library but a program"

    def soname(self, path: str) -> str:
        self.image(path)
        return os.path.basename(path).lower()

    def version(self, path: str) -> str | None:
        """VERSIONINFO's FileVersion, which a linker that is told nothing leaves out."""
        image: PE = self.image(path)
        return image.version or None

    def exports(self, path: str) -> "Iterable[str]":
        image: PE = self.image(path)
        return image.exports

    def linker(self, there: "Mapping[str, str]", siblings: "Mapping[str, str]") -> "Linker":
        from nativeload.systems.loading import WindowsLoader

        return WindowsLoader(self, there, siblings)

    def _read(self, path: str) -> "PE":
        from nativeload.formats import pe
        from nativeload.loader import machine

        found, here = pe.read(path), _MACHINES.get(machine(), "x86")
        if found.machine != here:
            raise ValueError(f"is for {found.machine}, not for {here}")
        return found
