"""Another root directory: its links, its "..", its cache and its linker; nothing outside it is read."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from nativeload import resolve
from nativeload.errors import ImageError
from nativeload.linkers import host
from parts.file_system import calls
from parts.truth import system_linker
from scenarios.closures import SYSTEM, agree, program
from scenarios.libraries import library
from scenarios.smallroot import below, ldconfig, links, needs_root, small_root

pytestmark = needs_root
DEFAULT = host.linker().rules.default[0]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a program that needs liba.so and whose DT_RPATH is /app; beside it stands a directory outside."""
    program(tmp_path / "root" / "bin" / "main", needed=["liba.so"], rpath="/app")
    library(tmp_path / "outside" / "liba.so", soname="liba.so")
    return small_root(tmp_path / "root")


def asked(root: Path, path: str = "/bin/main", env: dict[str, str] | None = None) -> list[str]:
    return agree(path, SYSTEM, root=root, env=env)


@pytest.mark.parametrize(
    "given",
    [
        {"/app": "/real/lib"},
        {"/app": "real/lib"},
        {"/app": "../../../../real/lib"},
        {"/app": "/../real/./lib/"},
        {"/app": "/one", "/one": "two", "/two": "/real/lib"},
        {"/app/liba.so": "/real/lib/liba.so"},
        {"/app/liba.so": "../../../../../real/lib/liba.so"},
        {"/app/liba.so": "/link/liba.so", "/link": "/real/lib"},
    ],
)
def test_links(root: Path, given: dict[str, str]) -> None:
    """An absolute one starts at the root, and ".." stops there."""
    file = library(root / "real" / "lib" / "liba.so", soname="liba.so")
    links(root, given)
    assert asked(root) == ["app/liba.so"]
    file.unlink()
    assert asked(root) == ["no liba.so"]


@pytest.mark.parametrize(
    "given",
    [
        {"/app": "/app"},
        {"/app": "/none/../real"},
        {"/app": "/real/liba.so/../../real"},
        {"/app": "/none/../../real"},
        {f"/l{number}": f"/l{number + 1}" for number in range(45)} | {"/l45": "/real", "/app": "/l0"},
    ],
    ids=["loop", "below nothing", "below a file", "below nothing at the top", "too many"],
)
def test_links_to_nowhere(root: Path, given: dict[str, str]) -> None:
    """As the kernel follows them: ".." after something that is no directory leads nowhere."""
    library(root / "real" / "liba.so", soname="liba.so")
    links(root, given)
    assert asked(root) == ["no liba.so"]
    (root / "app").unlink()
    links(root, {"/app": "/real/../real/."})
    assert asked(root) == ["app/liba.so"]


@pytest.mark.parametrize("kind", ["absolute", "relative", "directory"])
def test_a_link_to_a_file_outside(root: Path, tmp_path: Path, kind: str) -> None:
    """Whose path leads to a library here leads to nothing there."""
    outside = f"{tmp_path}/outside"
    target = {"absolute": f"{outside}/liba.so", "relative": "../../outside/liba.so", "directory": outside}[kind]
    links(root, {"/app" if kind == "directory" else "/app/liba.so": target})
    assert asked(root) == ["no liba.so"]
    library(below(root, outside) / "liba.so", soname="liba.so")
    library(root / "outside" / "liba.so", soname="liba.so")
    assert asked(root) == ["app/liba.so"]


@pytest.mark.parametrize("text", ["{0}/outside", "/../../{1}/outside", "$ORIGIN/../../outside", "../outside", "/app"])
def test_a_path_to_a_directory_outside(root: Path, tmp_path: Path, text: str) -> None:
    links(root, {"/app": "/nowhere"})
    text = text.format(tmp_path, str(tmp_path).lstrip("/"))
    program(root / "bin" / "main", needed=["liba.so"], rpath=text)
    assert asked(root) == ["no liba.so"]
    assert asked(root, env={"LD_LIBRARY_PATH": text}) == ["no liba.so"]
    assert asked(root, env={"LD_LIBRARY_PATH": f"{text}:/own"}) == ["no liba.so"]
    library(root / "own" / "liba.so", soname="liba.so")
    assert asked(root, env={"LD_LIBRARY_PATH": f"{text}:/own"}) == ["own/liba.so"]


def test_its_own_cache(root: Path, system_name: str) -> None:
    """What this system's cache and directories have does not count."""
    program(root / "bin" / "main", needed=[system_name, "liba.so"])
    assert asked(root) == [f"no {system_name}", "no liba.so"]
    library(root / "opt" / system_name, soname=system_name)
    library(root / "opt" / "liba.so", soname="liba.so")
    ldconfig(root, "/opt")
    assert asked(root) == [f"opt/{system_name}", "opt/liba.so"]


