"""A consumer's extension is imported and called, however it and its provider were installed; without nativeload's
line it is not."""

from __future__ import annotations

import os
import zipapp
from typing import TYPE_CHECKING

import pytest

from integration import examples, pair_layouts
from parts import execute, namespaces, run

if TYPE_CHECKING:
    from pathlib import Path

    from integration.layouts import Place

pytestmark = pytest.mark.once

WHERE = "\nimport nativeload; print(nativeload.load('foo').path)"


def holds(place: Place, before: str = "", *, cwd: Path | None = None) -> None:
    """The consumer works in a place, with the library that is there; and not without nativeload's line."""
    said = run(place.python, before + examples.CALL + WHERE, env=place.env, cwd=cwd).check().stdout
    answer, path = said.splitlines()
    assert answer == "42"
    assert path.startswith(os.fspath(place.root))
    refused = run(place.python, before + examples.CALL_WITHOUT, env=place.env, cwd=cwd)
    assert refused.returncode == 1
    assert examples.REFUSED in refused.stderr


@pytest.mark.parametrize("kind", pair_layouts.INSTALLED)
def test_installed(kind: str, tmp_path: Path) -> None:
    place = pair_layouts.INSTALLED[kind](tmp_path)
    holds(place)
    checked = execute([place.python, "-m", "nativeload", "--check", "bar", "foo-lib"], env=place.env).check()
    assert "2 distributions, 2 native files: 0 errors" in checked.stdout


@pytest.mark.parametrize("kind", pair_layouts.LAID_OUT)
def test_laid_out(kind: str, tmp_path: Path) -> None:
    before = "import sys; sys.path.insert(0, 'lib')\n" if kind == "relative" else ""
    holds(pair_layouts.LAID_OUT[kind](tmp_path), before, cwd=tmp_path)


@pytest.mark.skipif(not namespaces.possible(), reason="no mount namespace of its own")
def test_read_only_site_packages(tmp_path: Path) -> None:
    """A file system that is mounted read-only: for root, permissions alone would be none."""
    place = pair_layouts.named(tmp_path, "site")
    (site,) = place.env.values()
    sealed = namespaces.inside('mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; shift; exec "$@"')
    for line, status, said in ((examples.CALL, 0, "42\n"), (examples.CALL_WITHOUT, 1, examples.REFUSED)):
        done = execute([*sealed, site, place.python, "-c", line], env=place.env)
        assert done.returncode == status
        assert said in done.stdout + done.stderr
    tried = execute([*sealed, site, "touch", f"{site}/file"])
    assert "Read-only file system" in tried.stderr


def test_zipapp(tmp_path: Path) -> None:
    """All of it in an archive, nativeload too: an error that names the archive. Unpacked, the same runs."""
    place = pair_layouts.named(tmp_path, "app")
    app, archive = tmp_path / "app", tmp_path / "app.pyz"
    (app / "__main__.py").write_text(examples.CALL, encoding="utf-8")
    assert execute([place.python, app]).check().stdout == "42\n"
    zipapp.create_archive(app, archive)
    refused = execute(
        [place.python, archive], env={"NATIVELOAD_BACKEND": ""}
    )  # no extension is imported from an archive
    assert refused.returncode == 1
    assert "LibraryNotFoundError: no library found for 'foo>=1.2,<2'" in refused.stderr
    assert f"{archive} is an archive on sys.path: the linker maps only files of their own" in refused.stderr
