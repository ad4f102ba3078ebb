"""What a whole process costs: hyperfine on commands side by side, in short alternating turns.

These machines are noisy: a command measured a minute after its peer is measured on another machine. So each
command of a group runs a few times in its turn, the turns go round, and the median of all runs counts.
"""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import tempfile
from pathlib import Path

TURNS, RUNS = 40, 10


def medians(
    hyperfine: Path, commands: dict[str, list[str]], home: Path, turns: int = TURNS, *extra: str
) -> dict[str, float]:
    """{name: median seconds} of commands, each run `turns` × RUNS times in turn with the others.

    `extra` are more options of hyperfine's.
    """
    times: dict[str, list[float]] = {name: [] for name in commands}
    environment = {"PATH": os.defpath, "HOME": os.fspath(home), "LC_ALL": "C.UTF-8"}
    for _ in range(turns):
        with tempfile.NamedTemporaryFile(suffix=".json") as report:
            options = [
                "--shell=none",
                "--warmup=2",
                f"--runs={RUNS}",
                "--style=none",
                f"--export-json={report.name}",
                *extra,
            ]
            lines = [shlex.join(command) for command in commands.values()]
            subprocess.run([hyperfine, *options, *lines], check=True, capture_output=True, env=environment)
            results = json.loads(Path(report.name).read_text())["results"]
        for name, result in zip(commands, results, strict=True):
            times[name] += result["times"]
    return {name: statistics.median(one) for name, one in times.items()}
