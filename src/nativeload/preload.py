"""Loading where the linker is musl's, which knows no DT_SONAME: a library answers for the name of its file, and only once a
search has found it (load_library in ldso/dynlink.c). One that is opened by its path satisfies nobody's DT_NEEDED.

So a file that has nothing but names is loaded first: its DT_RUNPATH is the library's directory, its DT_NEEDED the library's
file. Where consumers need another name, a directory must have it, in which it leads to another such file, that needs the
library by its path: the library itself is only ever found where it lies, because its $ORIGIN is where it was found.

LD_LIBRARY_PATH is searched before any of this: a file that it has under a name cannot be got past.
"""

import os

from nativeload import core, images, stub


def dlopen(path: str, flags: int) -> int:
    """What `core.dlopen` gives for a library, which then answers for the name of its file and for its DT_SONAME.

    Raises OSError where the linker refuses, another file has such a name in LD_LIBRARY_PATH (then nothing is mapped), or
    there is no place for another name. On a machine for which no stub can be written, the library answers for nothing.
    """
    facts = images.read(path)
    if facts.machine not in stub.MACHINES:
        return core.dlopen(path, flags)
    directory, _, name = path.rpartition("/")
    names = [one for one in dict.fromkeys((name, facts.soname)) if one and "/" not in one]
    for wanted in names:
        _unshadowed(wanted, path)
    handle = core.dlopen(path, flags)
    # In a DT_RUNPATH these marks are not themselves.
    if core.loaded_handle(name) is None and not any(mark in directory for mark in ":\n$"):
        _search(directory, name, facts.machine)
    for wanted in names:
        if core.loaded_handle(wanted) is None:
            answer(wanted, path)
    return handle


def _unshadowed(name: str, path: str) -> None:
    """Raise OSError where LD_LIBRARY_PATH has another file of a name: a search would map that, for whoever needs the name."""
    for directory, kind in core.search_path():
        file = f"{directory}/{name}"
        if kind == "LD_LIBRARY_PATH" and os.access(file, os.R_OK):  # The first that can be opened ends a search.
            if os.path.samefile(file, path):
                return
            raise OSError(
                f"LD_LIBRARY_PATH has {file}, which musl's linker takes for {name} before any other: "
                f"start this process without {directory} in LD_LIBRARY_PATH"
            )


def answer(name: str, path: str) -> None:
    """Let a library that is loaded answer for another name too; one that no directory can have is asked for by nobody.

    The name lies in a new directory of this user's for as long as the linker takes. It is searched by its descriptor:
    whoever may rename it in the directory above, which is everybody's, puts nothing else in its place.
    """
    import tempfile

    if "/" in name or name in (".", ".."):
        return
    _unshadowed(name, path)
    machine = images.read(path).machine
    held = stub.memory(name, stub.stub(path, machine))
    try:
        directory = tempfile.mkdtemp(prefix="nativeload-")
        try:
            place = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                _answer(name, place, held, machine)
            finally:
                os.close(place)
        finally:
            os.rmdir(directory)
    finally:
        os.close(held)


def _answer(name: str, place: int, held: int, machine: int) -> None:
    state = os.fstat(place)
    if state.st_uid != os.geteuid() or state.st_mode & 0o077:
        raise PermissionError("the directory that was made for a name is not this user's alone")
    os.symlink(f"/proc/self/fd/{held}", name, dir_fd=place)
    try:
        _search(f"/proc/self/fd/{place}", name, machine)
    finally:
        os.unlink(name, dir_fd=place)


def _search(directory: str, name: str, machine: int) -> None:
    """Have the linker find a file by its name in a directory."""
    stub.dlopen(stub.memory(name, stub.stub(name, machine, runpath=directory)))
