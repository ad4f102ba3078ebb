"""Which file names a requirement's name stands for: never those of another library or another major version."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from nativeload import catalog, core, requirement
from nativeload.requirement import normal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILES = [
    "libcudart.so",
    "libcudart.so.1",
    "libcudart.so.11.0",
    "libcudart.so.12",
    "libcudart.so.12.4.127",
    "libcudart.so.120",
    "libcudart_static.so",
    "libcudart12.so.1",
    "libcudart-9a3.so.12",
    "xlibcudart.so.12",
    "libcudart.so_1",
    "libcudart.sox",
    "libcudart.so.",
    "cudart.so",
    "libcudart.a",
]


@pytest.mark.parametrize(
    ("text", "stands_for"),
    [
        ("libcudart.so.1", ["libcudart.so.1"]),
        ("libcudart.so.12", ["libcudart.so.12"]),
        ("libcudart.so.12.4.127", ["libcudart.so.12.4.127"]),
        (
            "cudart",
            [
                "libcudart.so",
                "libcudart.so.1",
                "libcudart.so.11.0",
                "libcudart.so.12",
                "libcudart.so.12.4.127",
                "libcudart.so.120",
                "libcudart.so.",
            ],
        ),
        ("cudart12", ["libcudart12.so.1"]),
        ("cuda", []),
        ("art", []),
        ("CUDART", []),
    ],
)
def test_names(text: str, stands_for: list[str]) -> None:
    wanted = requirement.parse(text)
    assert [name for name in FILES if wanted.names(name)] == stands_for


def test_a_development_name_is_the_plain_name() -> None:
    development, plain = requirement.parse("libcudart.so"), requirement.parse("cudart")
    assert [name for name in FILES if development.names(name)] == [name for name in FILES if plain.names(name)]


def listed(directory: Path, files: Iterable[str], name: str, first: tuple[str, ...] = ()) -> list[str]:
    """What a name stands for in a directory of these files."""
    for file in files:
        (directory / file).touch()
    found = core.listed(core.places((str(directory),), ()), name, first, {})
    assert {(place, os.path.dirname(path)) for place, path in found} <= {(0, str(directory))}
    return [os.path.basename(path) for _, path in found]


@pytest.mark.parametrize("name", ["libcudart.so.1", "libcudart.so.12"])
def test_a_soname_takes_no_other_from_a_directory(name: str, tmp_path: Path) -> None:
    # Where that very file is not there, nothing is.
    assert listed(tmp_path, [file for file in FILES if file != name], name) == []
    assert listed(tmp_path, [name], name) == [name]


def test_a_plain_name_takes_the_development_name_then_the_newest(tmp_path: Path) -> None:
    versions = ["", ".10", ".10.2", ".9", ".9.007", ".9.6", ".1.2.3", ".1.2", ".0", ".", ".a", ".²"]
    newest_first = sorted(versions, key=lambda v: (bool(v), [-int(part) for part in v.split(".") if part.isdecimal()]))
    others = ["libspecimens.so.11", "libspecimen.so-1", "libspecimen.so+x", "libspecimen.sox", "specimen.so"]
    found = listed(tmp_path, [*(f"libspecimen.so{v}" for v in versions), *others], "libspecimen.so")
    assert sorted(found) == sorted(f"libspecimen.so{v}" for v in versions)
    numbered = [v for v in newest_first if any(c.isdecimal() for c in v) or not v]
    assert [f.removeprefix("libspecimen.so") for f in found if f.removeprefix("libspecimen.so") in numbered] == numbered


def test_sonames_of_the_catalog_come_before_guesses(tmp_path: Path) -> None:
    files = ["libtbb.so.12", "libtbb.so.2", "libtbb.so.99"]
    found = listed(tmp_path, files, "libtbb.so", ("libtbb.so.12", "libnone.so.1", "libtbb.so.2"))
    assert found == ["libtbb.so.12", "libtbb.so.2", "libtbb.so.99"]
    assert listed(tmp_path, [], "libtbb.so")[0] == "libtbb.so.99"


def test_subdirectories_come_before_their_directory(tmp_path: Path) -> None:
    for place in ("one", "one/below/deep", "two"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "libspecimen.so").touch()
    below = ("below/deep", "below/none", "none/deep")
    places = core.places((f"{tmp_path}/none", f"{tmp_path}/one", f"{tmp_path}/two", f"{tmp_path}/one"), below)
    expected = [(1, "one/below/deep"), (1, "one"), (2, "two")]
    found = core.listed(places, "libspecimen.so", (), {})
    assert found == [(place, f"{tmp_path}/{name}/libspecimen.so") for place, name in expected]


def test_what_changes_is_read_again(tmp_path: Path) -> None:
    consulted: dict[str, str] = {}
    places = core.places((str(tmp_path),), ("below",))
    assert core.listed(places, "libspecimen.so", (), consulted) == []
    assert consulted == {str(tmp_path): core.signature(str(tmp_path))}
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "libspecimen.so.1").touch()
    found = core.listed(places, "libspecimen.so", (), consulted)
    assert found == [(0, f"{tmp_path}/below/libspecimen.so.1")]
    assert consulted[str(tmp_path)] != core.signature(str(tmp_path))  # as it was when it was first consulted
    (tmp_path / "below" / "libspecimen.so.1").unlink()
    assert core.listed(places, "libspecimen.so", (), {}) == []


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    assert listed(tmp_path, FILES, "libcudart.so\0") == []
    assert listed(tmp_path, FILES, "\ud800.so") == []


@pytest.mark.parametrize("name", catalog.names())
def test_no_path_of_the_catalog_can_match_another_major_version(name: str) -> None:
    entry = catalog.lookup(name)
    assert entry is not None
    assert entry.sonames or entry.wheels
    for wheel in entry.wheels:
        pattern = wheel.path or wheel.data
        assert "*" not in pattern
        assert "?" not in pattern
        assert bool(wheel.path) != bool(wheel.data)
        assert not pattern.startswith("/")
        assert ".." not in pattern.split("/")


def test_distributions_compare_without_case_and_separators() -> None:
    assert normal("Scipy-OpenBLAS64") == normal("scipy_openblas64") == normal("scipy.openblas64")
    assert normal("openblas") != normal("openblas64")
