"""What users and distributions add to the catalog, and what such a file cannot do."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

import nativeload
from nativeload import catalog, overview
from nativeload.catalog import additions
from nativeload.requirement import parse
from parts import cc
from unit.specimens import NAME, age, declaration, provider, record, specimen
from unit.trial import trial

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = """[library.{name}]
summary = "Special"
sonames = ["{soname}"]

[[library.{name}.wheel]]
distribution = "{distribution}"
path = "{path}"
"""


def entry(
    name: str = "special", soname: str = NAME, distribution: str = "shipper", path: str = f"shipper/{NAME}"
) -> str:
    return ENTRY.format(name=name, soname=soname, distribution=distribution, path=path)


def shipper(site: Path, good: Path, distribution: str = "shipper") -> Path:
    """A distribution that ships libspecimen.so.1 and declares nothing."""
    home = provider(site, distribution, None, files={NAME: good})
    (site / f"{home.name}-1.0.dist-info" / "entry_points.txt").unlink()
    return home / NAME


def adds(site: Path, text: str, distribution: str = "facts", family: str = "special") -> Path:
    """A distribution whose data file this is; importing its package fails."""
    home = provider(site, distribution, None)
    (home / f"{family}.toml").write_text(text)
    points = site / f"{home.name}-1.0.dist-info" / "entry_points.txt"
    points.write_text(f"[nativeload.catalog]\n{family} = {home.name}\n")
    record(site, distribution, "1.0")
    return home / f"{family}.toml"


def by_user(home: Path, text: str, file: str = "special.toml") -> Path:
    place = home / ".config" / "nativeload" / "catalog"
    place.mkdir(parents=True, exist_ok=True)
    (place / file).write_text(text)
    return place / file


def refused(name: str = "special") -> list[tuple[str, str, str]]:
    steps = nativeload.explain(name).steps
    return [(step.finder, step.candidate, step.reason) for step in steps if step.verdict == "rejected"]


@pytest.mark.usefixtures("fresh")
def test_a_distribution_adds_an_entry(site: Path, good: Path) -> None:
    library = shipper(site, good)
    assert nativeload.find_spec("special") is None
    adds(site, entry())
    spec = nativeload.find_spec("special")
    assert spec is not None
    assert (spec.path, str(spec.provider), spec.origin) == (str(library), "shipper 1.0", "wheel")
    found = catalog.lookup("special")
    assert found is not None
    assert found.by == "facts"


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("whose", ["user", "distribution"])
def test_an_entry_is_found_by_its_soname(whose: str, home: Path, site: Path, good: Path) -> None:
    library = shipper(site, good)
    assert nativeload.find_spec(NAME) is None
    if whose == "user":
        by_user(home, entry())
    else:
        adds(site, entry())
    spec = nativeload.find_spec(NAME)
    assert spec is not None
    assert (spec.path, spec.soname, str(spec.provider)) == (str(library), NAME, "shipper 1.0")
    for other in (NAME.replace(".1", ".2"), NAME.replace(".1", ".11"), f"x{NAME}"):
        assert nativeload.find_spec(other) is None


@pytest.mark.usefixtures("fresh")
def test_a_user_adds_and_overrides(home: Path, site: Path, good: Path) -> None:
    library = shipper(site, good)
    by_user(home, entry())
    spec = nativeload.find_spec("special")
    assert spec is not None
    assert spec.path == str(library)
    # What is shipped is overridden, for as long as the file is there.
    shipped = catalog.lookup("tbb")
    file = by_user(home, entry("tbb"), "tbb.toml")
    nativeload.explain("tbb")
    mine = catalog.lookup("tbb")
    assert mine is not None
    assert mine.where == str(file)
    file.unlink()
    nativeload.explain("tbb")
    assert catalog.lookup("tbb") is shipped


@pytest.mark.usefixtures("fresh")
def test_a_cached_answer_rests_on_the_users_files(home: Path, site: Path, good: Path, tmp_path: Path) -> None:
    from nativeload.spec import Trace

    trace = Trace()
    catalog.lookup("special", trace)
    config = home / ".config" / "nativeload"
    assert set(trace.consulted) >= {str(config)}
    file = by_user(home, entry())
    again = Trace()
    catalog.lookup("special", again)
    assert {str(config), str(file), str(file.parent)} <= set(again.consulted)
    assert again.consulted[str(config)] != trace.consulted[str(config)]


@pytest.mark.usefixtures("fresh")
def test_a_bad_entry_is_named_and_skipped(home: Path, site: Path, good: Path) -> None:
    library = shipper(site, good)
    bad = by_user(home, entry("other").replace("summary", "sumary"), "bad.toml")
    broken = by_user(home, "[library\n", "broken.toml")
    adds(site, entry() + entry("wrong", path="../x"))
    spec = nativeload.find_spec("special")
    assert spec is not None
    assert spec.path == str(library)
    said = refused()
    assert all(finder == "catalog" for finder, _, _ in said)
    assert {where for _, where, _ in said} == {f"{bad}:1", f"{bad}:2", f"{broken}:1", f"{site}/facts/special.toml:14"}
    entries, problems = additions.everything()
    assert [one.name for one in entries] == ["special"]
    assert len(problems) == 4
    shown = overview.text(overview.overview())
    assert f"special        {site}/facts/special.toml" in shown
    assert all(f"{where}: {reason}" in shown for where, reason in problems)
    # Of a name that is shipped, distributions are not asked.
    assert {os.path.basename(where).partition(":")[0] for _, where, _ in refused("z3")} == {"bad.toml", "broken.toml"}


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("how", ["absent", "not a package", "imports"])
def test_a_distribution_without_its_file(how: str, site: Path) -> None:
    file = adds(site, entry())
    points = site / "facts-1.0.dist-info" / "entry_points.txt"
    if how == "absent":
        file.unlink()
    else:
        points.write_text(f"[nativeload.catalog]\nspecial = {'no package' if how == 'not a package' else 'gone'}\n")
    ((finder, candidate, reason),) = refused()
    assert (finder, candidate) == ("catalog", "facts's entry point")
    assert ("not a family's and a package's name" in reason) == (how == "not a package")


@pytest.mark.usefixtures("fresh")
def test_an_added_library_implements_a_virtual_name(home: Path, site: Path, good: Path) -> None:
    before = catalog.implementing("blas")
    assert "special" not in before
    library = shipper(site, good)
    by_user(home, entry().replace("sonames", 'virtual = ["blas", "no_such_virtual_name"]\nsonames'))
    assert catalog.implementing("blas") == [*before, "special"]
    assert catalog.implementing("no_such_virtual_name") == []
    candidates = [step.candidate for step in nativeload.explain("blas[no-such-feature]").steps]
    assert str(library) in candidates


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("whose", ["user", "distribution"])
def test_it_takes_part_in_the_default_order(whose: str, home: Path, site: Path, good: Path) -> None:
    """After those that are shipped; before them where the process has it, and where its file is chosen."""
    library = shipper(site, good)
    text = entry().replace("sonames", 'virtual = ["mpi"]\nsonames')
    without = trial("mpi", site, home=home)
    assert (without.error, without.mapped_below(site)) == ("LibraryNotFoundError", [])
    if whose == "user":
        by_user(home, text)
    else:
        adds(site, text)
    found = trial("mpi", site, home=home)
    assert (found.library["path"], found.library["origin"]) == (str(library), "wheel")
    soname = "libmpi.so.40"
    other = cc("int mpi;", site.parent / "system" / soname, f"-Wl,-soname,{soname}")
    env = {"LD_LIBRARY_PATH": other.parent}
    assert trial("mpi", site, home=home, env=env).library["path"] == str(other)
    before = f"import _ctypes; _ctypes.dlopen({str(library)!r}, 2)"
    assert trial("mpi", site, home=home, env=env, before=before).library["path"] == str(library)
    for choice in ("special", str(library)):
        chosen = trial("mpi", site, home=home, env={**env, "NATIVELOAD_MPI": choice})
        assert chosen.library["path"] == str(library)


# Threats: what a distribution's data file cannot do.


@pytest.mark.usefixtures("fresh")
def test_it_replaces_nothing_that_is_shipped(site: Path) -> None:
    before = catalog.lookup("tbb")
    adds(site, entry("tbb", soname="libother.so.1"))
    nativeload.explain("tbb")
    assert catalog.lookup("tbb") is before
    assert before is not None


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("name", ["special", "scipy_openblas64_"])
def test_it_takes_no_file_of_what_is_shipped(name: str, site: Path, home: Path) -> None:
    """By a soname, or by a library that is called as the file is."""
    wanted = parse("libscipy_openblas64_.so")
    text = entry(name, soname=wanted.filename)
    adds(site, text)
    nativeload.explain(wanted.text)
    assert [one.name for one in catalog.known(wanted)] == ["openblas"]
    assert catalog.lookup(name) is not None
    # The user may say so.
    by_user(home, text)
    nativeload.explain(wanted.text)
    assert catalog.known(wanted)[0].name == name


@pytest.mark.usefixtures("fresh")
def test_it_replaces_nothing_of_the_users(home: Path, site: Path, good: Path) -> None:
    library = shipper(site, good)
    by_user(home, entry())
    adds(site, entry(path="elsewhere/libother.so.1"))
    spec = nativeload.find_spec("special")
    assert spec is not None
    assert spec.path == str(library)


@pytest.mark.usefixtures("fresh")
def test_it_says_nothing_of_what_another_declares(site: Path, good: Path, tmp_path: Path) -> None:
    """Its sonames would be taken for the library: whatever the process has of that name, and what the system has."""
    other = provider(site, "owner", declaration(library="special"), library="special", files={NAME: good})
    adds(site, entry(soname="libz.so.1"))
    nativeload.explain("special")
    assert catalog.lookup("special") is None
    # Without the owner, it counts.
    shutil.rmtree(site / "owner-1.0.dist-info")
    nativeload.explain("special")
    assert catalog.lookup("special") is not None
    assert other.is_dir()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("kind", ["not recorded", "another's", "a link out of it", "recorded outside"])
def test_a_file_that_is_not_the_distributions(kind: str, site: Path, good: Path, tmp_path: Path) -> None:
    """The file it names must be installed by the distribution that it is said to be of, inside the environment."""
    shipper(site, good)
    (tmp_path / "outside").mkdir()
    outside = specimen(tmp_path / "outside" / NAME)
    path = "shipper/extra.so"
    if kind == "not recorded":
        shutil.copy(good, site / path)
    elif kind == "another's":
        shutil.copy(good, adds(site, "", "evil").parent / "extra.so")
        path = "evil/extra.so"
    elif kind == "a link out of it":
        (site / path).symlink_to(outside)
    adds(site, entry(path=path))
    if kind == "recorded outside":
        file = site / "facts" / "special.toml"
        file.write_text(entry().replace("path =", "data =").replace(f"shipper/{NAME}", f"outside/{NAME}"))
        with open(site / "shipper-1.0.dist-info" / "RECORD", "a", encoding="utf-8") as lines:
            lines.write(f"{outside},,\n")
    nativeload.invalidate_caches()
    assert nativeload.find_spec("special") is None
    assert [reason for finder, _, reason in refused() if finder == "wheel"] == [
        "shipper 1.0 is installed, but has no such file"
    ]
    # The same file, recorded: it is the distribution's own.
    if kind == "not recorded":
        record(site, "shipper", "1.0")
        nativeload.invalidate_caches()
        assert nativeload.find_spec("special") is not None


@pytest.mark.usefixtures("fresh")
def test_it_names_no_directory_outside(site: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SPECIAL_HOME", str(tmp_path))
    adds(site, entry().replace("sonames", 'homes = ["SPECIAL_HOME/lib"]\nsonames'))
    ((_, where, reason),) = refused()
    assert where == f"{site}/facts/special.toml:3"
    assert "outside the environment" in reason


@pytest.mark.usefixtures("fresh")
def test_files_of_others_are_no_words_of_the_user(home: Path) -> None:
    file = by_user(home, entry())
    age(file.parent)
    file.chmod(0o666)
    assert refused() == [("catalog", str(file), "not in the catalog: ignored: others can write it")]
    file.chmod(0o600)
    file.parent.chmod(0o777)
    assert refused() == [("catalog", str(file.parent), "not in the catalog: ignored: others can write it")]
    file.parent.chmod(0o755)
    assert refused() == []
