"""What is wrong with native files, and how much it matters: an error only where something is known to run into it."""

import os
import sys

from nativeload import core, images
from nativeload.check import pairs
from nativeload.check.files import Native, declared, loads_libraries
from nativeload.check.report import Finding, Report
from nativeload.closure import Resolver
from nativeload.loading import AGAIN, TERSE, instead

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    # kind, file, sentence, names concerned
    Fault = tuple[str, str, str, tuple[str, ...]]

# Libraries that come with a driver and with nothing that pip or a distribution's usual packages install.
_DRIVERS = ("libcuda.so", "libnvidia-", "libOpenCL.so", "libhsa-runtime64.so", "libze_loader.so", "libnvcuvid.so")
_MANY = 5  # names in one sentence


class Check:
    """One check of many files. `of` maps every native file's path to its distribution."""

    def __init__(self, files: "Sequence[Native]", everything: "Callable[[], Sequence[Native]]") -> None:
        self._files = files
        self._everything = everything
        self._names: dict[str, list[Native]] | None = None
        self._resolver = Resolver(environ={})
        program = os.path.realpath(sys.executable)
        self._rules, self._walker = self._resolver.walker(program, self._resolver.image(program))
        walked: Any = core.walk(self._walker, ((program,),), (), AGAIN)
        self._interpreter = tuple(path for path, *_ in walked[0])
        self._paths: dict[str, tuple[str, ...]] = {}
        self._normal: dict[str, frozenset[str]] = {}

    def run(self, distributions: int, progress: "Callable[[int], None]") -> Report:
        """Check every file."""
        faults: dict[str, list[Fault]] = {}
        count = 0
        for number, one in enumerate(self._files):
            progress(number)
            found = self._faults(one)
            if found is None:
                continue
            count += 1
            if found:
                faults[one.path] = found
        progress(len(self._files))
        problems = [finding for one in self._files for finding in self._judge(one, faults.get(one.path, ()), faults)]
        clashes = list(self._clashes())
        return Report(distributions=distributions, images=count, problems=(*problems, *clashes))

    # What is wrong with one file by itself

    def _faults(self, one: Native) -> "list[Fault] | None":
        """Everything wrong with a file as the interpreter would load it; None where it is no native code."""
        if one.is_foreign:
            return []
        try:
            paths, walked, wants = core.check(self._walker, ((one.path,),), self._interpreter, AGAIN | TERSE)
        except (OSError, ValueError) as error:
            return self._unreadable(one, error)
        self._paths[one.path] = paths
        if walked is None and all(weak for _, weak in wants):
            return []
        return list(self._told(one.path, walked, wants))

    def _unreadable(self, one: Native, error: Exception) -> "list[Fault] | None":
        words = images.words(one.path, error)
        if isinstance(error, FileNotFoundError):
            return [("missing", one.path, "is in its distribution's RECORD, and not there", ())]
        if words.startswith("not an ELF file: a text file") or (
            words.startswith("not an ELF") and ".so" not in one.path
        ):
            return None  # A linker script, which compilers read, or a program that is a script.
        return [("format", one.path, words, ())]

    def _told(self, path: str, walked: "Any", wants: tuple[tuple[str, bool], ...]) -> "Iterator[Fault]":
        image = images.read(path)
        here = images.process()
        if not image.same_kind(here):
            yield "machine", path, "is for another machine than this interpreter", ()
            return
        incomplete = False
        for fault in self._of_walk(path, image, walked or ((), ())):
            incomplete = incomplete or fault[0] in ("missing", "fatal", "libc")
            yield fault
        strong = tuple(name for name, weak in wants if not weak)
        if strong and not incomplete:
            more = f" and {len(strong) - _MANY} more" if len(strong) > _MANY else ""
            detail = f"wants {', '.join(strong[:_MANY])}{more}, which nothing that it needs gives, nor the interpreter"
            yield "symbol", path, detail, strong

    def _of_walk(self, path: str, image: "images.Image", walked: "Any") -> "Iterator[Fault]":
        if image.libc and image.libc != core.libc()[0]:
            yield "libc", path, f"is built for {image.libc}; this interpreter runs on {core.libc()[0]}", ()
            return
        by = {one: "" if one == path else f" (wanted by {one})" for one, *_ in walked[0]}
        level = core.isa_level()
        for wanted_by, _, needs, edges in walked[0]:
            if needs > 1 and needs > level > 0:
                yield "isa-level", wanted_by, f"needs a CPU of level x86-64-v{needs}; this one is x86-64-v{level}", ()
            for name, found, _, _, fatal, kind, _ in edges:
                if fatal and kind != 1:
                    yield "fatal", wanted_by, f"needs {name}: the linker gives up at {found or name}: {fatal}", (name,)
                elif found is None and kind != 1:
                    yield "missing", wanted_by, f"needs {name}, which is not found{by[wanted_by]}", (name,)
        for place, name, version, giver in walked[1]:
            if giver is not None:
                detail = f"needs {version} of {name}; {instead(version, giver)}"
                yield "symbol-version", walked[0][place][0], detail, (version,)

    # How much it matters

    def _judge(
        self, one: Native, faults: "Sequence[Fault]", everything: "dict[str, list[Fault]]"
    ) -> "Iterator[Finding]":
        for kind, image, detail, names in faults:
            if image != one.path and image in everything:
                continue  # It is said of that file itself.
            reason = self._excuse(one, kind, names)
            severity = "warning" if reason else "error"
            lines = [detail, *self._who_else(kind, names), *([reason] if reason else [])]
            yield Finding(
                kind=kind,
                severity=severity,  # type: ignore[arg-type]
                distribution=one.distribution or None,
                image=image,
                detail="\n".join(lines),
            )

    def _excuse(self, one: Native, kind: str, names: tuple[str, ...]) -> str:
        """Why a fault is no error, "" where it is one."""
        if kind in ("format", "machine", "libc") and (one.is_extension or not self._is_loaded(one)):
            return "" if one.is_extension or kind == "format" else "nothing that is installed is known to load it"
        if kind == "missing" and all(name.startswith(_DRIVERS) for name in names):
            return "a driver brings it: without its device nothing loads this file"
        loaders = [] if one.is_extension or one.is_program else self._loaded_by(one.path)
        if loaders:
            whole = [path for path in loaders if self._is_whole(path, one.path, names, kind)]
            return f"it is found where {whole[0]} loads this file" if len(whole) == len(loaders) else ""
        if one.is_extension or one.is_program or one.path in _declared():
            return self._preloaded(one, kind, names)
        source = loads_libraries(one.distribution)
        if source and not self._is_needed(one.path) and one.distribution:
            return self._preloaded(one, kind, names)
        return "nothing that is installed is known to load it"

    def _preloaded(self, one: Native, kind: str, names: tuple[str, ...]) -> str:
        """What is loaded before, where the package loads libraries itself and others have what is missing."""
        source = loads_libraries(one.distribution) if kind in ("missing", "symbol") else ""
        if not source:
            return ""
        if kind == "missing":
            found = [other.path for name in names for other in self._shipping(name)]
            return f"{source} loads libraries itself, perhaps {found[0]} before" if found else ""
        givers = tuple(other.path for other in self._all() if other.distribution == one.distribution)
        left = [
            name for name, weak in core.undefined(self._walker, one.path, self._scope(one.path, givers)) if not weak
        ]
        return "" if left else f"{source} loads libraries itself, and others of this distribution give it"

    def _scope(self, path: str, more: tuple[str, ...]) -> tuple[str, ...]:
        return self._interpreter + self._paths.get(path, ()) + more

    def _loaded_by(self, path: str) -> list[str]:
        """The extension modules and programs that would have a file mapped."""
        entries = (one.path for one in self._all() if one.is_extension or one.is_program)
        return [entry for entry in entries if entry != path and path in self._mapped_by(entry)]

    def _is_needed(self, path: str) -> bool:
        return any(path in self._mapped_by(other) for other in self._paths if other != path)

    def _is_loaded(self, one: Native) -> bool:
        return one.is_program or one.path in _declared() or bool(self._loaded_by(one.path))

    def _paths_of(self, path: str) -> tuple[str, ...]:
        if path not in self._paths:
            try:
                self._paths[path] = core.check(self._walker, ((path,),), (), AGAIN | TERSE)[0]
            except (OSError, ValueError):
                self._paths[path] = ()
        return self._paths[path]

    def _mapped_by(self, path: str) -> frozenset[str]:
        """The same, as RECORDs have it: without the "/../" of an rpath."""
        if path not in self._normal:
            self._normal[path] = frozenset(map(os.path.normpath, self._paths_of(path)))
        return self._normal[path]

    def _is_whole(self, entry: str, path: str, names: tuple[str, ...], kind: str) -> bool:
        """Whether a file lacks nothing where an entry has it mapped."""
        if kind == "symbol":
            left = core.undefined(self._walker, path, self._scope(entry, self._paths_of(entry)))
            return all(weak for _, weak in left)
        walked: Any = core.walk(self._walker, ((entry,),), (), AGAIN)
        edges = [edge for image in walked[0] if os.path.normpath(image[0]) == path for edge in image[3]]
        return kind == "missing" and all(edge[1] is not None for edge in edges if edge[0] in names)

    # Who else has it

    def _all(self) -> "Sequence[Native]":
        if self._names is None:
            self._names = {}
            for one in self._everything():
                self._names.setdefault(os.path.basename(one.path), []).append(one)
            for one in self._files:
                known = self._names.setdefault(os.path.basename(one.path), [])
                if one not in known:
                    known.append(one)
        return [one for ones in self._names.values() for one in ones]

    def _shipping(self, name: str) -> list[Native]:
        """The files of that name, or of that DT_SONAME."""
        everything = self._all()
        assert self._names is not None
        found = list(self._names.get(name, ()))
        stem = pairs.name_of(name)[0]
        for one in everything:
            if pairs.name_of(one.path)[0].startswith(stem) and one not in found:
                try:
                    if images.read(one.path).soname == name:
                        found.append(one)
                except (OSError, ValueError):
                    continue
        return found

    def _who_else(self, kind: str, names: tuple[str, ...]) -> list[str]:
        if kind not in ("missing", "fatal"):
            return []
        lines = []
        for name in names:
            for one in self._shipping(name):
                said = f"{one.distribution or 'a file here'} ships it: {one.path}"
                if os.path.basename(one.path) != name:
                    said += ", which has that DT_SONAME but another file name"
                lines.append(said)
            lines += [] if lines else _install(name)
        return lines

    def _clashes(self) -> "Iterator[Finding]":
        seen = set()
        for one in self._files:
            if not (one.is_extension or one.is_program):
                continue
            for kind, image, detail in pairs.clashes(self._paths.get(one.path, ())):
                if detail not in seen:
                    seen.add(detail)
                    yield Finding(
                        kind=kind,
                        severity="warning",
                        distribution=one.distribution or None,
                        image=image,
                        detail=f"{detail}; both are mapped with {one.path}",
                    )


_known_declared: set[str] | None = None


def _declared() -> set[str]:
    global _known_declared
    if _known_declared is None:
        _known_declared = declared()
    return _known_declared


def _install(name: str) -> list[str]:
    """The commands that install a library, where the catalog knows it."""
    from nativeload import catalog

    for known in catalog.names():
        entry = catalog.lookup(known)
        if entry is not None and name in entry.sonames:
            commands = {"pip": "pip install", "apt": "apt install"}
            return [f"{commands[by]} {package}" for by, packages in entry.install for package in packages[:1]]
    return []
