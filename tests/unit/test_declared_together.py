"""What a provider says of its libraries beside their paths: builds, what they require, sets, affixes, platforms."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

import nativeload
from nativeload import core
from parts import cc, run
from parts.compiler import isa_note
from unit.specimens import NAME, SOURCE, age, declaration, provider, specimen
from unit.trial import trial

if TYPE_CHECKING:
    from pathlib import Path

FOO = "int foo(void) { return 1; }"
BAR = "int foo(void); int bar(void) { return foo(); }"


def entries(site: Path, distribution: str, *libraries: str) -> None:
    """Entry points for so many libraries of a distribution's package."""
    lines = "".join(f"{library} = {distribution}\n" for library in libraries)
    (site / f"{distribution}-1.0.dist-info" / "entry_points.txt").write_text(f"[nativeload.libraries]\n{lines}")


@pytest.fixture
def foo(tmp_path: Path) -> Path:
    return cc(FOO, tmp_path / "libfoo.so.1", "-Wl,-soname,libfoo.so.1")


@pytest.fixture
def bar(tmp_path: Path, foo: Path) -> Path:
    return cc(BAR, tmp_path / "libbar.so.1", "-Wl,-soname,libbar.so.1", foo)


# Builds


def test_the_best_build_for_this_cpu(tmp_path: Path, fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    level = core.isa_level()
    if level < 2:
        pytest.skip("this CPU has the baseline only")
    site = tmp_path / "site"
    files = {name: specimen(tmp_path / f"{at}.so") for at, name in enumerate(("base.so", "v2.so", "v3.so", "v4.so"))}
    text = declaration("base.so") + "".join(f'x86-64-v{n} = "v{n}.so"\n' for n in (2, 3, 4)).join(
        ("[library.specimen.builds]\n", "")
    )
    home = provider(site, "some_wheel", text, files=files)
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])
    spec = nativeload.find_spec("specimen")
    assert spec is not None
    assert spec.path == str(home / f"v{min(level, 4)}.so")
    assert f"its build for this CPU, which is x86-64-v{level}" in str(nativeload.explain("specimen"))
    # One that is not declared for this CPU is not taken, and without builds the path is.
    (home / "nativeload.toml").write_text(declaration("base.so"))
    nativeload.invalidate_caches()
    plain = nativeload.find_spec("specimen")
    assert plain is not None
    assert plain.path == str(home / "base.so")


