"""The C core against oracles it did not write: pyelftools, readelf, ldconfig, the kernel and the linker itself."""

from __future__ import annotations

import functools
import importlib.util
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_E_MACHINE, ENUM_E_TYPE

import nativeload
from parts import cc, run

AVAILABLE = importlib.util.find_spec("nativeload._native") and os.environ.get("NATIVELOAD_BACKEND") != "python"
if AVAILABLE:
    from nativeload import _native as native
pytestmark = pytest.mark.skipif(not AVAILABLE, reason="not built, or not the backend under test")

CACHE = Path("/etc/ld.so.cache")
PRELUDE = "import json, os, sys; from nativeload import _native as native\n"


@functools.cache
def real_files() -> list[str]:
    """The system's libraries, the interpreter and its extension modules: real paths, ELF files only."""
    places = [Path("/usr/lib", str(sysconfig.get_config_var("MULTIARCH"))), Path("/usr/lib64")]
    places.append(Path(str(sysconfig.get_config_var("DESTSHARED"))))
    found = {file.resolve() for place in places for file in place.glob("*.so*")} | {Path(sys.executable).resolve()}
    return [os.fspath(file) for file in sorted(found) if file.is_file() and file.read_bytes()[:4] == b"\x7fELF"]


@functools.cache
def small_library() -> str:
    """The smallest real library with everything that can be damaged: versions of both kinds, and notes."""
    full = (file for file in real_files() if (facts := native.image(file))[7] and facts[13] and facts[14] and facts[16])
    return min(full, key=os.path.getsize)


FILTERS = {"DT_AUXILIARY": 1, 0x7FFFFFFD: 1, "DT_FILTER": 2, 0x7FFFFFFF: 2}


def name_of(elf: Any, tag: Any) -> str:
    """The string that a dynamic tag stands for."""
    return str(elf.get_section_by_name(".dynstr").get_string(tag.entry.d_val))


