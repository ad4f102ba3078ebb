"""One process that asks nativeload about a library and then lets the linker load it: both must say the same.

nativeload is asked first, so it speaks of the very process in which the linker then acts.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parts import maps, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_PROGRAM = (
    maps()
    + """
import _ctypes, ctypes, json, os, sys
import nativeload
from nativeload import abi, core, loading, requirement, spec
from nativeload.linkers import host
request = json.loads(sys.argv[1])
path, under, siblings = request["path"], request["under"], tuple(request["siblings"])
answer = {"kind": "", "refusal": "", "found": [], "names": {}, "preload": [], "error": "", "value": None}

def below(paths):
    return sorted({os.path.realpath(one) for one in paths if os.path.realpath(one).startswith(under + "/")})

exec(request["before"])
before = mapped()
wanted = requirement.Requirement(
    text=path, name="scenario", stem="scenario", filename="", features=(), specifier=None, symbols=(), virtual=""
)
verdict = abi.judge(spec.candidate(path, "override", "the scenario's", siblings=siblings), wanted)
if isinstance(verdict, spec.Rejection):
    answer.update(kind=verdict.kind, refusal=verdict.reason)
else:
    answer["preload"] = list(verdict.dependencies)
    groups = tuple((one,) for one in [*answer["preload"], path])
    walked = core.walk(host.linker().walker, groups, (), loading.PROCESS)[0]
    edges = [edge for image in walked for edge in image[3] if edge[1]]
    answer["found"] = below([*(image[0] for image in walked), *(edge[1] for edge in edges), *before])
    names = {image[1]: image[0] for image in walked if image[1]} | {edge[0]: edge[1] for edge in edges}
    answer["names"] = {name: file for name, file in names.items() if "/" not in name and below([file])}
answer["quiet"] = below(mapped()) == below(before)

try:
    for one in [] if not request["load"] else [*answer["preload"], path]:
        handle = _ctypes.dlopen(one, os.RTLD_NOW | os.RTLD_LOCAL)
    if request["call"]:
        answer["value"] = ctypes.CFUNCTYPE(ctypes.c_int)(_ctypes.dlsym(handle, request["call"]))()
except OSError as error:
    answer["error"] = str(error)
answer["mapped"] = below(mapped())
print(json.dumps(answer))
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What nativeload said of a file, and what the linker did with it.

    nativeload: `refusal`, "" where it accepts, and its `kind`; the files it expects to be mapped (`found`) and
    the path for each name; what it would load first (`preload`). The linker: its `error`, "" where it loaded;
    the files it mapped; the `value` that the function called returned. Files are those of the scenario alone.
    `quiet`: none of them was mapped by asking.
    """

    kind: str
    refusal: str
    found: list[str]
    names: dict[str, str]
    preload: list[str]
    quiet: bool
    error: str
    mapped: list[str]
    value: int | None

    def agreed(self) -> Answer:
        """This answer, where both say the same: the same files, or that it cannot be loaded."""
        assert self.quiet, self
        assert bool(self.refusal) == bool(self.error), self
        assert self.refusal or self.found == self.mapped, self
        return self

    def file(self, name: str) -> str:
        """The last two parts of the path that a name is answered by: "one/liba.so.1"."""
        return "/".join(self.names[name].split("/")[-2:])


def ask(
    path: Path,
    *,
    call: str = "",
    load: bool = True,
    before: str | Sequence[Path] = (),
    siblings: Sequence[Path] = (),
    env: Mapping[str, str | Path] | None = None,
    cwd: Path | None = None,
    under: Path | None = None,
) -> Answer:
    """Ask about the library at `path`, then load it, with `before` loaded or run in the same process before.

    `call` is a function of it to call; without `load`, only nativeload is asked; `under` the scenario's directory, by default the one above the library's.
    """
    if not isinstance(before, str):
        before = "".join(f"_ctypes.dlopen({os.fspath(one)!r}, os.RTLD_NOW | os.RTLD_LOCAL)\n" for one in before)
    request = {
        "path": os.fspath(path),
        "under": os.path.realpath(under or path.parent.parent),
        "siblings": [os.fspath(one) for one in siblings],
        "before": before,
        "call": call,
        "load": load,
    }
    return Answer(**run(sys.executable, _PROGRAM, json.dumps(request), env=env, cwd=cwd).check().json)


_NAMED = """
import json, os, sys
import nativeload
from nativeload import core
names, answers = json.loads(sys.argv[1]), {}
for name in names:
    spec = nativeload.find_spec(name)
    before = {path for path, _ in core.linkmap()}
    try:
        # As nativeload itself is the requester, by whose rpath the linker would search.
        core.dlopen(name, os.RTLD_NOW | os.RTLD_LOCAL)
        error = ""
    except OSError as refused:
        error = str(refused)
    new = [path for path, _ in core.linkmap() if path not in before]
    answers[name] = {
        "path": spec and spec.path, "origin": spec and spec.origin, "loaded": new[0] if new else None, "error": error
    }
print(json.dumps(answers))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What nativeload finds for a name (`path`, by which finder) and what the linker then loads for it."""

    path: str | None
    origin: str | None
    loaded: str | None
    error: str

    def agreed(self) -> Named:
        """This answer, where both mean the same file, or none."""
        assert self.path == self.loaded, self
        return self


def named(name: str, *, env: Mapping[str, str | Path] | None = None, cwd: Path | None = None) -> Named:
    """Ask for a name in a process that does not have the library yet."""
    return Named(**run(sys.executable, _NAMED, json.dumps([name]), env=env, cwd=cwd).check().json[name])
