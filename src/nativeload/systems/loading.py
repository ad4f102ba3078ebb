"""The loaders of macOS and Windows as this process has them: with what is loaded, and what is to be loaded before."""

import os
import sys

from nativeload import core
from nativeload.linkers import dyld, windows
from nativeload.linkers.stepwise import Found
from nativeload.systems.system import BESIDE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nativeload.formats.macho import Slice
    from nativeload.formats.pe import PE
    from nativeload.systems.macos import MacOS
    from nativeload.systems.windows import Windows


class WindowsLoader(windows.Windows):
    """This process's: what it has, its own directories, and what is to be loaded before."""

    def __init__(self, system: "Windows", there: "Mapping[str, str]", siblings: "Mapping[str, str]") -> None:
        directories = [directory.replace("\\", "/") for directory in core.searched()]
        super().__init__("", application=directories[0], directories=directories[1:-1], system32=directories[-1])
        self._system = system
        self._there, self._siblings = there, siblings

    def image(self, path: str) -> "PE":
        found: PE = self._system.image(path)
        return found

    def _find(self, wanted: str, chain: "Sequence[str]", loaded: "Sequence[str]") -> Found:
        if wanted in self._there:
            return Found(self._there[wanted], "already loaded", [])
        found = super()._find(wanted, chain, loaded)
        if found.path is not None:
            return found
        sibling = self._siblings.get(wanted)
        return Found(sibling, BESIDE, found.tried, is_file=True) if sibling else found


class Dyld(dyld.Dyld):
    """This process's: what it has, and what is to be loaded before."""

    def __init__(self, system: "MacOS", there: "Mapping[str, str]", siblings: "Mapping[str, str]") -> None:
        super().__init__("", program=sys.executable, environ=os.environ)
        self._system = system
        self._there, self._siblings = there, siblings

    def image(self, path: str) -> "Slice":
        found: Slice = self._system.image(path)
        return found

    def find(self, name: str, chain: "Sequence[str]", loaded: "Sequence[str]") -> Found:
        if name in self._there:
            return Found(self._there[name], "already loaded", [])
        found = super().find(name, chain, loaded)
        sibling = self._siblings.get(os.path.basename(name)) if found.path is None else None
        # It is taken for what was loaded before by its install name alone.
        if sibling is not None and self.image(sibling).install_name == name:
            return Found(sibling, BESIDE, found.tried, is_file=True)
        return found
