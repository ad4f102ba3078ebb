"""The JSON schema of `nativeload.toml` says what its reader says: what one refuses, the other does."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING

import jsonschema
import pytest

from nativeload import declarations
from nativeload.errors import DeclarationError
from nativeload.tomlfile import Document
from unit.specimens import declaration
from unit.test_bad_declarations import GOOD, WRONG

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = json.loads(files("nativeload").joinpath("schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
# Where the file is, and what is in it beside TOML's own errors, is no schema's matter.
GRAMMAR = {
    name: text
    for name, (text, _, words) in WRONG.items()
    if words and name not in ("missing", "the package itself", "a NUL")
}
RIGHT = {
    "one": GOOD,
    "all keys": declaration(
        "lib/libx.so.1", soname="libx.so.1", version="1", prefix="a_", suffix="_b", set="s", include="include",
        pkgconfig="lib/pkgconfig", cmake="lib/cmake/x", macos="lib/libx.dylib", windows="bin/x.dll",
    )
    + 'abi = ["ilp64"]\nrequires = ["z>=1"]\naliases = ["libx.so.0"]\n[library.specimen.builds]\nx86-64-v3 = "v3/libx.so.1"\n',
    "builds by properties": f'{GOOD}[library.specimen.builds]\n"a :: b :: 1.0, c::d::e" = "v3/libx.so.1"\n',
    "of another platform": '[library.specimen]\nwindows = "x.dll"\n',
    "requires": '[requires]\nfoo = ">=1,<2"\nopenblas = "[ilp64]>=0.3"\nz = ""\n',
    "dots in a name": declaration("a..b/libx.so"),
    "nothing": "",
}  # fmt: skip
WRONG_TOO = {
    "a level": f'{GOOD}[library.specimen.builds]\nx86-64-v9 = "x.so"\n',
    "no property": f'{GOOD}[library.specimen.builds]\n"x86_64 :: level" = "x.so"\n',
    "no property beside one": f'{GOOD}[library.specimen.builds]\n"a :: b :: c, d :: e" = "x.so"\n',
    "a property in capitals": f'{GOOD}[library.specimen.builds]\n"a :: B :: c" = "x.so"\n',
    "builds without a path": '[library.specimen.builds]\nx86-64-v3 = "x.so"\n',
    "a build that climbs": f'{GOOD}[library.specimen.builds]\nx86-64-v3 = "../x.so"\n',
    "requires is a string": f'{GOOD}requires = "foo"\n',
    "an alias that is a path": f'{GOOD}aliases = ["/x/libx.so"]\n',
    "an alias that is no soname": f'{GOOD}aliases = ["libx"]\n',
    "set is a list": f'{GOOD}set = ["a"]\n',
}


def read(text: str, path: Path) -> str:
    """What the reader says of a text, "" where nothing is wrong."""
    path.write_text(text)
    try:
        document = Document(str(path))
        declarations.libraries(document, str(path.parent))
    except DeclarationError as error:
        return error.reason
    return ""


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["properties"]) == set(declarations.TABLES)
    assert set(SCHEMA["properties"]["library"]["additionalProperties"]["properties"]) == set(declarations.KEYS)


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_to_both(name: str, tmp_path: Path) -> None:
    assert read(RIGHT[name], tmp_path / "nativeload.toml") == ""
    assert list(VALIDATOR.iter_errors(tomllib.loads(RIGHT[name]))) == []


@pytest.mark.parametrize("name", [*GRAMMAR, *WRONG_TOO])
def test_what_is_wrong_to_both(name: str, tmp_path: Path) -> None:
    text = {**GRAMMAR, **WRONG_TOO}[name]
    assert read(text, tmp_path / "nativeload.toml")
    assert list(VALIDATOR.iter_errors(tomllib.loads(text)))
