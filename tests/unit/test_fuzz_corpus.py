"""What the fuzzers have found worth keeping, and damaged real libraries, given to the C core under the sanitizers."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from fuzz.build import CORE, CORPUS, TARGETS, compiled
from parts._cache import PartError

# Its own sanitizers, not those that the tests run under.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
ENVIRONMENT["ASAN_OPTIONS"] = "detect_leaks=1:max_allocation_size_mb=1024:allocator_may_return_null=0"
pytestmark = [
    pytest.mark.nosanitize,
    pytest.mark.skipif(os.environ.get("NATIVELOAD_BACKEND") == "python", reason="it is of the C core alone"),
]
SYSTEM = Path("/usr/lib", str(sysconfig.get_config_var("MULTIARCH")))


@pytest.fixture(scope="module", autouse=True)
def _sanitizers(tmp_path_factory: pytest.TempPathFactory) -> None:
    try:
        compiled("ldcache", tmp_path_factory.mktemp("try") / "ldcache")
    except PartError as error:
        pytest.skip(f"no compiler with sanitizers: {error}")


def run(program: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *arguments], env=ENVIRONMENT, capture_output=True, text=True, errors="replace", timeout=300
    )


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_is_read_without_a_finding(target: str, tmp_path: Path) -> None:
    files = [file for file in (CORPUS / target).iterdir() if file.is_file()]
    assert len(files) > 10
    found = run(compiled(target, tmp_path / target), CORPUS / target)
    assert found.returncode == 0, found.stderr[-3000:]
    assert int(found.stdout) == len(files)


def test_the_corpus_is_small() -> None:
    assert sum(file.stat().st_size for file in CORPUS.rglob("*") if file.is_file()) < 300_000


def test_a_reader_without_its_check_is_found(tmp_path: Path) -> None:
    """With the check away that the filter lies in what was read, the corpus ends the process."""
    source = (CORE / "symtab.c").read_text()
    check = "if (chains > size) {"
    assert source.count(check) == 1
    careless = tmp_path / "symtab.c"
    careless.write_text(source.replace(check, "if (chains > size && symbols->bucket_count > 0) {"))
    found = run(compiled("undefined", tmp_path / "undefined", sources=[careless]), CORPUS / "undefined")
    assert found.returncode != 0
    assert "heap-buffer-overflow" in found.stderr


def test_damaged_libraries_end_in_an_answer_or_a_reason(tmp_path: Path) -> None:
    """`python -m tests.fuzz damage` does it a hundred thousand times."""
    libraries = [SYSTEM / name for name in ("libc.so.6", "libz.so.1", "libm.so.6", "libstdc++.so.6")]
    there = [library for library in libraries if library.exists()]
    found = run(compiled("damage", tmp_path / "damage"), "800", "11", *there)
    assert found.returncode == 0, found.stderr[-3000:]
    counts = {what: int(number) for what, _, number in (line.rpartition(" ") for line in found.stdout.splitlines())}
    assert sum(counts.values()) == 800 // len(there) * len(there)
    assert min(counts["an answer"], counts["truncated"], counts["malformed"]) > 0
