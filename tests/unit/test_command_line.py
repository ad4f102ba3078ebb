"""`python -m nativeload`: its exit status, what goes to stdout and what to stderr, and that its JSON is JSON."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nativeload import __main__
from parts import execute, maps
from unit.specimens import BAD, LINKER_SCRIPT, NAME, declaration, provider, specimen
from unit.trial import nativeload_path

pytestmark = pytest.mark.usefixtures("fresh")


@pytest.fixture
def wheel(site: Path, good: Path) -> Path:
    return provider(site, "some-wheel", declaration(), files={NAME: good}) / NAME


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit status, stdout, stderr."""
    try:
        status = __main__._main(arguments)
    except SystemExit as ended:
        status = int(ended.code or 0)
    said = capsys.readouterr()
    return status, said.out, said.err


def facts(capsys: pytest.CaptureFixture[str], status: int, *arguments: str) -> Any:
    """The JSON of a command, in the given exit status, with nothing on stderr."""
    found, out, err = run(capsys, *arguments, "--json")
    assert (found, err) == (status, "")
    return json.loads(out)


def test_found(capsys: pytest.CaptureFixture[str], wheel: Path) -> None:
    status, out, err = run(capsys, "--explain", "specimen")
    assert (status, err) == (0, "")
    assert out.startswith(f"specimen: {wheel}\n")
    assert f"wheel    accepted {wheel}: declared by some-wheel 1.0" in out
    assert facts(capsys, 0, "--explain", "specimen")["spec"]["path"] == str(wheel)


def test_not_found_and_refused(capsys: pytest.CaptureFixture[str], wheel: Path) -> None:
    for text, said in (("specimens", "not-found"), ("specimen>=9", "incompatible")):
        status, out, err = run(capsys, "--explain", text)
        assert (status, err) == (1, "")
        assert out.startswith(f"{text}: {said.replace('-', ' ')}\n")
        assert "what you can do:" in out
        assert facts(capsys, 1, "--explain", text)["status"] == said


def test_several(capsys: pytest.CaptureFixture[str], wheel: Path) -> None:
    assert run(capsys, "--explain", "specimen", NAME)[0] == 0
    status, out, _ = run(capsys, "--explain", "specimen", "specimens")
    assert status == 1
    assert [line.split(":")[0] for line in out.splitlines() if line.startswith("specimen")] == ["specimen", "specimens"]
    found = facts(capsys, 1, "--explain", "specimen", "specimens")
    assert [one["status"] for one in found] == ["found", "not-found"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "nativeload: error: one of the arguments "),
        (("--json",), "nativeload: error: one of the arguments "),
        (("--explain", "--list"), "nativeload: error: argument --list: not allowed with argument --explain"),
        (("--list", "--unknown"), "nativeload: error: unrecognized arguments: --unknown"),
        (("specimen",), "nativeload: error: "),
        (("--list", "z"), "nativeload: error: unrecognized arguments: z"),
        (("--explain", "open blas"), "nativeload: not a library requirement: 'open blas': "),
        (("--explain", ""), "nativeload: not a library requirement: '': "),
        (("--explain", "specimen", "z>="), "nativeload: not a library requirement: 'z>=': "),
    ],
)
def test_usage(arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str], wheel: Path) -> None:
    """Nothing is reported of what could be read, and the last line says what could not."""
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.splitlines()[-1].startswith(words)
    # How to write it, where it is the command line itself.
    assert err.startswith("usage: nativeload ") == ("nativeload: error: " in words)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["--exlain", "specimen"], "'--exlain' is no command; did you mean --explain?"),
        (["check"], "'check' is no command; did you mean --check?"),
        (["pakc", "lib.so"], "'pakc' is no command; did you mean pack?"),
        (["specimen"], "'specimen' is no command; did you mean --explain specimen?"),
        (["--json"], "one of the arguments --explain --tree --check --list --version is required"),
        ([], "one of the arguments --explain --tree --check --list --version is required"),
    ],
)
def test_a_word_that_is_no_command(words: list[str], meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, *words)
    assert (status, out, err.splitlines()[-1]) == (2, "", f"nativeload: error: {meant}")


def test_what_can_be_read_is_no_usage_error(capsys: pytest.CaptureFixture[str], wheel: Path) -> None:
    for arguments in (["--explain", "specimen"], ["--list"], ["--list", "--json"], ["--explain", "--json"]):
        status, out, err = run(capsys, *arguments)
        assert (status, err) == (0, "")
        assert "specimen" in out


