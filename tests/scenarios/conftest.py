"""What scenarios share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parts import execute
from parts.namespaces import possible
from scenarios.ldcache import LDCONFIG, PrivateCache

if TYPE_CHECKING:
    from pathlib import Path

# Small ones that no Python loads by itself, of which most systems have some.
_KNOWN = ("libgmp.so.10", "libpcre2-8.so.0", "libmenu.so.6", "libform.so.6", "libpanel.so.6", "libhistory.so.8")


@pytest.fixture(scope="session")
def system_name() -> str:
    """A library of a default directory, listed in ld.so.cache."""
    listed = execute([LDCONFIG, "-p"]).check().stdout
    for name in _KNOWN:
        if f"\t{name} " in listed:
            return name
    pytest.fail("none of the libraries that the scenarios know is installed")


@pytest.fixture
def cache(tmp_path: Path) -> PrivateCache:
    """An ld.so.cache of this test's own, of tmp_path/lib; `ldconfig()` makes it."""
    if not possible():
        pytest.skip("this process may have no mount namespace of its own")
    return PrivateCache(tmp_path)
