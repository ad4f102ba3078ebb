"""A soname that a library answers for: a minimal ELF file of that DT_SONAME whose DT_NEEDED is the library, loaded in
front of those who need the soname.

They find its symbols because what a file needs is searched for its symbols too. It is written into memory of this
process alone (memfd_create(2)), so there is no file that others could change before it is loaded.
"""

import itertools
import os
import struct
import sys

from nativeload import core, images
from nativeload.errors import NativeLoadError
from nativeload.linkers import host
from nativeload.loading import PROCESS
from nativeload.spec import Rejection, rejection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

# elf.h: e_machine of those it is written for; program headers; dynamic tags
_MACHINES = (62, 183)
_PT_LOAD, _PT_DYNAMIC, _PT_GNU_STACK = 1, 2, 0x6474E551
_NEEDED, _HASH, _STRTAB, _SYMTAB, _STRSZ, _SYMENT, _SONAME = 1, 4, 5, 6, 10, 11, 14
_VERSYM, _VERDEF, _VERDEFNUM = 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFD
_PAGE = 0x10000  # the largest that aarch64 has
_HEADERS = 64 + 3 * 56

_written: dict[str, str] = {}


def stub(alias: str, needed: str, machine: int, versions: "Sequence[str]" = ()) -> bytes:
    """An ELF file of 64 bits, little-endian, that has nothing but names.

    Parameters: `alias`, its DT_SONAME; `needed`, its DT_NEEDED, a path; `machine`, its e_machine; `versions` that it
    defines, so that who wants one of its soname's finds that it is there. Raises ValueError for another machine.
    """
    if machine not in _MACHINES:
        raise ValueError(f"no alias can be written for machine {machine}")
    strings = b"\0"
    places = {}
    for text in (alias, needed, *versions):
        places[text] = len(strings)
        strings += os.fsencode(text) + b"\0"
    hashes = struct.pack("<4I", 1, 1, 0, 0)  # one bucket, which is empty, and the null symbol
    symbols = bytes(24)
    verdef = _definitions(alias, versions, places) if versions else b""
    at_hash, at_symbols = _HEADERS, _HEADERS + len(hashes)
    at_verdef = at_symbols + len(symbols)
    at_versym = at_verdef + len(verdef)
    at_strings = at_versym + 2
    at_dynamic = -(-(at_strings + len(strings)) // 16) * 16
    tags = [(_NEEDED, places[needed]), (_SONAME, places[alias]), (_HASH, at_hash), (_SYMTAB, at_symbols)]
    tags += [(_SYMENT, 24), (_STRTAB, at_strings), (_STRSZ, len(strings))]
    tags += [(_VERSYM, at_versym), (_VERDEF, at_verdef), (_VERDEFNUM, len(versions) + 1)] if versions else []
    dynamic = b"".join(struct.pack("<qQ", *tag) for tag in [*tags, (0, 0)])
    size = at_dynamic + len(dynamic)
    # The linker relocates the dynamic section in place: it is writable. Nothing is executable, the stack neither.
    segments = ((_PT_LOAD, 0, size, _PAGE), (_PT_DYNAMIC, at_dynamic, len(dynamic), 8), (_PT_GNU_STACK, 0, 0, 16))
    headers = b"".join(struct.pack("<IIQQQQQQ", kind, 6, at, at, at, n, n, align) for kind, at, n, align in segments)
    ident = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    head = ident + struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, len(segments), 64, 0, 0)
    content = head + headers + hashes + symbols + verdef + bytes(2) + strings
    return content.ljust(at_dynamic, b"\0") + dynamic


def _definitions(alias: str, versions: "Sequence[str]", places: dict[str, int]) -> bytes:
    """DT_VERDEF: the file itself, then each version (the LSB core, "Symbol Versioning")."""
    from elftools.elf.hash import ELFHashTable

    entries = b""
    for index, name in enumerate((alias, *versions), 1):
        following = 28 if index <= len(versions) else 0
        hashed = ELFHashTable.elf_hash(name)
        entries += struct.pack("<HHHHIII", 1, int(index == 1), index, 1, hashed, 20, following)
        entries += struct.pack("<II", places[name], 0)
    return entries


