"""One large environment of well-known wheels, whose native files the audits and benchmarks read; nothing here reads one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from parts._cache import PartError, entry, key_of, tool
from parts.interpreters import interpreters

# torch's version is pinned because that is the one with a file for the CPU alone; the others are the newest at the
# time of the first installation, and stay those until the cache is removed.
DISTRIBUTIONS = (
    "numpy",
    "scipy",
    "scikit-learn",
    "pandas",
    "pyarrow",
    "opencv-python-headless",
    "pillow",
    "lxml",
    "matplotlib",
    "shapely",
    "h5py",
    "grpcio",
    "cryptography",
    "torch==2.13.0",
)
_MINOR = (3, 11)


def scientific() -> Path:
    """The interpreter of the environment: `DISTRIBUTIONS` and all they need, for the newest CPython 3.11 found.

    Some gigabytes, made once: the first call takes minutes.
    """
    return environment(*DISTRIBUTIONS)


def environment(*distributions: str) -> Path:
    """The interpreter of such an environment of other distributions."""
    found = [one for one in interpreters() if one.minor == _MINOR]
    if not found:
        raise PartError(["python3.11"], 127, "no CPython 3.11 was found")
    base = found[-1]

    def make(directory: Path) -> None:
        tool(base.path, "-m", "venv", "--without-pip", directory)
        options = ["--only-binary=:all:", "--no-compile"]
        interpreter = directory / "bin" / "python"
        tool(sys.executable, "-m", "pip", "--python", interpreter, "install", *options, *distributions)

    key = key_of(os.fspath(base.path), base.version, *distributions)
    return entry("scientific", key, make) / "bin" / "python"


def site_packages(python: Path) -> Path:
    """The directory in which an environment's distributions lie."""
    (found,) = python.parent.parent.glob("lib/python3*/site-packages")
    return found
