"""Asking is not loading: `find_spec`, `explain` and the command line map no library, by the kernel's account."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from integration import layouts
from integration.openblas import openblas
from integration.projects import python_path
from parts import cc, execute, maps, run

if TYPE_CHECKING:
    from pathlib import Path

    from integration.openblas import OpenBLAS

# What Python itself maps when a module is imported (and the libraries of those modules) is mapped by a search
# for nothing; then any file that is mapped anew is a library that was searched for.
BEFORE = (
    maps()
    + """
import contextlib, ctypes, difflib, io, json, sys
import nativeload
from nativeload.__main__ import _main


def quietly(*arguments):
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        _main(arguments)
    return shown.getvalue()


quietly("--explain", "there-is-no-such-library[feature]>=1", "--json")
quietly("--explain", "/bin/sh")
quietly("--explain")
quietly("--list")
before = mapped()
"""
)
AFTER = """
print(json.dumps(sorted(mapped() - before)))
"""

ASK = {
    "find_spec": "assert nativeload.find_spec('openblas').path",
    "find_spec with everything": "assert nativeload.find_spec('openblas>=0.1', symbols=(sys.argv[1],)).path",
    "find_spec in vain": "assert nativeload.find_spec('openblas>=9999') is None",
    "explain": "assert 'openblas' in str(nativeload.explain('openblas'))",
    "explain in vain": "assert nativeload.explain('openblas', symbols=('no_such',)).status == 'incompatible'",
    "to_dict": "assert nativeload.explain('openblas').to_dict()['spec']",
    "loaded": "assert nativeload.loaded()",
    "--explain NAME": "assert 'openblas' in quietly('--explain', 'openblas')",
    "--explain NAME --json": "assert json.loads(quietly('--explain', 'openblas', '--json'))['status'] == 'found'",
    "--explain FILE": "assert 'openblas' in quietly('--explain', nativeload.find_spec('openblas').path)",
    "--explain": "assert quietly('--explain')",
    "--list": "assert quietly('--list')",
}


@pytest.fixture(scope="session", params=["scipy-openblas64", "libopenblas0-pthread"])
def blas(request: pytest.FixtureRequest) -> OpenBLAS:
    return openblas(request.param)


@pytest.mark.parametrize("question", ASK.values(), ids=ASK)
def test_asking_maps_no_library(question: str, blas: OpenBLAS) -> None:
    assert run(layouts.bare(), BEFORE + question + AFTER, blas.cblas, env=blas.env).check().json == []


def test_loading_maps_it(blas: OpenBLAS) -> None:
    for load in ("nativeload.load('openblas')", "ctypes.CDLL(nativeload.find_spec('openblas').path)"):
        mapped = run(layouts.bare(), BEFORE + load + AFTER, env=blas.env).check().json
        assert any(path.startswith(os.fspath(blas.root)) and "openblas" in path for path in mapped)


@pytest.mark.parametrize("arguments", [["--explain", "openblas"], ["--explain"], ["--list"]], ids=" ".join)
def test_the_linker_hears_of_nothing(arguments: list[str], blas: OpenBLAS, tmp_path: Path) -> None:
    """By the linker's own account, over the life of the real command."""

    def linked(command: list[str]) -> str:
        for old in tmp_path.glob("account*"):
            old.unlink()
        env: dict[str, str | Path] = {**blas.env, "LD_DEBUG": "files", "LD_DEBUG_OUTPUT": tmp_path / "account"}
        execute([layouts.bare(), *command], env=env).check()
        return "".join(file.read_text(errors="replace") for file in tmp_path.glob("account*"))

    account = linked(["-m", "nativeload", *arguments])
    assert "libc.so.6" in account
    assert "openblas" not in account
    assert "openblas" in linked(["-c", "import nativeload; nativeload.load('openblas')"])


def test_a_constructor_does_not_run(tmp_path: Path) -> None:
    """Nor is any code of a library run, by a search of any outcome."""
    mark = tmp_path / "mark"
    source = f'#include <stdio.h>\n__attribute__((constructor)) static void f(void) {{ fclose(fopen("{mark}", "w")); }}'
    cc(source, tmp_path / "libmarking.so.1", "-Wl,-soname,libmarking.so.1")
    env: dict[str, str | Path] = {"LD_LIBRARY_PATH": tmp_path, "PYTHONPATH": python_path()}
    command: list[str | Path] = [layouts.bare(), "-m", "nativeload", "--explain", "marking"]
    assert "libmarking.so.1" in execute(command, env=env).check().stdout
    assert execute([*command, tmp_path / "libmarking.so.1"], env=env).returncode == 0
    assert not mark.exists()
    run(layouts.bare(), "import nativeload; nativeload.load('marking')", env=env).check()
    assert mark.exists()
