"""A sound file that will not do here: what is missing is named, with the nearest there is, and nothing is mapped."""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path

import pytest

import nativeload
from nativeload import LibraryNotFoundError, catalog, installers
from parts import cc
from unit.specimens import NAME, declaration, provider, specimen, undeclared
from unit.trial import trial


@pytest.mark.usefixtures("fresh")
def test_unknown_says_where_was_looked() -> None:
    with pytest.raises(nativeload.LibraryNotFoundError) as caught:
        nativeload.load("specimen")
    text = str(caught.value)
    assert text.startswith("no library found for 'specimen'\n  searched, in order:\n")
    assert [line.split()[0] for line in text.splitlines() if " absent " in line] == [
        "loaded",
        "override",
        "wheel",
        "prefix",
        "system",
    ]
    assert f"{sys.prefix}/lib/libspecimen.so*" in text
    assert "LD_LIBRARY_PATH, ld.so.cache or the default directories" in text
    # What to do about it: the catalog does not know the library, the user may.
    assert "specimen is not in nativeload's catalog: install what ships libspecimen.so" in text
    assert "NATIVELOAD_SPECIMEN=/absolute/path/to/the/library" in text
    assert "pip install" not in text
    assert (caught.value.requirement, caught.value.name) == ("specimen", "specimen")
    assert nativeload.find_spec("specimen") is None
    assert nativeload.explain("specimen").status == "not-found"


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("name", catalog.names())
def test_the_catalog_says_what_to_install(name: str) -> None:
    # A feature that nothing has: so it is refused, whatever this machine has.
    said = str(nativeload.explain(f"{name}[no-such-feature]")).splitlines()
    entry = catalog.lookup(name)
    assert entry is not None
    # Told as this system's own tools would tell it.
    release = dict(line.split("=") for line in Path("/etc/os-release").read_text().replace('"', "").split("\n") if line)
    packages = dict(entry.install)
    apt = packages.get(f"{release['ID']}-{release.get('VERSION_ID')}", packages.get("apt", ()))
    wanted = [f"  apt install {package}" for package in apt if shutil.which("apt")]
    wanted += [f"  pip install {package}" for package in packages.get("pip", ())]
    assert [line for line in wanted if line not in said] == []
    if not packages:
        assert any(f"is {entry.summary}: no package that has it is known" in line for line in said)
    assert [line for line in said if "is not in nativeload's catalog" in line] == []


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    "name", ["libspecimen.so.1", "libspecimen-3fa9b2c1.so.1.2", "libscipy_specimen64_-3fa9b2c1.so", "libspecimen64_.so"]
)
def test_a_wheel_that_ships_it_undeclared_is_named(name: str, site: Path, good: Path) -> None:
    home = undeclared(site, "Some-Wheel", {f"vendored/{name}": good})
    undeclared(site, "other-wheel", {"libspecimens.so": good, "specimen.so.txt": good, "libunspecimen.so": good})
    text = nativeload.explain("specimen")
    path = f"{home}/vendored/{name}"
    assert f"Some-Wheel ships {path} without declaring it: NATIVELOAD_SPECIMEN={path} uses it" in str(text)
    assert "other-wheel" not in str(text)
    assert text.status == "not-found"


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("name", ["some-wheel", "Some_Wheel"])
def test_a_distributions_name_is_no_librarys(name: str, site: Path, good: Path) -> None:
    provider(site, "some-wheel", declaration(), files={NAME: good})
    said = "some-wheel is a distribution: ask for what it provides, 'specimen'"
    assert said in str(nativeload.explain(name))
    assert "is a distribution" not in str(nativeload.explain("other-wheel"))


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    ("name", "meant"), [("libspecimen", "specimen"), ("specimn", "specimen"), ("opneblas", "openblas")]
)
def test_a_mistyped_name_is_known(name: str, meant: str, site: Path, good: Path) -> None:
    provider(site, "some-wheel", declaration(), files={NAME: good})
    assert f"{meant!r} is known: is that meant?" in str(nativeload.explain(name))
    assert "is that meant" not in str(nativeload.explain("nothing-like-it"))
    # Whatever is wrong with the one that was asked for, it was meant.
    assert "is that meant" not in str(nativeload.explain("specimen>=9"))


@pytest.mark.usefixtures("fresh")
def test_another_soname_is_brought_by_no_package_of_the_catalogs() -> None:
    text = str(nativeload.explain("libz.so.9"))
    assert "z is known as libz.so.1, not by that name: ask for 'z'" in text
    assert " install " not in text
    refused = str(nativeload.explain("libz.so.1[no-such-feature]"))
    assert " install " in refused
    assert "not by that name" not in refused