def test_an_override_that_cannot_be_honoured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATIVELOAD_SPECIMEN", "relative/x.so")
    status, out, err = run(capsys, "--explain", "specimen")
    assert (status, err) == (1, "")
    assert "NATIVELOAD_SPECIMEN=relative/x.so cannot be honoured" in out
    last = facts(capsys, 1, "--explain", "specimen")["steps"][-1]
    assert last["candidate"] == "NATIVELOAD_SPECIMEN=relative/x.so"
    assert last["reason"] == "cannot be honoured: a path must be absolute"


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file(kind: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, good: Path) -> None:
    make, reason = BAD[kind]
    make(tmp_path / NAME, good)
    status, out, err = run(capsys, "--explain", str(tmp_path / NAME))
    assert (status, err) == (1, "")
    assert f"file     rejected {tmp_path / NAME}: " in out
    assert reason in out
    found = facts(capsys, 1, "--explain", str(tmp_path / NAME))
    assert (found["status"], found["spec"], len(found["steps"])) == ("incompatible", None, 1)


def test_a_good_file(capsys: pytest.CaptureFixture[str], good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(good.parent)
    for text in (str(good), f"./{NAME}"):
        status, out, _ = run(capsys, "--explain", text)
        assert status == 0
        assert str(good) in out
        assert facts(capsys, 0, "--explain", text)["spec"]["soname"] == NAME
    # Without a slash it is a name, and no file that lies here.
    assert run(capsys, "--explain", NAME)[0] == 1


def test_a_files_build_id(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """By it debuggers, and distributions' indices of debugging symbols, know which build a file is."""
    for flag, words in (("0x0123456789abcdef", "build ID 0123456789abcdef"), ("none", "no build ID")):
        library = specimen(tmp_path / NAME, f"-Wl,--build-id={flag}")
        status, out, _ = run(capsys, "--explain", str(library))
        assert status == 0
        assert f"accepted {library}: would load in this process ({words})\n" in out


def test_list(capsys: pytest.CaptureFixture[str], wheel: Path, site: Path) -> None:
    broken = provider(site, "broken-wheel", declaration("none.so", "other"), library="other")
    (provider(site, "third-wheel", declaration(NAME, "third"), library="third") / NAME).write_bytes(LINKER_SCRIPT)
    status, out, err = run(capsys, "--list")
    assert (status, err) == (0, "")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert lines["specimen"].split() == ["specimen", "1.0", str(wheel), "(some-wheel", "1.0)"]
    assert f"not usable: DeclarationError: {broken}/nativeload.toml:2: " in lines["other"]
    assert "not usable: not an ELF file: a text file (third-wheel 1.0)" in lines["third"]
    found = facts(capsys, 0, "--list")
    assert found["version"] == 1
    one = next(one for one in found["libraries"] if one["name"] == "specimen")
    assert one == {
        "name": "specimen",
        "path": str(wheel),
        "version": "1.0",
        "abi": [],
        "problem": "",
        "provider": {"distribution": "some-wheel", "version": "1.0"},
    }


def test_overview(capsys: pytest.CaptureFixture[str], wheel: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = home / ".config" / "nativeload" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[override]\nsecond = "wheel"\n')
    monkeypatch.setenv("NATIVELOAD_FIRST", "/first.so")
    status, out, err = run(capsys, "--explain")
    assert (status, err) == (0, "")
    assert "NATIVELOAD_FIRST" in out
    for word in (
        sys.executable,
        "finders, in order:",
        "the linker searches:",
        f"{wheel}",
        "libc.so",
        f"{config}: read",
    ):
        assert word in out
    found = facts(capsys, 0, "--explain")
    assert found["version"] == 1
    assert found["finders"] == ["loaded", "override", "wheel", "prefix", "system"]
    chosen = {(one["variable"], one["value"], one["library"]) for one in found["overrides"]}
    assert chosen == {("NATIVELOAD_FIRST", "/first.so", None), (f"{config}:2", "wheel", "second")}
    assert (found["process"]["machine"], found["python"]["executable"]) == (os.uname().machine, sys.executable)
    assert found["cache"]["directory"] == str(home / ".cache" / "nativeload")
    config.chmod(0o666)
    states = {one["whose"]: one["state"] for one in facts(capsys, 0, "--explain")["configuration"]}
    assert states["user"] == "ignored: others can write it"


def test_overview_of_two_overrides(
    capsys: pytest.CaptureFixture[str], home: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each as it is written, and which of them wins: the one that a search takes."""
    config = home / ".config" / "nativeload" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[override]\nSpecimen = "system"\nother-one = "wheel"\ncache = "wheel"\n')

    def lines() -> list[str]:
        out = run(capsys, "--explain")[1]
        return out.partition("overrides:\n")[2].partition("\n\n")[0].splitlines()

    others = ["  other_one = wheel  (config.toml line 3)", "  cache = wheel  (config.toml line 4)"]
    assert lines() == ["  specimen = system  (config.toml line 2)", *others]
    assert run(capsys, "--explain", "specimen")[0] == 1
    monkeypatch.setenv("NATIVELOAD_CACHE", "0")
    monkeypatch.setenv("NATIVELOAD_SPECIMEN", "wheel")
    wins = "not used: NATIVELOAD_SPECIMEN wins"
    assert lines() == ["  NATIVELOAD_SPECIMEN=wheel", f"  specimen = system  (config.toml line 2)  {wins}", *others]
    assert run(capsys, "--explain", "specimen")[0] == 0
    assert [one["note"] for one in facts(capsys, 0, "--explain")["overrides"]] == ["", wins, "", ""]


def test_overview_of_a_broken_configuration(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    """Where one is lost is where this is asked: it must answer."""
    config = home / ".config" / "nativeload" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("[override]\n[[")
    (one,) = facts(capsys, 0, "--explain")["overrides"]
    assert one["variable"] == f"{config}:2"
    assert f"{config}:2" in run(capsys, "--explain")[1]


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "-h")
    assert status == 0
    assert "--explain" in out
    assert "exit status: 0" in out
    assert run(capsys, "--version")[1].startswith("nativeload 0.")


def test_the_process(tmp_path: Path, good: Path) -> None:
    """As it is run: `python -m nativeload`, and through a pipe whose reader has gone."""
    command = [sys.executable, "-m", "nativeload", "--explain"]
    assert execute([*command, good]).returncode == 0
    assert execute([*command, "specimen"]).returncode == 1
    assert execute([*command, "specimen="]).returncode == 2
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/lib\xff\x1b.so")
    shutil.copy(good, odd)
    assert execute([*command, odd]).returncode == 0

    def into_a_closed_pipe(*arguments: str | Path) -> tuple[int, bytes]:
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([*arguments], stdout=writer, stderr=subprocess.PIPE, check=False)
        os.close(writer)
        return done.returncode, done.stderr

    # The exit status is that of the search, as with a reader who stays.
    assert into_a_closed_pipe(*command, "specimen") == (1, b"")
    assert into_a_closed_pipe(*command, good) == (0, b"")
    # Python itself makes a failure of it.
    status, said = into_a_closed_pipe(sys.executable, "-c", "print('report', flush=True)")
    assert status not in (0, 2)
    assert b"BrokenPipeError" in said


def test_it_explains_what_a_program_gets_and_maps_nothing(good: Path, backend: str) -> None:
    """What the command line imports for itself must not be "loaded already": the usual extension modules map libz."""
    code = (
        maps() + "import sys\nfrom nativeload import __main__\n"
        "status = __main__._main(['--explain', 'z', sys.argv[1], '--json'])\n"
        "print('libz.' in str(mapped()), sys.argv[1] in mapped())"
    )
    done = execute([sys.executable, "-c", code, good]).check()
    found = json.loads(done.stdout.rpartition("]")[0] + "]")
    assert [one["status"] for one in found] == ["found", "found"]
    zlib, file = done.stdout.splitlines()[-1].split()
    assert file == "False"
    # Some distributions' interpreters are linked to it themselves; pyelftools imports zlib in the end.
    own = "zlib" in sys.builtin_module_names
    assert found[0]["spec"]["origin"] == ("loaded" if own else "system")
    assert zlib == str(own or backend == "python")


@pytest.mark.parametrize(
    ("shell", "status", "words"),
    [
        ("{} --explain >/dev/full", 1, "nativeload: No space left on device\n"),
        ("{} --explain >&-", 0, ""),
        ("{} --tree /bin/sh >&-", 0, ""),
        ("{} --tree {file} >/dev/full", 1, "nativeload: No space left on device\n"),
        ("{} --explain z[ 2>&-", 2, ""),
        ("mkdir gone; cd gone; rmdir ../gone; {} --tree ./file", 1, "nativeload: No such file or directory\n"),
        ("mkdir gone; cd gone; rmdir ../gone; {} --check .", 1, "nativeload: No such file or directory\n"),
    ],
)
def test_a_shell_that_gives_it_nowhere_to_write_or_to_stand(
    shell: str, status: int, words: str, good: Path, tmp_path: Path
) -> None:
    program = f"{sys.executable} -P -m nativeload"
    path = os.pathsep.join(map(str, nativeload_path()))
    done = subprocess.run(
        ["sh", "-c", shell.format(program, file=good)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, "", words)
