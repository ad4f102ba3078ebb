"""KnownDLLs: no directory is searched for these names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dlls import agree, closure, dll, wine_s

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("kernel32.dll", "GetTickCount"), ("KERNEL32.DLL", "GetTickCount"), ("ntdll.dll", "NtClose")],
)
def test_a_file_of_that_name_is_nothing(tmp_path: Path, name: str, symbol: str) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=[(name, symbol)])
    dll(tmp_path / "site" / name, exports=[symbol])
    assert agree(root, tmp_path) == [name.lower(), "site/root.pyd"]


def test_of_what_is_not_loaded_yet(tmp_path: Path) -> None:
    """Wine keeps no such list: it maps the file beside the root. On Windows it is the system's (Microsoft's
    "Dynamic-link library search order": the system uses its copy of the known DLL)."""
    root = dll(tmp_path / "site" / "root.pyd", needed=["ws2_32.dll"])
    dll(tmp_path / "site" / "ws2_32.dll")
    assert [edge.how for edge in closure(root).images[0].needed] == ["KnownDLLs"]
    error, mapped = wine_s(root, application=tmp_path / "app")
    assert (error, mapped[:2]) == (0, [str(root), str(root.with_name("ws2_32.dll"))])
