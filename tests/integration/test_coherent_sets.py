"""A set of the catalog comes from one origin: UCX of a wheel and of Debian, whose libraries have the same sonames.

What the process has fixes where the rest comes from, in both directions; where that is not to be had, or the user wants
another, both origins are named and nothing is mapped.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from integration.projects import nativeload_site, settled
from nativeload import catalog
from parts import cc, deb, library_dirs, site, wheel
from parts.debian import release
from unit.trial import Trial, nativeload_path, trial, trials

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.once
RDMA = "librdmacm1" if release() == "debian-12" else "librdmacm1t64"
PACKAGES = ("libucx0", "libibverbs1", RDMA, "libnuma1", "libnl-3-200", "libnl-route-3-200")
WHEEL = "libucx-cu12"


@functools.cache
def of_wheel() -> Path:
    return site(wheel(WHEEL))


@functools.cache
def of_debian() -> str:
    return os.pathsep.join(map(os.fspath, library_dirs(deb(*PACKAGES))))


def load(*requirements: str, system: bool = True, home: Path | None = None, **env: str) -> dict[str, Trial]:
    variables = {**env, **({"LD_LIBRARY_PATH": of_debian()} if system else {})}
    return trials(requirements, of_wheel(), *nativeload_path(), env=variables, home=home)


def origins(found: dict[str, Trial]) -> list[str]:
    return [one.library["provider"] or one.library["origin"] for one in found.values()]


def test_the_wheels_first_by_default() -> None:
    found = load("ucs", "uct", "ucp")
    assert origins(found) == [WHEEL] * 3
    assert found["ucp"].mapped_below(deb(*PACKAGES)) == []


def test_what_is_loaded_of_the_system_fixes_the_rest() -> None:
    found = load("ucs", "uct", "ucp", NATIVELOAD_UCS="system")
    assert [one.library["origin"] for one in found.values()] == ["override", "system", "system"]
    assert found["ucp"].mapped_below(of_wheel()) == []


def test_what_is_loaded_of_the_wheel_fixes_the_rest() -> None:
    found = load("ucs", "uct", "ucp", NATIVELOAD_PREFER="system-first", NATIVELOAD_UCS="wheel")
    assert [one.library["provider"] for one in found.values()] == [WHEEL] * 3
    assert found["ucp"].mapped_below(deb(*PACKAGES)) == []
    # Without the first, they are the system's.
    assert origins(load("uct", "ucp", NATIVELOAD_PREFER="system-first")) == ["system"] * 2


def test_a_choice_of_the_other_origin_is_refused_with_both_named() -> None:
    for first, second in (("system", "wheel"), ("wheel", "system")):
        found = load("ucs", "ucp", NATIVELOAD_UCS=first, NATIVELOAD_UCP=second)
        refused = found["ucp"]
        assert refused.error == "OverrideError"
        assert "is of the set ucx of " in refused.text
        assert f"libucs.so.0 here is of another origin, from {found['ucs'].library['path']}" in refused.text
        origin = WHEEL if second == "wheel" else Path(ucp_of_debian()).parent
        assert f"of the set ucx of {origin}" in refused.text
        assert not any(Path(path).name.startswith("libucp.") for path in refused.mapped)


def ucp_of_debian() -> str:
    (found,) = {os.path.realpath(path) for path in deb(*PACKAGES).rglob("libucp.so.0")}
    return found


def test_where_only_another_origin_has_it_nothing_is_loaded(tmp_path: Path) -> None:
    for name in ("libucs.so.0", "libucm.so.0", "libnuma.so.1"):
        (found,) = deb(*PACKAGES).rglob(name)
        shutil.copy(found, tmp_path)
    before = "import _ctypes; _ctypes.dlopen('libucs.so.0', 2)"
    env = {"LD_LIBRARY_PATH": tmp_path}
    refused = trial("ucp", of_wheel(), *nativeload_path(), before=before, env=env)
    assert refused.error == "ABIMismatchError"
    assert f"libucs.so.0 here is of another origin, from {tmp_path}/libucs.so.0" in refused.text
    assert refused.mapped_below(of_wheel()) == []


def test_without_the_set_they_would_be_mixed(tmp_path: Path) -> None:
    """The negative control: the same entry of the user's, of no set. What the wheel's wants, Debian's does not have."""
    text = Path(f"{catalog.HOME}/ucx.toml").read_text()
    place = tmp_path / ".config" / "nativeload" / "catalog"
    place.mkdir(parents=True)
    (place / "ucx.toml").write_text(text.replace('set = "ucx"\n', ""))
    found = load("ucs", "ucp", home=tmp_path, NATIVELOAD_UCS="system")
    assert found["ucs"].library["origin"] == "override"
    assert found["ucp"].error == "LinkError"
    assert f"{of_wheel()}/libucx/lib/libuct.so.0: undefined symbol: ucs_" in found["ucp"].text


def test_an_answer_that_is_remembered_is_none_beside_another_origin(tmp_path: Path) -> None:
    settled(nativeload_site())
    settled(of_wheel())
    for _ in range(2):
        assert origins(load("ucp", home=tmp_path)) == [WHEEL]
    assert len(list((tmp_path / ".cache" / "nativeload").iterdir())) == 1
    before = "nativeload.prefer('ucs', 'system'); nativeload.load('ucs'); nativeload.prefer('ucs', None)"
    env = {"LD_LIBRARY_PATH": of_debian()}
    found = trial("ucp", of_wheel(), *nativeload_path(), before=before, env=env, home=tmp_path)
    assert found.library["origin"] == "system"


# Every set, with libraries of nothing but the right sonames in two directories


def pairs() -> list[tuple[str, str, str]]:
    """(set, a library of it, another)."""
    sets: dict[str, list[str]] = {}
    for one in catalog.every():
        if one.set:
            sets.setdefault(one.set, []).append(one.name)
    return [(name, *members[:2]) for name, members in sets.items() if len(members) > 1]  # type: ignore[misc]


def named(library: str) -> str:
    entry = catalog.lookup(library)
    assert entry is not None
    return entry.sonames[0] if entry.sonames else f"lib{library}.so.1"


def empty(directory: Path, *libraries: str) -> Path:
    for library in libraries:
        cc("int nothing;", directory / named(library), f"-Wl,-soname,{named(library)}")
    return directory


@pytest.mark.parametrize(("name", "first", "second"), pairs(), ids=lambda value: value)
def test_every_set(name: str, first: str, second: str, tmp_path: Path) -> None:
    one, two = empty(tmp_path / "one", first), empty(tmp_path / "two", second)
    found = asked([first, second], one, two)
    assert found[first].library["path"] == str(one / named(first))
    refused = found[second]
    assert refused.error == "ABIMismatchError"
    assert f"is of the set {name} of {two}; {named(first)} here is of another origin, from {one}" in refused.text
    assert refused.mapped_below(two) == []
    # Alone, and from one directory, it is loaded.
    assert asked([second], one, two)[second].library["path"] == str(two / named(second))
    empty(one, second)
    assert asked([first, second], one, two)[second].library["path"] == str(one / named(second))


def asked(requirements: Sequence[str], *directories: Path) -> dict[str, Trial]:
    path = os.pathsep.join(map(os.fspath, directories))
    env = {"LD_LIBRARY_PATH": path}
    return trials(requirements, *nativeload_path(), env=env, python=sys.executable)
