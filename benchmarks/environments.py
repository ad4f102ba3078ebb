"""The environments that are measured: real wheels, compiled as pip compiles them, in virtual environments."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, os.fspath(ROOT / "tests"))

from parts import environments, wheels  # noqa: E402 - they are beside the tests
from parts.compiler import cc  # noqa: E402


def project_wheel() -> Path:
    """The project's wheel, with its extension; built anew when its sources have changed."""
    wheel = wheels.nativeload_wheel()
    with zipfile.ZipFile(wheel) as archive:
        if not any(name.startswith("nativeload/_native.") for name in archive.namelist()):
            raise SystemExit("the extension was not built: is there a C compiler, and Python.h?")
    return wheel


def environment(*names: str) -> Path:
    """The interpreter of an environment with nativeload, what it needs, and these wheels, all compiled."""
    needed = [wheels.wheel(name) for name in ("packaging", "platformdirs", "pyelftools", *names)]
    python = environments.venv(sys.executable, project_wheel(), *needed)
    subprocess.run([python, "-m", "compileall", "-q", python.parent.parent / "lib"], check=False)
    return python


def distributions(count: int, home: Path) -> Path:
    """A directory for `sys.path` with so many distributions; the last of them declares the library "measured"."""
    directory = home / f"sites-{count}"
    for number in range(count):
        info = directory / f"package_{number}-1.{number}.dist-info"
        info.mkdir(parents=True)
        info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: package-{number}\nVersion: 1.{number}\n")
        info.joinpath("entry_points.txt").write_text(f"[console_scripts]\npackage-{number} = package_{number}:main\n")
    info.joinpath("entry_points.txt").write_text("[nativeload.libraries]\nmeasured = measured\n")
    package = directory / "measured"
    package.mkdir()
    package.joinpath("nativeload.toml").write_text('[library.measured]\npath = "libmeasured.so"\n')
    cc("int measured(void) { return 1; }", package / "libmeasured.so", "-Wl,-soname,libmeasured.so")
    settle(directory)
    return directory


def catalogs(directory: Path, files: int, entries: int) -> None:
    """Make the first distributions of `distributions` add so many entries each to the catalog."""
    entry = '[library.added_{}]\nsummary = "Added"\nsonames = ["libadded_{}.so.1"]\n\n[[library.added_{}.wheel]]\n'
    entry += 'distribution = "package-{}"\npath = "package_{}/libadded.so.1"\n\n'
    for number in range(files):
        package = directory / f"package_{number}"
        package.mkdir()
        numbers = range(number * entries, (number + 1) * entries)
        package.joinpath("family.toml").write_text("".join(entry.format(*[one] * 3, number, number) for one in numbers))
        points = directory / f"package_{number}-1.{number}.dist-info" / "entry_points.txt"
        points.write_text(f"[nativeload.catalog]\nfamily = package_{number}\n")
    settle(directory)


def without_catalog(python: Path, home: Path) -> dict[str, Path]:
    """Two directories for `sys.path`: a copy of the installed nativeload, and one that knows no library."""
    (package,) = python.parent.parent.glob("lib/python*/site-packages/nativeload")
    copies = {}
    for name in ("known", "unknown"):
        copies[name] = home / name
        shutil.copytree(package, home / name / "nativeload")
        data = home / name / "nativeload" / "catalog"
        for file in data.glob("*.toml") if name == "unknown" else ():
            file.unlink()
        if name == "unknown":
            data.joinpath("index.txt").write_text("")
    settle(*copies.values())
    return copies


def settle(*directories: Path) -> None:
    """Make directories old enough that an answer resting on them is kept."""
    for directory in directories:
        os.utime(directory, (1, 1))
