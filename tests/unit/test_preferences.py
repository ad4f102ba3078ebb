"""Where a library is chosen, and which place counts before which: each level beats the next, and says so."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

import nativeload
from nativeload import preferences
from nativeload.errors import LibraryNotFoundError, OverrideError
from parts import run, venv
from unit.specimens import NAME, declaration, provider
from unit.trial import ask, nativeload_path, trial

pytestmark = pytest.mark.usefixtures("fresh")

# The best first. Each but the last is there in a process whose sys.prefix is its own; "interpreter" where it is not.
LEVELS = ("code", "variable", "environment", "user", "site", "default")

ASK = """
import json, os, sys
prefix, code, venv, requirement = sys.argv[1:]
sys.prefix = prefix
if venv == "no":
    sys.base_prefix = prefix
import nativeload
if code:
    nativeload.prefer("specimen", code)
try:
    spec = nativeload.find_spec(requirement)
    said = [spec.path, spec.origin] if spec else ["", ""]
except nativeload.NativeLoadError as error:
    said = [type(error).__name__, str(error)]
print(json.dumps([*said, str(nativeload.explain(requirement))]))
"""


class Surroundings:
    """A wheel that is taken by default, a copy of the library for each place, and the places."""

    def __init__(self, root: Path, good: Path) -> None:
        self.root = root
        self.site = root / "packages"
        self.default = provider(self.site, "some-wheel", declaration(), files={NAME: good}) / NAME
        self.copies: dict[str, Path] = {"default": self.default}
        for level in (*LEVELS[:-1], "interpreter"):
            (root / "copies" / level).mkdir(parents=True)
            self.copies[level] = Path(shutil.copy(good, root / "copies" / level / NAME))
        self.files = {
            "environment": root / "prefix" / "etc" / "nativeload" / "config.toml",
            "interpreter": root / "prefix" / "etc" / "nativeload" / "config.toml",
            "user": root / "home" / ".config" / "nativeload" / "config.toml",
            "site": root / "xdg" / "nativeload" / "config.toml",
        }
        self.env: dict[str, str | Path] = {"XDG_CONFIG_DIRS": f"{root}/xdg:{root}/other"}
        self.code = ""
        self.venv = "yes"

    def choose(self, level: str, value: str | Path | None = None, name: str = "specimen") -> None:
        chosen = os.fspath(value or self.copies[level])
        if level == "code":
            self.code = chosen
        elif level == "variable":
            self.env["NATIVELOAD_SPECIMEN" if name == "specimen" else "NATIVELOAD_PREFER"] = chosen
        else:
            self.files[level].parent.mkdir(parents=True, exist_ok=True)
            key = name if name != "*" else '"*"'
            self.files[level].write_text(f'# {level}\n[prefer]\n{key} = "{chosen}"\n')

    def ask(self, requirement: str = "specimen", *options: str) -> tuple[str, str, str]:
        """(path, origin, explanation), or (error, its text, explanation)."""
        (self.root / "home").mkdir(exist_ok=True)
        path, origin, text = ask(
            ASK,
            self.site,
            arguments=[str(self.root / "prefix"), self.code, self.venv, requirement],
            env=self.env,
            home=self.root / "home",
            options=options,
        )
        return path, origin, text


@pytest.fixture
def here(tmp_path: Path, good: Path) -> Surroundings:
    return Surroundings(tmp_path, good)


@pytest.mark.parametrize("number", range(5))
def test_each_level_beats_the_next(number: int, here: Surroundings) -> None:
    """All from one on are there: that one is taken, the others are named. Without it, the next is."""
    for level in LEVELS[number:-1]:
        here.choose(level)
    path, origin, text = here.ask()
    assert (path, origin) == (str(here.copies[LEVELS[number]]), "override")
    beaten = [line for line in text.splitlines() if " counts before it" in line]
    assert len(beaten) == len(LEVELS) - 2 - number
    assert all(str(here.copies[level]) in text for level in LEVELS[number:-1])


def test_nothing_is_chosen(here: Surroundings) -> None:
    assert here.ask()[:2] == (str(here.default), "wheel")


def test_the_users_word_counts_before_an_interpreters(here: Surroundings) -> None:
    """Whoever installed an interpreter chose for all who use it; an environment is made for one purpose."""
    here.choose("user")
    here.choose("environment")
    assert here.ask()[0] == str(here.copies["environment"])
    here.venv = "no"
    assert here.ask()[0] == str(here.copies["user"])
    (here.root / "prefix" / "conda-meta").mkdir()
    assert here.ask()[0] == str(here.copies["environment"])


def test_an_interpreters_counts_before_the_sites(here: Surroundings) -> None:
    here.venv = "no"
    here.choose("site")
    assert here.ask()[0] == str(here.copies["site"])
    here.choose("interpreter")
    assert here.ask()[0] == str(here.copies["interpreter"])


@pytest.mark.parametrize("level", ["environment", "user", "site"])
def test_one_library_counts_before_all(level: str, here: Surroundings, good: Path) -> None:
    """Whatever the place where it is written."""
    here.choose("variable", "system", name="*")
    assert here.ask()[0] == "OverrideError"
    here.choose(level)
    path, _, text = here.ask()
    assert path == str(here.copies[level])
    assert f"NATIVELOAD_PREFER=system: not used: {here.files[level]}:3 counts before it" in text


UNUSABLE = {
    "gone": ('specimen = "/no/such/libspecimen.so"', "No such file or directory"),
    "empty directory": ('specimen = "/proc/self/task"', "no such library is in that directory"),
    "no distribution": ('specimen = "no-such-wheel"', "no installed distribution 'no-such-wheel' ships the library"),
    "not in the system": ('specimen = "system"', "the system finder finds none"),
    "a number": ("specimen = 1", "[prefer] holds NAME"),
    "twice": ('specimen = "wheel"\nSpecimen = "system"', "Specimen is chosen twice, before in"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
@pytest.mark.parametrize("level", ["environment", "user", "site"])
def test_an_unusable_one_is_an_error_that_names_file_and_line(level: str, kind: str, here: Surroundings) -> None:
    line, words = UNUSABLE[kind]
    here.choose(level)
    here.files[level].write_text(f"[prefer]\n\n{line}\n")
    error, text, _ = here.ask()
    assert error == "OverrideError"
    assert text.startswith(f"{here.files[level]}:{4 if kind == 'twice' else 3}=")
    assert words in text


def test_an_unusable_file_that_does_not_count_stops_nothing(here: Surroundings) -> None:
    here.choose("user")
    here.choose("site")
    here.files["site"].write_text("[[[")
    path, _, text = here.ask()
    assert path == str(here.copies["user"])
    assert f"{here.files['site']}:1: not used: " in text
    here.files["user"].unlink()
    assert here.ask()[0] == "OverrideError"


def test_never(here: Surroundings, good: Path) -> None:
    """An error of the class that a package goes on from which can do without the library."""
    here.choose("user", "never")
    path, _, text = here.ask()
    assert path == ""
    assert f"{here.files['user']}:3=never: the library is never to be loaded" in text
    before = f"import _ctypes; _ctypes.dlopen({str(good)!r}, 2)"
    loaded = trial("specimen", here.site, env=here.env, home=here.root / "home", before=before)
    assert loaded.error == "LibraryNotFoundError"
    assert "is never to be loaded" in loaded.text
    assert trial("specimen", here.site, before=before).library["origin"] == "loaded"


def test_a_directory(here: Surroundings, good: Path) -> None:
    """Its own libraries, or those of a prefix; nothing else."""
    prefix = here.root / "opt"
    (prefix / "lib64").mkdir(parents=True)
    here.choose("user", prefix)
    assert here.ask()[0] == "OverrideError"
    library = str(shutil.copy(good, prefix / "lib64" / NAME))
    path, origin, text = here.ask()
    assert (path, origin) == (library, "override")
    assert f"in {prefix}/lib64; chosen by {here.files['user']}:3" in text
    nearer = str(shutil.copy(good, prefix / NAME))
    assert here.ask()[0] == nearer


def test_a_directory_for_all_is_no_error_for_what_it_has_not(here: Surroundings, good: Path) -> None:
    prefix = here.root / "opt"
    prefix.mkdir()
    here.choose("site", prefix, name="*")
    assert here.ask()[:2] == (str(here.default), "wheel")
    library = str(shutil.copy(good, prefix / NAME))
    path, origin, _ = here.ask()
    assert (path, origin) == (library, "override")


def test_an_order_of_places(here: Surroundings, good: Path) -> None:
    """System first, and a wheel where the system has none: no error."""
    system = here.root / "system"
    system.mkdir()
    here.env["LD_LIBRARY_PATH"] = system
    here.choose("user", "system-first", name="*")
    assert here.ask()[:2] == (str(here.default), "wheel")
    copy = str(shutil.copy(good, system / NAME))
    assert here.ask()[:2] == (copy, "system")
    here.choose("user", "wheel-first", name="*")
    assert here.ask()[:2] == (str(here.default), "wheel")
    here.choose("user", "system", name="*")
    assert here.ask()[:2] == (copy, "override")


def test_one_distribution_for_all(here: Surroundings, good: Path) -> None:
    other = provider(here.site, "another-wheel", declaration(), files={NAME: good}) / NAME
    assert here.ask()[0] == str(other)
    here.choose("site", "some-wheel", name="*")
    assert here.ask()[0] == str(here.default)
    here.choose("site", "no-such-wheel", name="*")
    assert here.ask()[0] == str(other)


def test_in_code(site: Path, good: Path, tmp_path: Path) -> None:
    home = provider(site, "some-wheel", declaration(), files={NAME: good})
    try:
        nativeload.prefer("Specimen", str(good))
        spec = nativeload.find_spec("specimen")
        assert spec is not None
        assert (spec.path, spec.origin) == (str(good), "override")
        nativeload.prefer("specimen", "never")
        assert nativeload.find_spec(NAME) is None
        with pytest.raises(LibraryNotFoundError, match="never to be loaded"):
            nativeload.load("specimen")
        nativeload.prefer("specimen", "no-such-wheel")
        with pytest.raises(OverrideError, match=r"prefer\('specimen'\)=no-such-wheel"):
            nativeload.find_spec("specimen")
    finally:
        nativeload.prefer("specimen", None)
    spec = nativeload.find_spec("specimen")
    assert spec is not None
    assert spec.path == str(home / NAME)
    for name, value in (("", "wheel"), ("specimen", "")):
        with pytest.raises(ValueError, match="takes a library's name"):
            nativeload.prefer(name, value)


def test_what_is_loaded_already_contradicts_a_later_choice(here: Surroundings) -> None:
    code = """
