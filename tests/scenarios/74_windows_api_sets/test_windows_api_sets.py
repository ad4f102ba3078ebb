"""API sets: names of contracts, for which Windows itself knows the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dlls import agree, closure, dll

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("api-ms-win-core-synch-l1-2-0.dll", "Sleep"),
        ("API-MS-WIN-CRT-HEAP-L1-1-0.DLL", "malloc"),
        ("api-ms-win-crt-runtime-l1-1-0.dll", "_errno"),
    ],
)
def test_no_file_is_needed(tmp_path: Path, name: str, symbol: str) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=[(name, symbol)])
    assert agree(root, tmp_path) == ["site/root.pyd"]
    assert [edge.how for edge in closure(root).images[0].needed] == ["API set"]


def test_a_file_of_that_name_is_nothing(tmp_path: Path) -> None:
    """It is so for Windows's own sets since 10; old redistributables of the C runtime bring such files."""
    name = "api-ms-win-core-synch-l1-2-0.dll"
    root = dll(tmp_path / "site" / "root.pyd", needed=[(name, "Sleep")])
    dll(tmp_path / "site" / name, exports=["Sleep"])
    assert agree(root, tmp_path) == ["site/root.pyd"]
