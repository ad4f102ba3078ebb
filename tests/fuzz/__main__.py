"""`python -m tests.fuzz TARGET [--runs N]`: try a reader of the C core with what libFuzzer makes of its corpus.

`damage FILE...` damages real libraries instead, and needs no clang. A finding is left in the working directory, and
whoever mends it adds it to the corpus.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, os.fspath(Path(__file__).resolve().parent.parent))

from fuzz.build import CORPUS, LENGTHS, TARGETS, compiled


def fuzz(target: str, runs: int, kept: Path, scratch: Path) -> int:
    """Run a target; what finds something new is kept in a directory of its own."""
    kept.mkdir(parents=True, exist_ok=True)
    program = compiled(target, scratch / target, fuzzer=True)
    limits = [f"-max_len={LENGTHS[target]}", "-timeout=20", "-rss_limit_mb=3000", "-print_final_stats=1"]
    command: list[str | Path] = [program, f"-runs={runs}", *limits, kept, CORPUS / target]
    return subprocess.run(command, check=False).returncode


def minimize(target: str, kept: Path, scratch: Path) -> int:
    """Replace a target's corpus by the smallest choice, from it and from what was kept, that reaches as much."""
    program, chosen = compiled(target, scratch / target, fuzzer=True), scratch / "chosen"
    chosen.mkdir()
    merge: list[str | Path] = [program, "-merge=1", f"-max_len={LENGTHS[target]}", chosen, CORPUS / target, kept]
    code = subprocess.run(merge, check=False).returncode
    for file in (CORPUS / target).iterdir() if code == 0 else ():
        file.unlink()
    for file in chosen.iterdir() if code == 0 else ():
        (CORPUS / target / file.name).write_bytes(file.read_bytes())
    return code


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=[*TARGETS, "damage"])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="the libraries that are damaged")
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1, help="of the damage")
    parser.add_argument("--kept", type=Path, help="where inputs that find something new are kept")
    parser.add_argument("--minimize", action="store_true", help="take over what was kept into the corpus")
    options = parser.parse_args()
    kept = options.kept or Path(tempfile.gettempdir(), f"nativeload-fuzz-{options.target}")
    with tempfile.TemporaryDirectory(prefix="nativeload-fuzz-") as scratch:
        if options.target == "damage":
            program = compiled("damage", Path(scratch, "damage"))
            return subprocess.run(
                [program, str(options.runs), str(options.seed), *options.files], check=False
            ).returncode
        if options.minimize:
            return minimize(options.target, kept, Path(scratch))
        return fuzz(options.target, options.runs, kept, Path(scratch))


if __name__ == "__main__":
    sys.exit(main())