def test_a_build_that_is_marked_for_a_better_cpu_is_refused(
    tmp_path: Path, fresh: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    level = core.isa_level()
    marked = specimen(tmp_path / NAME, source=SOURCE + isa_note(5))
    text = declaration("base.so") + f'[library.specimen.builds]\nx86-64-v2 = "{NAME}"\n'
    provider(tmp_path / "site", "some_wheel", text, files={NAME: marked, "base.so": specimen(tmp_path / "b.so")})
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    found = nativeload.explain("specimen")
    assert found.status == ("incompatible" if level >= 2 else "found")


@pytest.mark.parametrize("key", ["x86-64-v9", "x86-64", "avx2"])
def test_a_level_that_is_none(key: str, tmp_path: Path, fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f'{declaration()}[library.specimen.builds]\n{key} = "{NAME}"\n'
    provider(tmp_path / "site", "some_wheel", text, files={NAME: specimen(tmp_path / NAME)})
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    assert f"{NAME[:0]}nativeload.toml:4: {key!r} is no CPU level" in str(nativeload.explain("specimen"))


# What is required


def chain(tmp_path: Path, foo: Path, bar: Path, requires: str = '["foo>=1"]') -> tuple[Path, Path]:
    """bar, which requires foo of another distribution; neither finds the other by the linker's rules."""
    one, two = tmp_path / "one", tmp_path / "two"
    provider(
        one,
        "bar_lib",
        declaration("libbar.so.1", "bar") + f"requires = {requires}\n",
        library="bar",
        files={"libbar.so.1": bar},
    )
    provider(two, "foo_lib", declaration("libfoo.so.1", "foo"), library="foo", files={"libfoo.so.1": foo})
    return one, two


def test_what_is_required_is_loaded_first(tmp_path: Path, foo: Path, bar: Path) -> None:
    one, two = chain(tmp_path, foo, bar)
    found = trial("bar", one, two)
    assert found.library["path"] == str(one / "bar_lib" / "libbar.so.1")
    assert found.mapped_below(one, two) == [str(one / "bar_lib/libbar.so.1"), str(two / "foo_lib/libfoo.so.1")]
    # Without the line, what it needs is not found.
    (one / "bar_lib" / "nativeload.toml").write_text(declaration("libbar.so.1", "bar"))
    lost = trial("bar", one, two)
    assert (lost.error, lost.mapped_below(one, two)) == ("ABIMismatchError", [])
    assert "needs libfoo.so.1, which is not found" in lost.text


def test_also_from_the_cache(tmp_path: Path, foo: Path, bar: Path) -> None:
    one, two = chain(tmp_path, foo, bar)
    (tmp_path / "home").mkdir()
    age(one, two)
    for _ in range(2):
        assert trial("bar", one, two, home=tmp_path / "home").library["path"] == str(one / "bar_lib" / "libbar.so.1")
    (two / "foo_lib" / "libfoo.so.1").unlink()
    assert "requires foo>=1" in trial("bar", one, two, home=tmp_path / "home").text


@pytest.mark.parametrize(
    ("requires", "said"),
    [
        ('["foo>=2"]', "is version 1.0 (of foo_lib); >=2 was asked for"),
        ('["nowhere"]', "no finder has it"),
        ('["foo[ilp64]"]', "asked for ilp64"),
        ('["/x"]', "not a library requirement"),
        ('["bar"]', "what is required goes in a circle: bar → bar"),
    ],
)
def test_what_is_required_cannot_be_had(requires: str, said: str, tmp_path: Path, foo: Path, bar: Path) -> None:
    one, two = chain(tmp_path, foo, bar, requires)
    found = trial("bar", one, two)
    assert (found.error, found.mapped_below(one, two)) == ("ABIMismatchError", [])
    assert said in found.text
    assert f"{one}/bar_lib/nativeload.toml:3" in found.text


def test_a_longer_circle_and_a_diamond(tmp_path: Path) -> None:
    site = tmp_path / "site"
    needs = {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}
    for name, others in needs.items():
        file = cc(f"int {name};", tmp_path / f"lib{name}x.so", f"-Wl,-soname,lib{name}x.so")
        text = declaration(f"lib{name}x.so", f"{name}x") + f"requires = {[f'{one}x' for one in others]}\n".replace(
            "'", '"'
        )
        provider(site, f"{name}_lib", text, library=f"{name}x", files={f"lib{name}x.so": file})
    assert len(trial("ax", site).mapped_below(site)) == 4
    toml = site / "d_lib" / "nativeload.toml"
    toml.write_text(toml.read_text().replace("[]", '["ax"]'))
    assert "what is required goes in a circle: ax → bx → dx → ax" in trial("ax", site).text


def test_of_one_file_it_comes_from_there(tmp_path: Path, foo: Path, bar: Path) -> None:
    """Another distribution's foo, first on the path, is not taken for bar's own."""
    first, site = tmp_path / "first", tmp_path / "site"
    provider(first, "other_lib", declaration("libfoo.so.1", "foo"), library="foo", files={"libfoo.so.1": foo})
    text = declaration("libbar.so.1", "bar") + 'requires = ["foo"]\n' + declaration("libfoo.so.1", "foo")
    provider(site, "both", text, library="bar", files={"libbar.so.1": bar, "libfoo.so.1": foo})
    entries(site, "both", "bar", "foo")
    found = trial("bar", first, site)
    assert found.mapped_below(first, site) == [str(site / "both" / "libbar.so.1"), str(site / "both" / "libfoo.so.1")]
    # What the process has already is another origin's.
    loaded = trial("bar", first, site, before="nativeload.load('foo')")
    assert loaded.error == "ABIMismatchError"
    assert "it must come from both, as what requires it" in loaded.text


# Sets


@pytest.mark.parametrize("together", [True, False])
def test_members_of_a_set_come_from_one_origin(together: bool, tmp_path: Path, foo: Path) -> None:
    bar = cc("int bar;", tmp_path / "libbar.so.1", "-Wl,-soname,libbar.so.1")
    one, two = tmp_path / "one", tmp_path / "two"
    line = 'set = "pair"\n' if together else ""
    for site, name, libraries in ((one, "first", ("foo",)), (two, "second", ("foo", "bar"))):
        text = declaration("libfoo.so.1", "foo") + line + declaration("libbar.so.1", "bar") + line
        provider(site, name, text, files={"libfoo.so.1": foo, "libbar.so.1": bar})
        entries(site, name, *libraries)
    found = trial("bar", one, two, before="nativeload.load('foo')")
    if together:
        assert (found.error, found.mapped_below(two)) == ("ABIMismatchError", [])
        assert "is of the set pair of second 1.0; this process has libfoo.so.1 of another origin, from " in found.text
        assert str(one / "first" / "libfoo.so.1") in found.text
    else:
        assert found.library["path"] == str(two / "second" / "libbar.so.1")
    # The same origin's goes together, as does bar alone.
    alone = trial("bar", one, two)
    assert alone.library["path"] == str(two / "second" / "libbar.so.1")
    same = trial("bar", two, before="nativeload.load('foo')")
    assert same.library["path"] == str(two / "second" / "libbar.so.1")


def test_an_answer_that_is_remembered_is_none_beside_another_origin(tmp_path: Path, foo: Path) -> None:
    bar = cc("int bar;", tmp_path / "libbar.so.1", "-Wl,-soname,libbar.so.1")
    one, two = tmp_path / "one", tmp_path / "two"
    for site, name, libraries in ((one, "first", ("foo",)), (two, "second", ("foo", "bar"))):
        text = "".join(declaration(f"lib{one}.so.1", one) + 'set = "pair"\n' for one in ("foo", "bar"))
        provider(site, name, text, files={"libfoo.so.1": foo, "libbar.so.1": bar})
        entries(site, name, *libraries)
    (tmp_path / "home").mkdir()
    age(one, two)
    for _ in range(2):
        assert trial("bar", one, two, home=tmp_path / "home").library["path"] == str(two / "second" / "libbar.so.1")
    assert list((tmp_path / "home" / ".cache" / "nativeload").iterdir())
    found = trial("bar", one, two, home=tmp_path / "home", before="nativeload.load('foo')")
    assert (found.error, found.mapped_below(two)) == ("ABIMismatchError", [])


# Affixes, platforms


def test_affixes_are_features(tmp_path: Path) -> None:
    text = declaration(prefix="scipy_", suffix="64_")
    provider(tmp_path / "site", "some_wheel", text, files={NAME: specimen(tmp_path / NAME)})
    found = trial("specimen[prefix=scipy_]", tmp_path / "site")
    assert found.library["abi"] == ["prefix=scipy_", "suffix=64_"]
    assert trial("specimen[prefix=x_]", tmp_path / "site").error == "ABIMismatchError"


def test_a_library_of_other_platforms(tmp_path: Path) -> None:
    """It does not stop the others of its file."""
    site = tmp_path / "site"
    text = '[library.other]\nmacos = "libother.dylib"\nwindows = "other.dll"\n' + declaration()
    provider(site, "some_wheel", text, files={NAME: specimen(tmp_path / NAME)})
    entries(site, "some_wheel", "specimen", "other")
    assert trial("specimen", site).library["path"] == str(site / "some_wheel" / NAME)
    found = trial("other", site)
    assert (found.error, f"[library.other] has no path for {sys.platform}" in found.text) == (
        "LibraryNotFoundError",
        True,
    )


@pytest.mark.parametrize("platform", ["darwin", "win32", "linux"])
def test_the_path_of_each_platform(platform: str, tmp_path: Path) -> None:
    toml = tmp_path / "nativeload.toml"
    toml.write_text('[library.a]\npath = "a.so"\nmacos = "a.dylib"\nwindows = "bin/a.dll"\n')
    code = (
        f"import sys; from nativeload import declarations, tomlfile; sys.platform = {platform!r}\n"
        f"print(declarations.libraries(tomlfile.Document({str(toml)!r}), {str(tmp_path)!r})['a'].path)"
    )
    wanted = {"darwin": "a.dylib", "win32": "bin/a.dll", "linux": "a.so"}[platform]
    assert run(sys.executable, code).check().stdout.strip() == str(tmp_path / wanted)
