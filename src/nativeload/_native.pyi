"""What a backend gives: the C extension `_native`, and `_pure` where the extension is not built.

Both have exactly these names, arguments, results and errors. A path is a `str` (undecodable bytes as
surrogate escapes, as `os.fsdecode` gives them); every returned string is decoded that way too.

Errors: `OSError` when the file cannot be opened or read, or is not a regular file (errno EISDIR for a
directory, EINVAL for a FIFO, socket or device; opening never blocks). `ValueError` when its content is not
what it must be, with a message of the form "what is wrong" ("not an ELF file: a text file", "truncated: the
program headers end at 824, the file at 100"). Nothing a file contains makes a reader read outside the file,
run for long, or use memory out of proportion; a file that shrinks meanwhile is a ValueError ("truncated: …").
"""

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
    str | None,  # rpath: DT_RPATH, as written
    str | None,  # runpath: DT_RUNPATH, as written
    int,  # flags_1: DT_FLAGS_1, 0 where absent
    tuple[tuple[str, tuple[tuple[str, bool], ...]], ...],  # verneed: (file, ((version, weak), …)), in order
    tuple[str, ...],  # verdef: the versions defined, in order, without the base (VER_FLG_BASE) entry
    int,  # isa_needed: the x86-64 level 1-4 of GNU_PROPERTY_X86_ISA_1_NEEDED, 0 where not said
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

def linkmap() -> list[tuple[str, str | None]]:
    """(path, soname) of every image in this process, in load order. The main program's path is ""."""

def search_path() -> list[tuple[str, str]]:
    """(directory, kind) that a dlopen in this process searches, in order: what the linker itself says.

    kind is "rpath" (of this module or the program), "LD_LIBRARY_PATH" (as at start) or "default". From
    dlinfo(RTLD_DI_SERINFO); glibc does not tell the kinds, which follow from the order, /proc/self/environ and
    the images' DT_RPATH and DT_RUNPATH. On musl: LD_LIBRARY_PATH, then the path file's or musl's own directories.
    """

def searched() -> list[str]:
    """The directories of `search_path`, without their kinds: what the linker says, and no file is read for it."""

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

def scan(directory: str, group: str, /) -> list[tuple[str, str | None]]:
    """Every `*.dist-info` and `*.egg-info` in a directory, sorted: (its name, its entry_points.txt or None).

    The text is given only where it holds `[group]`, so a scan of thousands costs one open and read each and
    no decoding. A directory that cannot be listed raises OSError; one distribution that cannot be read
    (permission, not a directory, a FIFO, larger than 1 MiB) has None and stops nothing.
    """

def signature(path: str, /) -> str:
    """A file's or a directory's present state, "-" where there is none: device, inode, size, mtime and ctime in ns."""

def digest(data: bytes, /) -> str:
    """FNV-1a, 64 bits, as 16 hex digits: names cache files and detects a damaged one. Not cryptographic."""