def test_a_cache_that_is_a_link(root: Path, tmp_path: Path) -> None:
    library(root / "opt" / "liba.so", soname="liba.so")
    ldconfig(root, "/opt")
    (root / "var").mkdir()
    (root / "etc" / "ld.so.cache").rename(root / "var" / "cache")
    links(root, {"/etc/ld.so.cache": "/var/cache"})
    assert asked(root) == ["opt/liba.so"]
    (root / "var" / "cache").rename(tmp_path / "cache")
    (root / "etc" / "ld.so.cache").unlink()
    links(root, {"/etc/ld.so.cache": "../../cache"})
    assert asked(root) == ["no liba.so"]


def test_a_merged_usr(tmp_path: Path) -> None:
    """/lib and /lib64 are links, the linker behind one of them."""
    root = tmp_path / "root"
    links(root, {"/lib": "usr/lib", "/lib64": "/usr/lib64"})
    (root / "usr" / "lib").mkdir(parents=True)
    (root / "usr" / "lib64").mkdir()
    small_root(root)
    main = program(root / "usr" / "bin" / "main", needed=["liba.so"])
    links(root, {"/bin": "usr/bin"})
    library(below(root, f"/usr{DEFAULT}") / "liba.so", soname="liba.so")
    assert asked(root) == [f"{DEFAULT}/liba.so".lstrip("/")]
    (below(root, f"/usr{DEFAULT}") / "liba.so").unlink()
    assert asked(root) == ["no liba.so"]
    assert main.exists()


def test_a_program_behind_a_link(root: Path) -> None:
    library(root / "real" / "liba.so", soname="liba.so")
    library(root / "links" / "liba.so", soname="liba.so")
    program(root / "real" / "main", needed=["liba.so"], rpath="$ORIGIN")
    links(root, {"/links/main": "/other/main", "/other": "../../real"})
    for path in ("/real/main", "/links/main", "/links/../other/main"):
        assert asked(root, path) == ["real/liba.so"]


def test_a_library(root: Path) -> None:
    library(root / "real" / "libroot.so", needed=["liba.so"], runpath="$ORIGIN")
    library(root / "real" / "liba.so", soname="liba.so")
    links(root, {"/links/libroot.so": "/real/libroot.so"})
    assert asked(root, "/real/libroot.so") == ["real/liba.so"]
    assert asked(root, "/links/libroot.so") == ["no liba.so"]


def test_the_root_by_a_link(root: Path, tmp_path: Path) -> None:
    library(root / "app" / "liba.so", soname="liba.so")
    (tmp_path / "link").symlink_to("root")
    for given in (root, tmp_path / "link", f"{root}/", f"{tmp_path}/outside/../root"):
        closure = resolve("/bin/main", root=given)
        assert [image.path for image in closure.images[1:] if image.path != system_linker()] == ["/app/liba.so"]


def test_nothing_there(root: Path) -> None:
    with pytest.raises(ImageError):
        resolve("/bin/gone", root=root)
    with pytest.raises(ImageError):
        resolve(system_linker() + ".gone", root=root)
    with pytest.raises(ImageError):
        resolve("/bin/main", root=root / "gone")


def test_no_call_leaves_it(root: Path, tmp_path: Path, backend: str) -> None:
    """By strace: each path of a call is below the root as the root was given, or the kernel resolves it inside."""
    outside = f"{tmp_path}/outside"
    links(root, {"/app": outside, "/etc/ld.so.preload": f"{outside}/preload"})
    (tmp_path / "outside" / "preload").write_text(f"{outside}/liba.so")
    program(root / "bin" / "main", needed=["liba.so", f"{outside}/liba.so", "../x"], rpath=f"/app:{outside}")
    program(root / "bin" / "warm", needed=["libb.so"], rpath="/other")
    module = f"sys; os.environ['NATIVELOAD_BACKEND'] = {backend!r}; import nativeload"
    ask = f"nativeload.resolve({{!r}}, root={os.fspath(root)!r})"
    code = f"{ask.format('/bin/warm')}; os.access('/here', 0); {ask.format('/bin/main')}"
    made = calls(Path(sys.executable), module, code, tmp_path)
    made = made[next(i for i, line in enumerate(made) if '"/here"' in line) + 1 :]
    made = [line for line in made if not line.startswith(("pread64", "read("))]
    paths = [(line.partition("(")[0], path) for line in made for path in re.findall(r'"(/[^"]*)"', line)[:1]]
    below = [path for call, path in paths if call == "openat2" or path.startswith(f"{root}/")]
    assert any(path.endswith("/liba.so") for path in below)
    own = ("/proc/", os.path.dirname(os.path.dirname(os.path.dirname(host.__file__))))
    above = [os.fspath(path) for path in (root, *root.parents)]  # what realpath looks at
    assert [one for _, one in paths if one not in below and one not in above and not one.startswith(own)] == []
