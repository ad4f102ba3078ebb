"""A file for another machine that Windows runs here too is passed over in a search; what is no DLL for any ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dlls import BAD_FILE, MISSING, agree, closure, dll, problems, wine_s

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return dll(tmp_path / "site" / "root.pyd", needed=["liba.dll"])


@pytest.mark.parametrize(("machine", "passed_over"), [("x86", True), ("arm64", False)])
def test_another_machine_s(tmp_path: Path, root: Path, machine: str, passed_over: bool) -> None:
    """One for a machine of which Windows runs programs here as well is passed over, another is not."""
    dll(tmp_path / "site" / "liba.dll", machine=machine)
    assert agree(root, tmp_path) == [MISSING]
    assert f"is for {machine}, not for amd64" in closure(root).problems[0].detail
    dll(tmp_path / "app" / "liba.dll")
    expected = ["app/liba.dll", "site/root.pyd"] if passed_over else [MISSING]
    assert agree(root, tmp_path, application=tmp_path / "app") == expected


@pytest.mark.parametrize("content", [b"", b"MZ", b"not a library", b"\x7fELF", b"MZ" + bytes(4096)])
def test_no_pe_file(tmp_path: Path, root: Path, content: bytes) -> None:
    """The search ends there, though another directory has a good one."""
    dll(tmp_path / "app" / "liba.dll")
    (tmp_path / "site" / "liba.dll").write_bytes(content)
    assert agree(root, tmp_path, application=tmp_path / "app") == [MISSING]
    assert problems(closure(root, application=tmp_path / "app"))[0][0] == "fatal"


def test_a_truncated_file(tmp_path: Path, root: Path) -> None:
    path = dll(tmp_path / "site" / "liba.dll")
    path.write_bytes(path.read_bytes()[:-600])
    assert problems(closure(root))[0][0] == "fatal"


@pytest.mark.parametrize("content", ["x86", "text"])
def test_the_root_itself(tmp_path: Path, content: str) -> None:
    path = dll(tmp_path / "site" / "root.pyd", machine="x86")
    if content == "text":
        path.write_bytes(b"not a library")
    with pytest.raises(ValueError, match="is for x86" if content == "x86" else "not a PE file"):
        closure(path)
    error, _ = wine_s(path, application=tmp_path / "app")
    assert f"error {error}" == BAD_FILE
