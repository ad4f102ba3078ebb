"""What `--check` says of the tables [requires]: of healthy ones nothing, of each that is not, its kind."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nativeload.check import command, sources
from parts import cc
from unit.specimens import NAME, SOURCE, declaration, patched, provider, record, specimen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nativeload.check.report import Finding

pytestmark = pytest.mark.usefixtures("fresh")


def consumer(site: Path, name: str, toml: str, depends: Iterable[str] = ()) -> Path:
    """Install a distribution that requires libraries; its package's directory. Importing it fails."""
    home, info = site / name, site / f"{name}-1.0.dist-info"
    home.mkdir()
    info.mkdir()
    (home / "__init__.py").write_text("raise RuntimeError('a consumer was imported')\n")
    (home / "nativeload.toml").write_text(toml)
    lines = "".join(f"Requires-Dist: {one}\n" for one in depends)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{lines}\nRequires-Dist: text\n")
    record(site, name)
    return home


@pytest.fixture
def wheel(site: Path, good: Path) -> Path:
    return provider(site, "some-wheel", declaration(), files={NAME: good})


def check(*names: str | Path) -> list[Finding]:
    return [*command.check([str(one) for one in names]).problems]


def kinds(*names: str) -> list[tuple[str, str]]:
    return [(one.kind, one.severity) for one in check(*names)]


@pytest.mark.parametrize(
    "depends", [["some-wheel>=1"], ["Some.Wheel ; python_version > '2'"], ["some_wheel; extra == 'blas'"], ["between"]]
)
def test_healthy_ones_are_not_spoken_of(site: Path, wheel: Path, depends: list[str]) -> None:
    """Under any spelling, for an extra, and through another distribution; and what the system has needs none."""
    consumer(site, "between", "[library]\n", ["some-wheel"])
    consumer(site, "user", '[requires]\nspecimen = ">=1,<2"\nz = ""\n', depends)
    assert kinds("user", "between", "some-wheel") == []


def test_a_provider_that_nothing_brings(site: Path, wheel: Path) -> None:
    home = consumer(site, "user", '[requires]\nspecimen = ""\n', ["another-wheel", "not a ( requirement"])
    (found,) = check("user")
    assert (found.kind, found.severity, found.distribution) == ("required-undeclared", "warning", "user")
    assert found.image == f"{home}/nativeload.toml:2"
    assert "requires specimen, which some-wheel 1.0 ships, and user does not depend on that" in found.detail


def test_its_own_library(site: Path, good: Path) -> None:
    """A provider that requires what it ships itself."""
    provider(site, "some-wheel", declaration() + '[requires]\nspecimen = ""\n', files={NAME: good})
    assert kinds("some-wheel") == []


def test_what_is_not_installed(site: Path) -> None:
    consumer(site, "user", '[requires]\nnosuchlibrary = ">=2"\n')
    (found,) = check("user")
    assert (found.kind, found.severity) == ("required-missing", "error")
    assert found.detail.startswith(
        "requires nosuchlibrary>=2, which no installed distribution provides, nor the system\n"
    )
    assert "install what ships libnosuchlibrary.so" in found.detail


def test_what_is_too_old(site: Path, wheel: Path) -> None:
    consumer(site, "user", '[requires]\nspecimen = ">=2"\n', ["some-wheel"])
    (found,) = check("user")
    assert (found.kind, found.severity) == ("required-version", "error")
    assert "is version 1.0 (of some-wheel); >=2 was asked for" in found.detail


def test_what_will_not_do(site: Path, good: Path, tmp_path: Path) -> None:
    provider(site, "some-wheel", declaration(), files={NAME: patched(good, tmp_path / NAME, 18, "<H", 183)})
    consumer(site, "user", '[requires]\nspecimen = ""\n', ["some-wheel"])
    (found,) = check("user")
    assert (found.kind, found.severity) == ("required-refused", "error")
    assert "is AArch64 64-bit" in found.detail


def test_a_table_that_cannot_be_read(site: Path) -> None:
    home = consumer(site, "user", '[requires]\nspecimen = "new"\n')
    (found,) = check("user")
    assert (found.kind, found.severity, found.image) == ("declaration", "error", f"{home}/nativeload.toml:2")


def test_two_that_no_process_can_have_both(site: Path, wheel: Path, good: Path) -> None:
    other = specimen(site.parent / "libspecimen.so.2", soname="libspecimen.so.2", source=SOURCE)
    files = {other.name: other}
    provider(site, "z-wheel", declaration(other.name), version="2.0", files=files)
    consumer(site, "one", '[requires]\nspecimen = "<2"\n', ["some-wheel"])
    consumer(site, "two", '[requires]\nspecimen = ">=2"\n', ["z-wheel"])
    (found,) = check("one", "two")
    assert (found.kind, found.severity, found.distribution) == ("required-apart", "warning", "two")
    assert "requires specimen<2 " in found.detail
    assert kinds("one") == kinds("two") == []


