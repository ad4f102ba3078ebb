"""`run PROG ARGS…`: a program in place of this process, in an environment in which it finds its libraries."""

import os
import signal
import sys

from nativeload.errors import ImageError
from nativeload.programs import SearchPath
from nativeload.terminal import printable_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

CANNOT_RUN, NO_PROGRAM = 126, 127  # as env(1) and nohup(1) have it
_IGNORED = ("SIGPIPE", "SIGXFSZ")  # what Python ignores, and a program would go on ignoring


def main(arguments: "Sequence[str]") -> int:
    """Become the program, or run it where that is not possible; returns its exit status, or why there is none."""
    given, program = _divided(arguments)
    parser = _parser()
    libraries: list[str] = parser.parse_args(given).libraries
    if not program:
        parser.error("which program?")
    path = SearchPath(os.environ)
    for one in libraries:
        path.take(one)
    file = _found(program[0])
    if file is None:
        return _failed(NO_PROGRAM, program[0], "no such program" + ("" if "/" in program[0] else " on PATH"))
    try:
        path.serve(file)
    except ImageError:
        pass  # A script, or nothing that can be run, as is found out below.
    for name in _IGNORED:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        if os.name == "nt":  # where a program takes nobody's place
            import subprocess

            return subprocess.run(program, executable=file, env=path.environ(), check=False).returncode
        os.execve(file, program, path.environ())
    except OSError as error:
        return _failed(CANNOT_RUN, file, str(error.strerror))


def _parser() -> "argparse.ArgumentParser":
    import argparse

    from nativeload.__main__ import _formatter

    parser = argparse.ArgumentParser(
        prog="nativeload run",
        usage="%(prog)s [-h] [--with NAME …] [--] PROG [ARG …]",
        description="Run a program in this process's place, with a search path so that it finds what it links: each "
        "NAME, and what else it needs and the linker would not find. A script finds what is named.",
        epilog=f"exit status: the program's; {CANNOT_RUN} it cannot be run; {NO_PROGRAM} there is none; 1 a library is "
        "not found or refused; 2 the command line or a requirement cannot be read",
        formatter_class=_formatter,
    )
    parser.add_argument(
        "--with", action="append", default=[], dest="libraries", metavar="NAME", help="a library, as `load` is asked"
    )
    return parser


def _divided(words: "Sequence[str]") -> tuple[list[str], list[str]]:
    """The words of this command, and those of the program: from "--" on, or from the first that is no option."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        if words[at] == "--":
            return list(words[:at]), list(words[at + 1 :])
        at += 2 if words[at] == "--with" else 1
    return list(words[:at]), list(words[at:])


def _found(program: str) -> str | None:
    """The file that a shell would run."""
    if os.name == "nt":
        import shutil

        return shutil.which(program)
    if "/" in program:
        return program if os.path.exists(program) else None
    for directory in os.get_exec_path():
        file = os.path.join(directory or ".", program)
        if os.path.isfile(file) and os.access(file, os.X_OK):
            return file
    return None


def _failed(status: int, program: str, why: str) -> int:
    print(f"nativeload: {printable_lines(program)}: {why}", file=sys.stderr)
    return status
