"""Runs what a page shows, in a place of its own, and says where the page is wrong."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from docs.markdown import Block, Command, PageError, blocks, commands

from parts import cffi, execute, nativeload_wheel, venv, wheel

ANY = "…"  # in output shown: anything; alone on a line: any lines

# Runs the block of Python in a file; one with prompts as a doctest.
_PYTHON = f"""
import doctest, sys
doctest.ELLIPSIS_MARKER = {ascii(ANY)[1:-1]!r}  # doctest compares what ascii() makes of both
text = open(sys.argv[1], encoding="utf-8").read()
if ">>> " in text:
    test = doctest.DocTestParser().get_doctest(text, {{"__name__": "__main__"}}, "the block", "the page", 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(test)
    sys.exit(1 if runner.failures else 0)
exec(compile(text, "the block", "exec"), {{"__name__": "__main__"}})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page's commands run: `work` is the current directory, `env` is added to a bare environment."""

    work: Path
    home: Path
    env: dict[str, str] = field(default_factory=dict)


def place(directory: Path, *, own: bool) -> Place:
    """A place with `.venv`, which holds nativeload as it is under test; with `own`, one that pip may change.

    pip finds there what a page may ask for, and no index.
    """
    work, home, links = directory / "work", directory / "home", directory / "wheels"
    for one in (work, home, links):
        one.mkdir(parents=True)
    needed = [nativeload_wheel(), *map(wheel, ("packaging", "platformdirs", "pyelftools"))]
    if own:
        tools = [wheel("setuptools"), wheel("pip"), wheel("auditwheel")]
        for one in (*needed, *tools):
            (links / one.name).symlink_to(one)
        venv(sys.executable, *needed, wheel("pip"), at=work / ".venv")
    else:
        python = venv(sys.executable, *needed, *cffi(), wheel("scipy-openblas64"))
        (work / ".venv").symlink_to(python.parent.parent)
    env = {
        "PATH": os.pathsep.join((os.fspath(work / ".venv" / "bin"), os.environ.get("PATH", os.defpath))),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": os.fspath(links),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    if "t" in sys.abiflags:  # or the extensions that pages build turn the GIL on, and a warning says so
        env["PYTHON_GIL"] = "0"
    if headers := os.environ.get("C_INCLUDE_PATH"):  # Python's, where they are not with the interpreter
        env["C_INCLUDE_PATH"] = headers
    return Place(work=work, home=home, env=env)


def check(text: str, where: Place, unrun: dict[str, str]) -> list[str]:
    """What is wrong with a page: everything it shows is written or run there, but for the commands in `unrun`."""
    try:
        found = [(block, commands(block)) for block in blocks(text)]
    except PageError as error:
        return [str(error)]
    problems = []
    for block, to_run in found:
        if block.file:
            _write(block, where)
        for command in to_run:
            if command.name not in unrun:
                problems += _run(command, where)
    names = {command.name for _, to_run in found for command in to_run}
    return problems + [f"not run, but not in the page: {name}" for name in unrun if name not in names]


def _write(block: Block, where: Place) -> None:
    file = where.home / block.file[2:] if block.file.startswith("~/") else where.work / block.file
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(block.text, encoding="utf-8")


def _run(command: Command, where: Place) -> list[str]:
    if command.language == "python":
        script = where.home.parent / "block.py"
        script.write_text(command.text, encoding="utf-8")
        words: list[str | Path] = ["python", "-P", "-c", _PYTHON, script]
    else:
        strict = ["-euo", "pipefail"] if command.language == "sh" else []
        words = ["bash", *strict, "-c", f"exec 2>&1\n{command.text}"]
    # env(1) finds the program on the page's PATH, not on this process's.
    done = execute(["/usr/bin/env", *words], env=where.env, home=where.home, cwd=where.work)
    said = done.stdout + done.stderr
    if done.returncode:
        return [f"line {command.line}: exit status {done.returncode} from\n{command.text}\n{said}"]
    if command.output is not None and not same(command.output, said):
        difference = "\n".join(difflib.ndiff(command.output.splitlines(), said.splitlines()))
        return [f"line {command.line}: another output than is shown of\n{command.text}\n{difference}"]
    return []


def same(shown: str, said: str) -> bool:
    """Whether an output is as it is shown, up to spaces at the ends of lines."""
    pattern = ""
    for line in shown.rstrip().splitlines():
        if line.strip() == ANY:
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(map(re.escape, line.rstrip().split(ANY))) + r"\n"
    plain = "".join(f"{line.rstrip()}\n" for line in said.rstrip().splitlines())
    return re.fullmatch(pattern, plain) is not None


def checkout(root: Path, where: Place) -> None:
    """Make the place a checkout whose environment is that of this test session."""
    for name in ("pyproject.toml", "src", "csrc", "tests"):
        source = root / name
        if source.is_dir():
            shutil.copytree(source, where.work / name, ignore=shutil.ignore_patterns("__pycache__", "*.so", ".*"))
        else:
            shutil.copy2(source, where.work / name)
    (where.work / ".venv").unlink()
    (where.work / ".venv").symlink_to(sys.prefix)