def test_what_another_required_library_gives(site: Path, good: Path, tmp_path: Path) -> None:
    """A library that needs another provider's is no fault where both are required; alone, it is."""
    flags = (good, "-Wl,-soname,libouter.so.1")
    outer = cc(
        "int specimen_answer(void); int outer(void) { return specimen_answer(); }", tmp_path / "libouter.so.1", *flags
    )
    provider(site, "outer-wheel", declaration(outer.name, "outer"), library="outer", files={outer.name: outer})
    depends = ["outer-wheel", "some-wheel"]
    consumer(site, "user", '[requires]\nouter = ""\nspecimen = ""\n', depends)
    consumer(site, "half", '[requires]\nouter = ""\n', depends)
    assert kinds("half") == [("required-refused", "error")]
    assert set(kinds("user")) == {("required-refused", "error"), ("required-missing", "error")}
    provider(site, "some-wheel", declaration(), files={NAME: good})
    assert kinds("user") == []
    assert kinds("half") == [("required-refused", "error")]


def test_what_a_provider_says_its_library_requires(site: Path, wheel: Path, good: Path, tmp_path: Path) -> None:
    """The consumer need not: nor must its distribution depend on what the provider's does."""
    flags = (good, "-Wl,-soname,libouter.so.1")
    source = "int specimen_answer(void); int outer(void) { return specimen_answer(); }"
    files = {"libouter.so.1": cc(source, tmp_path / "libouter.so.1", *flags)}
    home = provider(site, "outer-wheel", declaration("libouter.so.1", "outer"), library="outer", files=files)
    consumer(site, "user", '[requires]\nouter = ""\n', ["outer-wheel"])
    assert kinds("user") == [("required-refused", "error")]
    (home / "nativeload.toml").write_text(declaration("libouter.so.1", "outer") + 'requires = ["specimen"]\n')
    assert kinds("user") == []
    (home / "nativeload.toml").write_text(declaration("libouter.so.1", "outer") + 'requires = ["specimen>=9"]\n')
    assert kinds("user") == [("required-refused", "error")]


def test_an_extension_whose_library_is_required(site: Path, wheel: Path, good: Path) -> None:
    """The linker does not find it, and load_required loads it before; without the line it is an error."""
    home = consumer(site, "user", '[requires]\nspecimen = ""\n', ["some-wheel"])
    extension = cc("int specimen_answer(void); int a(void) { return specimen_answer(); }", home / "_ext.abi3.so", good)
    record(site, "user")
    (found,) = check("user")
    assert (found.kind, found.severity, found.image) == ("missing", "warning", str(extension))
    assert f"nativeload.toml:2 requires specimen, so that {wheel / NAME} is loaded before" in found.detail
    # Another package of the same distribution has no such line.
    shutil.copytree(home, site / "apart", ignore=shutil.ignore_patterns("*.toml"))
    with open(site / "user-1.0.dist-info" / "RECORD", "a", encoding="utf-8") as file:
        file.write("apart/_ext.abi3.so,,\n")
    assert [one.severity for one in check("user") if "apart" in one.image] == ["error"]
    (home / "nativeload.toml").write_text('[requires]\nz = ""\n')
    assert [one.severity for one in check("user") if "user" in one.image] == ["error"]


@pytest.mark.parametrize("line", ['[requires]\n"libold.so.1" = ""\n', "nativeload.load('libold.so.1')\n"])
def test_an_extension_for_whose_library_another_answers(line: str, site: Path, good: Path, tmp_path: Path) -> None:
    """By an alias: required by the file, or loaded by the package itself; without either it is an error."""
    old = specimen(tmp_path / "libold.so.1", soname="libold.so.1")
    answering = provider(site, "some-wheel", declaration() + 'aliases = ["libold.so.1"]\n', files={NAME: good})
    home = consumer(site, "user", line if "requires" in line else "", ["some-wheel"])
    (home / "__init__.py").write_text(line if "load" in line else "")
    cc("int specimen_answer(void); int a(void) { return specimen_answer(); }", home / "_ext.abi3.so", old)
    record(site, "user")
    sources._files.clear()
    sources._loaders.clear()
    (found,) = check("user")
    assert (found.kind, found.severity) == ("missing", "warning")
    assert f"some-wheel's {answering / NAME} answers for it, where it is loaded as that" in found.detail
    assert f"{answering / NAME} " in found.detail.splitlines()[-1]
    (answering / "nativeload.toml").write_text(declaration())
    assert ("missing", "error") in kinds("user")


def test_a_directory_that_is_not_installed(tmp_path: Path, wheel: Path) -> None:
    """An author's own source, by its path: nothing is known of what it depends on."""
    source = tmp_path / "source" / "user"
    source.mkdir(parents=True)
    (source / "nativeload.toml").write_text('[requires]\nspecimen = ">=1"\n')
    assert check(source.parent) == []
    (source / "nativeload.toml").write_text('[requires]\nspecimen = ">=2"\n')
    assert [one.kind for one in check(source.parent)] == ["required-version"]
