"""Libraries that need each other load where they find each other; no order of loading serves those that do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.libraries import calls, library, returns
from scenarios.linker import ask

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "names", [["libroot.so"], ["libroot.so", "libsecond.so"], ["libroot.so", "libsecond.so", "libthird.so"]]
)
@pytest.mark.parametrize("runpath", ["$ORIGIN", ""])
def test_cycle(tmp_path: Path, names: list[str], runpath: str) -> None:
    for name, following in zip(names, [*names[1:], names[0]], strict=True):
        library(tmp_path / "app" / name, returns("root", 7), soname=name, needed=[following], runpath=runpath)
    answer = ask(tmp_path / "app" / "libroot.so", call="root").agreed()
    assert answer.value == (7 if runpath or len(names) == 1 else None)


def test_one_that_finds_the_root_breaks_it(tmp_path: Path) -> None:
    library(tmp_path / "app" / "libroot.so", calls("root", "dep"), soname="libroot.so", needed=["libdep.so"])
    library(
        tmp_path / "app" / "libdep.so", returns("dep", 7), soname="libdep.so", needed=["libroot.so"], runpath="$ORIGIN"
    )
    answer = ask(tmp_path / "app" / "libroot.so", call="root")
    # libdep.so finds the root, whose libdep.so is then loaded already.
    assert answer.agreed().value == 7
    assert answer.preload == [f"{tmp_path}/app/libdep.so"]
