"""An ld.so.cache of a scenario's own, in a mount namespace where it takes the place of the system's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parts import execute
from parts.namespaces import inside

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from parts import Result

LDCONFIG = "/sbin/ldconfig"


class PrivateCache:
    """A cache of the libraries in `directory` (and of the system's own)."""

    def __init__(self, home: Path) -> None:
        self.directory = home / "lib"
        self._cache = home / "ld.so.cache"
        self._configuration = home / "ld.so.conf"

    def ldconfig(self) -> None:
        """Make the cache of what is in the directory now."""
        self._configuration.write_text(f"{self.directory}\n")
        execute([LDCONFIG, "-X", "-C", self._cache, "-f", self._configuration]).check()

    def execute(self, command: Sequence[str | Path]) -> Result:
        """Run a command for whose linker this is the system's cache."""
        script = 'mount --bind "$1" /etc/ld.so.cache; shift; exec "$@"'
        return execute([*inside(script), self._cache, *command]).check()
