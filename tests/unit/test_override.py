"""`NATIVELOAD_<NAME>`: what the user chose in the environment is what is taken, or an error that names the variable."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import nativeload
from nativeload.errors import OverrideError
from unit.specimens import LINKER_SCRIPT, NAME, declaration, provider, specimen
from unit.trial import trial

VARIABLE = "NATIVELOAD_SPECIMEN"

pytestmark = pytest.mark.usefixtures("fresh")


@pytest.fixture
def wheel(site: Path, good: Path) -> Path:
    """The library of a wheel, which is taken where nobody chooses."""
    return provider(site, "Some-Wheel", declaration(), files={NAME: good}, version="3.1") / NAME


@pytest.fixture
def mine(tmp_path: Path, good: Path) -> Path:
    """A copy of the user's own."""
    (tmp_path / "mine").mkdir()
    return Path(shutil.copy(good, tmp_path / "mine" / "libsomething-else.so"))


def _spec(requirement: str = "specimen") -> nativeload.LibrarySpec:
    spec = nativeload.find_spec(requirement)
    assert spec is not None
    return spec


def test_nothing_chosen(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (_spec().path, _spec().origin) == (str(wheel), "wheel")
    # Empty means unset.
    monkeypatch.setenv(VARIABLE, "")
    assert (_spec().path, _spec().origin) == (str(wheel), "wheel")


def test_path(wheel: Path, mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(mine))
    assert (_spec().path, _spec().origin, _spec().provider) == (str(mine), "override", None)
    assert f"chosen by {VARIABLE}" in str(nativeload.explain("specimen"))
    # Other libraries are not chosen by it.
    assert [step.verdict for step in nativeload.explain("specimens").steps if step.finder == "override"] == ["absent"]


@pytest.mark.parametrize("value", ["wheel", "some-wheel", "Some.Wheel", "SOME_WHEEL"])
def test_wheel_or_one_distribution(value: str, wheel: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, value)
    assert (_spec().path, _spec().origin, _spec().version) == (str(wheel), "override", "3.1")
    assert str(_spec().provider) == "Some-Wheel 3.1"


def test_one_of_two_distributions(wheel: Path, site: Path, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = provider(site, "a-wheel", declaration(), files={NAME: good}) / NAME
    assert _spec().path == str(other)
    monkeypatch.setenv(VARIABLE, "some-wheel")
    assert _spec().path == str(wheel)
    monkeypatch.setenv(VARIABLE, "a-wheel")
    assert _spec().path == str(other)


def test_system(tmp_path: Path, good: Path) -> None:
    provider(tmp_path / "site", "some-wheel", declaration(), files={NAME: good})
    (tmp_path / "system").mkdir()
    copy = shutil.copy(good, tmp_path / "system" / NAME)
    env = {"LD_LIBRARY_PATH": tmp_path / "system"}
    assert trial("specimen", tmp_path / "site", env=env).library["origin"] == "wheel"
    chosen = trial("specimen", tmp_path / "site", env={**env, VARIABLE: "system"}).library
    assert (chosen["path"], chosen["origin"]) == (str(copy), "override")


@pytest.mark.parametrize(
    ("requirement", "variable"),
    [
        ("specimen[lp64]>=1", "NATIVELOAD_SPECIMEN"),
        ("libspecimen.so.1", "NATIVELOAD_SPECIMEN"),
        ("libspecimen.so.1", "NATIVELOAD_LIBSPECIMEN_SO_1"),
        ("spec-i.men+", "NATIVELOAD_SPEC_I_MEN_"),
        ("SpeciMen", "NATIVELOAD_SPECIMEN"),
    ],
)
def test_the_variables_name(requirement: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "relative/path")
    with pytest.raises(OverrideError) as caught:
        nativeload.find_spec(requirement)
    assert caught.value.variable == variable


@pytest.mark.parametrize("name", ["backend", "cache"])
def test_nativeloads_own_variables_choose_no_library(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATIVELOAD_CACHE", "0")
    steps = nativeload.explain(name).steps
    assert [step.verdict for step in steps if step.finder == "override"] == ["absent"]


REFUSED = {
    "relative": ("lib/libspecimen.so.1", "a path must be absolute"),
    "relative to here": (f"./{NAME}", "a path must be absolute"),
    "home": ("~/libspecimen.so.1", "a path must be absolute"),
    "a bare file name": (NAME, f"no installed distribution '{NAME}' ships the library"),
    "unknown distribution": ("no-such-wheel", "no installed distribution 'no-such-wheel' ships the library"),
    "another library's distribution": ("pip", "no installed distribution 'pip' ships the library"),
    "blank": (" ", "no installed distribution ' ' ships the library"),
    "no such file": ("/no/such/file.so", "No such file or directory"),
    "no library": ("/dev/null", "is not a regular file (a FIFO, a socket or a device)"),
    "a directory": ("/", "no such library is in that directory, its lib or its lib64"),
    "off": ("0", "no installed distribution '0' ships the library"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_honoured(kind: str, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value, reason = REFUSED[kind]
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(OverrideError) as caught:
        nativeload.load("specimen")
    assert str(caught.value) == f"{VARIABLE}={value} cannot be honoured: {reason} (mend it, or unset it)"
    assert (caught.value.variable, caught.value.value, caught.value.reason) == (VARIABLE, value, reason)
    # A package that goes on without an optional library must not go on without the one its user chose.
    assert not isinstance(caught.value, ImportError)
    with pytest.raises(OverrideError):
        nativeload.find_spec("specimen")
    explanation = nativeload.explain("specimen")
    assert (explanation.status, explanation.spec) == ("incompatible", None)
    assert str(caught.value) in str(explanation)
    # Nothing of it is in the text alone.
    last = explanation.steps[-1]
    assert (last.candidate, last.reason) == (f"{VARIABLE}={value}", f"cannot be honoured: {reason}")
    assert last.rejection is not None
    assert last.rejection.facts == {"variable": VARIABLE, "value": value}
    monkeypatch.delenv(VARIABLE)
    assert _spec().path == str(wheel)


@pytest.mark.parametrize(
    ("requirement", "reason"),
    [
        ("specimen>=4", "is version 3.1 (of Some-Wheel); >=4 was asked for"),
        ("specimen[ilp64]", "asked for ilp64; it has no features that can be told"),
        ("libspecimen.so.2", "its soname is libspecimen.so.1, not libspecimen.so.2"),
    ],
)
def test_a_choice_must_satisfy_the_requirement(
    requirement: str, reason: str, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "wheel")
    if requirement.startswith("lib"):
        # What the user names is taken under whatever name it has: that is how a replacement is chosen.
        assert _spec(requirement).path == str(wheel)
        return
    with pytest.raises(OverrideError, match="cannot be honoured") as caught:
        nativeload.find_spec(requirement)
    assert reason in str(caught.value)


def test_nothing_is_mapped_of_a_refused_choice(tmp_path: Path, good: Path) -> None:
    script = tmp_path / NAME
    script.write_bytes(LINKER_SCRIPT)
    provider(tmp_path / "site", "some-wheel", declaration(), files={NAME: good})
    answer = trial("specimen", tmp_path / "site", env={VARIABLE: script})
    assert answer.error == "OverrideError"
    assert answer.mapped_below(tmp_path) == []


def test_a_path_is_the_kernels(tmp_path: Path, good: Path) -> None:
    """With "..", after a link, the file is where the kernel finds it, not where the text seems to say."""
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real/inner")
    wanted = shutil.copy(good, tmp_path / "real" / NAME)
    specimen(tmp_path / NAME, source="int wrong(void) { return 0; }")
    chosen = trial("specimen", env={VARIABLE: f"{tmp_path}/link/../{NAME}"})
    assert chosen.mapped_below(tmp_path) == [str(wanted)]


@pytest.mark.parametrize("chosen", ["/somewhere/else.so", "copy", "some-wheel"])
def test_it_binds_what_is_loaded(chosen: str, tmp_path: Path, good: Path) -> None:
    """A copy that the process has already cannot be undone: where the choice is another, both are named."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    loaded, copy = shutil.copy(good, tmp_path / "a"), shutil.copy(good, tmp_path / "b")
    wheel = provider(tmp_path / "site", "some-wheel", declaration(), files={NAME: good}) / NAME
    value = {"copy": str(copy)}.get(chosen, chosen)
    before = f"import ctypes; ctypes.CDLL({str(loaded)!r})"
    answer = trial("specimen", tmp_path / "site", env={VARIABLE: value}, before=before)
    assert answer.error == "OverrideError"
    assert answer.text.startswith(f"{VARIABLE}={value} cannot be honoured: ")
    if chosen != "/somewhere/else.so":
        meant = str(copy) if chosen == "copy" else str(wheel)
        assert f"it means {meant}, but this process already has {loaded}" in answer.text
    assert answer.mapped_below(tmp_path) == [str(loaded)]


@pytest.mark.parametrize("value", ["same", "link", None])
def test_it_agrees_with_what_is_loaded(value: str | None, tmp_path: Path, good: Path) -> None:
    loaded = shutil.copy(good, tmp_path / NAME)
    (tmp_path / "link.so").symlink_to(NAME)
    chosen = {"same": loaded, "link": tmp_path / "link.so"}
    env = {VARIABLE: chosen[value]} if value else {}
    answer = trial("specimen", env=env, before=f"import ctypes; ctypes.CDLL({str(loaded)!r})")
    assert (answer.library["path"], answer.library["origin"]) == (str(loaded), "loaded")


def test_a_choice_of_a_soname_that_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    """The file that is chosen has the soname of another one that the process has: no second copy, and no silence."""
    for place in ("a", "b"):
        specimen(tmp_path / place / "libx.so", soname="libquite-other.so.1")
    before = f"import ctypes; ctypes.CDLL({str(tmp_path / 'a' / 'libx.so')!r})"
    chosen = tmp_path / "b" / "libx.so"
    answer = trial("specimen", env={VARIABLE: chosen}, before=before)
    assert answer.error == "OverrideError"
    assert f"{VARIABLE}={chosen} cannot be honoured" in answer.text
    assert str(tmp_path / "a" / "libx.so") in answer.text
    assert answer.mapped_below(tmp_path) == [str(tmp_path / "a" / "libx.so")]
    assert trial("specimen", env={VARIABLE: chosen}).library["path"] == str(chosen)
