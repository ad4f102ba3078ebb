"""The catalog's own data: what is made of it is current, its grammar is JSON Schema's, and a lookup reads one library."""

from __future__ import annotations

import builtins
import json
import platform
import tomllib
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from catalog import made
from nativeload import catalog, requirement
from nativeload.__main__ import _main
from nativeload.catalog import validation

if TYPE_CHECKING:
    from pathlib import Path

FAMILIES = made.families()
SCHEMA = jsonschema.Draft202012Validator(validation.schema())
GOOD = """[library.fast]
summary = "Fast"
sonames = ["libfast.so.1"]

[[library.fast.wheel]]
distribution = "one"
path = "one/libfast.so.1"

[[library.fast.wheel]]
distribution = "two"
data = "lib/libfast.so.1"
"""
# What is put into GOOD in whose place, the line that is named, and what is said.
WRONG: dict[str, tuple[str, str, int, str]] = {
    "no summary": ('summary = "Fast"', "", 1, "library.fast: has no summary"),
    "no sonames": ('sonames = ["libfast.so.1"]', "", 1, "library.fast: has no sonames"),
    "an unknown key": ("summary =", "sumary =", 2, "unknown key 'sumary'; known are summary"),
    "an unknown table": ("[library.fast]", "[librarys.fast]", 1, "unknown key 'librarys'"),
    "a number": ('summary = "Fast"', "summary = 1", 2, "library.fast.summary: is not a string"),
    "a text for a list": ('["libfast.so.1"]', '"libfast.so.1"', 3, "is not a list"),
    "a soname that is a path": ('["libfast.so.1"]', '["/tmp/libfast.so.1"]', 3, "library.fast.sonames[1]: '/tmp"),
    "an absolute path": ('"one/lib', '"/one/lib', 7, "library.fast.wheel[1].path: '/one/lib"),
    "a climbing path": ('"one/lib', '"one/../../lib', 7, "is not of the form"),
    "an empty step of a path": ('"one/lib', '"one//lib', 7, "is not of the form"),
    "the second wheel": ('"lib/', '"../lib/', 11, "library.fast.wheel[2].data"),
    "no place": ('data = "lib/libfast.so.1"', "", 9, "has not exactly one of path, data"),
    "two places": ("data =", 'path = "x"\ndata =', 9, "has not exactly one of path, data"),
    "a name in capitals": ("[library.fast]", "[library.Fast]", 1, "the name 'Fast' is not of the form"),
    "another version": ('data = "', 'version = "new"\ndata = "', 11, "is 'new', not one of distribution, none"),
    "a home without a variable": ("sonames =", 'homes = ["/tmp/lib"]\nsonames =', 3, "'/tmp/lib' is not of the form"),
    "a home that climbs": ("sonames =", 'homes = ["HOME/../x"]\nsonames =', 3, "'HOME/../x' is not of the form"),
    "a call with a body": (
        "sonames =",
        'version-symbol = "int f() { return 1; }"\nsonames =',
        3,
        "is not of the form",
    ),
    "an empty list": ("sonames =", "names = []\nsonames =", 3, "library.fast.names: is empty"),
}


def test_what_is_made_of_the_data_is_current() -> None:
    assert made.INDEX.read_text("utf-8") == made.index(), "python -m tests.catalog"
    assert made.PAGE.read_text("utf-8") == made.page(), "python -m tests.catalog"


def test_every_file_is_what_both_readers_of_the_schema_accept() -> None:
    for family, libraries in FAMILIES.items():
        assert validation.read(str(made.DATA / f"{family}.toml"))[1] == []
        assert [error.message for error in SCHEMA.iter_errors({"library": libraries})] == []


def test_an_entry_is_all_that_its_table_says() -> None:
    for family, libraries in FAMILIES.items():
        for library, table in libraries.items():
            found = catalog.lookup(library)
            assert found == catalog.entry(library, table, f"{catalog.HOME}/{family}.toml")
            assert all(catalog.lookup(name) == found for name in table.get("names", ()))


def test_each_name_is_of_one_library() -> None:
    owners: dict[str, str] = {}
    for libraries in FAMILIES.values():
        for library, table in libraries.items():
            for name in dict.fromkeys(made.normal(one) for one in (library, *table.get("names", ()))):
                assert owners.setdefault(name, library) == library
            for other in table.get("depends", ()):
                assert catalog.lookup(other) is not None, f"{library} depends on {other}"


