"""What a backend gives: the C extension `_native`, and `_pure` where the extension is not built.

Both have exactly these names, arguments, results and errors. A path is a `str` (undecodable bytes as
surrogate escapes, as `os.fsdecode` gives them); every returned string is decoded that way too.

Errors: `OSError` when the file cannot be opened or read, or is not a regular file (errno EISDIR for a
directory, EINVAL for a FIFO, socket or device; opening never blocks). `ValueError` when its content is not
what it must be, with a message of the form "what is wrong" ("not an ELF file: a text file", "truncated: the
program headers end at 824, the file at 100"). Nothing a file contains makes a reader read outside the file,
run for long, or use memory out of proportion; a file that shrinks meanwhile is a ValueError ("truncated: …").
"""

from typing import Any

def image(
    path: str, symbols: tuple[str, ...] = (), /
) -> tuple[
    int,  # elf_class: 32 or 64
    str,  # byteorder: "little" or "big"
    int,  # machine: e_machine
    int,  # flags: e_flags
    int,  # type: e_type
    int,  # osabi: EI_OSABI
    str | None,  # interp: PT_INTERP
    str | None,  # soname: DT_SONAME
    tuple[str, ...],  # needed: DT_NEEDED, in order, duplicates kept
    tuple[tuple[int, int, str], ...],  # filters: (place among `needed`, 1 DT_AUXILIARY or 2 DT_FILTER, name)
    str | None,  # rpath: DT_RPATH, as written
    str | None,  # runpath: DT_RUNPATH, as written
    int,  # flags_1: DT_FLAGS_1, 0 where absent
    tuple[tuple[str, tuple[tuple[str, bool], ...]], ...],  # verneed: (file, ((version, weak), …)), in order
    tuple[str, ...],  # verdef: the versions defined, in order, without the base (VER_FLG_BASE) entry
    int,  # isa_needed: the x86-64 level of GNU_PROPERTY_X86_ISA_1_NEEDED, 0 where not said
    str | None,  # build_id: hex
    tuple[bool, ...],  # exported: for each of `symbols`, whether this file defines and exports it
    tuple[int, int, int, int, int],  # signature: (dev, ino, size, mtime_ns, ctime_ns) of the file that was read
]:
    """The facts of one ELF file's headers, read without mapping or running it."""

def exports(path: str, /) -> list[str]:
    """The names of every defined, exported dynamic symbol (GLOBAL, WEAK or GNU_UNIQUE), unversioned, sorted, once each."""

def ldcache_search(cache: bytes, name: str, stem: bool, /) -> list[tuple[str, str, int, str | None]]:
    """Entries of an `ld.so.cache` (its bytes) named `name`, in the cache's order: (name, path, flags, hwcaps).

    With `stem`, also those named `name` + "." + anything: "libz.so" finds "libz.so.1". `hwcaps` is the
    glibc-hwcaps subdirectory's name ("x86-64-v3"), None for an ordinary entry; an entry with a legacy
    hwcap mask is left out. Raises ValueError when `cache` is not a cache of the new format
    ("glibc-ld.so.cache1.1", alone or after an old-format one), or is truncated.
    """

def linkmap() -> tuple[tuple[str, str | None], ...]:
    """(path, soname) of every image in this process, in load order. The main program's path is ""."""

def search_path() -> list[tuple[str, str]]:
    """(directory, kind) that a dlopen in this process searches, in order: what the linker itself says.

    Elsewhere: on macOS "DYLD_LIBRARY_PATH" and "default"; on Windows "default" and "AddDllDirectory", where the first
    is the program's directory and the last System32. kind is "rpath" (of this module or the program), "LD_LIBRARY_PATH" (as at start) or "default". From
    dlinfo(RTLD_DI_SERINFO); glibc does not tell the kinds, which follow from the order, /proc/self/environ and
    the images' DT_RPATH and DT_RUNPATH. On musl: LD_LIBRARY_PATH, then the path file's or musl's own directories.
    """

