"""What a process has loaded before answers to names, as `loaded=` says it has: by DT_SONAME, by the name asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nativeload import resolve
from parts import cc, execute
from scenarios.closures import how, relative
from scenarios.libraries import library

if TYPE_CHECKING:
    from pathlib import Path

# It loads what it is told to, in order, and prints what is mapped then.
LOADS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <unistd.h>
int main(int count, char **words) {
    struct link_map *map;
    for (int i = 1; i < count; i++)
        if (!dlopen(words[i], RTLD_LAZY | RTLD_LOCAL)) { fputs(dlerror(), stderr); return 1; }
    dlinfo(dlopen(NULL, RTLD_LAZY), RTLD_DI_LINKMAP, &map);
    for (; map; map = map->l_next) if (*map->l_name == '/') puts(map->l_name);
    fflush(stdout);
    _exit(0);
}
"""


@pytest.fixture(scope="module")
def loads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cc(LOADS, tmp_path_factory.mktemp("loads") / "loads", shared=False)


def agreed(loads: Path, root: Path, before: list[Path], under: Path) -> list[str]:
    """What loading the root adds to a process that has loaded these, as both say; `["fails"]` where it does not."""
    closure = resolve(root, loaded=before, environ={})
    there = execute([loads, *before]).check().stdout.splitlines()
    done = execute([loads, *before, root])
    if done.returncode:
        assert closure.status != "ok", (closure, done.stderr)
        return ["fails"]
    assert closure.status == "ok"
    new = [path for path in done.stdout.splitlines() if path not in there]
    # The root itself may have been there.
    assert [image.path for image in closure.images if image.path not in there] == new
    return [relative(path, under) for path in new]


def test_by_soname(tmp_path: Path, loads: Path) -> None:
    """Wherever the file is and whatever it is called; without it, the name is not found."""
    before = library(tmp_path / "far" / "any-name", soname="liba.so")
    root = library(tmp_path / "libroot.so", needed=["liba.so"])
    assert agreed(loads, root, [before], tmp_path) == ["libroot.so"]
    assert how(resolve(root, loaded=[before]), "liba.so") == "already loaded as liba.so"
    assert agreed(loads, root, [], tmp_path) == ["fails"]


def test_a_file_name_is_no_soname(tmp_path: Path, loads: Path) -> None:
    root = library(tmp_path / "libroot.so", needed=["liba.so"])
    assert agreed(loads, root, [library(tmp_path / "far" / "liba.so")], tmp_path) == ["fails"]
    other = library(tmp_path / "far" / "liba.so", soname="liba.so.1")
    assert agreed(loads, root, [other], tmp_path) == ["fails"]


def test_it_beats_an_rpath(tmp_path: Path, loads: Path) -> None:
    before = library(tmp_path / "far" / "liba.so", soname="liba.so")
    library(tmp_path / "near" / "liba.so", soname="liba.so")
    root = library(tmp_path / "libroot.so", needed=["liba.so"], rpath="$ORIGIN/near")
    assert agreed(loads, root, [before], tmp_path) == ["libroot.so"]
    assert agreed(loads, root, [], tmp_path) == ["libroot.so", "near/liba.so"]


def test_by_the_name_it_was_needed_by(tmp_path: Path, loads: Path) -> None:
    """A library without a DT_SONAME answers to the name by which somebody found it."""
    library(tmp_path / "far" / "liba.so")
    before = library(tmp_path / "far" / "libb.so", soname="libb.so", needed=["liba.so"], rpath="$ORIGIN")
    root = library(tmp_path / "libroot.so", needed=["liba.so"])
    assert agreed(loads, root, [before], tmp_path) == ["libroot.so"]
    assert agreed(loads, root, [library(tmp_path / "far" / "libb.so")], tmp_path) == ["fails"]


def test_by_its_file(tmp_path: Path, loads: Path) -> None:
    """Found again under another name it is not mapped a second time; a copy of it is."""
    before = library(tmp_path / "far" / "liba.so")
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "libother.so").symlink_to(before)
    root = library(tmp_path / "libroot.so", needed=["libother.so"], rpath="$ORIGIN/near")
    assert agreed(loads, root, [before], tmp_path) == ["libroot.so"]
    (tmp_path / "near" / "libother.so").unlink()
    library(tmp_path / "near" / "libother.so")
    assert agreed(loads, root, [before], tmp_path) == ["libroot.so", "near/libother.so"]


@pytest.mark.parametrize("first", ["one", "two"])
def test_the_first_of_two(tmp_path: Path, loads: Path, first: str) -> None:
    """Two files of one DT_SONAME are two copies; the first answers, and what it brought with it stays."""
    for place in ("one", "two"):
        library(tmp_path / place / f"lib{place}.so", soname=f"lib{place}.so")
        library(tmp_path / place / "liba.so", soname="liba.so", needed=[f"lib{place}.so"], rpath="$ORIGIN")
    order = [tmp_path / place / "liba.so" for place in (first, *{"one", "two"} - {first})]
    needed = ["liba.so", f"lib{first}.so"]
    root = library(tmp_path / "libroot.so", needed=needed, runpath="$ORIGIN/one:$ORIGIN/two")
    assert agreed(loads, root, order, tmp_path) == ["libroot.so"]
    closure = resolve(root, loaded=order, environ={})
    assert closure.images[0].needed[0].path == str(order[0])
    assert agreed(loads, root, order[1:], tmp_path) == ["libroot.so", f"{first}/lib{first}.so"]


def test_the_root_itself(tmp_path: Path, loads: Path) -> None:
    library(tmp_path / "liba.so", soname="liba.so")
    root = library(tmp_path / "libroot.so", needed=["liba.so"], rpath="$ORIGIN")
    assert agreed(loads, root, [root], tmp_path) == []
    assert agreed(loads, root, [], tmp_path) == ["libroot.so", "liba.so"]


def test_its_rpath_serves_nobody_else(tmp_path: Path, loads: Path) -> None:
    library(tmp_path / "far" / "liba.so", soname="liba.so")
    before = library(tmp_path / "far" / "libb.so", soname="libb.so", rpath="$ORIGIN")
    root = library(tmp_path / "libroot.so", needed=["libb.so", "liba.so"])
    assert agreed(loads, root, [before], tmp_path) == ["fails"]
    root = library(tmp_path / "libroot.so", needed=["libb.so"])
    assert agreed(loads, root, [before], tmp_path) == ["libroot.so"]