def load(alias: str, path: str) -> None:
    """Let a loaded library answer for a soname too. Raises OSError where the linker refuses, or there is no memory."""
    if _written.get(alias) == path:
        return
    facts = images.read(path)
    descriptor = os.memfd_create(alias, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.write(descriptor, stub(alias, path, facts.machine, facts.verdef))
        _seal(descriptor)
        core.dlopen(f"/proc/self/fd/{descriptor}", os.RTLD_NOW | os.RTLD_LOCAL)
    except OSError:
        os.close(descriptor)
        raise
    # It stays open: another file of its number would be taken for it, because the linker knows it by that path.
    _written[alias] = path


def _seal(descriptor: int) -> None:
    import fcntl

    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)


# Whether it will do for who asks


def refusal(alias: str, path: str) -> Rejection | None:
    """Why the native files of who asks, which need the soname, cannot use a library in its place, or may not."""
    for file in _consumers(alias):
        unknown = ""
        try:
            problem, missing = _lacking(file, alias, path)
            if problem and missing:
                unknown = (
                    f"it needs {', '.join(missing)} too, which is not found and may give {problem}: load that before"
                )
        except (OSError, ValueError) as error:
            problem = unknown = str(error)
        if unknown:
            reason = f"whether it gives what {file} uses of {alias} cannot be checked: {unknown}"
            return rejection("dependency", reason, alias=alias, consumer=file, problem=unknown)
        if problem:
            reason = f"does not give what {file} uses of {alias}: {problem}"
            return rejection("symbol", reason, alias=alias, consumer=file, missing=problem)
    return None


def _lacking(file: str, alias: str, path: str) -> "tuple[str, list[str]]":
    """The versions and symbols that a file wants and would not find, and what it needs that is not found, which may
    give these. What a later `load` would find is found."""
    walker = host.linker().walker
    walked: Any = core.walk(walker, ((file,),), ((alias, path),), PROCESS)
    versions = [version for _, name, version, _ in walked[1] if name == alias]
    if versions:
        return ", ".join(versions), []
    scope = [image[0] for image in walked[0]]
    missing: list[str] = []
    first = [os.path.realpath(sys.executable)]
    for name, answer in dict.fromkeys(edge[:2] for image in walked[0] for edge in image[3]):
        found = answer or _found(name)
        (first if found else missing).append(found or name)
    for one in first:
        reached: Any = core.walk(walker, ((one,),), (), 0)
        scope += [image[0] for image in reached[0]]
    strong = [name for name, weak in core.undefined(walker, file, tuple(scope)) if not weak]
    return ", ".join(strong[:5]), missing


def _found(soname: str) -> str:
    from nativeload import resolution

    try:
        spec, _ = resolution.resolve(soname)
    except NativeLoadError:
        return ""
    return spec.path if spec else ""


def _consumers(alias: str) -> "list[str]":
    """The native files that need a soname: of the packages whose code is running, where one of these has any; else of
    everything installed, because nothing tells for whom it is loaded."""
    from nativeload.check import files

    asking = [one for one in _running() if _needs(one, alias)]
    return asking or [one.path for one in files.of_distributions()[0] if _needs(one.path, alias)]


def _running() -> "Iterator[str]":
    """The files of each package whose code is running, and those beside a module or program that is in none."""
    homes: dict[tuple[str, bool], None] = {}
    frame: Any = sys._getframe()
    while frame is not None:
        homes |= dict.fromkeys(_homes(frame.f_globals))
        frame = frame.f_back
    for home, whole in homes:
        for directory, _, names in itertools.islice(os.walk(home), None if whole else 1):
            yield from (f"{directory}/{one}" for one in names if ".so" in one)


def _homes(facts: "dict[str, Any]") -> "Iterator[tuple[str, bool]]":
    """(directory, with all that is below it) of a module's files, by its globals: a namespace is no package of one's."""
    parts = str(getattr(facts.get("__spec__"), "name", None) or facts.get("__name__", "")).split(".")
    for name in itertools.accumulate(parts, "{}.{}".format):
        package: Any = sys.modules.get(name)
        if getattr(package, "__file__", None) and hasattr(package, "__path__"):
            yield from ((home, True) for home in package.__path__)
            if not any(map(os.path.isdir, package.__path__)):  # an editable install that is no directory
                from nativeload import packages

                yield from ((os.path.dirname(path), False) for _, path in packages.resources(name))
            return
    if file := facts.get("__file__"):
        yield os.path.dirname(file), False


def _needs(path: str, alias: str) -> bool:
    try:
        facts = images.read(path)
    except (OSError, ValueError):
        return False  # It cannot be mapped.
    return alias in facts.needed and facts.same_kind(images.process())