@pytest.mark.usefixtures("fresh")
def test_what_is_no_text_on_the_path_is_ignored(site: Path, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the import system does it."""
    monkeypatch.setattr("sys.path", [None, 3, site, b"/tmp", object(), *sys.path])
    assert "no library found" in str(LibraryNotFoundError("specimen", "specimen", ()))
    assert nativeload.explain("specimen").status == "not-found"
    home = provider(site, "some-wheel", declaration(), files={NAME: good})
    assert nativeload.explain("specimen").to_dict()["spec"]["path"] == str(home / NAME)


def test_what_is_advised_works(tmp_path: Path, good: Path) -> None:
    home = undeclared(tmp_path, "some-wheel", {NAME: good})
    advised = f"NATIVELOAD_SPECIMEN={home / NAME}"
    assert advised in trial("specimen", tmp_path).text
    name, _, value = advised.partition("=")
    assert trial("specimen", tmp_path, env={name: value}).library["path"] == str(home / NAME)


def test_missing_symbol(tmp_path: Path, good: Path) -> None:
    provider(tmp_path, "some-wheel", declaration(), files={NAME: good})
    answer = trial("specimen", tmp_path, symbols=["specimen_answer", "specimen_answre"])
    assert answer.error == "ABIMismatchError"
    assert "does not export specimen_answre; the nearest it has: specimen_answer" in answer.text
    assert answer.mapped_below(tmp_path) == []
    assert trial("specimen", tmp_path, symbols=["specimen_answer"]).mapped_below(tmp_path)


@pytest.mark.usefixtures("fresh")
def test_a_symbol_that_is_there_but_not_exported(site: Path, tmp_path: Path) -> None:
    source = (
        "static int a(void) { return 1; } int b(void) { return a(); }\n"
        '__attribute__((visibility("hidden"))) int hidden(void) { return 2; }\n'
        "extern int elsewhere(void); int c(void) { return elsewhere() + hidden(); }"
    )
    library = specimen(tmp_path / NAME, "-Wl,--unresolved-symbols=ignore-all", source=source)
    provider(site, "some-wheel", declaration(), files={NAME: library})
    assert nativeload.find_spec("specimen", symbols=["b", "c"]) is not None
    for symbol in ("a", "hidden", "elsewhere"):
        assert f"does not export {symbol}" in str(nativeload.explain("specimen", symbols=[symbol]))


@pytest.mark.parametrize("depth", [1, 2])
def test_missing_dependency(depth: int, tmp_path: Path) -> None:
    """The one that is missing is named, and who needs it, be it at the second step."""
    build = tmp_path / "build"
    absent = cc("int absent(void) { return 1; }", build / "libabsent.so.3", "-Wl,-soname,libabsent.so.3")
    middle = cc(
        "int absent(void); int middle(void) { return absent(); }",
        build / "libmiddle.so.2",
        "-Wl,-soname,libmiddle.so.2",
        absent,
    )
    flags: list[str | Path] = ["-Wl,-rpath,$ORIGIN", "-Wl,--allow-shlib-undefined", middle if depth == 2 else absent]
    source = "int middle(void); int absent(void); int top(void) { return %s(); }" % (
        "middle" if depth == 2 else "absent"
    )
    top = specimen(build / NAME, *flags, source=source)
    home = provider(tmp_path / "site", "some-wheel", declaration(), files={NAME: top, "libmiddle.so.2": middle})
    answer = trial("specimen", tmp_path / "site")
    assert answer.error == "ABIMismatchError"
    asker = home / ("libmiddle.so.2" if depth == 2 else NAME)
    assert f"needs libabsent.so.3, which is not found (wanted by {asker})" in answer.text
    assert answer.mapped_below(tmp_path) == []
    # With it, the same provider works.
    shutil.copy(absent, home)
    assert trial("specimen", tmp_path / "site").library["path"] == str(home / NAME)


@pytest.mark.parametrize(
    ("version", "source"),
    [("0.3.9", "of some-wheel"), ("0.3.19.post1", "of some-wheel"), ("not-a-version", "of some-wheel")],
)
def test_too_old(version: str, source: str, tmp_path: Path, good: Path) -> None:
    text = declaration(version=version)
    provider(tmp_path, "some-wheel", text, files={NAME: good})
    answer = trial("specimen>=0.3.20", tmp_path)
    assert answer.error == "ABIMismatchError"
    assert f"is version {version} ({source}); >=0.3.20 was asked for" in answer.text
    assert answer.mapped_below(tmp_path) == []
    assert trial("specimen", tmp_path).library["version"] == version


@pytest.mark.parametrize("route", ["override", "declared", "sys.path"])
def test_inside_a_zip(route: str, tmp_path: Path, good: Path) -> None:
    """The linker maps files; a library inside an archive is none, and the archive is named."""
    home = provider(tmp_path / "site", "some-wheel", declaration(), files={NAME: good})
    archive = tmp_path / "wheels.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for file in (tmp_path / "site").rglob("*"):
            zipped.write(file, file.relative_to(tmp_path / "site"))
    if route == "override":
        inside = f"{archive}/{home.name}/{NAME}"
        answer = trial("specimen", env={"NATIVELOAD_SPECIMEN": inside})
        assert answer.error == "OverrideError"
        assert f"lies inside {archive}, which is a file (an archive?)" in answer.text
    elif route == "declared":
        shutil.copy(archive, home / "data.zip")
        (home / "nativeload.toml").write_text(declaration(f"data.zip/{home.name}/{NAME}"))
        answer = trial("specimen", tmp_path / "site")
        assert "some-wheel" in answer.text
        assert str(home / "data.zip") in answer.text
    else:
        answer = trial("specimen", archive)
        assert answer.error == "LibraryNotFoundError"
        assert f"{archive} is an archive on sys.path: the linker maps only files of their own" in answer.text
    assert answer.mapped_below(tmp_path) == []


def test_what_is_missing_is_named_with_the_command_that_brings_it(site: Path, tmp_path: Path) -> None:
    """Where the catalog knows who has a library of that soname."""
    needed = cc("int needed(void) { return 1; }", tmp_path / "libnetcdf.so.19", "-Wl,-soname,libnetcdf.so.19")
    source = "int needed(void); int specimen(void) { return needed(); }"
    provider(site, "some-wheel", declaration(), files={NAME: specimen(tmp_path / NAME, needed, source=source)})
    entry = catalog.lookup("netcdf")
    assert entry is not None
    commands = installers.commands(entry)
    text = trial("specimen", site).text
    assert commands
    assert [f"{one} brings libnetcdf.so.19, which is needed" in text for one in commands] == [True] * len(commands)
    assert "libnetcdf.so.19, which is needed" not in trial("specimen", site, symbols=["nothing"]).text