import json, sys
import nativeload
first = nativeload.load("specimen").path
nativeload.prefer("specimen", sys.argv[1])
try:
    nativeload.load("specimen")
    said = ""
except nativeload.OverrideError as error:
    said = str(error)
nativeload.prefer("specimen", first)
print(json.dumps([first, said, nativeload.load("specimen").path]))
"""
    first, said, again = ask(code, here.site, arguments=[str(here.copies["code"])])
    assert first == again == str(here.default)
    assert f"it means {here.copies['code']}, but this process already has {first}" in said


@pytest.mark.parametrize("level", LEVELS[:-1])
def test_the_cache_knows_every_level(level: str, here: Surroundings) -> None:
    """An answer is kept without it, and another one is given with it; then the first again."""
    code = ASK.replace("find_spec", "load")
    cache = here.root / "cache"
    cache.mkdir()
    settled = (0, 0)
    for path in (here.site, *here.site.rglob("*"), *here.copies.values(), here.root):
        os.utime(path, settled)

    def load() -> str:
        env = {**here.env, "NATIVELOAD_CACHE": cache}
        arguments = [str(here.root / "prefix"), here.code, here.venv, "specimen"]
        return str(ask(code, here.site, arguments=arguments, env=env, home=here.root / "home")[0])

    for _ in range(2):
        (here.root / "home").mkdir(exist_ok=True)
        assert load() == str(here.default)
        assert len(list(cache.iterdir())) == 1
    here.choose(level)
    assert load() == str(here.copies[level])
    if level in here.files:
        here.files[level].unlink()
    here.code = ""
    here.env.pop("NATIVELOAD_SPECIMEN", None)
    assert load() == str(here.default)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("level", ["environment", "user", "site"])
def test_whose_word_counts(level: str, here: Surroundings) -> None:
    here.choose(level)
    here.files[level].chmod(0o666)
    assert here.ask()[0] == str(here.default)
    here.files[level].chmod(0o644)
    os.chown(here.files[level], 65534, 65534)
    path, _, text = here.ask()
    assert path == str(here.default)
    assert f"{here.files[level]}: ignored: it belongs to another user" in text
    # An environment's owner is trusted, as Python trusts what is installed in it.
    os.chown(here.root / "prefix" if level == "environment" else here.root, 65534, 65534)
    assert (here.ask()[0] == str(here.copies[level])) == (level == "environment")


@pytest.mark.parametrize("option", ["-E", "-I"])
def test_isolated(option: str, here: Surroundings, good: Path) -> None:
    """-E obeys files and no variable, -I obeys neither, and both say what they ignore."""
    here.choose("variable")
    here.env["NATIVELOAD_PREFER"] = "system"
    here.choose("site")
    code = f"import sys\nsys.path[:0] = {[str(one) for one in (here.site, *nativeload_path())]!r}\n{ASK}"
    arguments = [str(here.root / "prefix"), "", "yes", "specimen"]
    path, _, text = ask(code, arguments=arguments, env=here.env, options=[option], home=here.root)
    assert path == str(here.copies["site"] if option == "-E" else here.default)
    assert "NATIVELOAD_PREFER=system: ignored: this interpreter runs isolated" in text
    assert (f"{here.files['site']}: ignored: " in text) == (option == "-I")


def test_a_real_environment(tmp_path: Path, good: Path) -> None:
    python = venv(sys.executable, at=tmp_path / "venv")
    path = os.pathsep.join(map(str, nativeload_path()))
    config = tmp_path / "venv" / "etc" / "nativeload" / "config.toml"

    def command(*words: str) -> str:
        code = f"import sys; from nativeload import __main__; sys.exit(__main__._main({list(words)!r}))"
        return run(python, code, env={"PYTHONPATH": path}, home=tmp_path).check().stdout

    assert f"environment  {config}: absent" in command("--preferences")
    assert command("--prefer", f"specimen={good}", "--environment").startswith(f"{config}: specimen = {good}\n")
    assert config.read_text() == f'[prefer]\nspecimen = "{good}"\n'
    assert f"specimen: {good}\n" in command("--explain", "specimen")
    assert f"environment  specimen = {good}  (config.toml line 2)" in command("--preferences")


def listed() -> list[tuple[str | None, str, str]]:
    from nativeload import overview

    return [(one["level"], str(one["value"]), str(one["note"])) for one in overview.overrides()]


def test_the_list(home: Path, monkeypatch: pytest.MonkeyPatch, good: Path) -> None:
    (_, user), *_ = [one for one in preferences.files() if one[0] == "user"]
    Path(user).parent.mkdir(parents=True)
    Path(user).write_text(f'[prefer]\nspecimen = "{good}"\nother = "wheel"\n"*" = "system-first"\n')
    assert listed() == [("user", str(good), ""), ("user", "wheel", ""), ("user", "system-first", "")]
    monkeypatch.setenv("NATIVELOAD_SPECIMEN", "wheel")
    monkeypatch.setenv("NATIVELOAD_PREFER", "wheel-first")
    assert listed() == [
        ("variable", "wheel-first", ""),
        ("variable", "wheel", ""),
        ("user", str(good), "not used: NATIVELOAD_SPECIMEN wins"),
        ("user", "wheel", ""),
        ("user", "system-first", "not used: NATIVELOAD_PREFER wins"),
    ]
    nativeload.prefer("specimen", "system")
    try:
        assert listed()[0] == ("code", "system", "")
        assert listed()[2] == ("variable", "wheel", "not used: prefer('specimen') wins")
    finally:
        nativeload.prefer("specimen", None)
