"""What the tests of this folder install: small providers, built into wheels, and nativeload itself beside them."""

from __future__ import annotations

import functools
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from parts import build_wheel, cc, cffi, nativeload_wheel, site, wheel

if TYPE_CHECKING:
    from collections.abc import Mapping

BUILD = """
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"
"""

# Imported, a provider leaves a file where the test looks for it, and fails.
RAISES = """
import os
import time
with open(os.environ["IMPORTED"], "a") as file:
    file.write(__name__ + "\\n")
raise RuntimeError(f"{__name__} was imported")
"""

# Loads a library and prints what is known of it, and what its one function returns.
LOAD_ANSWER = """
import json, sys
import nativeload
library = nativeload.load(sys.argv[1] if len(sys.argv) > 1 else "answer")
print(json.dumps({
    "answer": library.ctypes.answer(),
    "path": library.path,
    "origin": library.origin,
    "version": library.version,
    "soname": library.soname,
    "provider": library.provider and [library.provider.distribution, library.provider.version],
}))
"""


@functools.cache
def nativeload_site() -> Path:
    """A directory for PYTHONPATH with nativeload and all that it and these tests import."""
    return site(nativeload_wheel(), wheel("pyelftools"), wheel("packaging"), *cffi())


def python_path(*sites: str | Path) -> str:
    """A PYTHONPATH of these directories, then nativeload's."""
    return os.pathsep.join(os.fspath(one) for one in (*sites, nativeload_site()))


def answer_library(path: Path, value: int = 42, *flags: str | Path) -> Path:
    """A library with `int answer(void)`, its file name the soname."""
    return cc(f"int answer(void) {{ return {value}; }}", path, f"-Wl,-soname,{path.name}", *flags)


def provider(
    root: Path,
    *,
    distribution: str = "answer-provider",
    version: str = "1.5",
    package: str = "answer_provider",
    value: int = 42,
    init: str = RAISES,
    source: str = "src",
) -> Path:
    """The project of a provider of `answer`: one package with the library, its declaration and an `__init__`.

    `source` "." puts the package beside pyproject.toml. A dotted package is in a namespace package.
    """
    home = root / source / package.replace(".", "/")
    answer_library(home / "lib" / "libanswer.so.1", value)
    (home / "__init__.py").write_text(init, encoding="utf-8")
    (home / "nativeload.toml").write_text('[library.answer]\npath = "lib/libanswer.so.1"\n', encoding="utf-8")
    return project(root, distribution, version, {"answer": package}, source=source)


def project(
    root: Path, distribution: str, version: str, declares: Mapping[str, str], *, source: str = "src", more: str = ""
) -> Path:
    """Write the pyproject.toml of a directory whose packages are below `source`; returns the directory."""
    points = "".join(f'"{library}" = "{package}"\n' for library, package in declares.items())
    text = f"""{BUILD}
[project]
name = "{distribution}"
version = "{version}"

[project.entry-points."nativeload.libraries"]
{points}
[tool.setuptools.packages.find]
where = ["{source}"]
exclude = ["build*", "*.lib"]

[tool.setuptools.package-data]
"*" = ["nativeload.toml", "lib/*"]
{more}"""
    (root / "pyproject.toml").write_text(text, encoding="utf-8")
    return root


def provider_wheel(root: Path, **differences: str | int) -> Path:
    """The wheel of a `provider`; a second time, and with the same content, it is the one built before."""
    root.mkdir(parents=True, exist_ok=True)
    return build_wheel(provider(root, **differences))  # type: ignore[arg-type]


def settled(place: Path) -> Path:
    """This directory, once it is so old that nativeload keeps answers that rest on it: two seconds, and some."""
    time.sleep(max(0.0, place.stat().st_ctime + 2.5 - time.time()))
    return place
