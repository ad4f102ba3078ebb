"""Which file names a requirement's name stands for: never those of another library or another major version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nativeload import catalog, requirement
from nativeload.linkers import directories
from nativeload.machinery.system import best_first
from nativeload.requirement import normal

if TYPE_CHECKING:
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


@pytest.mark.parametrize("name", ["libcudart.so.1", "libcudart.so.12"])
def test_a_soname_takes_no_other_from_a_directory(name: str) -> None:
    wanted = requirement.parse(name)
    assert best_first(wanted, catalog.lookup(wanted.stem), sorted(FILES)) == [name]
    # Where that very file is not there, nothing is.
    others = [file for file in FILES if file != name]
    assert best_first(wanted, catalog.lookup(wanted.stem), sorted(others)) == []


def test_a_plain_name_takes_the_development_name_then_the_newest() -> None:
    files = ["libspecimen.so.9", "libspecimen.so.10", "libspecimen.so.10.2", "libspecimen.so", "libspecimens.so.11"]
    found = best_first(requirement.parse("specimen"), None, sorted(files))
    assert found[0] == "libspecimen.so"
    assert set(found) == set(files) - {"libspecimens.so.11"}
    assert found.index("libspecimen.so.10.2") < found.index("libspecimen.so.9")
    assert found.index("libspecimen.so.10") < found.index("libspecimen.so.9")


def test_sonames_of_the_catalog_come_before_guesses() -> None:
    entry = catalog.lookup("tbb")
    assert entry is not None
    files = ["libtbb.so.12", "libtbb.so.2", "libtbb.so.99"]
    assert best_first(requirement.parse("tbb"), entry, sorted(files))[0] == "libtbb.so.12"


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


def test_versions_of_a_library(tmp_path: Path) -> None:
    """A directory's names by what they begin with, as going through all of them would find them."""
    for file in (*FILES, "libcudart.so+x", "libcudart.so-1"):
        (tmp_path / file).touch()
    names = directories.read(str(tmp_path))
    assert names == sorted(file.name for file in tmp_path.iterdir())
    for stem in ("libcudart.so", "libcudart.so.12", "libnone.so"):
        assert directories.versions(names, stem) == [n for n in names if n == stem or n.startswith(f"{stem}.")]
    assert len(directories.versions(names, "libcudart.so")) > 1
