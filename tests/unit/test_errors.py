"""Errors and records: what they are caught as, that their facts survive a pickle, and that nothing changes a record."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import pytest

import nativeload
from nativeload import errors
from nativeload.spec import Candidate, LibrarySpec, Provider, Rejection, Step, candidate, rejection

if TYPE_CHECKING:
    from collections.abc import Callable

CLASSES: dict[str, tuple[type[BaseException], ...]] = {
    "LibraryNotFoundError": (ImportError,),
    "ABIMismatchError": (ImportError,),
    "CoherenceError": (ImportError,),
    "LinkError": (ImportError,),
    "RequirementError": (ValueError,),
    "DeclarationError": (ValueError,),
    "OverrideError": (ValueError,),
    "ImageError": (ValueError,),
    "SearchPathError": (LookupError,),
    "SymbolNotFoundError": (AttributeError,),
}

REJECTION = rejection("version", "is version 1 (of some-wheel); >=2 was asked for", version="1", wanted=">=2")
STEPS = (
    Step(finder="loaded", candidate="libx.so*", verdict="absent", reason="not in this process", rejection=None),
    Step(finder="wheel", candidate="/x.so", verdict="rejected", reason=REJECTION.reason, rejection=REJECTION),
)
ERRORS: list[nativeload.NativeLoadError] = [
    nativeload.RequirementError("a b", "it is wrong"),
    nativeload.DeclarationError("/a.toml:3", "unknown key 'x'"),
    nativeload.OverrideError("NATIVELOAD_X", "/x.so", "No such file or directory"),
    nativeload.LibraryNotFoundError("specimen", "specimen", STEPS[:1]),
    nativeload.ABIMismatchError("specimen>=2", "specimen", STEPS),
    nativeload.LinkError("/x.so", "undefined symbol: y"),
    nativeload.ImageError("/x.so", "not an ELF file: empty"),
    nativeload.SearchPathError("libx.so.1", "/x.so", "it has another name"),
    nativeload.SymbolNotFoundError("/x.so", "y", ["yy"]),
    nativeload.CoherenceError("/x.so", "two-mpi", "two MPI libraries: /x.so and /y.so"),
]


def test_there_is_one_of_each() -> None:
    assert {type(error).__name__ for error in ERRORS} == set(CLASSES)
    public = {name for name in nativeload.__all__ if name.endswith("Error")}
    assert public == {*CLASSES, "NativeLoadError"}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_what_it_is_caught_as(error: nativeload.NativeLoadError) -> None:
    assert isinstance(error, nativeload.NativeLoadError)
    bases = CLASSES[type(error).__name__]
    for builtin in (ImportError, ValueError, LookupError, AttributeError, OSError):
        assert isinstance(error, builtin) == (builtin in bases)


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy, copy.deepcopy])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_its_facts_survive(
    error: nativeload.NativeLoadError, again: Callable[[nativeload.NativeLoadError], nativeload.NativeLoadError]
) -> None:
    found = again(error)
    assert type(found) is type(error)
    assert vars(found) == vars(error)
    assert found.args == error.args
    assert str(found) == str(error)


@pytest.mark.usefixtures("fresh")
def test_a_message_says_what_for_what_and_what_next() -> None:
    text = str(ERRORS[4])
    assert text.startswith("no usable library for 'specimen>=2'\n")
    assert f"wheel    rejected /x.so: {REJECTION.reason}" in text
    assert text.splitlines()[-1].strip() == "NATIVELOAD_SPECIMEN=/absolute/path/to/the/library"
    mismatch = ERRORS[4]
    assert isinstance(mismatch, nativeload.ABIMismatchError)
    assert mismatch.rejections == (REJECTION,)
    assert str(ERRORS[5]).endswith("python -m nativeload --explain /x.so")


def test_the_advice_is_looked_up_only_when_somebody_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def advice(text: str, *_: object) -> list[str]:
        read.append(text)
        return ["help"]

    monkeypatch.setattr("nativeload.advice.advice", advice)
    with pytest.raises(nativeload.LibraryNotFoundError) as caught:
        nativeload.load("specimen")
    assert read == []
    assert str(caught.value).endswith("help")
    assert read == ["specimen"]


RECORDS = [
    Provider(distribution="some-wheel", version="1"),
    REJECTION,
    STEPS[1],
    candidate("/x.so", "wheel", "for a test"),
    LibrarySpec(
        name="x",
        path="/x.so",
        soname=None,
        version=None,
        abi=(),
        origin="wheel",
        provider=Provider(distribution="some-wheel", version="1"),
        dependencies=(),
        alias="",
    ),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_is_frozen(record: Provider | Rejection | Step | Candidate | LibrarySpec) -> None:
    field = record.__slots__[0]
    before = repr(record)
    with pytest.raises(AttributeError, match="is frozen"):
        setattr(record, field, "other")
    with pytest.raises(AttributeError, match="is frozen"):
        delattr(record, field)
    with pytest.raises(AttributeError):
        setattr(record, "novel", 1)  # noqa: B010 - mypy knows that it has none
    assert repr(record) == before
    assert not hasattr(record, "__dict__")


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_records_of_equal_fields_are_equal(record: Provider | Rejection | Step | Candidate | LibrarySpec) -> None:
    again = pickle.loads(pickle.dumps(record))
    assert again == record
    assert hash(again) == hash(record)
    assert record.replace() == record
    assert record != "another"
    assert record.replace(**{record.__slots__[0]: "another"}) != record
    with pytest.raises(TypeError, match="has no field 'novel'"):
        record.replace(novel=1)


def test_the_json_of_a_provider() -> None:
    provider = Provider(distribution="some-wheel", version="1")
    assert provider.to_dict() == {"distribution": "some-wheel", "version": "1"}
    record = RECORDS[-1]
    assert isinstance(record, LibrarySpec)
    assert record.to_dict()["provider"] == provider.to_dict()
    assert record.replace(provider=None).to_dict()["provider"] is None


def test_every_field_must_be_given() -> None:
    with pytest.raises(TypeError, match="has no field 'version', or that is not given"):
        Provider(distribution="x")  # type: ignore[call-arg]
    with pytest.raises(AttributeError, match="edition"):
        Provider(distribution="x", edition="1")  # type: ignore[call-arg]
    with pytest.raises(AttributeError, match="colour"):
        candidate("/lib/libz.so.1", "system", "in ld.so.cache", colour="red")


def test_errors_import_nothing_of_the_search() -> None:
    assert not [name for name in vars(errors) if name in ("resolution", "advice", "metadata")]
