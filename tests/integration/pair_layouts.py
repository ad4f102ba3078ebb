"""The ways in which a consumer, its provider and nativeload come to be on `sys.path` together.

Those of `INSTALLED` are made by the installer itself. Those of `LAID_OUT` are what other installers and build systems
leave: there a wheel, unpacked into a directory, is installed.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from integration import examples, layouts
from integration.layouts import Place
from parts import cc, unpack, venv, wheel
from parts._cache import tool

if TYPE_CHECKING:
    from collections.abc import Callable

# What a directory's path may have: near to the 4096 bytes at which the kernel ends.
_LONG = 3960


def provider() -> Path:
    return examples.build("provider-setuptools")


def consumer() -> Path:
    return examples.build("consumer-setuptools", provider())


def everything() -> list[Path]:
    return [provider(), consumer(), *examples.needed_to_run()]


# Installers


def _pip(python: Path, *options_and_wheels: str | Path) -> None:
    install = ["install", "--no-index", "--no-deps", "--no-compile"]
    tool(sys.executable, "-m", "pip", "--python", python, *install, *options_and_wheels)


def with_pip(scratch: Path) -> Place:
    root = scratch / "env"
    return Place(python=venv(sys.executable, *everything(), at=root), root=root, env={})


@functools.cache
def _uv() -> Path:
    return venv(sys.executable, wheel("uv")).with_name("uv")


def with_uv(scratch: Path, mode: str) -> Place:
    python = venv(sys.executable, at=scratch / "env")
    options = ["--no-index", "--no-deps", "--no-config", "--link-mode", mode]
    # Beside the environment: a hard link stays in one file system.
    env = {"UV_CACHE_DIR": os.fspath(scratch / "store")}
    tool(_uv(), "pip", "install", *options, "--python", python, *everything(), env=env)
    (library,) = (scratch / "env").rglob("libfoo.so.1")
    made = "symlink" if library.is_symlink() else "hardlink" if library.stat().st_nlink > 1 else "copy"
    assert made == mode
    return Place(python=python, root=scratch / "env", env={})


def user(scratch: Path) -> Place:
    env = layouts.user_site(scratch, *everything())
    return Place(python=layouts.base(), root=scratch / "user", env=env)


def system_site_packages(scratch: Path) -> Place:
    """The consumer inside the environment, its provider outside."""
    env = layouts.user_site(scratch, provider())
    python = scratch / "env" / "bin" / "python"
    tool(layouts.base(), "-m", "venv", "--without-pip", "--system-site-packages", scratch / "env")
    _pip(python, consumer(), *examples.needed_to_run())
    return Place(python=python, root=scratch / "user", env=env)


def target(scratch: Path) -> Place:
    _pip(layouts.bare(), "--target", scratch / "target", *everything())
    return _on_python_path(scratch / "target")


def prefix(scratch: Path) -> Place:
    _pip(layouts.bare(), "--prefix", scratch / "prefix", *everything())
    (packages,) = (scratch / "prefix").glob("lib*/python*/site-packages")
    return _on_python_path(packages)


INSTALLED: dict[str, Callable[[Path], Place]] = {
    "pip": with_pip,
    "uv copy": functools.partial(with_uv, mode="copy"),
    "uv hardlink": functools.partial(with_uv, mode="hardlink"),
    "uv symlink": functools.partial(with_uv, mode="symlink"),
    "user": user,
    "system-site-packages": system_site_packages,
    "target": target,
    "prefix": prefix,
}


# Layouts


def _on_python_path(*places: Path, root: Path | None = None) -> Place:
    """The interpreter of an empty environment, with these directories."""
    env = {"PYTHONPATH": os.pathsep.join(map(os.fspath, places))}
    return Place(python=layouts.bare(), root=root or places[0], env=env)


def _unpacked(home: Path, *wheels: Path) -> Path:
    for one in wheels:
        unpack(one, home)
    return home


def _environment(scratch: Path) -> tuple[Path, Path]:
    """The interpreter of a new environment, and its site-packages."""
    python = venv(sys.executable, at=scratch / "env")
    (packages,) = (scratch / "env").glob("lib/python*/site-packages")
    return python, packages


def nested_pth(scratch: Path) -> Place:
    """A .pth that leads to a directory, whose own .pth leads to the next: the provider in one, the rest in the other."""
    python, packages = _environment(scratch)
    _unpacked(scratch / "one", provider())
    _unpacked(scratch / "one" / "two", consumer(), *examples.needed_to_run())
    (packages / "one.pth").write_text(f"import site; site.addsitedir({os.fspath(scratch / 'one')!r})\n")
    (scratch / "one" / "two.pth").write_text("two\n")
    return Place(python=python, root=scratch, env={})


def one_each(scratch: Path) -> Place:
    """Each distribution on an entry of its own, as Bazel has them."""
    homes = [_unpacked(scratch / one.name.partition("-")[0] / "site-packages", one) for one in everything()]
    return _on_python_path(*homes, root=scratch)


def conda(scratch: Path) -> Place:
    """The library as a package of conda has it, in the prefix, without a provider in Python."""
    python, packages = _environment(scratch)
    root = scratch / "env"
    (root / "conda-meta").mkdir()
    _unpacked(packages, consumer(), *examples.needed_to_run())
    cc("int foo(void) { return 42; }", root / "lib" / "libfoo.so.1.2.0", "-Wl,-soname,libfoo.so.1")
    (root / "lib" / "libfoo.so.1").symlink_to("libfoo.so.1.2.0")
    return Place(python=python, root=root, env={})


def split(scratch: Path) -> Place:
    """purelib and platlib are two directories: the provider's wheel has put its library into the other one."""
    pure = _unpacked(scratch / "lib" / "site-packages", *everything())
    plat = scratch / "lib64" / "site-packages"
    (plat / "foo_lib").mkdir(parents=True)
    shutil.move(pure / "foo_lib" / "libfoo.so.1", plat / "foo_lib")
    shutil.move(pure / "bar", plat)
    return _on_python_path(pure, plat, root=plat)


def named(scratch: Path, name: str) -> Place:
    return _on_python_path(_unpacked(scratch / name, *everything()))


def long(scratch: Path) -> Place:
    """As long as the kernel takes it, with the longest file below it."""
    count, rest = divmod(_LONG - len(os.fspath(scratch)), 201)
    return named(scratch, "/".join(["d" * 200] * count + ["e" * max(rest, 1)]))


def relative(scratch: Path) -> Place:
    """What a program puts on `sys.path` itself, "lib" beside it; Python makes those of PYTHONPATH absolute."""
    _unpacked(scratch / "lib", *everything())
    return Place(python=layouts.bare(), root=scratch, env={})


LAID_OUT: dict[str, Callable[[Path], Place]] = {
    "nested pth": nested_pth,
    "one entry each": one_each,
    "conda": conda,
    "purelib and platlib": split,
    "spaces": functools.partial(named, name="a path with  spaces"),
    "not ASCII": functools.partial(named, name="Ümlaute, 漢字 und ein “Zitat”"),
    "very long": long,
    "relative": relative,
}
