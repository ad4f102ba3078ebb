"""Programs of their own find the libraries that they link: by `environ`, and by `run`. Each fails without."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import nativeload
from parts import Result, cc, execute
from unit.specimens import LINKER_SCRIPT, NAME, declaration, provider, specimen

pytestmark = pytest.mark.usefixtures("fresh")

# Prints what it was given and what the library says, and has an exit status of its own.
PROGRAM = """
#include <stdio.h>
int specimen_answer(void);
int main(int count, char **words) {
    printf("%d", specimen_answer());
    while (--count) printf(" %s", *++words);
    return 7;
}
"""
UNKNOWN = "error while loading shared libraries: libspecimen.so.1: cannot open shared object file"


@pytest.fixture(scope="session")
def program(good: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that links the library, without an rpath."""
    return cc(PROGRAM, tmp_path_factory.mktemp("program") / "ask", good, shared=False)


@pytest.fixture
def home_of(site: Path, good: Path) -> Path:
    """The directory of a provider of the library."""
    return provider(site, "some-wheel", declaration(f"lib/{NAME}"), files={f"lib/{NAME}": good}) / "lib"


def start(program: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program], env=env, capture_output=True, text=True, check=False)


def run(site: Path, *words: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None) -> Result:
    """`python -m nativeload run …` with a directory on its path."""
    variables = {"PYTHONPATH": os.fspath(site), **(env or {})}
    return execute([sys.executable, "-m", "nativeload", "run", *words], env=variables, cwd=cwd)


# environ


def test_a_program_finds_what_it_links(program: Path, home_of: Path) -> None:
    without = start(program, {})
    assert without.returncode == 127
    assert UNKNOWN in without.stderr

    env = nativeload.environ("specimen", environ={})
    assert env == {"LD_LIBRARY_PATH": str(home_of)}
    assert (start(program, env).stdout, start(program, env).returncode) == ("42", 7)


