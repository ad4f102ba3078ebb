"""Requirements: what a name, its extras and its specifier mean, and what is refused."""

from __future__ import annotations

import pytest

from nativeload import requirement
from nativeload.errors import NativeLoadError, RequirementError
from unit.trial import ask


@pytest.mark.parametrize(
    ("text", "name", "stem", "filename"),
    [
        ("openblas", "openblas", "openblas", ""),
        ("z", "z", "z", ""),
        ("stdc++", "stdc++", "stdc++", ""),
        ("libz.so", "libz.so", "z", "libz.so"),
        ("libz.so.1", "libz.so.1", "z", "libz.so.1"),
        ("z \t", "z", "z", ""),
        ("libstdc++.so.6.0.30", "libstdc++.so.6.0.30", "stdc++", "libstdc++.so.6.0.30"),
        ("libpython3.11.so.1.0", "libpython3.11.so.1.0", "python3.11", "libpython3.11.so.1.0"),
        ("libusb-1.0.so.0", "libusb-1.0.so.0", "usb-1.0", "libusb-1.0.so.0"),
        ("mod.so", "mod.so", "mod", "mod.so"),
        # A name that only looks like a file's.
        ("foo.sox", "foo.sox", "foo.sox", ""),
        ("libz", "libz", "libz", ""),
    ],
)
def test_name(text: str, name: str, stem: str, filename: str) -> None:
    found = requirement.parse(text)
    assert (found.name, found.stem, found.filename) == (name, stem, filename)
    assert (found.text, found.features, found.specifier, found.symbols) == (text, (), None, ())


@pytest.mark.parametrize(
    ("text", "features", "specifier"),
    [
        ("openblas[ilp64]", ("ilp64",), ""),
        ("openblas[ilp64]>=0.3.20", ("ilp64",), ">=0.3.20"),
        ("openblas[ILP64, suffix=64_]", ("ilp64", "suffix=64_"), ""),
        ("openblas [ ilp64 ] >= 0.3.20", ("ilp64",), ">=0.3.20"),
        ("openblas (>=0.3,<1)", (), "<1,>=0.3"),
        ("openblas>=0.3,<1,!=0.5.*", (), "!=0.5.*,<1,>=0.3"),
        ("openblas ~=1.4", (), "~=1.4"),
        ("libz.so.1==1.2.13", (), "==1.2.13"),
        ("openblas ===1.0-custom", (), "===1.0-custom"),
    ],
)
def test_extras_and_specifier(text: str, features: tuple[str, ...], specifier: str) -> None:
    found = requirement.parse(text)
    assert found.features == features
    assert str(found.specifier or "") == specifier


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not begin with a library's name"),
        (" openblas", "does not begin with a library's name"),
        (">=1", "does not begin with a library's name"),
        ("[ilp64]", "does not begin with a library's name"),
        ("-rf", "does not begin with a library's name"),
        (".so", "does not begin with a library's name"),
        ("..", "does not begin with a library's name"),
        ("$ORIGIN", "does not begin with a library's name"),
        ("/usr/lib/libz.so.1", "not a path"),
        ("../libz.so", "not a path"),
        ("z/../../etc", "not a path"),
        ("z\0", "not a path"),
        ("openblas[", "not closed by ']'"),
        ("openblas[ilp64", "not closed by ']'"),
        ("openblas[]", "there are none"),
        ("openblas[,]", "there are none"),
        ("openblas]", "not a version specifier"),
        ("openblas>=", "not a version specifier"),
        ("openblas=1", "not a version specifier"),
        ("openblas==one two", "not a version specifier"),
        ("openblas 0.3", "not a version specifier"),
        ("openblas(>=1", "not a version specifier"),
        ("openblas()", "not a version specifier"),
        ("openblas; python_version > '3'", "no environment marker"),
        ("openblas @ file:x", "no URL"),
        ("openblas,", "not a version specifier"),
        ("openblas>=1\n2", "not a version specifier"),
    ],
)
def test_malformed(text: str, reason: str) -> None:
    with pytest.raises(RequirementError) as caught:
        requirement.parse(text)
    assert reason in str(caught.value)
    # What was written, and how it is to be written.
    assert repr(text) in str(caught.value)
    assert "openblas[ilp64]>=0.3.20" in str(caught.value)
    assert caught.value.requirement == text
    assert isinstance(caught.value, NativeLoadError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("symbol", ["", "a\0b"])
def test_a_symbol_that_is_none(symbol: str) -> None:
    with pytest.raises(RequirementError, match="not a symbol's name"):
        requirement.parse("z", (symbol,))
    assert requirement.parse("z", ("adler32",)).symbols == ("adler32",)


def test_versions_are_compared_as_versions() -> None:
    wanted = requirement.parse("openblas>=0.3.20")
    assert [v for v in ("0.3.9", "0.3.20", "0.3.100", "1.0rc1", "none") if wanted.admits(v)] == [
        "0.3.20",
        "0.3.100",
        # A library that is installed as a release candidate is there, whatever pip would rather install.
        "1.0rc1",
    ]
    assert requirement.parse("openblas").admits("none")
    # Python reads no number of so many digits.
    assert not wanted.admits("9" * 5000)
    with pytest.raises(RequirementError):
        requirement.parse(f"openblas>={'9' * 5000}")


@pytest.mark.parametrize(
    ("text", "heavy"),
    [("openblas", []), ("libz.so.1", []), ("openblas[ilp64]", []), ("openblas>=1", ["packaging"])],
)
def test_a_plain_name_imports_nothing(text: str, heavy: list[str]) -> None:
    code = (
        "import json, sys; from nativeload import requirement; before = set(sys.modules)\n"
        "requirement.parse(sys.argv[1])\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in set(sys.modules) - before})))"
    )
    new = ask(code, arguments=[text])
    assert [name for name in new if name == "packaging"] == heavy
    if not heavy:
        assert new == []


@pytest.mark.parametrize("call", ["load", "find_spec", "explain"])
def test_every_way_in_refuses_a_malformed_one(call: str) -> None:
    code = (
        "import json, sys, nativeload\n"
        "def attempt(text):\n"
        "    try:\n"
        "        getattr(nativeload, sys.argv[1])(text)\n"
        "    except nativeload.RequirementError as error:\n"
        "        return error.requirement\n"
        "print(json.dumps([attempt('open blas'), attempt('')]))"
    )
    assert ask(code, arguments=[call]) == ["open blas", ""]
