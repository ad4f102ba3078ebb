"""The cache gives back what was put in, or nothing: whatever the answer, whatever became of its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from nativeload import cache, core, loader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A path's undecodable bytes are lone surrogates.
texts = st.text(
    st.characters(exclude_characters="\0", max_codepoint=0xDFFF) | st.sampled_from("\n0123\udcff"), max_size=12
)
groups = st.lists(texts, max_size=4).map(tuple)
facts = st.tuples(*[texts] * 7)
answers = st.tuples(facts, groups, groups, groups)


@pytest.fixture(autouse=True)
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("answers")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NATIVELOAD_CACHE", str(directory))
        yield directory


def encodable(*values: str) -> bool:
    try:
        "".join(values).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


mine = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@mine
@given(asked=texts, answer=answers, absent=st.lists(texts, max_size=4, unique=True))
def test_what_is_put_in_comes_out(asked: str, answer: loader.Answer, absent: list[str], place: Path) -> None:
    everything = [asked, *absent, *(text for group in answer for text in group)]
    assume(asked and encodable(*everything))
    consulted = {f"/no/such/place/{path}": "-" for path in absent}
    cache.store(asked, answer, consulted)
    assert loader.recall(asked) == answer
    assert loader.recall(f"{asked}x") is None


@mine
@given(asked=texts, answer=answers, place_of_nul=st.integers(0, 30))
def test_a_nul_is_not_kept(asked: str, answer: loader.Answer, place_of_nul: int, place: Path) -> None:
    """It separates the fields: what has one would come out as something else."""
    fields = list(answer[0])
    fields[place_of_nul % 7] += "\0" + fields[0]
    spoilt = (tuple(fields), *answer[1:])
    assume(asked and encodable(asked, *(text for group in spoilt for text in group)))
    name = core.digest(asked.encode("utf-8", "surrogateescape"))
    (place / name).unlink(missing_ok=True)
    cache.store(asked, spoilt, {})  # type: ignore[arg-type]
    assert loader.recall(asked) is None


@mine
@given(content=st.binary(max_size=400), sealed=st.booleans())
def test_any_bytes_in_the_place_of_an_answer(content: bytes, sealed: bool, place: Path) -> None:
    """With `sealed`, under the right head and with a checksum that fits."""
    path = place / core.digest(b"asked")
    path.unlink(missing_ok=True)
    whole = b"\n".join((loader.MAGIC, core.digest(content).encode(), content)) if sealed else content
    path.write_bytes(whole)
    path.chmod(0o600)
    assert loader.recall("asked") is None


@mine
@given(fields=st.lists(st.sampled_from(["0", "1", "2", "7", "-1", "x", "", "/x", "asked", "-"]), max_size=24))
def test_any_fields_in_the_place_of_an_answer(fields: list[str], place: Path) -> None:
    """Fields that look like an answer's: what is believed has an answer's form and this question as its key."""
    body = "\0".join(["1", "asked", *fields]).encode()
    path = place / core.digest(b"asked")
    path.write_bytes(b"\n".join((loader.MAGIC, core.digest(body).encode(), body)))
    path.chmod(0o600)
    found = loader.recall("asked")
    if found is not None:
        assert len(found) == 4
        assert all(type(group) is tuple for group in found)
        assert len(found[0]) == 7
