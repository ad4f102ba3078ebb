"""What a provider writes wrongly is shown with its place, and the other providers and the rest of the chain go on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import nativeload
from nativeload.errors import DeclarationError
from unit.specimens import NAME, declaration, provider, specimen
from unit.trial import trials

if TYPE_CHECKING:
    from pathlib import Path

GOOD = declaration()

# What is wrong with a nativeload.toml: its text, the line, and what is said of it.
WRONG = {
    "no TOML": ('[library.specimen]\npath = "x\n', 2, ""),
    "no value": (f"{GOOD}soname =\n", 3, ""),
    "defined twice": (f"{GOOD}{GOOD}", 3, ""),
    "a stray word": (f"\n\n{GOOD}oops\n", 5, ""),
    "no end": (f"{GOOD}[[library", 3, ""),
    "unknown key": (f'{GOOD}sonmae = "libspecimen.so.1"\n', 3, "unknown key 'sonmae'; known are path"),
    "unknown table": (f'[libraries.specimen]\npath = "{NAME}"\n', 1, "unknown key 'libraries'"),
    "unknown second table": (f"{GOOD}[requirse]\n", 3, "unknown key 'requirse'"),
    "no table": ('library = "specimen"\n', 1, "library is a table"),
    "no table of its own": (f'[library]\nspecimen = "{NAME}"\n', 2, "library.specimen is a table"),
    "no path": ('[library.specimen]\nsoname = "libspecimen.so.1"\n', 1, "has no path"),
    "path is a list": ('[library.specimen]\npath = ["a.so"]\n', 2, "path is a string"),
    "path is a number": ("[library.specimen]\n\npath = 3\n", 3, "path is a string"),
    "abi is a string": (f'{GOOD}abi = "lp64"\n', 3, "abi is a list of strings"),
    "abi of numbers": (f"{GOOD}abi = [64]\n", 3, "abi is a list of strings"),
    "version is a number": (f"{GOOD}version = 1.0\n", 3, "version is a string"),
    "in one line": (f'[library]\nspecimen = {{ path = "{NAME}", colour = 1 }}\n', 2, "unknown key 'colour'"),
    "a dotted key": (f'library.specimen.path = "{NAME}"\nlibrary.specimen.colour = 1\n', 2, "unknown key 'colour'"),
    "behind one of a like name": (
        f'# library.specimen has a path\n{declaration(library="specimen2")}[library.specimen]\n\npathos = "x"\npath = "/x"\n',
        6,
        "unknown key 'pathos'",
    ),
    "a key that begins as another": (f'{GOOD}[library.other]\npathos = "x"\npath = "y"\n', 4, "unknown key 'pathos'"),
    "behind an odd line": (f'# \u2028 \u0085\n{GOOD}colour = "blue"\n', 4, "unknown key 'colour'"),
    "absolute": (declaration("/usr/lib/libspecimen.so.1"), 2, "is absolute"),
    "climbing": (declaration("../other/libspecimen.so.1"), 2, "climbs out of the package"),
    "climbing later": (declaration("lib/../../other/libspecimen.so.1"), 2, "climbs out of the package"),
    "headers elsewhere": (declaration(include="/usr/include"), 3, "include '/usr/include' is absolute"),
    "CMake files elsewhere": (declaration(cmake="../other"), 3, "cmake '../other' climbs out of the package"),
    "the package itself": (declaration("."), 2, "climbs out of the package"),
    "a neighbour of a like name": (declaration("../broken_one2/libspecimen.so.1"), 2, "climbs out of the package"),
    "empty": (declaration(""), 2, "path is empty"),
    "a NUL": (declaration("lib\\u0000specimen.so.1"), 2, "path is empty, or no path"),
    "missing": (declaration("lib/libspecimen.so.1"), 2, "does not exist"),
    "nested too deeply": (f"x = {'[' * 5000}\n", 0, ""),
}


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("kind", WRONG)
def test_said_with_file_and_line(kind: str, site: Path, good: Path) -> None:
    text, line, words = WRONG[kind]
    home = provider(site, "broken-one", text, files={NAME: good})
    explanation = nativeload.explain("specimen")
    # A declaration is no library that would not do: nothing was found.
    assert explanation.status == "not-found"
    (refused,) = [step for step in explanation.steps if step.verdict == "rejected"]
    assert (refused.finder, refused.candidate) == ("wheel", "broken-one")
    place = f"{home}/nativeload.toml:{line}: " if line else f"{home}/nativeload.toml"
    assert refused.reason.startswith(f"DeclarationError: {place}")
    assert words in refused.reason
    assert explanation.steps[-1].finder == "system"
    # Another provider of the library, or the system, is asked all the same.
    second = provider(site, "the-second", GOOD, files={NAME: good})
    explanation = nativeload.explain("specimen")
    assert [step.verdict for step in explanation.steps if step.finder == "wheel"] == ["rejected", "accepted"]
    assert explanation.spec is not None
    assert explanation.spec.path == f"{second}/{NAME}"


@pytest.mark.usefixtures("fresh")
def test_the_right_one_is_taken(site: Path, good: Path) -> None:
    text = f'# A comment.\n{GOOD}soname = "{NAME}"\nversion = "2.5"\nabi = ["lp64"]\n[library.other]\npath = "x.so"\n'
    home = provider(site, "right-one", text, files={NAME: good})
    spec = nativeload.find_spec("specimen[lp64]==2.5")
    assert spec is not None
    assert (spec.path, spec.version, spec.abi) == (f"{home}/{NAME}", "2.5", ("lp64",))
    assert spec.provider == nativeload.Provider(distribution="right-one", version="1.0")


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00", "is not UTF-8 (byte 0)"),
        (b"#" * ((1 << 20) + 1), "is larger than 1 MiB"),
        (None, "Is a directory"),
    ],
    ids=["binary", "huge", "directory"],
)
def test_a_file_that_is_no_text(content: bytes | None, words: str, site: Path, good: Path) -> None:
    home = provider(site, "broken-one", None, files={NAME: good})
    file = home / "nativeload.toml"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    (refused,) = [step for step in nativeload.explain("specimen").steps if step.verdict == "rejected"]
    assert refused.reason == f"DeclarationError: {file}: {words}"


def test_a_fifo_in_the_place_of_any_file_stops_nothing(tmp_path: Path, good: Path) -> None:
    for number, name in enumerate(("nativeload.toml", "METADATA", "RECORD", "entry_points.txt")):
        home = provider(tmp_path, f"p{number}", GOOD, files={NAME: good})
        fifo = (home if name == "nativeload.toml" else tmp_path / f"p{number}-1.0.dist-info") / name
        fifo.unlink()
        os.mkfifo(fifo)
    found = trials(["specimen", "nothing-of-this-name"], tmp_path, timeout=20)
    # The second has all but its name's spelling; the first declares nothing that can be read.
    assert found["specimen"].library["path"] == str(tmp_path / "p1" / NAME)
    # What nobody has is looked for in every RECORD.
    assert found["nothing-of-this-name"].error == "LibraryNotFoundError"


@pytest.mark.usefixtures("fresh")
def test_an_entry_point_without_a_declaration(site: Path) -> None:
    home = provider(site, "broken-one", None)
    (refused,) = [step for step in nativeload.explain("specimen").steps if step.verdict == "rejected"]
    assert refused.reason == f"DeclarationError: broken-one's entry point: there is no nativeload.toml in {home}"


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("package", ["../outside", "/tmp", "a..b", "", "a b", "os/path", "no_such_package"])
def test_an_entry_point_that_names_no_package(package: str, site: Path, good: Path) -> None:
    provider(site.parent, "outside", GOOD, files={NAME: good})
    provider(site, "broken-one", GOOD, files={NAME: good})
    points = site / "broken_one-1.0.dist-info" / "entry_points.txt"
    points.write_text(f"[nativeload.libraries]\nspecimen = {package}\n")
    explanation = nativeload.explain("specimen")
    assert explanation.status == "not-found"
    (refused,) = [step for step in explanation.steps if step.verdict == "rejected"]
    assert refused.reason.startswith("DeclarationError: broken-one's entry point: ")
    assert package in refused.reason


@pytest.mark.usefixtures("fresh")
def test_an_entry_point_of_another_library_than_declared(site: Path, good: Path) -> None:
    provider(site, "broken-one", declaration(library="other"), files={NAME: good})
    (refused,) = [step for step in nativeload.explain("specimen").steps if step.verdict == "rejected"]
    assert refused.reason == "DeclarationError: broken-one's entry point 'specimen': nativeload.toml declares other"


def test_one_broken_of_ten(tmp_path: Path, good: Path) -> None:
    """Each of ten libraries has a provider; the one that is broken takes nothing with it."""
    homes = {}
    for number in range(10):
        library = specimen(tmp_path / "build" / f"{number}.so", soname=f"libspecimen{number}.so.1")
        text = declaration("lib.so", f"specimen{number}")
        homes[number] = provider(
            tmp_path / "site", f"p{number}", text, library=f"specimen{number}", files={"lib.so": library}
        )
    (homes[4] / "nativeload.toml").write_text("[[[")
    found = trials([f"specimen{number}" for number in range(10)], tmp_path / "site")
    works = [number for number in homes if found[f"specimen{number}"].library]
    assert works == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert found["specimen4"].error == "LibraryNotFoundError"
    assert f"{homes[4]}/nativeload.toml:1: " in found["specimen4"].text


def test_the_error_keeps_its_facts() -> None:
    error = DeclarationError("file.toml:3", "unknown key 'x'")
    assert (error.where, error.reason, str(error)) == ("file.toml:3", "unknown key 'x'", "file.toml:3: unknown key 'x'")
