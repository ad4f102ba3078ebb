"""`python -m tests.platforms`: what nativeload says of real wheels of macOS and Windows, beside what others say.

Every native file's facts beside LIEF's; what each maps at once beside delocate's answer on macOS, which asks LLVM's
otool, and delvewheel's and LIEF's names on Windows; what `--check` finds wrong, which should be nothing but what is
known here. The wheels are the newest that pip finds for this Python, and are kept like all parts.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, os.fspath(Path(__file__).resolve().parent.parent))

from platforms import oracles
from platforms.facts import differences

from nativeload.platforms import contents, sources
from nativeload.platforms.closures import Site, findings
from nativeload.platforms.target import targets
from parts import wheel
from parts.debian import deb

MAC, INTEL, WINDOWS = "macosx_14_0_arm64", "macosx_14_0_x86_64", "win_amd64"
_BOTH = [
    "cffi",
    "contourpy",
    "cryptography",
    "fonttools",
    "grpcio",
    "h5py",
    "kiwisolver",
    "lightgbm",
    "llvmlite",
    "lxml",
    "markupsafe",
    "matplotlib",
    "netcdf4",
    "numba",
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "pandas",
    "pillow",
    "psycopg2-binary",
    "pyarrow",
    "pyogrio",
    "pyproj",
    "pyyaml",
    "pyzmq",
    "rasterio",
    "scikit-image",
    "scikit-learn",
    "scipy",
    "scipy-openblas32",
    "scipy-openblas64",
    "shapely",
    "soundfile",
    "statsmodels",
    "xgboost",
    "z3-solver",
]
WHEELS = [(name, tag) for tag in (MAC, WINDOWS) for name in _BOTH] + [
    ("tbb", INTEL),
    ("numpy", INTEL),
    ("tbb", WINDOWS),
]
# (wheel, a part of what --check says): why it is no mistake of nativeload's.
KNOWN = {
    (name, "needs @rpath/libomp.dylib"): "the wheel asks for Homebrew's or conda's OpenMP"
    for name in ("lightgbm", "xgboost", "numba")
}


@dataclass(kw_only=True)
class Row:
    """What was compared of one wheel, and what differs."""

    label: str
    images: int = 0
    mapped: int = 0
    wrong: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)


def compared(asked: tuple[str, str]) -> Row:
    logging.disable()  # delocate's, of what is missing
    name, tag = asked
    path = wheel(name, platform_tag=tag)
    row = Row(label=path.name)
    with tempfile.TemporaryDirectory(prefix="nativeload-") as directory:
        contents.unpack(os.fspath(path), directory)
        for target in targets(tag, ""):
            site = Site(directory, target)
            files = list(site.files())
            for count, lines in map(differences, contents.native(site.directory)):
                row.images += count
                row.wrong += lines
            (_of_mac if target.system == "macos" else _of_windows)(site, files, row)
            said = findings(site, {one: site.closure(one) for one in files})
            for one in said:
                if one.severity == "error":
                    text = f"{one.image}: {one.detail}".partition("\n")[0]
                    why = next((why for key, why in KNOWN.items() if key[0] == name and key[1] in text), "")
                    if one.kind == "missing" and target.system == "windows":  # or `_of_windows` says that it differs
                        why = "delvewheel does not find it either"
                    (row.known if why else row.wrong).append(f"{text}: {why}" if why else f"--check: {text}")
        row.wrong = [line.replace(f"{site.directory}/", "") for line in row.wrong]
    return row


def _of_mac(site: Site, files: list[str], row: Row) -> None:
    theirs = oracles.delocate(site.directory)
    ours = set()
    for path in files:
        owner = site.closure(path).images
        for edge in owner[0].needed if owner else ():
            found = os.path.join(site.directory, edge.path or "")
            if edge.path and not edge.how.endswith("at the first call") and os.path.exists(found):
                ours.add((os.path.realpath(path), os.path.realpath(found)))
    row.mapped += len(ours)
    row.wrong += [f"not for delocate: {pair}" for pair in sorted(ours - theirs)]
    row.wrong += [f"for delocate alone: {pair}" for pair in sorted(theirs - ours) if pair[0] in files]


def _of_windows(site: Site, files: list[str], row: Row) -> None:
    for path in files:
        added, loaded = sources.before(site.directory, path)
        places = [os.path.dirname(path), *added]
        closure = site.closure(path)
        mapped = {os.path.join(site.directory, one.path) for one in closure.images} - {path}
        ours = {os.path.realpath(one) for one in mapped if os.path.exists(one)}
        row.mapped += len(ours)
        # What was loaded before is mapped already.
        there = {os.path.realpath(one) for root in loaded for one in (root, *oracles.imports(root, places))}
        discovered, absent = oracles.delvewheel(path, places)
        for who, found in (("delvewheel", discovered), ("LIEF", oracles.imports(path, places))):
            if different := ours ^ (found - there):
                row.wrong.append(f"{path}: {who} does not say the same of {sorted(different)}")
        missing = {one.detail.split()[1].rstrip(",").lower() for one in closure.problems if one.kind == "missing"}
        absent -= {os.path.basename(one).lower() for one in there}
        if missing != {one.lower() for one in absent}:
            row.wrong.append(f"{path}: missing {sorted(missing)} here, {sorted(absent)} for delvewheel")


def _otool(scratch: Path) -> bool:
    """Whether there is an otool for delocate to ask: LLVM's, Debian's package of which is unpacked if need be."""
    if not oracles.otool(scratch):
        root = deb("llvm-14", "libllvm14", "libedit2", "libz3-4", "libxml2", "libbsd0", "libmd0", "libicu72")
        os.environ["PATH"] += f"{os.pathsep}{root / 'usr' / 'bin'}"
    return oracles.otool(scratch)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.platforms", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these wheels")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="wheels at a time")
    arguments = parser.parse_args()
    asked = [one for one in WHEELS if not arguments.names or one[0] in arguments.names]
    with tempfile.TemporaryDirectory(prefix="nativeload-otool-") as scratch:
        if not _otool(Path(scratch)):
            print("there is no otool")
            return 1
        with ProcessPoolExecutor(arguments.jobs) as pool:
            rows = []
            for row in pool.map(compared, asked):
                rows.append(row)
                print(f"{row.label}: {row.images} images, {row.mapped} mapped, {len(row.wrong)} wrong", flush=True)
                for line in (*row.wrong, *(f"known: {one}" for one in row.known)):
                    print(f"  {line[:300]}", flush=True)
    for system in ("macosx", "win"):
        chosen = [row for row in rows if system in row.label.rpartition("-")[2]]
        wrong = sum(len(row.wrong) for row in chosen)
        images, mapped = sum(row.images for row in chosen), sum(row.mapped for row in chosen)
        print(
            f"{system}: {len(chosen)} wheels, {images} images, {mapped} dependencies, {wrong} unexplained differences"
        )
    return 1 if any(row.wrong for row in rows) or not all(row.images for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
