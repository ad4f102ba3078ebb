"""A program that would change who runs it: no path of the environment counts, $ORIGIN only below a default directory."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nativeload import resolve
from nativeload.linkers import host
from parts import execute
from scenarios.closures import PRINTS, program, relative
from scenarios.libraries import library
from scenarios.smallroot import SUITES, add_libc, below, ldconfig, libc_of, links, needs_root, release, small_root

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = needs_root
NOBODY = 65534
DEFAULT = host.linker().rules.default
PROGRAM = "/bin/main"


@pytest.fixture
def root(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A root that anybody may enter, with the linker, the C library and /proc, by which $ORIGIN is known."""
    directory = Path(tempfile.mkdtemp(prefix="nativeload-secure-"))
    directory.chmod(0o755)
    linker, libc = libc_of(getattr(request, "param", ""))
    add_libc(small_root(directory, linker), libc)
    (directory / "proc").mkdir()
    yield directory
    shutil.rmtree(directory)


def privileged(path: Path, how: str) -> None:
    """Make a program run as somebody else, or ("") not."""
    os.chown(path, NOBODY, NOBODY)
    path.chmod({"user": 0o4755, "group": 0o2755, "": 0o755}[how])


def ran(root: Path, path: str = PROGRAM, *, env: Mapping[str, str] | None = None) -> list[str]:
    """What the program has mapped when it runs inside the root, which resolve must agree with."""
    script = 'mount --bind /proc "$0/proc" && exec env "$@"'
    given = [f"{name}={value}" for name, value in (env or {}).items()]
    done = execute(["unshare", "--mount", "sh", "-c", script, root, *given, "chroot", root, path])
    closure = resolve(path, environ=dict(env or {}), root=root)
    if done.returncode:
        assert closure.status != "ok", (done, closure)
        return ["fails"]
    assert closure.status == "ok", (done, closure)
    ours = [one.path for one in closure.images[1:] if not one.path.rpartition("/")[2].startswith(("ld-", "libc."))]
    assert done.stdout.splitlines() == ours, (done, closure)
    return [relative(one, Path("/")) for one in ours]


def made(root: Path, how: str, path: str = PROGRAM, **words: str) -> None:
    privileged(program(below(root, path), needed=["liba.so"], source=PRINTS, **words), how)


EACH_RELEASE = pytest.mark.parametrize("root", SUITES, indirect=True)
PRIVILEGED = pytest.mark.parametrize("how", ["user", "group"])


@PRIVILEGED
def test_library_path_does_not_count(root: Path, how: str) -> None:
    library(root / "own" / "liba.so", soname="liba.so")
    for who, expected in ((how, "fails"), ("", "own/liba.so")):
        made(root, who)
        assert ran(root, env={"LD_LIBRARY_PATH": "/own"}) == [expected]


@PRIVILEGED
@pytest.mark.parametrize("kind", ["rpath", "runpath"])
def test_a_plain_path_of_its_headers_does(root: Path, how: str, kind: str) -> None:
    library(root / "own" / "liba.so", soname="liba.so")
    made(root, how, **{kind: "/own"})
    assert ran(root) == ["own/liba.so"]


@EACH_RELEASE
@pytest.mark.parametrize("kind", ["rpath", "runpath"])
@pytest.mark.parametrize(
    ("place", "text", "trusted"),
    [
        ("/bin", "$ORIGIN", False),
        ("/own/deep", "$ORIGIN/../lib", False),
        ("{0}/app", "$ORIGIN", True),
        ("{0}/app", "${ORIGIN}/./lib", True),
        ("{0}/app", "$ORIGIN/../other", True),
        ("{0}", "$ORIGIN", True),
        ("{0}/app", "$ORIGIN/../../../../own", False),
        ("{0}/app", "$ORIGIN/../../../..{0}/other", True),
        ("{0}/app", "/own:$ORIGIN/../../../../none", True),
        ("{0}/app", "/$ORIGIN", False),
        ("{0}/app", "$ORIGIN$ORIGIN", False),
        ("{0}/app", "$ORIGIN.lib", False),
    ],
)
def test_origin(root: Path, kind: str, place: str, text: str, trusted: bool) -> None:
    """It must come first in the item, alone between slashes, and lead below a default directory."""
    place, text = place.replace("{0}", DEFAULT[0]), text.replace("{0}", DEFAULT[0])
    made(root, "user", f"{place}/main", **{kind: text})
    directory = text.partition(":")[0].replace("${ORIGIN}", place).replace("$ORIGIN", place)
    file = library(below(root, os.path.normpath(directory)) / "liba.so", soname="liba.so")
    expected = [os.path.join(directory, "liba.so").lstrip("/")]
    if not trusted and os.path.normpath(directory) in DEFAULT:
        expected = [f"{os.path.normpath(directory)}/liba.so".lstrip("/")]
    without_dots = (
        [os.path.normpath(f"/{one}").lstrip("/") for one in expected]
        if release(root, f"{place}/main") >= 41
        else expected
    )
    assert ran(root, f"{place}/main") == (without_dots if trusted else ["fails"])
    if not text.startswith("/$"):
        privileged(below(root, f"{place}/main"), "")
        assert ran(root, f"{place}/main") == expected
    assert file.exists()


