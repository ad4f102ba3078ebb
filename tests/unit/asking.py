"""Processes that load one after the other, each with what it may depend on, and whether the answer was remembered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from unit.trial import ask

# A load that needs no search imports none of it.
PROGRAM = """
import json, os, sys
requirement, symbols, before = json.loads(sys.argv[1])
exec(before)
import nativeload
try:
    path = nativeload.load(requirement, symbols=symbols).path
except nativeload.NativeLoadError as error:
    path = type(error).__name__
print(json.dumps([path, "nativeload.resolution" not in sys.modules]))
"""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A process that loads, and all that it may depend on."""

    home: Path
    sites: tuple[Path, ...]
    requirement: str = "specimen"
    symbols: tuple[str, ...] = ()
    env: dict[str, str | Path] = field(default_factory=dict)
    before: str = ""
    options: tuple[str, ...] = ()

    def __call__(self) -> tuple[str, bool]:
        """(path or error, whether the answer was remembered)."""
        self.home.mkdir(exist_ok=True)
        arguments = [json.dumps([self.requirement, self.symbols, self.before])]
        found, warm = ask(PROGRAM, *self.sites, arguments=arguments, env=self.env, home=self.home, options=self.options)
        return found, warm
