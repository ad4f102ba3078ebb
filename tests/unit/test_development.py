"""`--cflags`, `--libs`, `--cmake-dir`, `--pkg-config-path`: of what was packed, of today's wheels, of other layouts."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import nativeload
from nativeload import __main__
from parts import cc, wheel
from parts import site as installed_in
from unit.packing import library, packed, tree, unpacked
from unit.specimens import NAME, declaration, provider

pytestmark = pytest.mark.usefixtures("fresh")


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command prints that succeeds."""
    assert __main__._main(arguments) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out.removesuffix("\n")


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 1) -> str:
    """What a command says that does not."""
    assert __main__._main(arguments) == status
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


@pytest.fixture
def foo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package of a packed library and its neighbour, below a directory with a space and a quote in its name."""
    made = [library(tmp_path, "libfoo.so.1"), library(tmp_path, "libbar.so.2")]
    include = tree(tmp_path / "include", ["foo.h"])
    place = unpacked(packed(tmp_path / "dist", *made, include=[str(include)]), tmp_path / "it's a site")
    monkeypatch.syspath_prepend(str(place))
    return place / "foo_lib"


def test_what_was_packed(foo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shlex.split(ask(capsys, "--cflags", "foo>=1.2")) == [f"-I{foo}/include"]
    assert shlex.split(ask(capsys, "--libs", "foo")) == [f"-L{foo}/lib", "-l:libfoo.so.1"]
    # Each flag once.
    assert shlex.split(ask(capsys, "--cflags", "foo", "bar")) == [f"-I{foo}/include"]
    assert shlex.split(ask(capsys, "--libs", "foo", "bar")) == [f"-L{foo}/lib", "-l:libfoo.so.1", "-l:libbar.so.2"]
    # A path, not a word of a shell: it is one value.
    assert ask(capsys, "--cmake-dir", "foo") == f"{foo}/lib/cmake/foo"
    assert ask(capsys, "--cmake-dir", "libbar.so.2") == f"{foo}/lib/cmake/bar"
    assert ask(capsys, "--pkg-config-path", "foo", "bar") == f"{foo}/lib/pkgconfig"
    assert f"{foo}/lib/pkgconfig" in ask(capsys, "--pkg-config-path").split(":")


def test_a_wheel_of_today(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    place = installed_in(wheel("scipy-openblas64"))
    monkeypatch.syspath_prepend(str(place))
    home = place / "scipy_openblas64"
    assert ask(capsys, "--cflags", "openblas[ilp64]") == f"-I{home}/include"
    assert ask(capsys, "--libs", "openblas[ilp64]") == f"-L{home}/lib -l:libscipy_openblas64_.so"
    assert ask(capsys, "--cmake-dir", "openblas") == f"{home}/lib/cmake/openblas"
    assert f"{home}/lib/pkgconfig" in ask(capsys, "--pkg-config-path").split(":")
    assert (home / "include" / "cblas.h").exists()


@pytest.mark.parametrize(
    ("path", "headers", "found"),
    [
        (f"lib64/{NAME}", "include", "include"),
        (NAME, "include", "include"),
        (f"lib/{NAME}", "lib/include", "lib/include"),
        # Not a directory of libraries: what is above belongs to others.
        (f"native/{NAME}", "include", ""),
        (f"lib/{NAME}", "headers", ""),
    ],
)
def test_where_headers_are(
    path: str, headers: str, found: str, site: Path, good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = provider(site, "some-wheel", declaration(path), files={path: good})
    tree(home / headers, ["specimen.h"])
    assert ask(capsys, "--cflags", "specimen") == (f"-I{home}/{found}" if found else "")


def test_what_is_declared(site: Path, good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = {"include": "headers", "pkgconfig": "build/pc", "cmake": "build/cmake"}
    home = provider(site, "some-wheel", declaration(f"lib/{NAME}", **keys), files={f"lib/{NAME}": good})
    tree(home, ["include/usual.h", "lib/pkgconfig/usual.pc", "lib/cmake/specimen/specimen-config.cmake"])
    assert ask(capsys, "--cflags", "specimen") == f"-I{home}/headers"
    assert ask(capsys, "--pkg-config-path", "specimen") == f"{home}/build/pc"
    assert ask(capsys, "--cmake-dir", "specimen") == f"{home}/build/cmake"
    # A second library of the wheel has what it says of itself, else the usual.
    (home / "nativeload.toml").write_text(declaration(f"lib/{NAME}", include="headers"), encoding="utf-8")
    nativeload.invalidate_caches()
    assert ask(capsys, "--cmake-dir", "specimen") == f"{home}/lib/cmake/specimen"


def test_the_systems_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert "/usr/include" not in ask(capsys, "--cflags", "c").split("-I")
    directory, name = ask(capsys, "--libs", "libc.so.6").split()
    assert (Path(directory.removeprefix("-L")) / name.removeprefix("-l:")).exists()


def test_what_a_wheel_comes_without(site: Path, good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = provider(site, "some-wheel", declaration(f"lib/{NAME}"), files={f"lib/{NAME}": good})
    assert refused(capsys, "--pkg-config-path", "specimen") == (
        f"nativeload: {home}/lib/{NAME} comes without pkg-config files: there are none in {home}/lib/pkgconfig (use "
        "--cflags and --libs)\n"
    )
    assert "comes without a CMake configuration: there is none in" in refused(capsys, "--cmake-dir", "specimen")
    # One of another name is taken where it is alone, and not where there are several.
    tree(home / "lib" / "cmake", ["Speci/SpeciConfig.cmake", "empty/README"])
    assert ask(capsys, "--cmake-dir", "specimen") == f"{home}/lib/cmake/Speci"
    tree(home / "lib" / "cmake", ["other/other-config.cmake"])
    assert "of Speci, other, none is called specimen" in refused(capsys, "--cmake-dir", "specimen")


def test_without_a_soname(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = provider(site, "some-wheel", declaration())
    cc("int specimen;", home / NAME)
    assert "has no soname" in refused(capsys, "--libs", "specimen")


def test_what_is_not_there_is_said_as_load_says_it(site: Path, good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = provider(site, "some-wheel", declaration(), files={NAME: good})
    for option in ("--cflags", "--libs", "--cmake-dir", "--pkg-config-path"):
        for name, error in (("nosuch", nativeload.LibraryNotFoundError), ("specimen>=9", nativeload.ABIMismatchError)):
            with pytest.raises(error) as raised:
                nativeload.load(name)
            assert refused(capsys, option, name) == f"nativeload: {raised.value}\n"
        refused(capsys, option, "specimen[", status=2)
    for wrong in (["--cflags"], ["--libs"], ["--cmake-dir"], ["--cmake-dir", "a", "b"], ["--libs", "--shared", "a"]):
        with pytest.raises(SystemExit) as ended:
            __main__._main(wrong)
        assert ended.value.code == 2
    capsys.readouterr()
    # A provider that is broken does not keep the others from being listed.
    tree(home / "pkgconfig", ["specimen.pc"])
    provider(site, "a-broken-one", "[library.broken]\n", library="broken")
    assert f"{home}/pkgconfig" in ask(capsys, "--pkg-config-path").split(":")
