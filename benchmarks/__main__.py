"""`python -m benchmarks [--write]`: measure everything in one run, print the table, or put it into docs/performance.md."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import environments, whole_process
from benchmarks.closures import Closures
from parts import file_system
from parts.debian import deb

if TYPE_CHECKING:
    from collections.abc import Iterator

    # what was measured, what it came to, the target
    Row = tuple[str, str, str]

REPORT = environments.ROOT / "docs" / "performance.md"
PYTEST = ("pytest", "pytest-benchmark", "py-cpuinfo", "pluggy", "iniconfig", "pygments")
SCAN = "import importlib.metadata as m; list(m.entry_points(group='nativeload.libraries'))"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:+.2f} ms"


class Bench:
    """One run: the environment, its home, and how commands are made."""

    def __init__(self, home: Path, turns: int) -> None:
        self.home = home
        self.turns = turns
        self.python = environments.environment(
            "scipy-openblas64", "nvidia-cuda-runtime-cu12", "cuda-pathfinder", *PYTEST
        )
        self.hyperfine = deb("hyperfine") / "usr/bin/hyperfine"

    def ask(self, code: str) -> str:
        """What a process prints."""
        command = [os.fspath(self.python), "-I", "-c", code]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, env={"HOME": os.fspath(self.home)}
        ).stdout

    def medians(self, **codes: str) -> dict[str, float]:
        """{name: median seconds} of processes that run these lines, side by side."""
        commands = {name: [os.fspath(self.python), "-I", "-c", code] for name, code in codes.items()}
        return whole_process.medians(self.hyperfine, commands, self.home, self.turns)

    def importing(self) -> Iterator[Row]:
        times = self.medians(nothing="pass", nativeload="import nativeload")
        yield (
            "`import nativeload` over `python -I -c pass`",
            milliseconds(times["nativeload"] - times["nothing"]),
            "≤ 0.5 ms",
        )

    def loading(self) -> Iterator[Row]:
        load = "import nativeload; nativeload.load('{}')"
        blas = self.ask("import nativeload; print(nativeload.load('openblas').path, end='')")
        cuda = self.ask("import nativeload; print(nativeload.load('cudart').path, end='')")
        times = self.medians(
            load=load.format("openblas"),
            dlopen=f"import _ctypes; _ctypes.dlopen({blas!r}, 2)",
            ctypes=f"import ctypes; ctypes.CDLL({blas!r})",
            provider="import scipy_openblas64",
        )
        peer = self.medians(
            dlopen=f"import _ctypes; _ctypes.dlopen({cuda!r}, 2)",
            pathfinder="from cuda.pathfinder import load_nvidia_dynamic_lib as l; l('cudart')",
        )
        ours, pathfinder = times["load"] - times["dlopen"], peer["pathfinder"] - peer["dlopen"]
        provider = times["provider"] - times["dlopen"]
        what = 'import + `load("openblas")` from a wheel, cache warm, whole process'
        yield f"{what}, over `import _ctypes; _ctypes.dlopen(path)`", milliseconds(ours), "≤ 0.5 ms"
        yield "the same over `import ctypes; ctypes.CDLL(path)`", milliseconds(times["load"] - times["ctypes"]), "< 0"
        yield 'overhead of cuda-pathfinder\'s `load_nvidia_dynamic_lib("cudart")`', self.less(pathfinder, ours), "≥ 20×"
        yield "overhead of `import scipy_openblas64`", self.less(provider, ours), "≥ 20×"

    @staticmethod
    def less(theirs: float, ours: float) -> str:
        ratio = f"{theirs / ours:.0f}×" if ours > 0 else "ours is below the noise"
        return f"{milliseconds(theirs)}: {ratio} ours"

    def growing(self) -> Iterator[Row]:
        sites = {count: environments.distributions(count, self.home) for count in (10, 100, 1000, 10000)}
        time.sleep(3)  # An answer that rests on files of the last two seconds is not kept.
        begin = "import sys; sys.path.append({!r}); "
        load = begin + "import nativeload; nativeload.load('measured')"
        warm = self.medians(**{f"at_{count}": load.format(os.fspath(sites[count])) for count in (10, 1000, 10000)})
        growth = max(warm["at_1000"], warm["at_10000"]) / warm["at_10"]
        yield "warm load, whole process, 10 → 10,000 distributions", f"{growth:.2f}×", "≤ 1.2×"
        prefix = begin.format(os.fspath(sites[100]))
        cold = self.medians(
            nothing=prefix,
            nativeload=prefix + "import nativeload; nativeload.find_spec('measured')",
            importlib=prefix + SCAN,
        )
        theirs, ours = cold["importlib"] - cold["nothing"], cold["nativeload"] - cold["nothing"]
        what = "cold search, whole process, 100 distributions, against `entry_points(group=…)`"
        yield what, f"{milliseconds(ours)} to {milliseconds(theirs)}: {theirs / ours:.1f}×", "≥ 10×"

    def knowing(self) -> Iterator[Row]:
        """What the catalog's size costs: beside a copy of nativeload that knows no library."""
        copies = environments.without_catalog(self.python, self.home)
        site = environments.distributions(500, self.home)
        environments.catalogs(site, 10, 10)
        time.sleep(3)  # An answer that rests on files of the last two seconds is not kept.
        begin = "import sys; sys.path.insert(0, {!r}); "
        first = {name: begin.format(os.fspath(copy)) for name, copy in copies.items()}
        times = self.medians(**{name: f"{code}import nativeload" for name, code in first.items()})
        many = f"{len(list((copies['known'] / 'nativeload' / 'catalog').glob('*.toml')))} families"
        ratio = times["known"] / times["unknown"]
        yield f"`import nativeload`, whole process, no library known → {many}", f"{ratio:.3f}×", "≤ 1.05×"
        load = f"{begin.format(os.fspath(site))}import nativeload; nativeload.load('measured')"
        times = self.medians(**{name: f"{code}{load}" for name, code in first.items()})
        ratio = times["known"] / times["unknown"]
        yield f"warm load, whole process, no library known → {many}", f"{ratio:.3f}×", "≤ 1.05×"
        seek = "import nativeload; nativeload.find_spec('nosuchlibrary')"
        added = f"{first['known']}sys.path.append({os.fspath(site)!r}); {seek}"
        times = self.medians(none=f"{first['unknown']}{seek}", added=added)
        what = "cold search for an unknown name, whole process, 500 distributions and 100 entries of theirs, over none"
        yield what, milliseconds(times["added"] - times["none"]), "≤ 10 ms"

    def in_process(self) -> Iterator[Row]:
        report = self.home / "report.json"
        environment = {"HOME": os.fspath(self.home), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
        environment["TEST_NATIVELOAD_SITES"] = f"{self.home}/sites-{{}}"
        test = Path(__file__).parent / "test_in_process.py"
        options = ["-q", "-c", os.devnull, "-p", "no:cacheprovider", f"--benchmark-json={report}"]
        command = [os.fspath(self.python), "-P", "-m", "pytest", *options, os.fspath(test)]
        subprocess.run(command, check=True, capture_output=True, env=environment, cwd=self.home)
        medians = {one["name"]: one["stats"]["median"] for one in json.loads(report.read_text())["benchmarks"]}
        pair = medians["test_dlopen_and_dlclose_of_a_loaded_library"]
        again = medians["test_load_of_a_loaded_library"]
        yield "`load` of a loaded library against dlopen + dlclose of it", f"{again / pair:.2f}×", "≤ 1.0×"
        for lookup, listed, absent in (("system finder", 100, 500), ("whole chain", 20, 100)):
            for names, target in (("listed", listed), ("absent", absent)):
                ratio = medians[f"test_lookup[{names}-find_library]"] / medians[f"test_lookup[{names}-{lookup}]"]
                what = "libraries `ldconfig -p` lists" if names == "listed" else "100 names that are not there"
                yield (
                    f"{lookup}, disk cache off, {what}, against `find_library`",
                    f"{ratio:.0f}× faster",
                    f"≥ {target}×",
                )
        for count in (10, 1000, 10000):
            ratio = medians[f"test_cold_scan[importlib-{count}]"] / medians[f"test_cold_scan[nativeload-{count}]"]
            yield (
                f"cold scan in process, {count:,} distributions, against `entry_points`",
                f"{ratio:.1f}× faster",
                "≥ 4×",
            )
        linear = medians["test_cold_scan[nativeload-10000]"] / medians["test_cold_scan[nativeload-1000]"]
        yield "cold scan, 1,000 → 10,000 distributions", f"{linear:.1f}× the time", "linear"

    def calls(self) -> Iterator[Row]:
        path = self.ask("import nativeload; print(nativeload.load('openblas').path, end='')")
        extra = file_system.beyond_dlopen(self.python, path, self.home, "-I")
        yield "file-system calls of a warm load beyond dlopen's own", str(len(extra)), "≤ 10"

    def rows(self) -> Iterator[Row]:
        self.ask("import nativeload; nativeload.load('openblas'); nativeload.load('cudart')")
        for part in (self.importing, self.loading, self.growing, self.in_process, self.calls):
            yield from part()


class Catalog(Bench):
    """What the catalog's size costs."""

    def rows(self) -> Iterator[Row]:
        yield from self.knowing()


def table(rows: list[Row]) -> str:
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.platform(terse=True)}, Python {platform.python_version()}"
    head = f"Measured on {datetime.date.today()}: {machine}.\n\n| what | measured | target |\n|---|---|---|\n"
    return head + "\n".join(f"| {what} | {measured} | {target} |" for what, measured, target in rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument(
        "--closures", action="store_true", help="measure --tree and --check instead, on a large environment"
    )
    parser.add_argument("--catalog", action="store_true", help="measure what the catalog's size costs instead")
    parser.add_argument("--turns", type=int, default=whole_process.TURNS, help="how often the commands take turns")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nativeload-benchmark-") as home:
        rows = []
        measured = Closures if options.closures else Catalog if options.catalog else Bench
        for row in measured(Path(home), options.turns).rows():
            print(" | ".join(row), flush=True)
            rows.append(row)
    if options.write:
        name = "closures" if options.closures else "catalog" if options.catalog else "results"
        marked = re.compile(rf"(<!-- {name} -->\n).*(\n<!-- end of {name} -->)", re.DOTALL)
        REPORT.write_text(marked.sub(lambda match: match[1] + table(rows) + match[2], REPORT.read_text()))


if __name__ == "__main__":
    main()
