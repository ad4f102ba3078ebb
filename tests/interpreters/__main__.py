"""`python -m tests.interpreters 3.13t`: the whole suite, with both backends, on a CPython that this machine lacks.

3.13t has no GIL, and is built from Debian's source. 3.14 is that of the coming Debian, with its C library and compiler, in
a root directory of its own, which only root can make and enter. What follows `--` goes to pytest.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, os.fspath(Path(__file__).resolve().parent.parent))

from parts import cpython

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent.parent
# Makes an environment with nox, runs the sessions of each interpreter that is named, and removes it.
_RUN = """
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$1"; python=$2; shift 2
"$python" -m venv "$here" && "$here/bin/pip" install -q nox && "$here/bin/nox" -f tests/noxfile.py -s "$@"
"""
_ASK = "import platform, sys; print(platform.python_version() + sys.abiflags)"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.interpreters", description=__doc__)
    parser.add_argument("which", choices=("3.13t", "3.14"))
    parser.add_argument("--backend", choices=("c", "python"), action="append", help="with this one alone")
    given = list(sys.argv[1:] if arguments is None else arguments)
    own = given.index("--") if "--" in given else len(given)
    chosen = parser.parse_args(given[:own])
    within: list[str] = []
    if chosen.which == "3.14":
        within, python = cpython.inside(cpython.newest(), ROOT), Path("/usr/bin/python3.14")
    else:
        python = cpython.free_threaded()
    version = subprocess.check_output([*within, python, "-c", _ASK], text=True).strip()
    records = [ROOT / f".nox/skips/{version}-{backend}.jsonl" for backend in chosen.backend or ("c", "python")]
    sessions = [f"tests-{version}({backend})" for backend in chosen.backend or ("c", "python")]
    env = os.environ | {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}", "TEST_NATIVELOAD_ONCE": "here"}
    command = [*within, "sh", "-ec", _RUN, "sh", os.fspath(ROOT), os.fspath(python), *sessions, *given[own:]]
    status = subprocess.run(command, env=env, check=False).returncode
    for record in filter(Path.exists, records):
        tests = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
        reasons = Counter(test["reason"] for test in tests if test["skipped"])
        print(f"{record.stem}: {sum(reasons.values())} skipped")
        print(*(f"  {count:4} {reason}" for reason, count in reasons.most_common()), sep="\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