@EACH_RELEASE
def test_a_link_before_dots(root: Path) -> None:
    """It leads out of what is trusted, until a security fix takes out the dots, in Debian's releases from 2.41 on."""
    home = f"{DEFAULT[0]}/app"
    links(root, {f"{home}/link": "/own/deep"})
    for place in (f"{home}/lib", "/own/lib"):
        library(below(root, place) / "liba.so", soname="liba.so")
    (root / "own" / "deep").mkdir()
    through = f"{home}/link/../lib/liba.so".lstrip("/")
    for how, taken in (("user", f"{home}/lib/liba.so".lstrip("/")), ("", through)):
        made(root, how, f"{home}/main", rpath="$ORIGIN/link/../lib")
        assert ran(root, f"{home}/main") == [taken if release(root, f"{home}/main") >= 41 else through]
    (root / "own" / "lib" / "liba.so").unlink()
    assert ran(root, f"{home}/main") == ["fails"]


def test_relative_directories(root: Path) -> None:
    """The working directory serves, though anybody chooses it."""
    library(root / "liba.so", soname="liba.so")
    for who in ("user", ""):
        made(root, who, rpath=".")
        assert ran(root) == ["./liba.so"]


@pytest.mark.parametrize("name", ["$ORIGIN/liba.so", "/bin/$LIB/liba.so", "/bin/$NONE/liba.so", "/bin/liba.so"])
@pytest.mark.parametrize("kind", ["needed", "auxiliary"])
def test_tokens_in_a_name(root: Path, name: str, kind: str) -> None:
    """There each is fatal, whose ever it is, where a directory would be passed over."""
    for place in ("bin", "bin/$NONE", f"bin/{host.linker().rules.lib}"):
        library(root / place / "liba.so", soname="liba.so")
    words, flags = ([name], []) if kind == "needed" else ([], [f"-Wl,--auxiliary,{name}"])
    library(root / "bin" / "libb.so", "", *flags, soname="libb.so", needed=words)
    for who in ("user", ""):
        privileged(program(root / "bin" / "main", needed=["/bin/libb.so"], source=PRINTS), who)
        token = "$ORIGIN" in name or "$LIB" in name
        assert (ran(root) == ["fails"]) == bool(who and token)


def test_origin_of_a_library(root: Path) -> None:
    """Whoever starts the program has no say in where its libraries are: there the token means what it says."""
    library(root / "own" / "liba.so", soname="liba.so", needed=["libb.so"], runpath="$ORIGIN")
    library(root / "own" / "libb.so", soname="libb.so")
    for who in ("user", ""):
        made(root, who, rpath="/own")
        assert ran(root) == ["own/liba.so", "own/libb.so"]


@PRIVILEGED
def test_preload(root: Path, how: str) -> None:
    """Only a name, and of a directory only a set-user-ID file; of paths none."""
    file = library(below(root, DEFAULT[0]) / "libp.so", soname="libp.so")
    library(root / "own" / "liba.so", soname="liba.so")
    made(root, how, rpath="/own")
    preloaded = [str(Path("/", file.relative_to(root))).lstrip("/"), "own/liba.so"]
    assert ran(root, env={"LD_PRELOAD": "libp.so"}) == ["own/liba.so"]
    file.chmod(0o4755)
    assert ran(root, env={"LD_PRELOAD": "libp.so"}) == preloaded
    assert ran(root, env={"LD_PRELOAD": f"/{preloaded[0]}"}) == ["own/liba.so"]
    privileged(below(root, PROGRAM), "")
    assert ran(root, env={"LD_PRELOAD": f"/{preloaded[0]}"}) == preloaded


def test_preload_looks_into_no_cache(root: Path) -> None:
    library(root / "opt" / "libp.so", soname="libp.so").chmod(0o4755)
    library(root / "own" / "liba.so", soname="liba.so")
    ldconfig(root, "/opt")
    for who, expected in (("user", ["own/liba.so"]), ("", ["opt/libp.so", "own/liba.so"])):
        made(root, who, rpath="/own")
        assert ran(root, env={"LD_PRELOAD": "libp.so"}) == expected


def test_what_the_system_preloads(root: Path) -> None:
    """ld.so.preload is root's to write: its paths count always, its names as those of LD_PRELOAD."""
    for name in ("libp.so", "libq.so", "libr.so"):
        library(root / "opt" / name, soname=name)
    library(below(root, DEFAULT[0]) / "libs.so", soname="libs.so")
    library(root / "own" / "liba.so", soname="liba.so")
    listed = "# a comment: libr.so\n/opt/libp.so:/opt/gone.so\t/opt/libq.so # libr.so\nlibs.so"
    (root / "etc" / "ld.so.preload").write_text(listed)
    both = ["opt/libp.so", "opt/libq.so"]
    for who, expected in (("user", both), ("", [*both, f"{DEFAULT[0]}/libs.so".lstrip("/")])):
        made(root, who, rpath="/own")
        assert ran(root) == [*expected, "own/liba.so"]
    assert ran(root, env={"LD_PRELOAD": "/opt/libr.so"}) == ["opt/libr.so", *expected, "own/liba.so"]
    (root / "etc" / "ld.so.preload").unlink()
    assert ran(root) == ["own/liba.so"]


def test_its_own_user_runs_it(root: Path) -> None:
    """Set-user-ID of the user who starts it, it is a program like any other."""
    library(root / "own" / "liba.so", soname="liba.so")
    made(root, "")
    below(root, PROGRAM).chmod(0o6755)
    os.chown(below(root, PROGRAM), os.getuid(), os.getgid())
    below(root, PROGRAM).chmod(0o6755)
    assert ran(root, env={"LD_LIBRARY_PATH": "/own"}) == ["own/liba.so"]
    privileged(below(root, PROGRAM), "user")
    assert ran(root, env={"LD_LIBRARY_PATH": "/own"}) == ["fails"]