def test_it_is_a_copy_and_the_directories_come_first(home_of: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    before = dict(os.environ)
    assert nativeload.environ("specimen") == {**before, "LD_LIBRARY_PATH": f"{home_of}:/nowhere"}
    assert dict(os.environ) == before
    assert nativeload.environ() == before
    # An empty variable is no directory; behind a colon it would be the current one.
    assert nativeload.environ("specimen", environ={"LD_LIBRARY_PATH": ""})["LD_LIBRARY_PATH"] == str(home_of)


def test_what_is_found_anyhow_adds_nothing(home_of: Path) -> None:
    assert nativeload.environ("z", environ={}) == {}
    env = nativeload.environ("specimen", environ={})
    assert nativeload.environ("specimen", "z", environ=env) == env


def test_what_the_library_needs_is_found_too(site: Path, tmp_path: Path) -> None:
    """A chain through three directories, none with an rpath."""
    files = {}
    link: list[str | Path] = []
    for name, source in (
        ("third", "int third(void) { return 42; }"),
        ("second", "int third(void); int second(void) { return third(); }"),
        ("specimen", "int second(void); int specimen_answer(void) { return second(); }"),
    ):
        link = [cc(source, tmp_path / f"lib{name}.so.1", *link, f"-Wl,-soname,lib{name}.so.1")]
        files[f"{name}/lib{name}.so.1"] = Path(link[0])
    tables = "".join(declaration(path, path.partition("/")[0]) for path in files)
    home = provider(site, "some-wheel", tables, files=files)
    path = [files["third/libthird.so.1"].parent]
    asks = cc(PROGRAM, tmp_path / "ask", tmp_path / NAME, f"-Wl,-rpath-link,{path[0]}", shared=False)
    assert start(asks, {"LD_LIBRARY_PATH": str(home / "specimen")}).returncode == 127

    env = nativeload.environ("specimen", environ={})
    assert set(env["LD_LIBRARY_PATH"].split(":")) == {str(home / part) for part in ("specimen", "second", "third")}
    assert start(asks, env).stdout == "42"


def test_what_its_provider_says_it_requires(site: Path, tmp_path: Path) -> None:
    """A library that opens another by its soname, which no header tells: its declaration does."""
    opens = '#include <dlfcn.h>\nint specimen_answer(void) { return dlopen("libplugin.so.1", RTLD_NOW) ? 42 : 1; }'
    files = {
        f"lib/{NAME}": specimen(tmp_path / NAME, source=opens),
        "more/libplugin.so.1": specimen(tmp_path / "libplugin.so.1", soname="libplugin.so.1"),
    }
    plugin = declaration("more/libplugin.so.1", "plugin")
    asks = cc(PROGRAM, tmp_path / "ask", tmp_path / NAME, shared=False)
    home = provider(site, "some-wheel", declaration(f"lib/{NAME}") + plugin, files=files)
    with open(site / "some_wheel-1.0.dist-info" / "entry_points.txt", "a", encoding="utf-8") as points:
        points.write("plugin = some_wheel\n")
    assert start(asks, nativeload.environ("specimen", environ={})).stdout == "1"
    (home / "nativeload.toml").write_text(declaration(f"lib/{NAME}") + 'requires = ["plugin"]\n' + plugin)
    nativeload.invalidate_caches()
    assert start(asks, nativeload.environ("specimen", environ={})).stdout == "42"


def test_a_file_with_another_name_than_its_soname(site: Path, good: Path, program: Path, tmp_path: Path) -> None:
    """The linker agrees that it is not found; with a link, as the error says, it is."""
    home = provider(site, "some-wheel", declaration("libother.so"), files={"libother.so": good})
    with pytest.raises(nativeload.SearchPathError) as error:
        nativeload.environ("specimen", environ={})
    assert (error.value.name, error.value.path) == (NAME, str(home / "libother.so"))
    assert "the linker looks for a file called libspecimen.so.1" in str(error.value)
    assert UNKNOWN in start(program, {"LD_LIBRARY_PATH": str(home)}).stderr

    (tmp_path / "links").mkdir()
    (tmp_path / "links" / NAME).symlink_to(home / "libother.so")
    assert start(program, {"LD_LIBRARY_PATH": str(tmp_path / "links")}).stdout == "42"


def test_a_link_beside_the_file_serves(site: Path, good: Path, program: Path) -> None:
    home = provider(site, "some-wheel", declaration("libspecimen.so.1.2"), files={"libspecimen.so.1.2": good})
    (home / NAME).symlink_to("libspecimen.so.1.2")
    assert start(program, nativeload.environ("specimen", environ={})).stdout == "42"


def test_another_file_that_comes_first_is_named(site: Path, home_of: Path, good: Path, program: Path) -> None:
    """The directory of one library holds another copy of the next: the linker would take that."""
    other = {"lib/libfirst.so.1": good.parent / "libfirst.so.1", f"lib/{NAME}": good}
    specimen(other["lib/libfirst.so.1"], soname="libfirst.so.1")
    home = provider(site, "z-first", declaration("lib/libfirst.so.1", "first"), library="first", files=other)
    with pytest.raises(nativeload.SearchPathError, match=f"takes {home}/lib/{NAME}"):
        nativeload.environ("first", "specimen", environ={})
    assert nativeload.environ("specimen", "first", environ={})["LD_LIBRARY_PATH"] == f"{home_of}:{home}/lib"


def test_what_stops_the_linker_is_passed(home_of: Path, program: Path, tmp_path: Path) -> None:
    """A text file of the name, in a directory of the user's: glibc gives up there, unless ours comes before."""
    (tmp_path / NAME).write_bytes(LINKER_SCRIPT)
    env = {"LD_LIBRARY_PATH": str(tmp_path)}
    assert "file too short" in start(program, env).stderr or "invalid ELF header" in start(program, env).stderr
    assert start(program, nativeload.environ("specimen", environ=env)).stdout == "42"


@pytest.mark.parametrize("odd", ["a:b", "a;b"])
def test_a_directory_that_the_variable_cannot_hold(
    odd: str, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / odd
    site.mkdir()
    monkeypatch.setattr("sys.path", [str(site), *sys.path])
    provider(site, "some-wheel", declaration(), files={NAME: good})
    with pytest.raises(nativeload.SearchPathError, match="LD_LIBRARY_PATH cannot hold"):
        nativeload.environ("specimen", environ={})


def test_what_is_not_found_or_will_not_do(home_of: Path) -> None:
    with pytest.raises(nativeload.LibraryNotFoundError):
        nativeload.environ("nosuchlibrary")
    with pytest.raises(nativeload.ABIMismatchError):
        nativeload.environ("specimen>=9")
    with pytest.raises(nativeload.RequirementError):
        nativeload.environ("/lib/libspecimen.so")


# run


def test_run_finds_by_itself_what_a_program_links(site: Path, program: Path, home_of: Path) -> None:
    done = run(site, program, "--with", "a word")
    assert (done.returncode, done.stdout, done.stderr) == (7, "42 --with a word", "")
    refused = run(site.parent, program)
    assert refused.returncode == 1
    assert "no library found for 'libspecimen.so.1'" in refused.stderr


def test_a_library_that_a_wheel_knows_by_another_name(site: Path, good: Path, program: Path) -> None:
    """The program knows only the soname; the user's choice goes by the name."""
    home = provider(site, "some-wheel", declaration(library="thing"), library="thing", files={NAME: good})
    assert run(site, program).stdout == "42"
    assert run(site, program, env={"NATIVELOAD_THING": "/nowhere/libthing.so"}).returncode == 1
    (home / NAME).unlink()
    assert run(site, program).returncode == 1


def test_what_a_script_starts_is_named(site: Path, program: Path, home_of: Path) -> None:
    script = [f"{program}; echo $0 $?"]
    assert run(site, "--with", "specimen>=1", "--", "sh", "-c", *script, "zero").stdout == "42zero 7\n"
    assert run(site, "--with=specimen", "sh", "-c", *script, "zero").stdout == "42zero 7\n"
    assert run(site, "sh", "-c", *script, "zero").stdout == "zero 127\n"
    assert run(site, "--with", "specimen>=9", "sh", "-c", *script).returncode == 1


def test_the_program_takes_this_process_over(site: Path) -> None:
    """No child: the same process, its end by a signal included; and what Python ignores is not ignored."""
    code = "import os, subprocess, sys; done = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True); "
    code += "print(done.pid == int(done.communicate()[0]), done.returncode)"
    words = [sys.executable, "-m", "nativeload", "run", "sh", "-c", "echo $$; kill -KILL $$"]
    done = execute([sys.executable, "-c", code, *words])
    assert done.check().stdout == f"True {-signal.SIGKILL}\n"
    ignored = execute([sys.executable, "-m", "nativeload", "run", "grep", "SigIgn", "/proc/self/status"]).stdout
    assert not int(ignored.split()[1], 16) & (1 << (signal.SIGPIPE - 1))


def test_a_program_that_cannot_be_run(site: Path, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no program\n")
    for word, status, said in (
        ("no-such-program", 127, "no-such-program: no such program on PATH"),
        ("./no-such-program", 127, "./no-such-program: no such program"),
        (str(text), 126, "Permission denied"),
        ("/", 126, "Permission denied"),
    ):
        done = run(site, word)
        assert (done.returncode, done.stdout) == (status, "")
        assert said in done.stderr
    text.chmod(0o755)
    assert "Exec format error" in run(site, text).stderr


@pytest.mark.parametrize(
    "words", [[], ["--"], ["--with"], ["--with", "z"], ["--without", "z"], ["--with", "/", "true"]]
)
def test_a_command_line_that_says_nothing(site: Path, words: list[str]) -> None:
    done = run(site, *words)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_program_whose_rpath_leads_elsewhere(site: Path, home_of: Path, good: Path, tmp_path: Path) -> None:
    """Named, a library is that one or an error; a program that finds its own by itself is left alone."""
    own = specimen(tmp_path / "own" / NAME, source="int specimen_answer(void) { return 1; }")
    flags: list[str | Path] = [own, "-Wl,--disable-new-dtags", f"-Wl,-rpath,{own.parent}"]
    asks = cc(PROGRAM, tmp_path / "ask", *flags, shared=False)
    assert run(site, asks).stdout == "1"
    refused = run(site, "--with", "specimen", asks)
    assert refused.returncode == 1
    assert f"the program's linker takes {own}" in refused.stderr
