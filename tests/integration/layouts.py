"""The ways in which a distribution comes to be on `sys.path`."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from integration.projects import python_path
from parts import build_wheel, site, unpack, venv, wheel
from parts._cache import tool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An interpreter and the environment in which it has a distribution, and where that distribution is."""

    python: Path
    root: Path
    env: Mapping[str, str] = field(default_factory=lambda: {"PYTHONPATH": python_path()})


def bare() -> Path:
    """The interpreter of a shared environment with nothing in it."""
    return venv(sys.executable)


def base() -> Path:
    """The interpreter that environments are made of: the one that has a user site."""
    return Path(getattr(sys, "_base_executable", sys.executable))


def in_venv(one: Path, scratch: Path) -> Place:
    return Place(python=venv(sys.executable, one), root=venv(sys.executable, one).parent.parent)


def target(one: Path, scratch: Path) -> Path:
    """What `--target` leaves: pip's; for a wheel of data files, which pip loses there, uv's."""
    with zipfile.ZipFile(one) as archive:
        data = {name.partition(".data/data/")[0] for name in archive.namelist() if ".data/data/" in name}
    if not data:
        return site(one)
    unpack(one, scratch / "target")
    for record in (scratch / "target").glob("*.dist-info/RECORD"):
        text = record.read_text(encoding="utf-8")
        record.write_text(text.replace(f"{data.pop()}.data/data/", ""), encoding="utf-8")
    return scratch / "target"


def in_target(one: Path, scratch: Path) -> Place:
    """`pip install --target`, and that directory on PYTHONPATH."""
    root = target(one, scratch)
    return Place(python=bare(), root=root, env={"PYTHONPATH": python_path(root)})


def user_site(scratch: Path, *wheels: Path) -> dict[str, str]:
    """`pip install --user`; the environment in which an interpreter of `base` has them."""
    env = {"PYTHONUSERBASE": os.fspath(scratch / "user")}
    options = ["--user", "--no-deps", "--no-index", "--no-compile"]
    # Into a directory of ours: the distribution's guard of its own site-packages does not apply.
    guard = {"PIP_BREAK_SYSTEM_PACKAGES": "1"}
    tool(sys.executable, "-m", "pip", "--python", base(), "install", *options, *wheels, env=env | guard)
    return env


def in_user_site(one: Path, scratch: Path) -> Place:
    env = {"PYTHONPATH": python_path(), **user_site(scratch, one)}
    return Place(python=base(), root=scratch / "user", env=env)


def in_system_site(one: Path, scratch: Path) -> Place:
    """An environment made with --system-site-packages, which sees what is installed outside it."""
    outside = in_user_site(one, scratch)
    tool(base(), "-m", "venv", "--without-pip", "--system-site-packages", scratch / "venv")
    return Place(python=scratch / "venv" / "bin" / "python", root=outside.root, env=outside.env)


def as_links(one: Path, scratch: Path) -> Place:
    """Every file a link into the installer's store, as `uv pip install --link-mode=symlink` does it."""
    store, links = target(one, scratch), scratch / "links"
    for file in store.rglob("*"):
        link = links / file.relative_to(store)
        if not file.is_dir():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file)
    return Place(python=bare(), root=links, env={"PYTHONPATH": python_path(links)})


def in_spaced_venv(one: Path, scratch: Path) -> Place:
    at = scratch / "a path — mit Ümlauten" / "environment"
    return Place(python=venv(sys.executable, one, at=at), root=at)


def in_undecodable_target(one: Path, scratch: Path) -> Place:
    """A directory whose name is no text in any encoding of today."""
    odd = Path(os.fsdecode(os.fsencode(scratch) + b"/caf\xe9 \xff"))
    shutil.copytree(target(one, scratch), odd)
    return Place(python=bare(), root=odd, env={"PYTHONPATH": python_path(odd)})


# For a wheel; what an editable install needs is the project.
OF_WHEELS: dict[str, Callable[[Path, Path], Place]] = {
    "venv": in_venv,
    "target": in_target,
    "user": in_user_site,
    "system-site-packages": in_system_site,
    "symlinks": as_links,
    "spaces and accents": in_spaced_venv,
    "undecodable": in_undecodable_target,
}

# How setuptools makes each importable: by a path in a .pth, by a finder on sys.meta_path, by a tree of links.
OF_PROJECTS = {"editable": "path", "editable flat": "finder", "editable strict": "links", "editable compat": "path"}


def editable(project: Path, scratch: Path, kind: str) -> Place:
    """`pip install --editable`, with the mode that the last word of `kind` may name."""
    root = scratch / "venv"
    shutil.copytree(venv(sys.executable, wheel("setuptools")).parent.parent, root, symlinks=True)
    python = root / "bin" / "python"
    mode = kind.split()[-1]
    settings = ["--config-settings", f"editable_mode={mode}"] if mode in ("strict", "compat") else []
    options = ["--no-deps", "--no-index", "--no-build-isolation", *settings]
    tool(sys.executable, "-m", "pip", "--python", python, "install", *options, "--editable", project)
    _made_as(OF_PROJECTS[kind], root)
    return Place(python=python, root=project)


def _made_as(how: str, root: Path) -> None:
    """Fails when setuptools has chosen another way than the one to be tested."""
    (site_packages,) = root.glob("lib/python*/site-packages")
    (pth,) = site_packages.glob("__editable__*.pth")
    text = pth.read_text(encoding="utf-8").strip()
    found = "finder" if text.startswith("import ") else "links" if "/__editable__" in text else "path"
    assert found == how, text


def install(kind: str, project: Path, scratch: Path) -> Place:
    """A project, installed in one of the ways above."""
    if kind in OF_PROJECTS:
        return editable(project, scratch, kind)
    return OF_WHEELS[kind](build_wheel(project), scratch)
