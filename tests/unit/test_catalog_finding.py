"""How entries of the catalog lead to files: directories that variables name, versions from pkg-config, features."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

import nativeload
from nativeload import versions
from nativeload.catalog import entry
from parts import cc, run
from unit.specimens import NAME, age, specimen, undeclared

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = f"""[library.special]
summary = "Special"
sonames = ["{NAME}"]
homes = ["SPECIAL_HOME/lib64", "SPECIAL_HOME/lib"]
"""


@pytest.fixture
def special(home: Path, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An entry of the user's whose library is in `$SPECIAL_HOME/lib`."""
    place = home / ".config" / "nativeload" / "catalog"
    place.mkdir(parents=True)
    (place / "special.toml").write_text(ENTRY)
    library = tmp_path / "special" / "lib" / NAME
    library.parent.mkdir(parents=True)
    shutil.copy(good, library)
    monkeypatch.setenv("SPECIAL_HOME", str(tmp_path / "special"))
    age(place, place.parent, library.parent)
    return library


@pytest.mark.usefixtures("fresh")
def test_a_directory_that_a_variable_names(special: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = nativeload.find_spec("special")
    assert spec is not None
    assert (spec.path, spec.origin) == (str(special), "system")
    assert f"in {special.parent} ($SPECIAL_HOME)" in str(nativeload.explain("special"))
    # Asked for by a soname that the entry has, and by one that it has not.
    spec = nativeload.find_spec(NAME)
    assert spec is not None
    assert spec.path == str(special)
    assert nativeload.find_spec(NAME.replace(".1", ".2")) is None
    # The first directory that has it.
    other = special.parent.parent / "lib64" / NAME
    other.parent.mkdir()
    shutil.copy(special, other)
    spec = nativeload.find_spec("special")
    assert spec is not None
    assert spec.path == str(other)
    for value in ("", "relative/special", "/no/such/place"):
        monkeypatch.setenv("SPECIAL_HOME", value)
        assert nativeload.find_spec("special") is None


@pytest.mark.usefixtures("fresh")
def test_what_a_variable_leads_to_is_not_kept(special: Path, home: Path, tmp_path: Path) -> None:
    """The cache does not know the variable; and `python -E` and `-I` obey none."""
    code = "import nativeload; print(nativeload.load('special').path)"
    elsewhere = tmp_path / "elsewhere" / "lib" / NAME
    elsewhere.parent.mkdir(parents=True)
    shutil.copy(special, elsewhere)
    age(elsewhere.parent)
    for library in (special, elsewhere, special):
        env = {"SPECIAL_HOME": library.parent.parent}
        assert run(sys.executable, code, env=env, home=home).check().stdout == f"{library}\n"
    ignored = run(sys.executable, code, env={"SPECIAL_HOME": special.parent.parent}, home=home, options=["-E"])
    assert "LibraryNotFoundError" in ignored.stderr


@pytest.mark.usefixtures("fresh")
def test_the_linkers_own_directories_come_first(special: Path, home: Path, tmp_path: Path) -> None:
    first = tmp_path / "first" / NAME
    first.parent.mkdir()
    shutil.copy(special, first)
    code = "import nativeload; print(nativeload.load('special').path)"
    env = {"SPECIAL_HOME": special.parent.parent, "LD_LIBRARY_PATH": first.parent}
    assert run(sys.executable, code, env=env, home=home).check().stdout == f"{first}\n"


TOLD = {"summary": "x", "sonames": ["libspecial.so.4"], "version-in-file-name": "none", "pkg-config": "special"}


def test_a_version_that_pkg_config_tells(tmp_path: Path) -> None:
    library = specimen(tmp_path / "libspecial.so.4.8.0", soname="libspecial.so.4")
    (tmp_path / "pkgconfig").mkdir()
    file = tmp_path / "pkgconfig" / "special.pc"
    known = entry("special", TOLD, "here")

    def told() -> tuple[str | None, str]:
        return versions.told(str(library), "libspecial.so.4", known)

    assert told() == (None, "its file name does not tell")  # 4.8.0 is no version of the library
    file.write_text("prefix=/usr\n\nName: special\nVersion: 7.88.1\n")
    # It is the development package's, which may be of another major version: its link must lead to this file.
    assert told() == (None, "its file name does not tell")
    (tmp_path / "libspecial.so").symlink_to("libspecial.so.5")
    assert told() == (None, "its file name does not tell")
    (tmp_path / "libspecial.so").unlink()
    (tmp_path / "libspecial.so").symlink_to(library.name)
    assert told() == ("7.88.1", "of its pkg-config file")
    file.write_text("Name: special\nVersion:\n")
    assert told() == (None, "its file name does not tell")


def test_without_the_rule_the_file_name_counts(tmp_path: Path) -> None:
    library = specimen(tmp_path / "libspecial.so.4.8.0", soname="libspecial.so.4")
    plain = entry("special", {key: value for key, value in TOLD.items() if key != "version-in-file-name"}, "here")
    assert versions.told(str(library), "libspecial.so.4", plain) == ("4.8.0", "from the file's name")


DEPENDS = """[library.user_lib]
summary = "Needs another wheel's"
sonames = ["libuser_lib.so.1"]
depends = ["used_lib"]

[[library.user_lib.wheel]]
distribution = "user-cu12"
path = "user_cu12/lib/libuser_lib.so.1"
abi = ["cuda12"]

[library.used_lib]
summary = "What it needs"
sonames = ["libused_lib.so.1"]

[[library.used_lib.wheel]]
distribution = "used-cu13"
path = "used_cu13/lib/libused_lib.so.1"
abi = ["cuda13"]

[[library.used_lib.wheel]]
distribution = "used-cu12"
path = "used_cu12/lib/libused_lib.so.1"
abi = ["cuda12"]
"""


@pytest.mark.usefixtures("fresh")
def test_what_a_wheel_needs_of_another_is_loaded_first(home: Path, site: Path, tmp_path: Path) -> None:
    """The linker finds neither: it is looked for in the wheels that the catalog says it depends on, of the same ABI."""
    place = home / ".config" / "nativeload" / "catalog"
    place.mkdir(parents=True)
    (place / "depends.toml").write_text(DEPENDS)
    built = {}
    for number, cuda in ((13, "cu13"), (12, "cu12")):
        (tmp_path / cuda).mkdir()
        flag = "-Wl,-soname,libused_lib.so.1"
        built[cuda] = cc(f"int used(void) {{ return {number}; }}", tmp_path / cuda / "libused_lib.so.1", flag)
    source = "int used(void); int user(void) { return used(); }"
    user = cc(source, tmp_path / "libuser_lib.so.1", "-Wl,-soname,libuser_lib.so.1", built["cu12"])
    undeclared(site, "user-cu12", {"lib/libuser_lib.so.1": user})
    assert nativeload.find_spec("user_lib") is None
    undeclared(site, "used-cu13", {"lib/libused_lib.so.1": built["cu13"]})
    nativeload.invalidate_caches()
    assert nativeload.find_spec("user_lib") is None
    undeclared(site, "used-cu12", {"lib/libused_lib.so.1": built["cu12"]})
    nativeload.invalidate_caches()
    spec = nativeload.find_spec("user_lib")
    assert spec is not None
    assert spec.dependencies == (f"{site}/used_cu12/lib/libused_lib.so.1",)
    code = "import nativeload; print(nativeload.load('user_lib').ctypes.user())"
    assert run(sys.executable, code, env={"PYTHONPATH": site}, home=home).check().stdout == "12\n"
