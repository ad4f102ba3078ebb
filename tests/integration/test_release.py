"""What is released: the sdist installs with a compiler and without, cibuildwheel reads its configuration as it is meant,
and the workflow that publishes may do no more than it needs.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import pytest

from parts import venv, wheel
from parts._cache import tool
from parts.wheels import PROJECT, PROJECT_SOURCES, copy_sources

yaml: Any = pytest.importorskip("yaml")  # which has no wheel for a free-threaded 3.13

WORKFLOW = PROJECT / ".github" / "workflows" / "release.yml"
NEEDS = ("packaging", "platformdirs", "pyelftools")
SAID = "nativeload's C extension was not built"
SHOWN = "its C extension is not here"
ASK = (
    "import nativeload; from nativeload import core;"
    "print(core.__name__, nativeload.load('z').symbol('zlibVersion') is not None)"
)

once = pytest.mark.once


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the sources, so that nothing else of the checkout can be in it."""
    root = tmp_path_factory.mktemp("sdist")
    copy_sources(PROJECT, root / "source", PROJECT_SOURCES)
    make = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
    subprocess.run([sys.executable, "-c", make, root], cwd=root / "source", check=True, capture_output=True)
    (found,) = root.glob("*.tar.gz")
    return found


def build(sdist: Path, output: Path, **env: str) -> tuple[Path, str]:
    """The wheel that pip makes of the sdist, and what it prints."""
    words = [sys.executable, "-m", "pip", "wheel", "-v", "--no-deps", "--no-build-isolation", "--no-cache-dir"]
    done = subprocess.run(
        [*words, f"--wheel-dir={output}", os.fspath(sdist)],
        env=os.environ | env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert not done.returncode, done.stdout
    (found,) = output.glob("*.whl")
    return found, done.stdout


def installed(made: Path, directory: Path) -> tuple[str, str]:
    """Which backend loads a library where a wheel is installed, and what is said of the backend."""
    python = venv(sys.executable, made, *(wheel(name) for name in NEEDS), at=directory)
    env = {"PATH": os.defpath, "HOME": os.fspath(directory), "NATIVELOAD_CACHE": "off"}
    asked = subprocess.run([python, "-c", ASK], env=env, check=True, capture_output=True, text=True).stdout
    told = subprocess.run(
        [python, "-m", "nativeload", "--explain"], env=env, check=True, capture_output=True, text=True
    )
    return asked.strip(), told.stdout


@once
@pytest.mark.parametrize("without", [{"CC": "/bin/false"}, {"CC": "no-such-compiler"}], ids=lambda env: env["CC"])
def test_without_a_compiler_it_installs_and_says_so_once(sdist: Path, tmp_path: Path, without: dict[str, str]) -> None:
    made, printed = build(sdist, tmp_path / "wheel", **without)
    assert printed.count(SAID) == 1
    asked, told = installed(made, tmp_path / "venv")
    assert asked == "nativeload._pure True"
    assert told.count(SHOWN) == 1


@once
def test_with_one_it_has_its_extension(sdist: Path, tmp_path: Path) -> None:
    made, printed = build(sdist, tmp_path / "wheel")
    assert SAID not in printed
    asked, told = installed(made, tmp_path / "venv")
    assert asked == "nativeload._native True"
    assert SHOWN not in told


@once
def test_where_it_must_have_one_there_is_no_wheel_without(sdist: Path, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="/bin/false"):
        build(sdist, tmp_path / "wheel", CC="/bin/false", NATIVELOAD_REQUIRE_EXTENSION="1")


@once
def test_the_sdist_has_every_source(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = {path.relative_to(PROJECT).as_posix() for path in (PROJECT / "csrc").rglob("*.[ch]")}
    assert not sources - names
    assert not any(name.endswith((".so", ".pyd")) for name in names)


def identifiers(directory: Path, system: str) -> list[str]:
    words = ["-m", "cibuildwheel", "--print-build-identifiers", "--platform", system, "--archs", "all"]
    return tool(sys.executable, *words, directory).split()


WANTED = {
    "linux": ["manylinux_x86_64", "manylinux_aarch64", "musllinux_x86_64", "musllinux_aarch64"],
    "macos": ["macosx_x86_64", "macosx_arm64"],
    "windows": ["win_amd64", "win_arm64"],
}


@once
@pytest.mark.parametrize("system", WANTED)
def test_wheels_of_the_stable_abi_and_of_the_free_threaded_one_are_built(system: str) -> None:
    found = identifiers(PROJECT, system)
    assert {f"{abi}-{target}" for abi in ("cp311", "cp314t") for target in WANTED[system]} <= set(found)
    assert {one.partition("-")[0] for one in found} == {"cp311", "cp314t"}


@once
def test_without_the_configuration_others_are(tmp_path: Path) -> None:
    shutil.copy(PROJECT / "setup.py", tmp_path)
    assert "cp312-win_amd64" in identifiers(tmp_path, "windows")


@once
def test_the_configuration_is_of_cibuildwheels_schema() -> None:
    import cibuildwheel
    import jsonschema

    schema = json.loads((Path(cibuildwheel.__file__).parent / "resources" / "cibuildwheel.schema.json").read_text())
    ours = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["cibuildwheel"]
    jsonschema.validate(ours, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(ours | {"test-comand": ""}, schema)


def test_the_test_of_a_wheel_passes_here(backend: str) -> None:
    words = [sys.executable, os.fspath(PROJECT / "tests" / "installed.py")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    blocked = "import sys, runpy; sys.modules['nativeload._native'] = None; import _imp; _imp.create_dynamic = None;"
    done = subprocess.run(
        [sys.executable, "-c", f"{blocked} runpy.run_path(sys.argv[1], run_name='__main__')", words[1]],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode


def problems(text: str) -> list[str]:
    """What a workflow may do and should not."""
    flow: dict[Any, Any] = yaml.safe_load(text)
    found = [] if flow["permissions"] == {} else ["permissions for all jobs"]
    found += ["a secret"] if "secrets" in text or "password" in text else []
    found += ["an address"] if "://" in text else []
    for name, job in flow["jobs"].items():
        allowed = {"id-token": "write"} if name == "publish" else {"contents": "read"}
        found += [f"{name}: permissions"] if not job["permissions"].items() <= allowed.items() else []
        for step in job["steps"]:
            uses, run = step.get("uses", ""), step.get("run", "")
            found += (
                [f"{name}: {uses} is not pinned"] if uses and not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", uses) else []
            )
            for word in run.partition("pip install ")[2].split():
                found += [] if re.fullmatch(r"[\w-]+==[\d.]+", word) else [f"{name}: {word} is not pinned"]
            # What an event says must reach a shell as a variable, never as its text.
            found += [f"{name}: text of the event in a command"] if "${{ github" in run else []
            keeps = uses.startswith("actions/checkout") and step.get("with", {}).get("persist-credentials") is not False
            found += [f"{name}: keeps credentials"] if keeps else []
            signs = "pypi_attestations" in run or "twine upload" in run
            found += [f"{name}: publishes"] if signs and name != "publish" else []
    publish = flow["jobs"]["publish"]
    found += [] if publish["environment"] == "release" else ["publish: no environment"]
    found += [] if publish["if"] == "github.event_name == 'push'" else ["publish: without a tag"]
    found += [] if set(publish["needs"]) == set(flow["jobs"]) - {"publish"} else ["publish: does not wait for all"]
    runs = " ; ".join(step.get("run", "") for step in publish["steps"])
    order = [runs.find(word) for word in ("twine check", "pypi_attestations sign", "--attestations dist")]
    return found + ([] if -1 < order[0] < order[1] < order[2] else ["publish: not checked, signed and published"])


def test_the_workflow_may_do_what_it_needs_and_no_more() -> None:
    assert problems(WORKFLOW.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("permissions: {}\n\njobs", "permissions: write-all\n\njobs", "permissions for all jobs"),
        ("contents: read", "contents: write", "sdist: permissions"),
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1", "@v7", "sdist: actions/checkout@v7 is not pinned"),
        ("build==1.6.1", "build", "sdist: build is not pinned"),
        ("environment: release", "environment: other", "publish: no environment"),
        ("persist-credentials: false", "persist-credentials: true", "sdist: keeps credentials"),
        ("needs: [sdist, wheels, sbom]", "needs: [sdist]", "publish: does not wait for all"),
        ("if: github.event_name == 'push'\n    needs", "if: always()\n    needs", "publish: without a tag"),
        ("      - run: python -m pypi_attestations sign dist/*\n", "", "publish: not checked, signed and published"),
        ("--non-interactive", "--password ${{ secrets.TOKEN }}", "a secret"),
        ("--outdir dist", "--outdir ${{ github.ref_name }}", "sdist: text of the event in a command"),
    ],
)
def test_a_workflow_that_may_do_more_is_found(old: str, new: str, says: str) -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    assert old in text
    assert says in problems(text.replace(old, new))


def test_what_the_workflow_builds_is_what_is_configured() -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
    built = {(one["platform"], one["arch"].lower()) for one in jobs["wheels"]["strategy"]["matrix"]["include"]}
    machines = {(system, target.partition("_")[2]) for system, targets in WANTED.items() for target in targets}
    assert built == machines
