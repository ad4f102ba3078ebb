"""One file, asked about twice: what its linker says that it would map, and what `nativeload.resolve` says.

Programs start from nothing here: no process, no Python, nothing loaded before.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from nativeload import resolve
from parts import cc, execute
from parts.truth import system_linker, truth
from scenarios.libraries import machine, stub

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nativeload.closure import Closure
    from parts.truth import Truth

SYSTEM = Path("/")
GIVES_UP = ["gives up"]
TRACED = {"LD_TRACE_LOADED_OBJECTS": "1"}

# It prints the path of everything that its linker has mapped, in order, but for the linker and the C library.
PRINTS = """
#define _GNU_SOURCE
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static int each(struct dl_phdr_info *info, size_t size, void *data) {
    const char *name = strrchr(info->dlpi_name, '/');
    (void)size; (void)data;
    if (name && strncmp(name, "/ld-", 4) && strncmp(name, "/libc.", 6)) puts(info->dlpi_name);
    return 0;
}
int main(void) { dl_iterate_phdr(each, 0); fflush(stdout); _exit(0); }
"""


def program(
    path: Path,
    *flags: str | Path,
    needed: Iterable[str] = (),
    rpath: str = "",
    runpath: str = "",
    linker: str = "",
    source: str = "",
) -> Path:
    """A program, `needed` being the very strings of its DT_NEEDED. Without a source it does nothing and needs no C
    library: it is for its linker to list."""
    words = ["-Wl,--disable-new-dtags", f"-Wl,-rpath,{rpath}"] if rpath else []
    words += ["-Wl,--enable-new-dtags", f"-Wl,-rpath,{runpath}"] if runpath else []
    words += [f"-Wl,--dynamic-linker={linker}"] if linker else []
    words += [] if source else ["-nostdlib"]
    common = ["-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined", *words]
    path.parent.mkdir(parents=True, exist_ok=True)
    return cc(
        source or "void _start(void) {}",
        path,
        *common,
        *flags,
        *(stub(name, *machine(flags)) for name in needed),
        shared=False,
    )


def agree(
    path: str | Path,
    under: Path,
    *,
    env: Mapping[str, str] | None = None,
    root: Path = SYSTEM,
    cwd: Path | None = None,
) -> list[str]:
    """What both say is mapped for a file: paths below `under`, in load order, then "no NAME" for each that is missing.

    With `root`, the path and what is found are as inside it; `GIVES_UP` where the linker does.
    """
    env = dict(env or {})
    said = truth(path, env, root=root, cwd=os.fspath(cwd or "/"))
    with contextlib.chdir(cwd or Path("/")):
        closure = resolve(path, environ=env, root=None if root == SYSTEM else root)
    return same(said, closure, under)


def same(said: Truth, closure: Closure, under: Path) -> list[str]:
    """What a linker and a closure agree on; an AssertionError where they do not."""
    if said.error:
        assert closure.status == "fatal", (said, closure)
        return GIVES_UP
    # What cannot be preloaded is passed over with a complaint.
    complaints = [one for one in said.complaints if not one.endswith(": ignored.")]
    # musl names everything that it cannot map, and then ends.
    statuses = ["problems", "fatal"] if "ld-musl" in said.linker else ["problems"]
    assert closure.status in (statuses if said.missing or complaints else ["ok"]), (said, closure)
    theirs = [path for _, path in said.libraries if path and path != said.linker]
    ours = [image.path for image in closure.images[1:] if image.path != said.linker]
    assert ours == theirs, (said, closure)
    edges = [edge for image in closure.images for edge in image.needed if not edge.optional]
    missing = [edge.name for edge in edges if edge.fatal or not edge.path]
    assert [_last(name) for name in missing] == [_last(name) for name in said.missing]
    return [*(relative(path, under) for path in ours), *(f"no {name}" for name in missing)]


def started(path: Path, under: Path, *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> list[str]:
    """What the linker lists when the kernel starts a program by this very path."""
    lines = execute([path], env={**(env or {}), **TRACED}, cwd=cwd).check().stdout.splitlines()
    shown = [line.strip().rpartition(" (0x")[0].rpartition(" => ")[2] for line in lines if " (0x" in line]
    return [relative(one, under) for one in shown if "/" in one and one != system_linker()]


def relative(path: str, under: Path) -> str:
    """A path as it is below a directory, or itself where it is not."""
    return path.removeprefix(f"{os.fspath(under).rstrip('/')}/")


def how(closure: Closure, name: str) -> str:
    """By which rule a name was first answered."""
    return next(edge.how for image in closure.images for edge in image.needed if edge.name == name)


def ran(path: Path, under: Path, *, env: Mapping[str, str] | None = None) -> list[str]:
    """What a program of `PRINTS` has mapped when it runs, which a closure must agree with; `["fails"]` where it cannot.

    Without the C library and the linker.
    """
    done = execute([path], env=env)
    closure = resolve(path, environ=dict(env or {}))
    if done.returncode:
        assert closure.status != "ok", (done, closure)
        return ["fails"]
    assert closure.status == "ok", closure
    ours = [image.path for image in closure.images[1:] if not _last(image.path).startswith(("ld-", "libc."))]
    assert ours == done.stdout.splitlines(), closure
    return [relative(one, under) for one in ours]


def _last(name: str) -> str:
    return name.rpartition("/")[2]