def by_pyelftools(path: str) -> tuple[Any, ...]:
    """What `image` should say, up to the build id."""
    with open(path, "rb") as file:
        elf: Any = ELFFile(file)
        tags = [tag for segment in elf.iter_segments("PT_DYNAMIC") for tag in segment.iter_tags()]
        one: dict[str | int, Any] = {tag.entry.d_tag: tag for tag in tags}
        named = [tag for tag in tags if tag.entry.d_tag in ("DT_NEEDED", *FILTERS)]
        needs = [s.iter_versions() for s in elf.iter_sections() if s["sh_type"] == "SHT_GNU_verneed"]
        defines = [s.iter_versions() for s in elf.iter_sections() if s["sh_type"] == "SHT_GNU_verdef"]
        notes = [note for segment in elf.iter_segments("PT_NOTE") for note in segment.iter_notes()]
        properties = [p for note in notes if note["n_type"] == "NT_GNU_PROPERTY_TYPE_0" for p in note["n_desc"]]
        isa = [p["pr_data"] for p in properties if p["pr_type"] == "GNU_PROPERTY_X86_ISA_1_NEEDED"]
        return (
            elf.elfclass,
            "little" if elf.little_endian else "big",
            ENUM_E_MACHINE[elf["e_machine"]],
            elf["e_flags"],
            ENUM_E_TYPE[elf["e_type"]],
            elf.e_ident_raw[7],
            next((segment.get_interp_name() for segment in elf.iter_segments("PT_INTERP")), None),
            getattr(one.get("DT_SONAME"), "soname", None),
            tuple(tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"),
            tuple(
                (
                    sum(other.entry.d_tag == "DT_NEEDED" for other in named[:at]),
                    FILTERS[tag.entry.d_tag],
                    name_of(elf, tag),
                )
                for at, tag in enumerate(named)
                if tag.entry.d_tag in FILTERS
            ),
            getattr(one.get("DT_RPATH"), "rpath", None),
            getattr(one.get("DT_RUNPATH"), "runpath", None),
            one["DT_FLAGS_1"].entry.d_val if "DT_FLAGS_1" in one else 0,
            tuple((n.name, tuple((v.name, v["vna_flags"] & 2 != 0) for v in vs)) for s in needs for n, vs in s),
            tuple(next(names).name for s in defines for version, names in s if not version["vd_flags"] & 1),
            max((bits & 15 for bits in isa), default=0).bit_length(),
            next((note["n_desc"] for note in notes if note["n_type"] == "NT_GNU_BUILD_ID"), None),
        )


def symbols_by_pyelftools(path: str) -> dict[str, bool]:
    """Every name of a dynamic symbol, and whether some symbol of that name is exported."""
    names: dict[str, bool] = {}
    with open(path, "rb") as file:
        table: Any = ELFFile(file).get_section_by_name(".dynsym")
        for symbol in table.iter_symbols() if table else ():
            visible = symbol["st_other"]["visibility"] in ("STV_DEFAULT", "STV_PROTECTED")
            # STB_LOOS is pyelftools' name for the number of STB_GNU_UNIQUE
            bound = symbol["st_info"]["bind"] in ("STB_GLOBAL", "STB_WEAK", "STB_LOOS")
            exported = visible and bound and symbol["st_shndx"] != "SHN_UNDEF"
            names[symbol.name] = names.get(symbol.name, False) or exported
    names.pop("", None)
    return names


def test_facts_agree_with_pyelftools() -> None:
    files = real_files()
    assert len(files) > 50
    assert [file for file in files if native.image(file)[:17] != by_pyelftools(file)] == []
    assert native.image(files[0])[:17] != by_pyelftools(files[-1])
    found = os.stat(files[0])
    signature = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    assert native.image(files[0])[18] == signature != native.image(files[-1])[18]


@pytest.mark.skipif(shutil.which("readelf") is None, reason="no readelf")
def test_dynamic_tags_agree_with_readelf() -> None:
    listing = subprocess.run(["readelf", "-dW", *real_files()], capture_output=True, check=True).stdout.decode()
    tags: dict[str, list[str]] = {}
    for part in listing.split("\nFile: ")[1:]:
        tags[part.partition("\n")[0]] = re.findall(r"\((?:NEEDED|SONAME|RPATH|RUNPATH)\).*: \[(.*)\]", part)
    for file in real_files():
        facts = native.image(file)
        assert sorted([*facts[8], *filter(None, (facts[7], facts[10], facts[11]))]) == sorted(tags[file]), file
    assert sum(map(len, tags.values())) > len(tags) > 50


def test_symbols_agree_with_pyelftools() -> None:
    compared = 0
    for file in (file for file in real_files() if os.path.getsize(file) < 100_000):
        names = symbols_by_pyelftools(file) | {"no_such_symbol": False, "": False, "main\0": False}
        assert native.exports(file) == sorted(name for name in names if names[name]), file
        assert native.image(file, tuple(names))[17] == tuple(names.values()), file
        compared += sum(names.values())
    assert compared > 1000


@pytest.mark.skipif(not (CACHE.exists() and os.access("/sbin/ldconfig", os.X_OK)), reason="no ldconfig")
def test_cache_agrees_with_ldconfig() -> None:
    listing = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, check=True).stdout.decode()
    said = re.findall(r'^\t(\S+) \(.*?(?:hwcap: "(.*?)")?\) => (.*)$', listing, re.MULTILINE)
    cache = CACHE.read_bytes()
    for name in {name for name, _, _ in said}:
        expected = [(path, hwcaps or None) for key, hwcaps, path in said if key == name]
        assert [(hit[1], hit[3]) for hit in native.ldcache_search(cache, name, False)] == expected
        stem = name.partition(".so")[0] + ".so"
        family = [path for key, _, path in said if key == stem or key.startswith(stem + ".")]
        assert [hit[1] for hit in native.ldcache_search(cache, stem, True)] == family
    assert said
    assert native.ldcache_search(cache, "libno-such.so.1", True) == []


def made_cache(order: str, prefix: bytes = b"") -> bytes:
    """A cache of four names: an ordinary entry of each, two special ones of one; descending, as glibc wants it."""
    names = [("libq.so.10", 0), ("libq.so.9", 1 << 62), ("libq.so.9", 0), ("libq.so.9", 1 << 52), ("libq", 0)]
    strings, table, at = b"", b"", 48 + 24 * len(names)
    for name, hwcap in names:
        table += struct.pack(order + "iIIIQ", 0x303, at + len(strings), at + len(strings), 0, hwcap)
        strings += name.encode() + b"\0"
    subdirectory = at + len(strings)
    strings += b"x86-64-v3\0"
    end = len(prefix) + at + len(strings)
    header = struct.pack(order + "20sIIB3xI12x", b"glibc-ld.so.cache1.1", len(names), 0, 2 + (order == ">"), end)
    return prefix + header + table + strings + struct.pack(order + "7I", 0xEAA42174, 1, 1, 0, end + 24, 4, subdirectory)


@pytest.mark.parametrize("order", ["<", ">"])
def test_made_caches_of_every_format(order: str) -> None:
    cache = made_cache(order)
    nine = [("libq.so.9", "libq.so.9", 0x303, "x86-64-v3"), ("libq.so.9", "libq.so.9", 0x303, None)]
    assert native.ldcache_search(cache, "libq.so.9", False) == nine
    assert native.ldcache_search(made_cache(order, b"ld.so-1.7.0".ljust(16, b"\0")), "libq.so.9", False) == nine
    assert [hit[0] for hit in native.ldcache_search(cache, "libq.so", True)] == ["libq.so.10", *["libq.so.9"] * 2]
    for size in range(len(cache)):
        with pytest.raises(ValueError, match=r"^(truncated|not an ld\.so\.cache|malformed): "):
            native.ldcache_search(cache[:size], "libq.so", True)


