"""What a refusal tells to install really provides the library: of a dozen, Debian's package is fetched and looked into."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

import nativeload
from integration.projects import python_path
from nativeload import catalog, installers
from nativeload.advice import advice
from parts import deb, run

LIBRARIES = [
    "z", "zstd", "lz4", "bz2", "sqlite3", "sodium", "archive", "sndfile", "usb", "tbb", "hwloc", "gomp", "icuuc", "png",
]  # fmt: skip
ASK = "import sys, nativeload; nativeload.load(sys.argv[1] + '[no-such-feature]')"


def sonames(root: Path) -> set[str]:
    """By a reader that is not nativeload's."""
    found = set()
    for file in root.rglob("*.so*"):
        if file.is_file() and not file.is_symlink():
            with open(file, "rb") as binary:
                section = ELFFile(binary).get_section_by_name(".dynamic")
                assert isinstance(section, DynamicSection)
                found |= {str(tag.soname) for tag in section.iter_tags("DT_SONAME")}  # type: ignore[attr-defined]
    return found


@pytest.mark.once
@pytest.mark.debian12
@pytest.mark.parametrize("library", LIBRARIES)
def test_debians_package_has_it(library: str) -> None:
    said = run(sys.executable, ASK, library, env={"PYTHONPATH": python_path()}).stderr.splitlines()
    packages = [line.partition("apt install ")[2] for line in said if line.strip().startswith("apt install ")]
    assert packages, said
    entry = catalog.lookup(library)
    assert entry is not None
    assert sonames(deb(*packages)) & set(entry.sonames)


@pytest.mark.once
def test_another_package_has_it_not() -> None:
    entry = catalog.lookup("zstd")
    assert entry is not None
    assert not sonames(deb("zlib1g")) & set(entry.sonames)


OS = {
    "debian-12": ('ID=debian\nVERSION_ID="12"\n', "apt install libicu72"),
    "debian-13": ('ID=debian\nVERSION_ID="13"\n', "apt install libicu-dev"),
    "a debian without a version": ("ID=debian\n", "apt install libicu-dev"),
    "ubuntu": ("ID=ubuntu\nID_LIKE=debian\nVERSION_ID='24.04'\n", "apt install libicu-dev"),
    "one that is like ubuntu": ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', "apt install libicu-dev"),
    "fedora": ("ID=fedora\nVERSION_ID=41\n", "dnf install libicu"),
    "rocky": ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "dnf install libicu"),
}


@pytest.mark.parametrize("name", OS)
def test_the_systems_own_package_manager_comes_first(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, command = OS[name]
    (tmp_path / "os-release").write_text(text)
    monkeypatch.setattr(installers, "OS_RELEASE", os.fspath(tmp_path / "os-release"))
    monkeypatch.setattr(sys, "prefix", os.fspath(tmp_path))
    entry = catalog.lookup("icuuc")
    assert entry is not None
    assert installers.commands(entry) == [command, "pip install PySide6_Essentials"]
    (tmp_path / "conda-meta").mkdir()
    conda = "conda install -c conda-forge icu"
    assert installers.commands(entry) == [conda, command, "pip install PySide6_Essentials"]


@pytest.mark.parametrize("text", [None, "", "ID=plan9\n", "\0\xff="])
def test_a_system_that_is_not_known_gets_all_there_is(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if text is not None:
        (tmp_path / "os-release").write_text(text)
    monkeypatch.setattr(installers, "OS_RELEASE", os.fspath(tmp_path / "os-release"))
    monkeypatch.setattr(sys, "prefix", os.fspath(tmp_path))
    known, unknown = catalog.lookup("zstd"), catalog.lookup("nvml")
    assert known is not None
    assert unknown is not None
    assert installers.commands(known) == [
        "conda install -c conda-forge zstd", "apt install libzstd1", "dnf install libzstd", "brew install zstd",
    ]  # fmt: skip
    assert installers.commands(unknown) == []


COMMANDS = ("apt install ", "pip install ", "conda install ", "dnf install ", "brew install ", "winget install ")
NOT_PACKAGED = {"cuda", "nvcudla", "nvml"}  # which come with the driver


@pytest.mark.once
def test_each_librarys_refusal_ends_in_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's own package where it has one, else pip's, conda's or what there is."""
    (tmp_path / "os-release").write_text(OS["debian-12"][0])
    monkeypatch.setattr(installers, "OS_RELEASE", os.fspath(tmp_path / "os-release"))
    monkeypatch.setattr(sys, "prefix", os.fspath(tmp_path))
    without = set()
    for entry in catalog.every():
        packages = dict(entry.install)
        debian = packages.get("debian-12", packages.get("apt", ()))
        expected = [f"apt install {one}" for one in debian] + [f"pip install {one}" for one in packages.get("pip", ())]
        said = advice(f"{entry.name}[no-such-feature]")
        commands = [line for line in said if line.startswith(COMMANDS)]
        assert commands[: len(expected)] == expected, entry.name
        if not commands:
            without.add(entry.name)
            assert any("no package that has it is known" in line for line in said), entry.name
    assert without == NOT_PACKAGED
    assert not any(line.startswith(COMMANDS) for line in advice("no-such-library"))


def test_what_has_no_package_is_said() -> None:
    text = str(nativeload.explain("nvml[no-such-feature]"))
    assert "nvml is the NVIDIA driver: management (NVML): no package that has it is known" in text
