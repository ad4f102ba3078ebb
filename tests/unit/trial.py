"""A process of its own that asks nativeload for a library, and says what came of it."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parts import maps, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PROGRAM = (
    maps()
    + """
import json, sys
import nativeload
request = json.loads(sys.argv[1])
exec(request["before"])
answers = {}
for requirement in request["requirements"]:
    answer = answers[requirement] = {}
    try:
        library = nativeload.load(requirement, symbols=tuple(request["symbols"]))
        names = ("path", "soname", "version", "origin")
        answer["library"] = {name: getattr(library, name) for name in names}
        answer["library"]["abi"] = list(library.abi)
        answer["library"]["provider"] = library.provider and library.provider.distribution
    except nativeload.NativeLoadError as error:
        answer.update(error=type(error).__name__, text=str(error))
    answer["mapped"] = sorted(mapped())
print(json.dumps(answers))
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What `load` gave: a library's facts or {} and, for an error, its class and text. `mapped`: every file mapped."""

    library: dict[str, Any]
    error: str
    text: str
    mapped: tuple[str, ...]

    def mapped_below(self, *places: Path) -> list[str]:
        """The files below these directories that the process has mapped."""
        tops = tuple(f"{os.path.realpath(place)}/" for place in places)
        return [file for file in self.mapped if file.startswith(tops)]


def trial(
    requirement: str,
    *sites: Path,
    symbols: Sequence[str] = (),
    env: Mapping[str, str | Path] | None = None,
    options: Sequence[str] = (),
    home: Path | None = None,
    before: str = "",
    timeout: float = 30,
) -> Trial:
    """Call `load` in a new process that has `sites` on its path. `before` is Python code to run first.

    Whatever is not a NativeLoadError (a crash, a hang, an error of another class) fails the test.
    """
    return trials(
        [requirement],
        *sites,
        symbols=symbols,
        env=env,
        options=options,
        home=home,
        before=before,
        timeout=timeout,
    )[requirement]


def trials(
    requirements: Sequence[str],
    *sites: Path,
    symbols: Sequence[str] = (),
    env: Mapping[str, str | Path] | None = None,
    options: Sequence[str] = (),
    home: Path | None = None,
    before: str = "",
    python: str | Path = sys.executable,
    timeout: float = 60,
) -> dict[str, Trial]:
    """As `trial`, for one requirement after the other in the same process."""
    request = json.dumps({"requirements": requirements, "symbols": list(symbols), "before": before})
    answers = ask(
        _PROGRAM, *sites, arguments=[request], env=env, options=options, home=home, python=python, timeout=timeout
    )
    return {
        requirement: Trial(
            library=answer.get("library", {}),
            error=answer.get("error", ""),
            text=answer.get("text", ""),
            mapped=tuple(answer["mapped"]),
        )
        for requirement, answer in answers.items()
    }


def ask(
    code: str,
    *sites: Path,
    arguments: Sequence[str] = (),
    env: Mapping[str, str | Path] | None = None,
    options: Sequence[str] = (),
    home: Path | None = None,
    python: str | Path = sys.executable,
    timeout: float = 30,
) -> Any:
    """The JSON that Python code prints last, run in a new process that has `sites` on its path."""
    path = {"PYTHONPATH": os.pathsep.join(map(os.fspath, sites))} if sites else {}
    variables = {**path, **(env or {})}
    done = run(python, code, *arguments, options=options, env=variables, home=home, timeout=timeout)
    return done.check().json


def nativeload_path() -> list[Path]:
    """The directories with which another environment of this interpreter has nativeload and what it needs."""
    names = ("nativeload", "elftools", "packaging", "platformdirs")
    found = [importlib.util.find_spec(name) for name in names]
    origins = [spec.origin for spec in found if spec is not None and spec.origin is not None]
    return list(dict.fromkeys(Path(origin).parents[1] for origin in origins))
