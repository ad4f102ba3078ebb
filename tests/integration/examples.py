"""The projects of docs/examples: built by their back ends, installed in environments of their own."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from pathlib import Path

from integration.projects import nativeload_site
from parts import nativeload_wheel, run, site, venv, wheel, wheels
from parts._cache import PartError, entry, file_digest, key_of, tool, tree_digest

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
PROVIDERS = ("setuptools", "hatchling", "scikit-build-core", "meson-python", "flit-core", "uv_build")
CONSUMERS = ("setuptools", "hatchling", "scikit-build-core", "meson-python", "maturin")

RUNTIME = ("packaging", "platformdirs", "pyelftools")

# Back ends, with what they need: of each the newest.
BUILDING = {
    "setuptools": (),
    "hatchling": ("pathspec", "pluggy", "tomlkit", "trove-classifiers", "editables"),
    "scikit-build-core": ("pathspec", "cmake", "ninja"),
    "meson-python": ("meson", "ninja", "pyproject-metadata"),
    "flit-core": (),
    "uv_build": (),
    "maturin": (),
}

CALL = "import bar; print(bar.ask())"
# The same without what nativeload's line does.
CALL_WITHOUT = "import sys, types; sys.modules['nativeload'] = types.SimpleNamespace(load=lambda *_: None)\n" + CALL
REFUSED = "libfoo.so.1: cannot open shared object file"


@functools.cache
def builder() -> Path:
    """The interpreter of an environment with every back end."""
    names = {"pip", "packaging", "wheel", *BUILDING, *(one for more in BUILDING.values() for one in more)}
    return venv(sys.executable, *map(wheel, sorted(names)), *wheels.cffi())


def build(name: str, *provider: Path) -> Path:
    """The wheel of an example, against a provider's, as its build.sh or else pip makes it."""

    def make(directory: Path) -> None:
        shutil.copytree(EXAMPLES / name, directory / "source")
        printed = in_builder(directory / "source", build_command(directory / "source"), *provider)
        if not list((directory / "source" / "dist").glob("*.whl")):
            raise PartError([name], 0, printed)

    digests = [file_digest(one) for one in (*provider, nativeload_wheel())]
    parts = key_of(tree_digest(EXAMPLES / name), sys.version, builder().parent.parent.name, *digests)
    (made,) = (entry("examples", f"{name}-{parts}", make) / "source" / "dist").glob("*.whl")
    return made


def build_command(source: Path) -> list[str]:
    """How an example's wheel is built, less what keeps pip from the network."""
    if (source / "build.sh").exists():
        return ["sh", "build.sh", "--no-build-isolation", "--no-index"]
    return ["python", "-m", "pip", "wheel", "--no-build-isolation", "--no-index", "--no-deps", "-w", "dist", "."]


def in_builder(source: Path, command: list[str], *provider: Path) -> str:
    """Run a command where the back ends are; nativeload and a provider are importable there."""
    sites = [os.fspath(site(one)) for one in provider]
    env = {
        "PATH": os.pathsep.join((os.fspath(builder().parent), os.environ.get("PATH", os.defpath))),
        "PYTHONPATH": os.pathsep.join((*sites, os.fspath(nativeload_site()))),
        "NATIVELOAD_CACHE": "0",
    }
    return tool("/usr/bin/env", *command, cwd=source, env=env)


def needed_to_run(*, cffi: bool = False) -> list[Path]:
    """The wheels that a consumer needs beside its provider's."""
    return [nativeload_wheel(), *map(wheel, RUNTIME), *(wheels.cffi() if cffi else ())]


def try_pair(provider: str, consumer: str, at: Path) -> None:
    """Two examples, built and installed in a new environment: the extension is called, and fails without nativeload's
    line. Raises AssertionError or PartError where that does not hold.
    """
    from parts.oracles import readelf_facts

    provides = build(f"provider-{provider}")
    consumes = build(f"consumer-{consumer}", provides)
    python = venv(sys.executable, provides, consumes, *needed_to_run(cffi=consumer == "maturin"), at=at)
    assert run(python, CALL).check().stdout == "42\n"

    (package,) = at.glob("lib/python*/site-packages/bar")
    (extension,) = package.rglob("*.so")
    facts = readelf_facts(str(extension))
    assert "libfoo.so.1" in facts["needed"], facts["needed"]
    paths = f"{facts['rpath']} {facts['runpath']}"
    assert "foo" not in paths, paths

    text = (package / "__init__.py").read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if "nativeload" not in line]
    assert len(kept) == len(text.splitlines()) - 2, text
    (package / "__init__.py").write_text("\n".join(kept), encoding="utf-8")
    refused = run(python, CALL)
    assert (refused.returncode, REFUSED in refused.stderr) == (1, True), refused.stderr
