"""musl, as whole as a machine of it has it: its linker, a compiler for it, and a CPython built with that from source."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from parts._cache import entry, key_of, tool, tree_digest
from parts.debian import deb, source
from parts.wheels import PROJECT, PROJECT_SOURCES, copy_sources, unpack, wheel

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = f"ld-musl-{platform.machine()}.so.1"
TRIPLET = f"{platform.machine()}-linux-musl"
# What takes minutes to compile, or is in other libraries, and nothing here asks for.
_LEFT_OUT = (
    "_codecs_cn", "_codecs_hk", "_codecs_iso2022", "_codecs_jp", "_codecs_kr", "_codecs_tw", "_curses", "_dbm", "_decimal",
    "_elementtree", "_gdbm", "_hashlib", "_multibytecodec", "_sqlite3", "_ssl", "_tkinter", "pyexpat", "readline",
)  # fmt: skip
# The machine's gcc, told where musl is; what it answers itself is what CPython's configure compares.
_COMPILER = """#!/bin/sh
case $1 in --print-multiarch) echo {triplet}; exit;; esac
exec gcc "$@" -specs {specs}
"""


def _system() -> Path:
    """musl's packages as a directory of its own has them: lib/ld-musl-ARCH.so.1, etc/, and bin/cc."""

    def make(directory: Path) -> None:
        packages = deb("musl", "musl-dev", "musl-tools")
        shared = next(path.parent for path in packages.rglob("libc.so") if path.is_file())
        for folder in ("bin", "etc", "lib"):
            (directory / folder).mkdir()
        shutil.copy2(shared / "libc.so", directory / "lib" / NAME)
        # Nothing of the machine's own, which is of glibc.
        (directory / "etc" / NAME.replace(".so.1", ".path")).write_text(f"{directory / 'lib'}\n")
        text = (packages / "usr/lib" / TRIPLET / "musl-gcc.specs").read_text()
        for place in ("/usr/lib/", "/usr/include/"):
            text = text.replace(f"{place}{TRIPLET}", f"{packages}{place}{TRIPLET}")
        text = text.replace("*link_libgcc:\n", f"*link_libgcc:\n-L{shared} ").replace(
            f"/lib/{NAME}", f"{directory}/lib/{NAME}"
        )
        specs = directory / "lib/musl-gcc.specs"
        specs.write_text(text)
        compiler = directory / "bin/cc"
        compiler.write_text(_COMPILER.format(triplet=TRIPLET, specs=specs))
        compiler.chmod(0o755)

    return entry("musl", key_of("system"), make)


def linker() -> Path:
    """musl's linker, which is its C library too; what is built here names it."""
    return _system() / "lib" / NAME


def cc(code: str, output: Path, *flags: str | Path) -> Path:
    """Compile C text into a shared library for musl, as `parts.cc` does for this machine."""
    output.parent.mkdir(parents=True, exist_ok=True)
    tool(_system() / "bin/cc", "-shared", "-fPIC", "-o", output, "-x", "c", "-", "-x", "none", *flags, stdin=code)
    return output


def python(name: str = "python3.13", suite: str = "trixie") -> Path:
    """The program of a CPython for musl, built in some two minutes from Debian's source packages; it has pip."""

    def build(directory: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="nativeload-musl-") as scratch:
            deps = Path(scratch, "deps")
            # Static libraries, so that the interpreter needs nothing but musl.
            ffi = (
                "--disable-shared",
                "--with-pic",
                "--disable-docs",
                "--disable-exec-static-tramp",
                "--libdir",
                deps / "lib",
            )
            _make("libffi", "bookworm", "install", "./configure", f"--prefix={deps}", *ffi, env={"CFLAGS": "-O1"})
            _make(
                "zlib",
                "bookworm",
                "install",
                "./configure",
                f"--prefix={deps}",
                "--static",
                env={"CFLAGS": "-O1 -fPIC"},
            )
            options = ("--disable-test-modules", "--without-ensurepip", "--without-mimalloc", f"--prefix={directory}")
            chosen = {f"py_cv_module_{module}": "n/a" for module in _LEFT_OUT}
            chosen |= {"PKG_CONFIG_LIBDIR": f"{deps}/lib/pkgconfig", "OPT": "-O1 -DNDEBUG"}
            _make(
                name,
                suite,
                "all",
                "./configure",
                *options,
                env=chosen,
                keep=lambda tree: _install(tree, name, directory),
            )
        site = directory / "lib" / name / "site-packages"
        pure = [wheel(one) for one in ("pip", "setuptools")]
        for one in pure:
            shutil.unpack_archive(one, site, "zip")

    return entry("interpreters", key_of("musl", name, suite), build) / "bin" / name


def _make(
    name: str,
    suite: str,
    goal: str,
    *configure: str | Path,
    env: dict[str, str],
    keep: Callable[[Path], None] = lambda _: None,
) -> None:
    """Build a source package with musl's compiler; `keep` takes what it wants of the tree."""
    with tempfile.TemporaryDirectory(prefix=f"nativeload-{name}-") as scratch:
        tree = source(name, suite, Path(scratch))
        tool(*configure, cwd=tree, env=env | {"CC": os.fspath(_system() / "bin/cc")})
        tool(_program(), f"-j{os.cpu_count()}", goal, cwd=tree)
        keep(tree)


def _program() -> str | Path:
    return shutil.which("make") or deb("make") / "usr/bin/make"


def _install(tree: Path, name: str, directory: Path) -> None:
    """As `make install` does it, without a minute of compiling every module of the library."""
    tool(_program(), "bininstall", "inclinstall", "sharedinstall", cwd=tree)
    library = directory / "lib" / name
    unwanted = shutil.ignore_patterns("test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "__pycache__")
    shutil.copytree(tree / "Lib", library, ignore=unwanted, dirs_exist_ok=True)
    for made in tree.glob("build/lib.*/_sysconfigdata*.py"):
        shutil.copy2(made, library)


def nativeload_wheel() -> Path:
    """nativeload's wheel for musl, its extension compiled by pip under that CPython."""

    def make(directory: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="nativeload-build-") as scratch:
            copy_sources(PROJECT, Path(scratch, "source"))
            options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", os.fspath(directory)]
            tool(python(), "-m", "pip", "wheel", *options, Path(scratch, "source"))

    key = key_of("musl", tree_digest(PROJECT, PROJECT_SOURCES), os.fspath(python()))
    (built,) = entry("built", key, make).glob("*.whl")
    return built


def site(*wheels: Path, at: Path) -> Path:
    """A directory for PYTHONPATH with these wheels, whose platform is that CPython's."""
    for one in wheels:
        unpack(one, at)
    return at