def test_linkmap_agrees_with_the_kernel() -> None:
    lines = [line.split(maxsplit=5) for line in Path("/proc/self/maps").read_text().splitlines()]
    mapped = {line[5] for line in lines if "x" in line[1] and line[-1].startswith("/")}
    images = [image for image in native.linkmap() if "/" in image[0]]
    assert native.linkmap()[0][0] == ""
    assert {os.path.realpath(path) for path, _ in images} == mapped - {os.path.realpath(sys.executable)}
    assert images == [(path, native.image(path)[7]) for path, _ in images]


def test_search_path_is_what_was_set_at_start(tmp_path: Path) -> None:
    code = PRELUDE + "os.environ['LD_LIBRARY_PATH'] = '/later'; print(json.dumps(native.search_path()))"
    plain = run(sys.executable, code).check().json
    moved = run(sys.executable, code, env={"LD_LIBRARY_PATH": f"{tmp_path}/:;/usr/lib"}).check().json
    named = [path for path, kind in moved if kind == "LD_LIBRARY_PATH"]
    assert ["/usr/lib", "default"] in plain
    assert {kind for _, kind in plain} <= {"rpath", "default"}  # and not what the program set since
    assert named == [os.fspath(tmp_path), ".", "/usr/lib"]
    assert [item for item in moved if item[1] != "LD_LIBRARY_PATH"] == plain


def test_damaged_files_end_in_an_answer_or_a_value_error(tmp_path: Path) -> None:
    content, place = Path(small_library()).read_bytes(), os.fspath(tmp_path / "damaged.so")
    names = tuple(native.exports(small_library())[:5])

    def refusal(damaged: bytes) -> str:
        Path(place).write_bytes(damaged)
        try:
            native.image(place, names)
            native.exports(place)
        except ValueError as error:
            return str(error).partition(":")[0]
        return "none"

    with open(small_library(), "rb") as file:
        ends = {s["p_offset"] + s["p_filesz"] for s in ELFFile(file).iter_segments("PT_LOAD") if s["p_filesz"]}
    for size in (*range(1, 1200, 7), *range(1200, max(ends), 509), *(end - 1 for end in ends)):
        assert refusal(content[:size]) in ("truncated", "not an ELF file"), size
    chance = random.Random(20)
    outcomes = {refusal(content)}
    assert outcomes == {"none"}
    for _ in range(3000):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 1, 4, 16))):
            damaged[chance.choice((chance.randrange(1024), chance.randrange(len(content))))] = chance.randrange(256)
        outcomes.add(refusal(bytes(damaged)))
    assert outcomes == {"none", "truncated", "malformed", "not an ELF file"}


def test_what_is_no_library_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"\xff.so")
    for what, content in (("empty", b""), ("a text file", b"GROUP ( a )\n"), ("a Windows (PE) file", b"MZ\x90\0")):
        file.write_bytes(content)
        with pytest.raises(ValueError, match="^not an ELF file: " + re.escape(what) + "$"):
            native.image(os.fspath(file))
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(os.path.relpath(tmp_path / "socket"))
        for name, code in (("fifo", 22), ("socket", 22), ("/dev/zero", 22), (".", 21), ("none", 2), ("fifo/x", 20)):
            with pytest.raises(OSError, match=re.escape(os.strerror(code))) as caught:
                native.exports(os.fspath(tmp_path / name))
            assert (caught.value.errno, caught.value.filename) == (code, os.fspath(tmp_path / name))
    file.write_bytes(Path(small_library()).read_bytes())
    assert native.image(os.fspath(file))[:17] == native.image(small_library())[:17]


def test_threads_and_interpreters() -> None:
    expected = {native.image(file) for file in real_files()[:100]}
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(native.image, real_files()[:100] * 4)) == expected
    module = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    code = "from nativeload import _native; assert _native.digest(b'') == 'cbf29ce484222325'"
    run(sys.executable, f"import {module} as i; assert not i.run_string(i.create(), {code!r})").check()


def test_an_extension_of_the_stable_abi_is_for_those_that_have_one(tmp_path: Path) -> None:
    """A free-threaded CPython 3.13 takes it for its own, but its objects are laid out in another way."""
    home = tmp_path / "nativeload"
    shutil.copytree(Path(nativeload.__file__).parent, home, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    cc("void abort(void); void *PyInit__native(void) { abort(); }", home / "_native.abi3.so")
    code = "import nativeload; print(nativeload.core.__name__)"
    result = run(sys.executable, code, env={"PYTHONPATH": tmp_path, "NATIVELOAD_BACKEND": ""})
    expected = (0, "nativeload._pure\n") if "t" in sys.abiflags else (-signal.SIGABRT, "")
    assert (result.returncode, result.stdout) == expected
