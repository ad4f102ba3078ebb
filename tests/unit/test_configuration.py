"""`[override]` in the user's configuration file, whose word it is, and the isolated interpreter, which obeys nobody."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
import pytest

import nativeload
from nativeload import loader
from nativeload.errors import OverrideError
from unit.specimens import NAME, declaration, provider
from unit.trial import ask, trial

VARIABLE = "NATIVELOAD_SPECIMEN"

pytestmark = pytest.mark.usefixtures("fresh")


@pytest.fixture
def config(home: Path) -> Path:
    """Where the configuration file goes; it is not there yet."""
    file = home / ".config" / "nativeload" / "config.toml"
    file.parent.mkdir(parents=True)
    return file


@pytest.fixture
def wheel(site: Path, good: Path) -> Path:
    """The library of a wheel, which is taken where nobody chooses."""
    return provider(site, "some-wheel", declaration(), files={NAME: good}) / NAME


def _spec() -> nativeload.LibrarySpec:
    spec = nativeload.find_spec("specimen")
    assert spec is not None
    return spec


def test_the_file_is_where_platformdirs_says(config: Path) -> None:
    assert loader.config_files()[1] == str(config)
    assert platformdirs.user_config_path("nativeload", appauthor=False) == config.parent


@pytest.mark.parametrize("name", ["specimen", "SpeciMen", '"specimen"'])
def test_it_chooses(name: str, config: Path, wheel: Path, good: Path) -> None:
    assert _spec().origin == "wheel"
    config.write_text(f'# Mine.\n[override]\nother = "wheel"\n{name} = "{good}"\n')
    assert (_spec().path, _spec().origin) == (str(good), "override")
    assert f"chosen by {config}:4" in str(nativeload.explain("specimen"))
    config.write_text('[override]\nspecimen = "wheel"\n')
    assert (_spec().path, _spec().origin) == (str(wheel), "override")


def test_the_environment_beats_it(config: Path, wheel: Path, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text('[override]\nspecimen = "no-such-wheel"\n')
    monkeypatch.setenv(VARIABLE, str(good))
    assert _spec().path == str(good)
    # Empty means unset there, so this is the file's word.
    monkeypatch.setenv(VARIABLE, "")
    with pytest.raises(OverrideError) as caught:
        nativeload.find_spec("specimen")
    assert caught.value.variable == f"{config}:2"
    assert str(caught.value).startswith(f"{config}:2=no-such-wheel cannot be honoured: ")


WRONG = {
    "no TOML": ('[override]\nspecimen = "\n', 2, ""),
    "unknown table": ('[override]\n[overrides]\nspecimen = "wheel"\n', 2, "unknown key 'overrides'"),
    "unknown key": ('[override]\nx = "wheel"\n[[cache]]\n', 3, "unknown key 'cache'"),
    "no table": ('override = "wheel"\n', 1, "[override] holds NAME"),
    "a number": ("[override]\nspecimen = 1\n", 2, "[override] holds NAME"),
    "a table": ('[override]\n\nspecimen = { path = "x" }\n', 3, "[override] holds NAME"),
    "nothing": ('[override]\nspecimen = ""\n', 2, "[override] holds NAME"),
    "relative": ('[override]\nspecimen = "lib/x.so"\n', 2, "a path must be absolute"),
    "NUL": ('[override]\nspecimen = "/lib/\\u0000x.so"\n', 2, ""),
    "a wrong neighbour": ('[override]\nspecimen = "wheel"\nother = false\n', 3, "[override] holds NAME"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_one_is_an_error_with_its_place(kind: str, config: Path, wheel: Path) -> None:
    text, line, words = WRONG[kind]
    config.write_text(text)
    with pytest.raises(OverrideError) as caught:
        nativeload.find_spec("specimen")
    assert str(caught.value).startswith(f"{config}:{line}=")
    assert words in str(caught.value)
    config.write_text("")
    assert _spec().path == str(wheel)


@pytest.mark.parametrize("kind", ["directory", "fifo", "binary"])
def test_no_text_at_all(kind: str, config: Path, wheel: Path) -> None:
    if kind == "directory":
        config.mkdir()
    elif kind == "fifo":
        os.mkfifo(config)
    else:
        config.write_bytes(b"\xff\x00")
    with pytest.raises(OverrideError, match=r"config\.toml"):
        nativeload.find_spec("specimen")


def _note(config: Path) -> str:
    """What the search says of the file."""
    steps = [step for step in nativeload.explain("specimen").steps if step.finder == "override"]
    return next((f"{step.verdict} {step.reason}" for step in steps if step.candidate == str(config)), "")


@pytest.mark.parametrize("mode", [0o602, 0o666, 0o777])
def test_one_that_others_can_write_is_not_the_users_word(mode: int, config: Path, wheel: Path, good: Path) -> None:
    config.write_text(f'[override]\nspecimen = "{good}"\n')
    config.chmod(mode)
    assert _spec().path == str(wheel)
    assert _note(config) == "absent ignored: others can write it"
    config.chmod(0o644)
    assert _spec().path == str(good)
    assert _note(config) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_nor_is_one_of_another_user(config: Path, wheel: Path, good: Path) -> None:
    config.write_text(f'[override]\nspecimen = "{good}"\n')
    os.chown(config, 65534, 65534)
    assert _spec().path == str(wheel)
    assert _note(config) == "absent ignored: it belongs to another user"
    os.chown(config, 0, 0)
    assert _spec().path == str(good)


def test_a_link_is_judged_by_what_it_leads_to(config: Path, wheel: Path, good: Path, tmp_path: Path) -> None:
    # As managers of dotfiles do it.
    (tmp_path / "dotfile").write_text(f'[override]\nspecimen = "{good}"\n')
    config.symlink_to(tmp_path / "dotfile")
    assert _spec().path == str(good)
    (tmp_path / "dotfile").chmod(0o666)
    assert _spec().path == str(wheel)


@pytest.mark.parametrize("option", ["-I", "-E"])
def test_an_isolated_interpreter_obeys_no_variable_and_says_so(option: str, tmp_path: Path, good: Path) -> None:
    code = (
        "import json, sys\n"
        "sys.path[:0] = sys.argv[1:]\n"
        "import nativeload\n"
        "print(json.dumps([nativeload.find_spec('specimen').path, str(nativeload.explain('specimen'))]))"
    )
    home = provider(tmp_path, "some-wheel", declaration(), files={NAME: good})
    env = {VARIABLE: good}
    path, text = ask(code, arguments=[str(tmp_path)], env=env, options=[option])
    assert path == str(home / NAME)
    assert f"{VARIABLE}={good}: ignored: this interpreter runs isolated (python -I or -E)" in text
    assert "specimen: not chosen in " in text
    assert "not set" not in text
    path, text = ask(code, arguments=[str(tmp_path)], env=env)
    assert path == str(good)
    assert "isolated" not in text
    # Also under the name that the requirement does not spell.
    text = ask(code.replace("'specimen'", f"'{NAME}'"), arguments=[str(tmp_path)], env=env, options=[option])[1]
    assert f"{VARIABLE}={good}: ignored" in text


@pytest.mark.parametrize("option", ["-I", "-E", ""])
def test_only_minus_i_ignores_the_configuration_file(option: str, config: Path, home: Path, good: Path) -> None:
    config.write_text(f'[override]\nspecimen = "{good}"\n')
    code = (
        "import json, nativeload\n"
        "spec = nativeload.find_spec('specimen')\n"
        "print(json.dumps([spec and spec.path, str(nativeload.explain('specimen'))]))"
    )
    path, text = ask(code, home=home, options=[option] if option else [])
    assert path == (None if option == "-I" else str(good))
    if option == "-I":
        assert f"{config}: ignored: this interpreter runs isolated (python -I)" in text


def test_a_wrong_file_maps_nothing(config: Path, home: Path, tmp_path: Path, good: Path) -> None:
    config.write_text("[[[")
    provider(tmp_path / "s", "some-wheel", declaration(), files={NAME: good})
    answer = trial("specimen", tmp_path / "s", home=home)
    assert answer.error == "OverrideError"
    assert answer.mapped_below(tmp_path) == []
    config.unlink()
    assert trial("specimen", tmp_path / "s", home=home).mapped_below(tmp_path)
