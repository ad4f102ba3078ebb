"""A second copy of a library is a hazard: none is mapped by a remembered answer, nor hidden by asking for more."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from nativeload.advice import undeclared
from nativeload.requirement import parse
from parts import cc, maps, run

if TYPE_CHECKING:
    from pathlib import Path

LOAD = (
    maps()
    + """
import ctypes, json, sys
first, wanted, *symbols = sys.argv[1:]
if first:
    ctypes.CDLL(first)
import nativeload
try:
    nativeload.load(wanted, symbols=symbols)
except nativeload.NativeLoadError as error:
    print(type(error).__name__)
print(json.dumps(sorted(path for path in mapped() if "second-copies" in path)))
"""
)


def settled(*paths: Path) -> None:
    for path in paths:
        os.utime(path, (1, 1))


def provider(site: Path, version: str, *libraries: Path) -> None:
    """A wheel that declares the last of these libraries as "top"."""
    info = site / f"top_wheel-{version}.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[nativeload.libraries]\ntop = top_wheel\n")
    declared = libraries[-1].parent / "nativeload.toml"
    declared.write_text(f'[library.top]\npath = "{libraries[-1].name}"\n')
    settled(*libraries, declared, libraries[-1].parent, site)


def build(path: Path, source: str, *flags: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return cc(source, path, f"-Wl,-soname,{path.name}", *flags)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "second-copies"


def ask(root: Path, first: Path | str, wanted: str, *symbols: str) -> list[str]:
    environment = {"PYTHONPATH": root / "site"}
    done = run(sys.executable, LOAD, first, wanted, *symbols, env=environment, home=root, options=["-P"])
    return done.check().stdout.splitlines()


def test_a_dependency_that_the_process_has_is_not_loaded_again_from_the_cache(root: Path) -> None:
    package = root / "site" / "top_wheel"
    below = build(package / "libbelow.so.1", "int below(void) { return 1; }")
    source = "int below(void); int top(void) { return below(); }"
    top = build(package / "libtop.so.1", source, f"-L{package}", "-l:libbelow.so.1")
    provider(root / "site", "1.0", below, top)
    (root / "other").mkdir()
    other = shutil.copy(below, root / "other")
    assert str(below) in ask(root, "", "top")[-1]
    assert list((root / ".cache" / "nativeload").iterdir()), "the answer is kept, so the next load is a warm one"
    mapped = ask(root, other, "top")[-1]
    assert str(other) in mapped
    assert str(top) in mapped
    assert str(below) not in mapped


@pytest.mark.parametrize("symbols", [[], ["news"]])
def test_a_loaded_version_that_will_not_do_ends_the_search(root: Path, symbols: list[str]) -> None:
    """Asked for a symbol, too, which the mapped version does not have."""
    newer = build(root / "site" / "top_wheel" / "libtop.so.2", "int news(void) { return 2; }")
    provider(root / "site", "2.0", newer)
    older = build(root / "old" / "libtop.so.1", "int top(void) { return 1; }")
    error, mapped = ask(root, older, "top>=2", *symbols)
    assert error == "ABIMismatchError"
    assert str(newer) not in mapped
    assert str(newer) in ask(root, "", "top>=2", *symbols)[-1], "without the older one it is loaded"


def test_a_wheel_that_ships_a_name_with_a_hyphen_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "shipping-1.0.dist-info"
    info.mkdir()
    cc("int one;", tmp_path / "libspecimen-1.0.so.0")
    (info / "RECORD").write_text("libspecimen-1.0.so.0,,\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    shipped = [("shipping", str(tmp_path / "libspecimen-1.0.so.0"))]
    assert undeclared(parse("specimen-1.0")) == shipped
    assert undeclared(parse("specimen")) == shipped
    assert undeclared(parse("imen-1.0")) == []
