"""Names of files have no case of letters, and one without an extension is a .dll's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dlls import MISSING, agree, closure, dll

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


@pytest.mark.parametrize(
    ("name", "file"), [("LibA.DLL", "liba.dll"), ("liba.dll", "LIBA.Dll"), ("liba.pyd", "liba.PYD")]
)
def test_case(tmp_path: Path, name: str, file: str) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=[(name, "dep")])
    dll(tmp_path / "site" / file, exports=["dep"])
    assert agree(root, tmp_path) == [f"site/{file.lower()}", "site/root.pyd"]


def test_without_an_extension(tmp_path: Path) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=[("liba.ext", "dep")])
    root.write_bytes(root.read_bytes().replace(b"liba.ext", b"liba\0\0\0\0"))  # zig would write "liba.dll"
    assert [edge.name for edge in closure(root).images[0].needed] == ["liba"]
    dll(tmp_path / "site" / "liba", exports=["dep"])
    assert agree(root, tmp_path) == [MISSING]
    dll(tmp_path / "site" / "liba.dll", exports=["dep"])
    assert agree(root, tmp_path) == ["site/liba.dll", "site/root.pyd"]


def test_another_extension(tmp_path: Path) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=[("liba.so", "dep")])
    dll(tmp_path / "site" / "liba.so.dll", exports=["dep"])
    assert agree(root, tmp_path) == [MISSING]
    dll(tmp_path / "site" / "liba.so", exports=["dep"])
    assert agree(root, tmp_path) == ["site/liba.so", "site/root.pyd"]
