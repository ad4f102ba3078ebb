"""Where an answer is not kept though it could be: it would be used where it is not true, or keep others from a cache."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from nativeload import cache
from parts import cc, run

if TYPE_CHECKING:
    from pathlib import Path

FACTS = ("z", "/lib/libz.so.1", "libz.so.1", "1", "system", "", "")
KEPT = "import nativeload, os, sys; nativeload.load('kept'); print(os.path.isdir(sys.argv[1]))"


@pytest.mark.parametrize(("item", "kept"), [("{}", "True"), (":{}", "False"), ("{}:relative", "False")])
def test_no_answer_rests_on_the_current_directory(tmp_path: Path, item: str, kept: str) -> None:
    library = cc("int kept(void) { return 1; }", tmp_path / "lib" / "libkept.so", "-Wl,-soname,libkept.so")
    for path in (library, library.parent):
        os.utime(path, (1, 1))
    environment = {"LD_LIBRARY_PATH": item.format(library.parent)}
    place = tmp_path / ".cache" / "nativeload"
    ran = run(sys.executable, KEPT, place, env=environment, home=tmp_path, options=["-P"])
    assert ran.check().stdout.strip() == kept


@pytest.mark.parametrize("there", [False, True])
def test_root_makes_no_directory_in_a_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    home = tmp_path / "user"
    home.mkdir()
    if os.geteuid() == 0:
        os.chown(home, 0 if there else 65534, 0)
    elif not there:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("NATIVELOAD_CACHE", str(home / "cache" / "nativeload"))
    cache.store("asked", (FACTS, (), (), ()), {})
    assert (home / "cache").exists() == there
