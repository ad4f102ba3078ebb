"""A file that will not do is passed over, and said in the end: another machine or platform, a bundle, a program, no Mach-O."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scenarios.dylibs import built_with, dylib, mapped, patched, places

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.once, pytest.mark.nosanitize]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("machine", "is for x86_64, not for arm64"),
        ("platform", "is for ios, not for macos"),
        ("bundle", "is of the type bundle, not a dylib"),
        ("program", "is of the type execute, not a dylib"),
        ("text", "not a Mach-O file"),
        ("empty", "not a Mach-O file"),
        ("truncated", "is truncated: a segment ends beyond the file"),
        ("directory", "is not a regular file"),
        ("dangling", ""),
        ("none", None),
    ],
)
def test_the_next_place_serves(tmp_path: Path, fault: str, why: str | None) -> None:
    name = "@rpath/liba.dylib"
    root = dylib(tmp_path / "root.so", needed=[name], rpaths=["@loader_path/one", "@loader_path/two"])
    dylib(tmp_path / "two" / "liba.dylib")
    one = dylib(tmp_path / "one" / "liba.dylib", arch="x86_64" if fault == "machine" else "arm64")
    if fault == "platform":
        built_with(one, platform=2)
    elif fault in ("bundle", "program"):
        patched(one, (12, b"\x08" if fault == "bundle" else b"\x02"))
    elif fault in ("text", "empty"):
        one.write_text("INPUT(liba.dylib)" if fault == "text" else "")
    elif fault == "truncated":
        one.write_bytes(one.read_bytes()[:-4096])
    elif fault in ("directory", "dangling"):
        one.unlink()
        one.mkdir() if fault == "directory" else one.symlink_to("nothing")
    assert mapped(root, tmp_path) == ["one/liba.dylib" if why is None else "two/liba.dylib"]
    assert places(root, name, tmp_path) == ([] if why is None else [f"one/liba.dylib{why and f': {why}'}"])
    (tmp_path / "two" / "liba.dylib").unlink()
    assert mapped(root, tmp_path) == (["one/liba.dylib"] if why is None else [f"no {name}"])
