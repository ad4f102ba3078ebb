"""`--prefer`: the line is written, whatever else is in the file stays, and nothing is written where others could look on."""

from __future__ import annotations

import os
import threading
import tomllib
from pathlib import Path

import pytest

from nativeload import __main__, configfile
from nativeload.errors import OverrideError
from unit.specimens import NAME, declaration, provider

pytestmark = pytest.mark.usefixtures("fresh")


@pytest.fixture
def config(home: Path) -> Path:
    return home / ".config" / "nativeload" / "config.toml"


def prefer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        status = __main__._main(["--prefer", *arguments])
    except SystemExit as ended:
        status = int(ended.code or 0)
    said = capsys.readouterr()
    return status, said.out, said.err


def test_it_is_written_and_obeyed(
    capsys: pytest.CaptureFixture[str], config: Path, site: Path, good: Path, tmp_path: Path
) -> None:
    home = provider(site, "some-wheel", declaration(), files={NAME: good})
    assert prefer(capsys, "specimen=some-wheel") == (
        0,
        f"{config}: specimen = some-wheel\nspecimen: {home / NAME}\n",
        "",
    )
    assert config.read_text() == '[prefer]\nspecimen = "some-wheel"\n'
    assert prefer(capsys, f"specimen={good}")[1] == f"{config}: specimen = {good}\nspecimen: {good}\n"
    assert prefer(capsys, "*=system-first") == (0, f"{config}: * = system-first\n", "")
    assert config.read_text() == f'[prefer]\nspecimen = "{good}"\n"*" = "system-first"\n'
    assert prefer(capsys, "specimen=never")[0] == 0
    assert prefer(capsys, "specimen=")[1] == f"{config}: specimen is withdrawn\n"
    assert prefer(capsys, "*=")[0] == 0
    assert config.read_text() == "[prefer]\n"


def test_what_cannot_be_honoured_is_not_written(capsys: pytest.CaptureFixture[str], config: Path, site: Path) -> None:
    for choice, words in (
        ("specimen=no-such-wheel", "no installed distribution 'no-such-wheel' ships the library"),
        ("specimen=lib/x.so", "a path must be absolute"),
        ("specimen=system", "the system finder finds none"),
        ("specimen=wheel-first", "no library found for 'specimen'"),
    ):
        status, out, err = prefer(capsys, choice)
        assert (status, out) == (1, "")
        assert words in err
    for choice in ("specimen", "=wheel", ""):
        assert prefer(capsys, choice)[0] == 2
    assert not config.exists()


MINE = """# My choices.

[prefer]  # of libraries
# BLAS first.
openblas = "wheel"   # not the system's
"z" = 'system'

# The rest.
"""

EDITS = {
    "new": ("tbb", "wheel", MINE.replace("'system'\n", "'system'\ntbb = \"wheel\"\n")),
    "changed": ("openblas", "system", MINE.replace('"wheel"   #', '"system"  #')),
    "another spelling": ("Open-BLAS", "system", None),
    "quoted": ("Z", "wheel", MINE.replace("\"z\" = 'system'", 'Z = "wheel"')),
    "withdrawn": ("z", "", MINE.replace("\"z\" = 'system'\n", "")),
    "was not there": ("tbb", "", MINE),
    "a quote": (
        "tbb",
        '/opt/"x"/libtbb.so',
        MINE.replace("'system'\n", '\'system\'\ntbb = "/opt/\\"x\\"/libtbb.so"\n'),
    ),
}


@pytest.mark.parametrize("kind", EDITS)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_whatever_else_is_there_stays(kind: str, end: str, config: Path) -> None:
    name, value, expected = EDITS[kind]
    config.parent.mkdir(parents=True)
    config.write_bytes(MINE.replace("\n", end).encode())
    config.chmod(0o640)
    configfile.write(str(config), name, value)
    text = config.read_bytes().decode()
    if expected is not None:
        assert text == expected.replace("\n", end)
    assert text.count("#") == MINE.count("#")
    assert config.stat().st_mode & 0o777 == 0o640
    said = {name.lower(): said for name, said in tomllib.loads(text)["prefer"].items()}
    assert said.get(name.lower()) == (value or None)


def test_the_table_by_its_first_name(config: Path) -> None:
    config.parent.mkdir(parents=True)
    config.write_text('[override]\nz = "system"')
    configfile.write(str(config), "z", "wheel")
    assert config.read_text() == '[override]\nz = "wheel"\n'
    configfile.write(str(config), "tbb", "wheel")
    assert config.read_text() == '[override]\nz = "wheel"\n\n[prefer]\ntbb = "wheel"\n'


REFUSED: dict[str, str | bytes] = {
    "no TOML": "[prefer\n",
    "several lines": '[prefer]\nz = """\nwheel"""\n',
    "inline": 'prefer = { z = "wheel" }\n',
    "dotted": 'prefer.z = "wheel"\n',
    "binary": b"\xff\xfe",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_edited_stays_as_it_is(kind: str, config: Path) -> None:
    content = REFUSED[kind]
    config.parent.mkdir(parents=True)
    config.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = config.read_bytes()
    with pytest.raises(OverrideError, match=r"config\.toml"):
        configfile.write(str(config), "z", "system")
    assert config.read_bytes() == before
    assert [file.name for file in config.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o757])
def test_a_link_in_a_directory_that_others_can_write_is_not_followed(
    mode: int, capsys: pytest.CaptureFixture[str], config: Path, tmp_path: Path, good: Path
) -> None:
    victim = tmp_path / "victim.toml"
    victim.write_text("")
    config.parent.mkdir(parents=True)
    config.symlink_to(victim)
    config.parent.chmod(mode)
    status, _, err = prefer(capsys, f"specimen={good}")
    assert (status, victim.read_text()) == (1, "")
    assert f"{config.parent} can be written by others" in err
    config.parent.chmod(0o755)
    tmp_path.chmod(mode)
    assert prefer(capsys, f"specimen={good}")[0] == 1
    assert victim.read_text() == ""
    # A user's own link, as managers of dotfiles make it, is followed, and stays one.
    tmp_path.chmod(0o755)
    assert prefer(capsys, f"specimen={good}")[0] == 0
    assert config.is_symlink()
    assert "specimen" in victim.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_nor_one_in_another_users_directory(config: Path) -> None:
    config.parent.mkdir(parents=True)
    os.chown(config.parent, 65534, 65534)
    with pytest.raises(PermissionError, match=r"would lie in a user's directory|belongs to another user"):
        configfile.write(str(config), "z", "wheel")


def test_a_reader_finds_the_old_one_or_the_new_one(config: Path) -> None:
    """Atomic: while it is written a thousand times, no reader ever finds half a file."""
    values = ["/opt/" + "a" * 4000, "/opt/" + "b" * 9000]
    configfile.write(str(config), "z", values[0])
    seen, stop = set(), threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add(tomllib.loads(config.read_text())["prefer"]["z"])

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(300):
        configfile.write(str(config), "z", values[number % 2])
    stop.set()
    reader.join()
    assert seen <= set(values)