def test_what_leads_to_libraries() -> None:
    assert catalog.implementing("blas")[:2] == ["openblas", "mkl_rt"]
    assert catalog.by_soname("libtbb.so.12") == ["tbb"]
    assert "openblas" in catalog.of_distribution("scipy-openblas64")
    assert catalog.implementing("openblas") == catalog.by_soname("openblas") == catalog.of_distribution("nobody") == []
    assert {"blas", "lapack", "openmp"} <= set(catalog.virtuals())
    assert catalog.names() == sorted(library for libraries in FAMILIES.values() for library in libraries)


@pytest.mark.parametrize(
    ("filename", "libraries"),
    [
        ("libscipy_openblas64_.so", ["openblas"]),
        ("libusb-1.0.so.0", ["usb"]),
        ("libmpi.so.12", ["mpich", "impi"]),
        ("libtbb.so.12", ["tbb"]),
        (f"libsndfile_{platform.machine()}.so", ["sndfile"]),
        ("libsndfile_vax.so", []),
        ("libscipy_openblas65_.so", []),
        ("libmpi.so", []),
    ],
)
def test_what_a_file_name_leads_to(filename: str, libraries: list[str]) -> None:
    assert [one.name for one in catalog.known(requirement.parse(filename))] == libraries


@pytest.mark.parametrize("name", ["", " ", "z z", "=libtbb.so.12", "%blas", "@tbb", "tbb\n", "x" * 100000, "\0"])
def test_a_name_that_is_none(name: str) -> None:
    assert catalog.lookup(name) is None


@pytest.mark.usefixtures("fresh")
def test_a_lookup_reads_the_family_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is unknown reads no data file, and a known one reads its family's."""
    opened: list[str] = []
    real = builtins.open

    def recording(file: Any, *args: Any, **kwargs: Any) -> Any:
        opened.append(str(file))
        return real(file, *args, **kwargs)

    catalog.index("")
    monkeypatch.setattr(catalog, "_shipped", {})
    monkeypatch.setattr(builtins, "open", recording)
    assert catalog.lookup("no-such-library") is None
    assert [one for one in opened if one.startswith(catalog.HOME)] == []
    assert catalog.lookup("tbb") is not None
    assert [one for one in opened if one.startswith(catalog.HOME)] == [f"{catalog.HOME}/tbb.toml"]


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_said_with_its_line(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after, line, words = WRONG[kind]
    assert GOOD.count(before) >= 1
    file = tmp_path / "fast.toml"
    file.write_text(GOOD.replace(before, after, 1))
    entries, problems = validation.read(str(file))
    assert entries == []
    assert any(where == f"{file}:{line}" and words in reason for where, reason in problems), problems
    # JSON Schema's own reader refuses it too.
    assert list(SCHEMA.iter_errors(tomllib.loads(file.read_text())))
    assert _main(["--validate-catalog", str(file)]) == 1
    assert f"{file}:{line}: " in capsys.readouterr().out


def test_what_is_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "fast.toml"
    file.write_text(GOOD)
    (entry,), problems = validation.read(str(file))
    assert (entry.name, len(entry.wheels), entry.where, problems) == ("fast", 2, str(file), [])
    assert _main(["--validate-catalog", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}: 1 libraries, nothing is wrong\n"


def test_one_bad_entry_spoils_no_other(tmp_path: Path) -> None:
    file = tmp_path / "fast.toml"
    file.write_text(GOOD + GOOD.replace("fast", "good").replace("summary", "sumary") + GOOD.replace("fast", "other"))
    entries, problems = validation.read(str(file))
    assert [one.name for one in entries] == ["fast", "other"]
    assert {where for where, _ in problems} == {f"{file}:{GOOD.count(chr(10)) + line}" for line in (1, 2)}


def test_a_file_that_is_none(tmp_path: Path) -> None:
    for content in (b"[library.fast\n", b"\xff\xfe", b"", b"library = 3\n"):
        (tmp_path / "fast.toml").write_bytes(content)
        entries, problems = validation.read(str(tmp_path / "fast.toml"))
        assert entries == []
        assert problems
    assert validation.read(str(tmp_path / "absent.toml"))[1] == [
        (f"{tmp_path}/absent.toml", "No such file or directory")
    ]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads((made.DATA / "schema.json").read_text("utf-8")))
