"""The matrix: each library of the catalog from each of its wheels and Debian packages, installed, loaded and called.

Nothing here knows a library: the cases are made of the data files.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalog.calls import CALLS, PROBE
from catalog.made import families
from parts import PartError, library_dirs, run
from parts._cache import tool

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 150 * 1000 * 1000  # bytes of a wheel: larger ones are run only when asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A library from one package: a distribution whose wheel ships it, or Debian packages."""

    library: str
    table: dict[str, Any]
    kind: str
    packages: tuple[str, ...]
    wheel: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.library}-{'-'.join(self.packages)}"

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind, self.library, " ".join(self.packages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came of a case: the file, what nativeload says of it, what the library itself says, what does not hold.

    `refused` is why it is not loaded on this machine, where that is as it should be: the linker refuses it too, or there
    is no wheel for such a machine.
    """

    case: Case
    package: str
    file: str
    version: str
    told: str
    abi: str
    wrong: str
    refused: str = ""


def cases(release: str = "debian-12") -> Iterator[Case]:
    """Every case, those of one package one after the other."""
    found: list[Case] = []
    for libraries in families().values():
        for library, table in libraries.items():
            for wheel in table.get("wheel", ()):
                packages = (wheel["distribution"],)
                found.append(Case(library=library, table=table, kind="wheel", packages=packages, wheel=wheel))
            install = table.get("install", {})
            debian = tuple(install.get(release, install.get("apt", ())))
            if debian:
                found.append(Case(library=library, table=table, kind="deb", packages=debian, wheel={}))
    yield from sorted(found, key=lambda case: (case.kind, case.packages))


def depended(group: list[Case]) -> list[str]:
    """The distributions of the same ABI features whose libraries those of a wheel depend on, as the catalog has it."""
    tables = {library: table for libraries in families().values() for library, table in libraries.items()}
    names = {name for case in group for name in case.table.get("depends", ())}
    abi = group[0].wheel.get("abi", [])
    wheels = [wheel for name in sorted(names) for wheel in tables[name].get("wheel", ())]
    return sorted({wheel["distribution"] for wheel in wheels if abi and wheel.get("abi") == abi})


def systems(group: list[Case]) -> tuple[str, ...]:
    """The Debian packages of what these libraries depend on and no wheel has."""
    tables = {library: table for libraries in families().values() for library, table in libraries.items()}
    needed = [tables[name] for case in group for name in case.table.get("depends", ())]
    packages = [table["install"].get("apt", ()) for table in needed if not table.get("wheel")]
    return tuple(sorted({package for some in packages for package in some}))


def wheel_environment(group: list[Case], scratch: Path, limit: int = LIMIT) -> tuple[Path, str]:
    """(interpreter, version) of a new environment with a distribution, what it requires and what the catalog says."""
    distribution = group[0].packages[0]
    fetched = scratch / "wheel"
    pip = [sys.executable, "-m", "pip", "-q"]
    download: tuple[str | Path, ...] = (
        *pip,
        "download",
        "--no-deps",
        "--no-cache-dir",
        "--only-binary=:all:",
        "--dest",
        fetched,
        distribution,
    )
    try:
        tool(*download)
    except PartError:
        tool(
            *download,
            *(f"--platform={one}_{_ANOTHER}" for one in ("manylinux2014", "manylinux_2_26", "manylinux_2_34")),
        )
        (wheel,) = fetched.glob("*.whl")
        names = zipfile.ZipFile(wheel).namelist()
        if not all(case.wheel["path"] in names for case in group):
            raise
        raise NotHere(f"its wheels are for {_ANOTHER}, and have that file") from None
    (wheel,) = fetched.glob("*.whl")
    version, size = wheel.name.split("-")[1], wheel.stat().st_size
    if size > limit:
        raise TooLarge(f"its wheel has {size // 1000000} MB")
    tool(sys.executable, "-m", "venv", "--without-pip", scratch / "venv")
    python = scratch / "venv" / "bin" / "python"
    options = ["--no-cache-dir", "--no-compile", "--only-binary=:all:"]
    try:
        tool(sys.executable, "-m", "pip", "--python", python, "-q", "install", *options, wheel)
    except PartError:  # what it requires is not there for this interpreter
        tool(sys.executable, "-m", "pip", "--python", python, "-q", "install", "--no-deps", *options, wheel)
    if others := depended(group):
        tool(sys.executable, "-m", "pip", "--python", python, "-q", "install", *options, *others)
    return python, version


_ANOTHER = "aarch64" if platform.machine() == "x86_64" else "x86_64"


class TooLarge(Exception):
    """A wheel that is run only when asked for."""


class NotHere(Exception):
    """A wheel that is not for this machine."""


def debian_root(packages: tuple[str, ...], scratch: Path, fetched: Path) -> tuple[Path, str]:
    """(root, version) with Debian packages and the libraries that they depend on, unpacked; `fetched` keeps them."""
    quiet = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
    listed = tool("apt-cache", "depends", "--recurse", *(f"--no-{one}" for one in quiet), *packages)
    names = {line for line in listed.splitlines() if line and not line.startswith((" ", "<")) and ":" not in line}
    libraries = {name for name in names if name.startswith(("lib", "zlib")) and not name.startswith("libc6")}
    wanted = sorted({*packages, *libraries})
    missing = [name for name in wanted if not list(fetched.glob(f"{name}_*.deb"))]
    download = ("apt-get", "-o", "APT::Sandbox::User=", "download")
    try:
        tool(*download, *missing, cwd=fetched)
    except PartError:
        for name in missing:
            try:
                tool(*download, name, cwd=fetched)
            except PartError:
                if name in packages:
                    raise  # of what it depends on, another may provide it
    for name in wanted:
        for deb in fetched.glob(f"{name}_*.deb"):
            tool("dpkg", "-x", deb, scratch / "root")
    (first,) = fetched.glob(f"{packages[0]}_*.deb")
    return scratch / "root", tool("dpkg-deb", "-f", first, "Version").strip()


def searched(root: Path, packages: tuple[str, ...], fetched: Path) -> list[Path]:
    """The directories of what `debian_root` has unpacked: first those of the packages that are tried, for what they
    depend on may bring another's file of the same name; and libraries before plugins, which may have such a name, too.
    """
    debs = [deb for name in packages for deb in fetched.glob(f"{name}_*.deb")]
    listed = "".join(tool("dpkg-deb", "--contents", deb) for deb in debs)
    own = {root / os.path.dirname(path) for path in re.findall(r" \./(\S+)", listed)}
    return sorted(library_dirs(root), key=lambda one: (one not in own, not one.name.endswith("-linux-gnu")))


def upstream(version: str) -> str:
    """The upstream version in a Debian version: without epoch, revision and what was repacked."""
    plain = version.partition(":")[2] or version
    return re.split(r"[+~]|-(?=[^-]*$)|\.dfsg", plain)[0]


def agree(one: str, other: str) -> bool:
    """Whether two versions say the same, as far as both say anything."""
    left, right = ([int(part) for part in re.findall(r"\d+", text)] for text in (one, other))
    length = min(len(left), len(right))
    return bool(length) and left[:length] == right[:length]


def probe(case: Case, python: str | Path, env: dict[str, str | Path]) -> dict[str, Any]:
    """Load the case's library in a process of its own, and call it."""
    table = case.table
    asked = [case.library, case.library, table.get("version-symbol", ""), table.get("version-scale", [])]
    told = run(python, PROBE, json.dumps([*asked, CALLS.get(case.library, ""), case.kind]), env=env, timeout=300)
    if told.returncode:
        last = [line for line in told.stderr.strip().splitlines() if line.strip()]
        refused = next((line.strip() for line in last if " rejected " in line), "")
        raise ProbeError(refused or (last[-1] if last else f"exit status {told.returncode}"))
    answer: dict[str, Any] = told.json
    return answer


class ProbeError(Exception):
    """What a library that could not be loaded or called said."""


def judged(case: Case, told: dict[str, Any], home: Path, version: str) -> Row:
    """Compare what nativeload says, what the library says and what its package says."""
    wrong = []
    whose = "" if case.kind == "deb" or case.wheel.get("version") == "none" else version
    expected = upstream(version) if case.kind == "deb" else whose
    of_package = case.library in _OF_ANOTHER_VERSION or not expected
    expected = ".".join(expected.split(".")[: _TOLD.get(case.library, 9)])
    if not told["path"].startswith(f"{home}/"):
        wrong.append(f"found {told['path']}")
    if case.kind == "wheel" and (told["origin"], told["provider"]) != ("wheel", told["provider"]):
        wrong.append(f"origin {told['origin']}")
    if told["told"] and not of_package and not agree(told["told"], expected):
        wrong.append(f"says {told['told']}, its package {expected}")
    if told["version"] and not of_package and not agree(told["version"], expected):
        wrong.append(f"nativeload says {told['version']}, its package {expected}")
    if set(case.wheel.get("abi", ())) - set(told["abi"]):
        wrong.append(f"has {told['abi']}")
    sonames = case.table["sonames"]
    if sonames and case.kind == "deb" and told["soname"] not in sonames:
        wrong.append(f"its soname is {told['soname']}")
    called = {"version": told["told"], "call": "called", "symbol": "a symbol read", "loaded": "loaded"}[told["how"]]
    return Row(
        case=case,
        package=f"{' '.join(case.packages)} {version}",
        file=os.path.relpath(told["path"], home),
        version=told["version"] or "",
        told=called,
        abi=", ".join(told["abi"]),
        wrong="; ".join(wrong),
    )


# What tells its version tells another's: the interface's, or that of the library it stands for; or the package's is GCC's.
_OF_ANOTHER_VERSION = ("netlib_blas", "netlib_lapack", "mpi_abi", "stdcxx")
# How many numbers are the library's own: the header in cuTENSOR's wheel 2.8.1 says 2.8.0, as its function does.
_TOLD = {"cutensor": 2}


def rows(wanted: set[str], kinds: set[str], limit: int, python_path: str, driver: str = "") -> Iterator[Row]:
    """As `_rows`, with a directory for what is fetched."""
    with tempfile.TemporaryDirectory(prefix="nativeload-debs-") as fetched:
        yield from _rows(wanted, kinds, limit, python_path, driver, Path(fetched))


def _rows(wanted: set[str], kinds: set[str], limit: int, python_path: str, driver: str, fetched: Path) -> Iterator[Row]:
    """Run the cases of some libraries (all where none is named), one package after the other."""
    groups: dict[tuple[str, tuple[str, ...]], list[Case]] = {}
    for case in cases():
        if case.kind in kinds and (not wanted or wanted & {case.library, *case.packages}):
            groups.setdefault((case.kind, case.packages), []).append(case)
    for (kind, packages), group in groups.items():
        with tempfile.TemporaryDirectory(prefix="nativeload-matrix-", ignore_cleanup_errors=True) as place:
            scratch = Path(place).resolve()
            try:
                if kind == "wheel":
                    interpreter, version = wheel_environment(group, scratch, limit)
                    python, home = str(interpreter), scratch / "venv"
                    needed = systems(group)
                    places = library_dirs(debian_root(needed, scratch, fetched)[0]) if needed else []
                    path = os.pathsep.join(map(str, filter(None, (driver, *places))))
                    env: dict[str, str | Path] = {"PYTHONPATH": python_path, "LD_LIBRARY_PATH": path}
                else:
                    home, version = debian_root(packages, scratch, fetched)
                    python = sys.executable
                    directories = os.pathsep.join(map(str, searched(home, packages, fetched)))
                    env = {"PYTHONPATH": python_path, "LD_LIBRARY_PATH": directories}
            except TooLarge as error:
                yield from (_not_run(case, str(error)) for case in group)
                continue
            except NotHere as error:
                yield from (_not_run(case, "", refused=str(error)) for case in group)
                continue
            except (PartError, subprocess.SubprocessError) as error:
                said = str(error).strip().splitlines()
                yield from (_not_run(case, f"cannot be installed: {said[-1] if said else error!r}") for case in group)
                continue
            for case in group:
                try:
                    yield judged(case, probe(case, python, env), home, version)
                except (ProbeError, subprocess.TimeoutExpired) as error:
                    reason = str(error).replace(str(scratch), "…")
                    if linker_refuses(str(error), python, env):
                        yield _not_run(case, "", version, refused=reason)
                    else:
                        yield _not_run(case, reason, version)
            shutil.rmtree(scratch, ignore_errors=True)


def linker_refuses(said: str, python: str | Path, env: dict[str, str | Path]) -> bool:
    """Whether the linker too refuses the file of which a rejection speaks."""
    path = said.partition(" rejected ")[2].partition(": ")[0]
    return path.startswith("/") and bool(
        run(python, "import ctypes, sys; ctypes.CDLL(sys.argv[1])", path, env=env).returncode
    )


def _not_run(case: Case, why: str, version: str = "", refused: str = "") -> Row:
    package = f"{' '.join(case.packages)} {version}".strip()
    return Row(case=case, package=package, file="", version="", told="", abi="", wrong=why, refused=refused)