def searched() -> list[str]:
    """The directories of `search_path`, without their kinds: what the linker says, and no file is read for it."""

def linker(
    rules: tuple[
        bool,  # musl: its rules; glibc's otherwise
        bool,  # wide: 64 bits
        bool,  # big: big-endian
        int,  # machine: e_machine
        bool,  # secure: as a privileged program's linker
        int,  # release: 36 of glibc 2.36; 0 for musl
        tuple[str, ...],  # library_path: the directories of LD_LIBRARY_PATH, expanded
        tuple[str, ...],  # default: the last directories that are looked into
        tuple[str, ...],  # subdirectories: looked into below each directory, before it; 32 at most
        tuple[str, ...],  # hwcaps: the names in the cache that this CPU takes, best first
        tuple[str, ...],  # program_rpath: the directories of the program's DT_RPATH
        str,  # lib: what $LIB stands for
        str,  # platform: what $PLATFORM stands for
        str,  # own: the path of the linker itself, "" where it is not known
        bytes,  # cache: ld.so.cache, b"" for none
        int,  # cache_flags: the flags of the cache's entries that are taken
        str,  # root: the directory that every path is below and none leads out of, "" for "/"
    ],
    /,
) -> object:
    """A linker that follows these rules, for `walk`. It keeps what it has read of files."""

def walk(
    linker: object, groups: tuple[tuple[str, ...], ...], known: tuple[tuple[str, str], ...], options: int, /
) -> (
    tuple[
        tuple[  # each file that would be mapped, in load order
            tuple[
                str,  # path
                str | None,  # soname
                int,  # isa_needed
                tuple[  # each DT_NEEDED, DT_AUXILIARY and DT_FILTER that was followed
                    tuple[
                        str,  # name, its dynamic string tokens expanded
                        str | None,  # path of the file that answers, None where none does
                        int,  # how: 0 not found, 1 already loaded, 2 rpath, 3 LD_LIBRARY_PATH, 4 runpath,
                        # 5 ld.so.cache, 6 default directory, 7 the name is a path
                        int,  # owner: the place of the file whose rpath or runpath it was, -1 for the program
                        str | None,  # fatal: why the linker gives up there
                        int,  # kind: 0 DT_NEEDED, 1 DT_AUXILIARY, 2 DT_FILTER
                        tuple[tuple[str, int, str | None], ...],  # tries: (path, how, why it was passed over)
                    ],
                    ...,
                ],
            ],
            ...,
        ],
        tuple[  # each symbol version that is not given
            tuple[
                int,  # the place of the file that wants it
                str,  # the name by which it wants it
                str,  # the version
                str | None,  # path of what has that name, None where nothing has
            ],
            ...,
        ],
    ]
    | None
):
    """What a linker would map if it were given the first file of each group, one group after the other.

    What follows in a group are LD_PRELOAD's: paths or names, found as if the first needed them, and passed over where
    they are not.

    `known` are (name, path) of what is there before. `options` adds up: 1, the images of this process are there too,
    and its linker is asked what they were requested by; 2, `tries` are kept (None for why: nothing is there); 4, a file that was read once has not changed since; 8, None where every name is answered by an
    absolute path, every version is given, and this CPU will do; 16, a ValueError for a file that is a program, or
    that another linker would map.

    Where the first file of all is a program, it is who loads the others. Breadth first; the walk ends where the linker would give up. Raises OSError and ValueError for a file of `groups`.
    """

def fits(linker: object, path: str, /) -> str | None:
    """The soname ("" for none) of a library that this process's linker maps as it is, with all that it needs.

    `linker` follows that linker's rules. Every name is answered by an absolute path, every version is given, and this
    CPU will do. None where that is not so, or the file is not what it must be: `image` and `walk` say why.
    """

