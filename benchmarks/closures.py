"""What `--tree` and `--check` cost on a scientific environment, beside the linker and the tools that say the same."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import environments, whole_process
from parts import scientific
from parts.debian import deb
from parts.elf_files import elf_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.__main__ import Row

LINKER = "/lib64/ld-linux-x86-64.so.2"
LARGE = "libscipy_openblas64_"  # 25 MB
OURS = "import time, nativeload as n\np = {path!r}\nn.resolve(p)\nt = time.perf_counter()\n"
OURS += "for _ in range(20): n.closure.Resolver(record=True).resolve(p)\nprint((time.perf_counter() - t) / 20)"
FACTS = {
    "nativeload": "from nativeload import core\ndef read(): core.image({path!r})",
    "LIEF": "import lief\ndef read():\n b = lief.ELF.parse({path!r})\n list(b.libraries), list(b.symbols_version_requirement)",
    "pyelftools": (
        "from elftools.elf.elffile import ELFFile\ndef read():\n f = open({path!r}, 'rb'); e = ELFFile(f)\n"
        " [t.entry.d_val for s in e.iter_segments('PT_DYNAMIC') for t in s.iter_tags()]\n"
        " [v.name for s in e.iter_sections() if s['sh_type'] in ('SHT_GNU_verneed', 'SHT_GNU_verdef')\n"
        "  for n, vs in s.iter_versions() for v in vs]"
    ),
}


class Closures:
    """One run over every native file of the environment."""

    def __init__(self, home: Path, turns: int) -> None:
        self.home = home
        self.turns = turns
        self.python = environments.environment("lief", "auditwheel")
        site = scientific.site_packages(scientific.scientific())
        self.site = os.fspath(site)
        self.files = [os.fspath(one.path) for one in elf_files(site) if one.kind in ("library", "extension")]
        self.hyperfine = deb("hyperfine") / "usr/bin/hyperfine"
        self.list = home / "files"
        self.list.write_text("\0".join(self.files))

    def medians(self, **commands: Sequence[str]) -> dict[str, float]:
        # Some of the files lack something, and every tool says so with its exit status.
        lists = {name: list(command) for name, command in commands.items()}
        return whole_process.medians(self.hyperfine, lists, self.home, self.turns, "--ignore-failure")

    def tree(self, *files: str) -> list[str]:
        return [os.fspath(self.python), "-I", "-m", "nativeload", "--tree", *files]

    def loop(self, *command: str, every: int = 1) -> float:
        """Seconds that a tool takes for all the files, one process each; measured on every so-manyth."""
        sample = self.files[::every]
        began = time.perf_counter()
        for path in sample:
            subprocess.run([*command, path], check=False, capture_output=True)
        return (time.perf_counter() - began) * len(self.files) / len(sample)

    def trees(self) -> Iterator[Row]:
        libtree = os.fspath(deb("libtree") / "usr/bin/libtree")
        times = self.medians(
            ours=self.tree(*self.files),
            libtree=(libtree, *self.files),
            start=(os.fspath(self.python), "-I", "-c", "pass"),
        )
        ours, what = (
            times["ours"],
            f"closures of {len(self.files)} native files, one whole process, {times['ours'] * 1e3:.0f} ms",
        )
        start = f" (Python's own start: {times['start'] * 1e3:.0f} ms)"
        yield f"{what}{start}, against `libtree`", f"{ours / times['libtree']:.1f}× its time", "≤ 1.0×"
        lddtree = os.fspath(deb("pax-utils") / "usr/bin/lddtree")
        audit = "import sys; from auditwheel.lddtree import ldd; [ldd(path) for path in sys.argv[1:]]"
        began = time.perf_counter()
        subprocess.run([self.python, "-c", audit, *self.files[::20]], check=False, capture_output=True)
        auditwheel = (time.perf_counter() - began) * len(self.files) / len(self.files[::20])
        for name, seconds, target in (
            ("`ld.so --list` in a loop", self.loop(LINKER, "--list"), 8),
            ("`ldd` in a loop", self.loop("ldd", every=4), 60),
            ("`lddtree` in a loop", self.loop(lddtree, every=20), 130),
            ("auditwheel's `ldd()`", auditwheel, 280),
        ):
            yield f"the same, against {name}", f"{seconds / ours:.0f}× faster", f"≥ {target}×"

    def one(self) -> Iterator[Row]:
        path = next(one for one in self.files if one.endswith("libtorch_python.so"))
        asked = subprocess.run([self.python, "-I", "-c", OURS.format(path=path)], check=True, capture_output=True)
        linker = self.medians(linker=(LINKER, "--list", path))["linker"]
        what = "the closure of libtorch_python.so in a running process, against the whole process of `ld.so --list`"
        yield what, f"{float(asked.stdout) / linker:.2f}×", "≤ 0.5×"

    def check(self) -> Iterator[Row]:
        command = ["env", f"PYTHONPATH={self.site}", os.fspath(self.python), "-m", "nativeload", "--check"]
        ours = self.medians(ours=("/bin/sh", "-c", f"{' '.join(command)} >/dev/null || true"))["ours"]
        ldd = self.loop("ldd", "-r", every=8)
        yield "`--check` of that environment, whole process", f"{ours:.2f} s (`ldd -r`: {ldd:.1f} s)", "≤ 0.2 s"

    def facts(self) -> Iterator[Row]:
        path = next(one for one in self.files if LARGE in one)
        timed = "\nimport timeit\nprint(min(timeit.repeat(read, number={n}, repeat=5)) / {n})"
        seconds = {}
        for name, code in FACTS.items():
            text = code.format(path=path) + timed.format(n=1000 if name == "nativeload" else 3)
            done = subprocess.run([self.python, "-I", "-c", text], check=True, capture_output=True)
            seconds[name] = float(done.stdout)
        size = os.path.getsize(path) / 1e6
        for name, target in (("pyelftools", 200), ("LIEF", 10)):
            ratio = seconds[name] / seconds["nativeload"]
            yield f"the facts of one library of {size:.0f} MB, against {name}", f"{ratio:.0f}× faster", f"≥ {target}×"

    def growth(self) -> Iterator[Row]:
        few = self.files[::10]
        times = self.medians(
            few=self.tree(*few), all=self.tree(*self.files[: 10 * len(few)]), none=self.tree("/bin/true")
        )
        ratio = (times["all"] - times["none"]) / (times["few"] - times["none"])
        yield f"{len(few)} files → ten times as many", f"{ratio:.1f}× the time", "≤ 11×"

    def rows(self) -> Iterator[Row]:
        for part in (self.trees, self.one, self.check, self.facts, self.growth):
            yield from part()
