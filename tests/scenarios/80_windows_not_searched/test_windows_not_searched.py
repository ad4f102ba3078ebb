"""With CPython's flags neither PATH nor the working directory is searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parts.wine import windows_path
from scenarios.dlls import MISSING, agree, dll

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


@pytest.mark.parametrize("where", ["PATH", "the working directory"])
def test_nothing_there_serves(tmp_path: Path, where: str) -> None:
    root = dll(tmp_path / "site" / "root.pyd", needed=["liba.dll"])
    library = dll(tmp_path / "lib" / "liba.dll")
    # Wine puts what WINEPATH names at the start of the program's PATH.
    env = {"WINEPATH": windows_path(tmp_path / "lib")} if where == "PATH" else {}
    cwd = tmp_path / "lib" if where != "PATH" else None
    assert agree(root, tmp_path, env=env, cwd=cwd) == [MISSING]
    library.rename(tmp_path / "site" / "liba.dll")
    assert agree(root, tmp_path, env=env, cwd=cwd) == ["site/liba.dll", "site/root.pyd"]