def check(
    linker: object, groups: tuple[tuple[str, ...], ...], scope: tuple[str, ...], options: int, /
) -> tuple[tuple[str, ...], Any, tuple[tuple[str, bool], ...]]:
    """A walk, and what no file of it, nor of `scope`, exports of the symbols that the last group's first file wants.

    Gives the paths in load order, what `walk` gives for these options, and what `undefined` gives.
    """

def undefined(linker: object, path: str, scope: tuple[str, ...], /) -> tuple[tuple[str, bool], ...]:
    """(name, weak) of each symbol that a file leaves undefined and no file of `scope` exports.

    It is looked for in the version wanted, as the linker does it, and then named "name@version".
    A file of the scope that cannot be read gives nothing. What was read of files is kept with the linker.
    """

def dlopen(path: str, flags: int, /) -> int:
    """A handle. Raises OSError with dlerror's text. The GIL is released while constructors run."""

def loaded_handle(path: str, /) -> int | None:
    """The handle of an already mapped image (RTLD_NOLOAD), or None. Maps nothing."""

def dlsym(handle: int, name: str, /) -> int | None:
    """The address of a symbol, None where there is none."""

def libc() -> tuple[str, str]:
    """("glibc", "2.36") or ("musl", "1.2.3"; "" where its version cannot be told) of this process."""

def isa_level() -> int:
    """The x86-64 psABI level 1-4 that this CPU and kernel support; 0 on another machine."""

def scan(directory: str, groups: tuple[str, ...], /) -> list[tuple[str, str | None]]:
    """Every `*.dist-info` and `*.egg-info` in a directory, sorted: (its name, its entry_points.txt or None).

    The text is given only where it holds "[" and one of `groups`, a group whose name begins so: a scan of thousands costs one open
    and read each and no decoding. A directory that cannot be listed raises OSError; one distribution that cannot be read
    (permission, not a directory, a FIFO, larger than 1 MiB) has None and stops nothing.
    """

def places(directories: tuple[str, ...], subdirectories: tuple[str, ...], /) -> object:
    """Directories that are searched in order, before each those of the subdirectories that it has, for `listed`.

    What is in them is kept, and read again only when one of them has changed.
    """

def listed(places: object, name: str, first: tuple[str, ...], consulted: dict[str, str], /) -> list[tuple[int, str]]:
    """(which directory, path) of each file that a name stands for, directory by directory.

    Of each directory, files named like one of `first`, in their order; then `name` itself and, where it ends in ".so",
    those that go on with "." and a version, the newest first. Only names with ".so" in them are known. The signature
    of each path that the answer rests on, as it was before it was read, is put into `consulted` where it has none.
    """

def fill(record: object, fields: dict[str, object], /) -> None:
    """Set these attributes of a record, whatever its class says of setting. AttributeError for one that it lacks."""

def signature(path: str, /) -> str:
    """A file's or a directory's present state, "-" where there is none: device, inode, size, mtime and ctime in ns."""

def signatures(paths: tuple[str, ...], /) -> tuple[str, ...]:
    """`signature` of each path."""

def real_name(path: str, /) -> str:
    """The file name at the end of a chain of symbolic links, each of which may lead to another directory."""

def digest(data: bytes, /) -> str:
    """FNV-1a, 64 bits, as 16 hex digits: names cache files and detects a damaged one. Not cryptographic."""

def recall(
    directory: str, magic: bytes, asked: str, /
) -> (
    tuple[
        tuple[str, str, str, str, str, str, str],  # facts: name, path, soname, version, origin, distribution, version
        tuple[str, ...],  # ABI features
        tuple[str, ...],  # dependencies to load first
        tuple[str, ...],  # sonames under which a process may have it already
    ]
    | None
):
    """The answer that `cache` keeps in a directory under what was asked; None where there is none that holds.

    It holds if its first line is `magic`, its checksum and its form are right, what it says was asked is `asked`, and
    every path it rests on has the signature it had. Its file is read only if it is a regular file, not a link, that
    belongs to this user, others cannot write, and is no larger than 256 KiB. Raises nothing for any file.
    """
