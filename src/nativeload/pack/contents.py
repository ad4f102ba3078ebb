"""The files of the package in a provider's wheel: libraries, declaration, headers, and what build tools read.

PACKAGE/nativeload.toml
PACKAGE/include/…
PACKAGE/lib/libfoo.so.1              under its soname, once; a wheel has no links
PACKAGE/lib/libfoo.so                for `-lfoo`: a text that names the file beside it
PACKAGE/lib/pkgconfig/foo.pc
PACKAGE/lib/cmake/foo/foo-config.cmake
"""

import json
import os

from nativeload.pack.problems import Problem, raise_if

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from nativeload.pack.foreign import Foreign
    from nativeload.pack.libraries import Library

# ld, gold and lld look for the name beside the script first; mold in the directories of -L, where -l found the script.
# What they do with "-l:NAME" in a script differs.
_SCRIPT = "/* {soname}, for linkers: they find it beside this file. */\nINPUT({soname})\n"

_PC = """\
prefix=${{pcfiledir}}/../..
includedir=${{prefix}}/include
libdir=${{prefix}}/lib

Name: {name}
Description: {soname}, of the wheel {label}
Version: {version}
Cflags:{include}
Libs: {libs}
"""

_CMAKE = """\
# The target {name}::{name} is {soname}, of the wheel {label}.
get_filename_component(_nativeload_prefix "${{CMAKE_CURRENT_LIST_DIR}}/../../.." ABSOLUTE)
if(NOT TARGET {name}::{name})
  add_library({name}::{name} SHARED IMPORTED)
  set_target_properties({name}::{name} PROPERTIES
    IMPORTED_LOCATION "${{_nativeload_prefix}}/lib/{soname}"
    {known}{include})
endif()
unset(_nativeload_prefix)
"""

# Elsewhere than on Linux a linker is given the file itself; of Windows's, those that take a DLL for an import library.
_LIBS = {"linux": "-L${{libdir}} -l{link}", "macos": "${{libdir}}/{file}", "windows": "${{libdir}}/{file}"}
_KNOWN = {
    "linux": 'IMPORTED_SONAME "{name}"',
    "macos": 'IMPORTED_SONAME "{name}"',
    "windows": 'IMPORTED_IMPLIB "${{_nativeload_prefix}}/lib/{file}"',
}

_CMAKE_VERSION = """\
set(PACKAGE_VERSION "{version}")
if(PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE FALSE)
else()
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
  if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
    set(PACKAGE_VERSION_EXACT TRUE)
  endif()
endif()
"""


def texts(
    libraries: "Sequence[Library | Foreign]", name: str, version: str, elsewhere: dict[str, str], *, has_headers: bool
) -> dict[str, str]:
    """The package's texts, by their paths in it.

    `name` and `version` are the distribution's; `elsewhere` are the libraries of others, by soname.
    """
    found = {
        "__init__.py": f'"""Shared libraries of {name} {version}: nativeload.toml names them."""\n',
        "nativeload.toml": "\n".join(_declaration(one, elsewhere) for one in libraries),
    }
    for one in libraries:
        words = {
            "name": one.name,
            "soname": one.soname,
            "version": version,
            "label": f"{name} {version}",
            "libs": _LIBS[one.system].format(file=one.soname, link=one.development_name[3:-3] or f":{one.soname}"),
            "known": _KNOWN[one.system].format(file=one.soname, name=one.install_name),
        }
        cmake = f"lib/cmake/{one.name}/{one.name.lower()}-config"
        inside = '\n    INTERFACE_INCLUDE_DIRECTORIES "${_nativeload_prefix}/include"' if has_headers else ""
        found[f"{cmake}.cmake"] = _CMAKE.format(include=inside, **words)
        found[f"{cmake}-version.cmake"] = _CMAKE_VERSION.format(**words)
        flag = " -I${includedir}" if has_headers else ""
        found[f"lib/pkgconfig/{one.name}.pc"] = _PC.format(include=flag, **words)
        if one.development_name not in ("", one.soname):
            found[f"lib/{one.development_name}"] = _SCRIPT.format(**words)
    return found


def _declaration(library: "Library | Foreign", elsewhere: dict[str, str]) -> str:
    name = library.name if library.name.replace("-", "").replace("_", "").isalnum() else f'"{library.name}"'
    lines = [f"[library.{name}]", f'path = "lib/{library.soname}"']
    lines += [f'soname = "{library.soname}"'] if library.system == "linux" else []
    # What its own wheel has is found beside it; of another's, the version is what that distribution is required in.
    if first := list(filter(None, map(elsewhere.get, library.needed))):
        lines.append(f"requires = {json.dumps(first)}")
    return "".join(f"{line}\n" for line in lines)


def headers(directories: "Iterable[str]") -> dict[str, str]:
    """{path below `include`: the file} of everything below these directories. Raises NotPackedError."""
    problems: list[Problem] = []
    found: dict[str, str] = {}
    for top in directories:
        before = len(found)
        for path in _files(top):
            name = os.path.relpath(path, top)
            if not name.isprintable():
                problems.append(Problem(subject=path, reason="its name cannot stand in a wheel", remedy="rename it"))
            elif found.setdefault(name, path) != path:
                reason = f"would be include/{name}, and so would {found[name]}"
                problems.append(Problem(subject=path, reason=reason, remedy="give directories that do not overlap"))
        if len(found) == before and not problems:
            reason = "holds no file" if os.path.isdir(top) else "is not a directory"
            problems.append(Problem(subject=top, reason=reason, remedy="--include takes a directory of headers"))
    raise_if(problems)
    return found


def _files(top: str) -> "Iterator[str]":
    """The regular files below a directory, links followed, each directory once."""
    seen = set()
    for directory, below, names in os.walk(top, followlinks=True):
        real = os.path.realpath(directory)
        if real in seen:
            below.clear()
            continue
        seen.add(real)
        below.sort()
        yield from (path for name in sorted(names) if os.path.isfile(path := os.path.join(directory, name)))
