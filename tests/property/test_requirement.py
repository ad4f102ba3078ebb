"""Any text is a requirement that means itself, or a RequirementError: nothing else comes out of `parse`."""

from __future__ import annotations

import string

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

import nativeload
from nativeload import requirement
from nativeload.errors import RequirementError

first = st.sampled_from(string.ascii_letters + string.digits + "_")
names = st.builds(str.__add__, first, st.text(string.ascii_letters + string.digits + "._+-", max_size=12))
features = st.lists(st.text(string.ascii_lowercase + string.digits + "_=", min_size=1, max_size=8), max_size=3)
versions = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}(rc[0-9]|\.post[0-9])?", fullmatch=True)
specifiers = st.lists(st.builds(str.__add__, st.sampled_from(["==", "!=", ">=", "<=", "<", ">"]), versions), max_size=3)
spaces = st.sampled_from(["", " ", "  "])


@given(names, features, specifiers, spaces)
def test_what_is_written_is_what_is_meant(name: str, extras: list[str], specifier: list[str], space: str) -> None:
    text = name
    text += f"{space}[{f',{space}'.join(extras)}]" if extras else ""
    text += f"{space}{f',{space}'.join(specifier)}" if specifier else ""
    found = requirement.parse(text, ("a", "b"))
    assert (found.text, found.name, found.features, found.symbols) == (text, name, tuple(extras), ("a", "b"))
    assert found.specifier == (SpecifierSet(",".join(specifier)) if specifier else None)
    assert found.names(found.filename or f"lib{name}.so")


@given(names)
def test_a_name_stands_for_itself_alone(name: str) -> None:
    """A soname's requirement is met by that file name; a plain name by its development name and its versions."""
    found = requirement.parse(name)
    wanted = found.filename or f"lib{name}.so"
    assert found.names(wanted)
    assert not found.names(f"x{wanted}")
    assert not found.names(f"{wanted}x")
    assert not found.names(f"{wanted}1")
    assert found.names(f"{wanted}.1") == wanted.endswith(".so")
    assert found.stem in name


@given(
    st.text(max_size=40) | st.text("az019._+-[](),<>=!~ \t\n\0/@;\\'\"*", max_size=30),
    st.lists(st.text(max_size=4), max_size=2),
)
@example("a" * 100_000, [])
@example("a[" + "b," * 50_000, [])
@example("a" + ">=1," * 20_000, [])
@example("a>=" + "1." * 50_000, [])
@example("a>=" + "9" * 5_000, [])
@example("é", [])
@example("a\udcff", [])
def test_any_text(text: str, symbols: list[str]) -> None:
    try:
        found = requirement.parse(text, tuple(symbols))
    except RequirementError as error:
        assert (error.requirement, str(error) != "") == (text, True)  # noqa: PT017 - what is raised at all is the point
        return
    assert text.startswith(found.name)
    assert found.name
    assert "/" not in text
    assert "\0" not in text
    assert all(symbols)
    # Nothing is dropped without a word: the same again, from its parts.
    again = requirement.parse(
        f"{found.name}{f'[{chr(44).join(found.features)}]' if found.features else ''}{found.specifier or ''}"
    )
    assert (again.name, again.features, again.specifier) == (found.name, found.features, found.specifier)


@given(st.text(max_size=12), st.text(max_size=12))
def test_versions_never_raise(specifier: str, version: str) -> None:
    try:
        found = requirement.parse(f"a>={specifier}")
    except RequirementError:
        found = requirement.parse("a>=1")
    assert found.admits(version) in (True, False)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["z", "libz.so.1", "openblas", "nothing-of-this-name"]) | st.text(max_size=8),
    rest=st.sampled_from(["", "[lp64]", ">=0", "[", ">=9999"]) | st.text(max_size=8),
    symbols=st.lists(st.sampled_from(["adler32", "\ud800", "\udcff", "a b", "é"]) | st.text(max_size=8), max_size=2),
)
def test_any_question(name: str, rest: str, symbols: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A library, none, or a RequirementError; and whatever is said of it can be printed."""
    monkeypatch.setenv("NATIVELOAD_CACHE", "0")
    try:
        spec = nativeload.find_spec(name + rest, symbols=symbols)
    except RequirementError as error:
        assert str(error)  # noqa: PT017 - what is raised at all is the point
        return
    explanation = nativeload.explain(name + rest, symbols=symbols)
    assert (explanation.spec is None) == (spec is None)
    assert str(explanation).splitlines()
