"""`python -m tests.healthy`: `--check` of environments of the most used wheels, beside the linker.

Each native file is opened (dlopen, all symbols at once) by a process of its own. An error of `--check` in a file that the
linker opens is a false one; a file that the linker refuses, and in whose closure `--check` finds nothing, is one missed.
Prints a row for each environment of wheels.toml, and each difference. Some gigabytes, fetched once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, os.fspath(Path(__file__).resolve().parent.parent))

import nativeload
from parts import execute, site
from parts.scientific import environment, site_packages
from parts.wheels import nativeload_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Without the end of the process, in which destructors run of libraries that nobody set up.
_OPEN = "import ctypes, os, sys; ctypes.CDLL(sys.argv[1], mode=os.RTLD_NOW); os._exit(0)"


def main(arguments: Sequence[str] | None = None) -> int:
    lists = tomllib.loads(Path(__file__).with_name("wheels.toml").read_text(encoding="utf-8"))
    parser = argparse.ArgumentParser(prog="python -m tests.healthy", description=__doc__)
    parser.add_argument("--only", choices=lists, action="append", help="this environment")
    differences = 0
    print(
        "| environment | distributions | native files | installed | errors, refused by the linker too | differences |"
    )
    print("|---|---|---|---|---|---|")
    for name in parser.parse_args(arguments).only or lists:
        python = environment(*lists[name].split())
        report = check(python)
        errors = [one["image"] for one in report["problems"] if one["severity"] == "error"]
        found = list(compare(python, report))
        differences += len(found)
        size = sum(file.lstat().st_size for file in site_packages(python).rglob("*")) / 1e9
        row = (name, report["distributions"], report["images"], f"{size:.1f} GB", len(set(errors)), len(found))
        print("|", " | ".join(map(str, row)), "|", flush=True)
        print(*found, sep="\n", end="\n" * bool(found), flush=True)
    return int(differences > 0)


def check(python: Path) -> dict[str, Any]:
    """What `--check` says of an environment, in which nativeload is not installed."""
    done = execute([python, "-m", "nativeload", "--check", "--json"], env={"PYTHONPATH": site(nativeload_wheel())})
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def compare(python: Path, report: dict[str, Any]) -> Iterator[str]:
    """Each file of which `--check` and the linker do not say the same."""
    severities: dict[str, set[str]] = {}
    for problem in report["problems"]:
        severities.setdefault(problem["image"], set()).add(problem["severity"])
    files = native_files(site_packages(python))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, refused in zip(files, pool.map(partial(refusal, python), files), strict=True):
            if not refused and "error" in severities.get(file, ()):
                yield f"false: {file}"
            if refused and not any(image in severities for image in closure(file)):
                yield f"missed: {refused}"


def native_files(directory: Path) -> list[str]:
    """The libraries and extension modules below a directory, each once."""
    found = {os.path.realpath(file) for file in directory.rglob("*.so*") if file.is_file()}
    return sorted(file for file in found if Path(file).open("rb").read(4) == b"\x7fELF")


def refusal(python: Path, file: str) -> str:
    """What the linker says where it does not open a file."""
    done = execute([python, "-c", _OPEN, file])
    return done.stderr.strip().rpartition("\n")[2] if done.returncode else ""


def closure(file: str) -> list[str]:
    return [os.path.realpath(image.path) for image in nativeload.resolve(file).images]


if __name__ == "__main__":
    sys.exit(main())
