"""Closures that others find in an unpacked wheel: delocate's tree and LIEF's names on macOS, delvewheel's on Windows.

Nothing of nativeload is used here. delocate asks `otool`, which LLVM's has to stand for elsewhere than on macOS.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import lief

if TYPE_CHECKING:
    from pathlib import Path


def otool(scratch: Path) -> bool:
    """Put LLVM's otool on PATH under the name that delocate calls; whether there is one."""
    found = next(
        (one for number in ("", *range(25, 10, -1)) if (one := shutil.which(f"llvm-otool{number and f'-{number}'}"))),
        None,
    )
    if found:
        # Apple's has -m, for names with parentheses in them; LLVM's needs and knows none.
        words = f"""#!/bin/sh
for word; do shift; [ "$word" = -m ] || set -- "$@" "$word"; done
exec {found} "$@"
"""
        (scratch / "otool").write_text(words, encoding="utf-8")
        (scratch / "otool").chmod(0o755)
        os.environ["PATH"] = f"{scratch}{os.pathsep}{os.environ['PATH']}"
    return bool(found)


def delocate(directory: str) -> set[tuple[str, str]]:
    """{(file, a file below the directory that it needs at once)}."""
    from delocate.libsana import tree_libs_from_directory

    found = tree_libs_from_directory(directory, ignore_missing=True)
    return {
        (os.path.realpath(owner), os.path.realpath(path))
        for path, owners in found.items()
        for owner in owners
        if os.path.realpath(path).startswith(f"{os.path.realpath(directory)}/")
    }


def delvewheel(path: str, directories: list[str]) -> tuple[set[str], set[str]]:
    """(the files that a file needs, transitively; the names that nothing here answers to), where these are searched."""
    from delvewheel import _dll_utils

    names: dict[str, list[str]] = {}
    for one in directories:
        for name in os.listdir(one) if os.path.isdir(one) else ():
            if name.lower().endswith((".dll", ".pyd")):
                names.setdefault(name.lower(), []).append(os.path.join(one, name))
    # What it takes for granted includes the Visual C++ runtime, unless a wheel brings it.
    found: Any = _dll_utils.get_all_needed(path, set(), names, "ignore", False, False)
    discovered, _, _, absent = found
    # CPython brings these two.
    return {os.path.realpath(one) for one in discovered}, set(absent) - {"vcruntime140.dll", "vcruntime140_1.dll"}


def imports(path: str, directories: list[str]) -> set[str]:
    """The files that a DLL maps at once, by LIEF's names and the first directory that has them; itself left out."""
    found: set[str] = set()
    left = [path]
    for one in left:
        binary: Any = lief.PE.parse(one)
        for each in binary.imports:
            for directory in directories:
                there = {name.lower(): name for name in (os.listdir(directory) if os.path.isdir(directory) else ())}
                if name := there.get(each.name.lower()):
                    target = os.path.join(directory, name)
                    if target not in found and target != path:
                        found.add(target)
                        left.append(target)
                    break
    return found
