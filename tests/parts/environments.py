"""Virtual environments with given wheels in them."""

from __future__ import annotations

import sys
from pathlib import Path

from parts._cache import entry, file_digest, key_of, tool


def venv(python: str | Path = sys.executable, *wheels: Path, at: Path | None = None) -> Path:
    """The interpreter of a virtual environment of `python` that holds exactly these wheels, without pip.

    Their dependencies are not installed: name them. The environment is cached, so it is shared; with `at`, a
    new one is made in that directory, to be changed at will.
    """

    # The base of the interpreter given, so that all sessions of one interpreter share the environment.
    ask = "import sys; print(getattr(sys, '_base_executable', sys.executable), sys.version, sep='\\n')"
    base, version = tool(python, "-c", ask).split("\n", 1)

    def make(directory: Path) -> None:
        tool(base, "-m", "venv", "--without-pip", directory)
        if wheels:
            options = ["--no-deps", "--no-index", "--no-compile"]
            interpreter = directory / "bin" / "python"
            tool(sys.executable, "-m", "pip", "--python", interpreter, "install", *options, *wheels)

    if at is not None:
        make(at)
        return at / "bin" / "python"
    contents = [one.name + file_digest(one) for one in wheels]
    return entry("venvs", key_of(base, version, *contents), make) / "bin" / "python"
