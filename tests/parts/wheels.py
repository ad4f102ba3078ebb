"""Wheels: downloaded, built, unpacked into a directory for `sys.path`."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from parts._cache import ROOT, PartError, entry, file_digest, key_of, tool, tree_digest

PROJECT = Path(__file__).resolve().parents[2]

# What the project's own wheel is made of; the rest of the tree must not cause a new build.
PROJECT_SOURCES = ("pyproject.toml", "setup.cfg", "setup.py", "README.md", "LICENSE", "src", "csrc")


def wheel(name: str, version: str | None = None, *, platform_tag: str | None = None) -> Path:
    """A wheel from the package index, without its dependencies.

    `version` None means the newest at the time of the first download; it stays that one until the cache is
    removed. `platform_tag` asks for another platform's wheel ("manylinux_2_28_aarch64", "win_amd64").
    """
    label = f"{name}-{version or 'newest'}" + (f"-{platform_tag}" if platform_tag else "")
    # A py3-none wheel serves every interpreter; one for a single version is kept per version.
    mine = f"{label}-cp{sys.version_info.major}{sys.version_info.minor}{sys.abiflags}"
    if (ROOT / "wheels" / f"{label}.made").exists():
        return _only_wheel(ROOT / "wheels" / label)

    def download(directory: Path) -> None:
        platform_options = ["--platform", platform_tag] if platform_tag else []
        requirement = f"{name}=={version}" if version else name
        options = ["--no-deps", "--only-binary=:all:", *platform_options, "--dest", os.fspath(directory)]
        tool(sys.executable, "-m", "pip", "download", *options, requirement)

    found = _only_wheel(entry("wheels", mine, download))
    if found.stem.split("-")[-3].startswith(("py3", "py2.py3")):

        def share(directory: Path) -> None:
            os.link(found, directory / found.name)

        return _only_wheel(entry("wheels", label, share))
    return found


def cffi() -> list[Path]:
    """cffi and what it needs; none for a free-threaded CPython 3.13, of which it has no build."""
    return [] if "t" in sys.abiflags and sys.version_info < (3, 14) else [wheel("cffi"), wheel("pycparser")]


def _only_wheel(directory: Path) -> Path:
    (found,) = directory.glob("*.whl")
    return found


def site(*wheels: Path) -> Path:
    """A directory for PYTHONPATH with these wheels installed, as `pip install --no-deps --target` does it.

    A wheel of another platform, which pip refuses, is unpacked by its layout instead.
    """
    native = [one for one in wheels if not _is_foreign(one)]
    foreign = [one for one in wheels if _is_foreign(one)]

    def install(directory: Path) -> None:
        if native:
            options = ["--no-deps", "--no-index", "--no-compile", "--target", os.fspath(directory)]
            tool(sys.executable, "-m", "pip", "install", *options, *native)
        for one in foreign:
            unpack(one, directory)

    contents = [one.name + file_digest(one) for one in wheels]
    return entry("sites", key_of(sys.version, *contents), install)


def _is_foreign(path: Path) -> bool:
    tags = path.stem.split("-")[-1].split(".")
    return not any(tag == "any" or ("linux" in tag and tag.endswith(platform.machine())) for tag in tags)


def unpack(path: Path, directory: Path) -> None:
    """Unpack a wheel into `directory` as `--target` lays it out: purelib, platlib and data at its top."""
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            first, _, rest = member.filename.partition("/")
            if first.endswith(".data"):
                member.filename = rest.partition("/")[2]
            if member.filename:
                archive.extract(member, directory)


def build_wheel(project: Path) -> Path:
    """The wheel of a project in a directory, built with the setuptools of this environment, without isolation.

    The project's directory is left as it is. Built again only when its content has changed.
    """
    return _build(project, None)


def nativeload_wheel() -> Path:
    """nativeload's own wheel: the one this test session runs (`$TEST_NATIVELOAD_WHEEL`), else built now."""
    if given := os.environ.get("TEST_NATIVELOAD_WHEEL"):
        return Path(given)
    return _build(PROJECT, PROJECT_SOURCES)


def _build(project: Path, names: tuple[str, ...] | None) -> Path:
    def make(directory: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="nativeload-build-") as scratch:
            source = Path(scratch, "source")
            copy_sources(project, source, names)
            options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", os.fspath(directory)]
            output = tool(sys.executable, "-m", "pip", "wheel", "-v", *options, source)
            if not list(directory.glob("*.whl")):
                raise PartError(["pip", "wheel", os.fspath(project)], 0, output)

    key = key_of(tree_digest(project, names), sys.version, sys.base_prefix)
    return _only_wheel(entry("built", key, make))


def copy_sources(project: Path, destination: Path, names: tuple[str, ...] | None = PROJECT_SOURCES) -> None:
    """Copy what a wheel is built from, because setuptools writes build/ and *.egg-info into its source."""
    leftovers = shutil.ignore_patterns("__pycache__", "*.so", "*.egg-info", "build", ".*")
    if names is None:
        shutil.copytree(project, destination, ignore=leftovers)
        return
    destination.mkdir()
    for name in names:
        if (project / name).is_dir():
            shutil.copytree(project / name, destination / name, ignore=leftovers)
        else:
            shutil.copy2(project / name, destination / name)
