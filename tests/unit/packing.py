"""Libraries to pack, and wheels that were packed, for the tests of `pack`."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nativeload.pack import wheel
from nativeload.pack.problems import NotPackedError
from parts import cc

if TYPE_CHECKING:
    from collections.abc import Sequence


def library(directory: Path, soname: str = "libfoo.so.1", *flags: str | Path, value: int = 42) -> Path:
    """A library whose one function is named as the library, the file's name its soname."""
    function = re.sub(r"\W", "_", soname.partition(".so")[0].removeprefix("lib"))
    return cc(f"int {function}(void) {{ return {value}; }}", directory / soname, f"-Wl,-soname,{soname}", *flags)


def packed(output: Path, *paths: Path, name: str = "foo-lib", version: str = "1.2", **options: Any) -> Path:
    """The wheel of these libraries."""
    return Path(wheel.pack(list(map(str, paths)), name=name, version=version, output=str(output), **options).path)


def refused(output: Path, *paths: Path, **options: Any) -> str:
    """What is said of libraries that cannot be packed; nothing is left where the wheel would be."""
    with pytest.raises(NotPackedError) as error:
        packed(output / "dist", *paths, **options)
    assert not (output / "dist").exists()
    assert all(problem.remedy for problem in error.value.problems)
    return str(error.value)


def files(made: Path) -> dict[str, bytes]:
    """What is in a wheel, after its RECORD was found to be right."""
    with zipfile.ZipFile(made) as archive:
        assert archive.testzip() is None
        found = {name: archive.read(name) for name in archive.namelist()}
        modes = {member.external_attr >> 16 for member in archive.infolist()}
    assert modes == {0o100644}  # regular files: no link
    (record,) = [name for name in found if name.endswith(".dist-info/RECORD")]
    rows = list(csv.reader(found[record].decode().splitlines()))
    assert sorted(row[0] for row in rows) == sorted(found)
    for name, digest, size in rows:
        assert (digest, size) == (("", "") if name == record else (digest_of(found[name]), str(len(found[name]))))
    return found


def digest_of(content: bytes) -> str:
    """A content's digest as RECORD has it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def unpacked(made: Path, site: Path) -> Path:
    """Install a wheel in a directory, as installers do where it has no data files."""
    with zipfile.ZipFile(made) as archive:
        archive.extractall(site)
    return site


def tree(root: Path, names: Sequence[str]) -> Path:
    """A directory with these files, each of which says its name."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"/* {name} */\n", encoding="utf-8")
    return root
