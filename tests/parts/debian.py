"""Debian and Ubuntu packages: downloaded by apt as it is configured, unpacked without being installed.

Neither `apt-get download` nor `dpkg -x` needs root, and `apt-get update` needs none where its lists are kept
in a directory of our own.
"""

from __future__ import annotations

import os
import platform
import re
import sysconfig
import tarfile
import tempfile
from pathlib import Path

from parts._cache import ROOT, PartError, entry, key_of, tool


def deb(*names: str, suite: str = "", architecture: str = "") -> Path:
    """A root directory with these packages unpacked: `deb("musl") / "lib/ld-musl-x86_64.so.1"`.

    They are this system's, or those of a suite of Debian, or of this system for another architecture ("arm64").
    Dependencies are not followed (name them), maintainer scripts are not run (the links of update-alternatives are
    not there).
    """

    def fetch(directory: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="nativeload-deb-") as scratch:
            if suite:
                tool("apt-get", *_lists("deb", suite, Path(scratch)), "download", *names, cwd=Path(scratch))
            else:
                _download(names, Path(scratch), architecture)
            for package in sorted(Path(scratch).glob("*.deb")):
                tool("dpkg", "-x", package, directory)

    return entry("debs", key_of(suite or _release(), *([architecture] if architecture else []), *sorted(names)), fetch)


def source(name: str, suite: str, directory: Path) -> Path:
    """The tree of a source package of a suite of Debian, as its upstream has it, unpacked below a directory."""
    tool("apt-get", *_lists("deb-src", suite, directory), "-q", "source", "--download-only", name, cwd=directory)
    (found,) = directory.glob("*.orig.tar.*[!c]")
    with tarfile.open(found) as archive:
        # What a release of Debian calls trusted. Its Python may be older than the argument that says so.
        archive.extraction_filter = getattr(tarfile, "fully_trusted_filter", None)
        archive.extractall(directory)
    (configure,) = directory.glob("*/configure")
    return configure.parent


def _lists(kind: str, suite: str, directory: Path) -> list[str]:
    """apt's options with which it knows a suite of Debian, whose lists are put into a directory."""
    listed = directory / "sources.list"
    listed.write_text(f"{kind} {archive()} {suite} main\n")
    state = directory / "state"
    for folder in ("lists/partial", "archives/partial"):
        (state / folder).mkdir(parents=True)
    options = ["-o", f"Dir::Etc::SourceList={listed}", "-o", "Dir::Etc::SourceParts=-", "-o", "APT::Sandbox::User="]
    options += ["-o", f"Dir::State::Lists={state}/lists", "-o", f"Dir::Cache={state}", "-o", "Acquire::Retries=3"]
    # A suite in the making may be older than it says, and what is installed here newer than what the suite has.
    options += ["-o", "Acquire::Check-Valid-Until=false", "-o", "Dir::State::status=/dev/null"]
    tool("apt-get", *options, "-q", "update")
    return options


def release() -> str:
    """This system as the catalog's packages name it: "debian-12", "debian-" where the release has no number yet."""
    system = platform.freedesktop_os_release()
    return f"{system['ID']}-{system.get('VERSION_ID', '')}"


def library_dirs(root: Path) -> list[Path]:
    """The directories below `root` that hold shared libraries, for LD_LIBRARY_PATH."""
    return sorted({file.parent for file in root.rglob("*.so*") if file.is_file()})


def python_headers(version: str) -> str:
    """A C_INCLUDE_PATH with the headers of the distribution's Python ("3.11"), which may not be installed."""
    include = deb(f"libpython{version}-dev") / "usr" / "include"
    # Debian's pyconfig.h includes <x86_64-linux-gnu/python3.11/pyconfig.h>.
    return os.pathsep.join([os.fspath(include / f"python{version}"), os.fspath(include)])


def dependencies(name: str, *, deep: bool = False) -> list[str]:
    """The packages that a package depends on; with `deep` also those that they do, and itself."""
    kinds = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
    options = [*(f"--no-{kind}" for kind in kinds), *(["--recurse"] if deep else [])]
    try:
        said = tool("apt-cache", "depends", *options, name)
    except PartError:
        private = _private_lists()
        tool("apt-get", *private, "-q", "update")
        said = tool("apt-cache", *private, "depends", *options, name)
    # "<name>" is no package but what several provide; "name:i386" is of another architecture.
    found = re.findall(r"^(?:  | \|)Depends: ([\w.+-]+)$" if not deep else r"^([\w.+-]+)$", said, re.MULTILINE)
    return sorted(set(found))


def archive() -> str:
    """Where this system's own packages come from, which holds the other suites too."""
    listed = tool("apt-get", "indextargets", "--format", "$(COMPONENT) $(REPO_URI)", "Created-By: Packages")
    places = [line.split()[1] for line in listed.splitlines() if line.startswith("main ")]
    plain = [place for place in places if "security" not in place]
    if not plain:
        raise PartError(["apt-get", "indextargets"], 0, "apt knows no archive")
    return plain[0]


def _release() -> str:
    release = Path("/etc/os-release")
    return (release.read_text(encoding="utf-8") if release.exists() else "") + sysconfig.get_platform()


def _download(names: tuple[str, ...], directory: Path, architecture: str) -> None:
    # As root, apt would give the download to a user who may not enter this directory.
    unsandboxed = ["-o", "APT::Sandbox::User="]
    if not architecture:
        try:
            tool("apt-get", *unsandboxed, "download", *names, cwd=directory)
            return
        except PartError:
            pass  # No package lists (a container image has none), or older than what the archive now holds.
    private = [*unsandboxed, *_private_lists(architecture)]
    tool("apt-get", *private, "-q", "update")
    tool("apt-get", *private, "download", *names, cwd=directory)


def _private_lists(architecture: str = "") -> list[str]:
    state = ROOT / "apt" / key_of(_release(), *([architecture] if architecture else []))
    for folder in ("lists/partial", "archives/partial"):
        (state / folder).mkdir(parents=True, exist_ok=True)
    options = ["-o", f"Dir::State::Lists={state}/lists", "-o", f"Dir::Cache={state}", "-o", "Acquire::Retries=3"]
    if architecture:
        options += ["-o", f"APT::Architecture={architecture}", "-o", f"APT::Architectures={architecture}"]
        # What is installed here is of no account there.
        options += ["-o", "Dir::State::status=/dev/null"]
    return options
