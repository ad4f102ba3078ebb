"""Both backends give what `_native.pyi` says: the same as each other, and as tools that this project did not write."""

from __future__ import annotations

import errno
import itertools
import os
import random
import re
import shutil
import struct
import sys
import sysconfig
from collections import namedtuple
from importlib import import_module, util
from pathlib import Path
from typing import Any

import pytest
from docs.markdown import ROOT
from elftools.elf.elffile import ELFFile

from parts.oracles import lief_facts, output, readelf_exports, readelf_facts
from parts.process import run

if not sys.platform.startswith("linux"):
    pytest.skip("these are the two backends of Linux", allow_module_level=True)

BACKENDS = [*map(import_module, filter(util.find_spec, ("nativeload._pure", "nativeload._native")))]
PURE = BACKENDS[0]
Image: Any = namedtuple(
    "Image",
    "elf_class byteorder machine flags type osabi interp soname needed filters rpath runpath flags_1 verneed verdef "
    "isa_needed build_id exported signature",
)


def is_elf(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


# At most 300 files: the interpreter, its extension modules, and an even choice of the system's libraries.
MODULES = sorted(map(str, Path(sysconfig.get_path("platstdlib"), "lib-dynload").glob("*.so")))[:80]
FOUND = {os.path.realpath(path) for path in Path("/usr/lib", sysconfig.get_config_var("MULTIARCH") or "").glob("*.so*")}
SYSTEM = sorted(path for path in FOUND if os.path.isfile(path) and is_elf(path))
CORPUS = [os.path.realpath(sys.executable), *MODULES, *SYSTEM[:: len(SYSTEM) // 219 + 1]]


def image(path: str | Path) -> Any:
    return Image(*PURE.image(str(path)))


LIBRARY = next(path for path in SYSTEM if image(path).needed == ("libc.so.6",) and image(path).verdef)
with open(LIBRARY, "rb") as file:
    parsed = ELFFile(file)
    WANTS: int = next(one["sh_offset"] for one in parsed.iter_sections("SHT_GNU_verneed"))
    END: int = max(one["p_offset"] + one["p_filesz"] for one in parsed.iter_segments("PT_LOAD"))


def outcomes(name: str, *arguments: object) -> list[Any]:
    """What each backend gives; of an error its type, and its number or what the message begins with."""
    found: list[Any] = []
    for backend in BACKENDS:
        try:
            found.append(getattr(backend, name)(*arguments))
        except (OSError, ValueError) as error:
            found.append((type(error), getattr(error, "errno", str(error).partition(":")[0])))
    return found


def agreed(name: str, *arguments: object) -> Any:
    """What every backend there is gives for these arguments: one and the same."""
    found = outcomes(name, *arguments)
    assert all(other == found[0] for other in found), arguments
    return found[0]


def small_elf(bits: int, big: bool, machine: int, *, chain: int = 0, osabi: int = 9) -> bytes:
    """A library of one segment that exports `f`, protected. In its hash table, symbol `chain` follows that of `f`."""
    order, wide = ">" if big else "<", bits == 64
    word, header, entry, symbol_shape = ("Q", 64, 56, "IBBHQQ") if wide else ("I", 52, 32, "IIIBBH")
    strings = b"\0f\0libsmall.so.1\0libc.so.6\0".ljust(32, b"\0")
    table = struct.pack(order + ("6Q" if wide and machine == 22 else "6I"), 1, 2, 1, 0, chain, 0)
    symbol = struct.pack(order + symbol_shape, *((1, 0x12, 3, 1, 64, 0) if wide else (1, 64, 0, 0x12, 3, 1)))
    at = list(itertools.accumulate([header + 2 * entry, len(strings), len(table), 2 * len(symbol)]))
    tags = (1, 17, 14, 3, 5, at[0], 10, 32, 4, at[1], 6, at[2], 11, len(symbol), 0x6FFFFFFB, 1, 0, 0)
    dynamic = struct.pack(f"{order}18{word}", *tags)
    segments = b""
    for kind, start, size in (1, 0, at[3] + len(dynamic)), (2, at[3], len(dynamic)):
        fields = (kind, 5, start, start, 0, size, size, 8) if wide else (kind, start, start, 0, size, size, 5, 8)
        segments += struct.pack(order + ("II6Q" if wide else "8I"), *fields)
    ident = b"\x7fELF" + bytes([bits // 32, 1 + big, 1, osabi]) + bytes(8)
    ident += struct.pack(f"{order}HHI3{word}I6H", 3, machine, 1, 0, header, 0, 5, header, entry, 2, 0, 0, 0)
    return ident + segments + strings + table + bytes(len(symbol)) + symbol + dynamic


def test_every_file_gives_the_same_twice() -> None:
    for path in CORPUS:
        names = agreed("exports", path)[::20]
        found = Image(*agreed("image", path, (*names, "no_such_symbol", "")))
        assert found.exported == (True,) * len(names) + (False, False), path
        at = os.stat(path)
        assert found.signature == (at.st_dev, at.st_ino, at.st_size, at.st_mtime_ns, at.st_ctime_ns)


@pytest.mark.skipif(not shutil.which("readelf"), reason="there is no readelf")
def test_readelf_says_the_same(tmp_path: Path) -> None:
    for path in CORPUS[::2]:
        assert image(path)._asdict() | readelf_facts(path) == image(path)._asdict(), path
    weak, content = tmp_path / "libweak.so", bytearray(Path(LIBRARY).read_bytes())
    content[WANTS + 20] |= 2  # vna_flags of the first Elf64_Vernaux
    weak.write_bytes(content)
    assert image(weak).verneed == readelf_facts(str(weak))["verneed"] != image(LIBRARY).verneed
    for path in CORPUS[::10]:
        assert PURE.exports(path) == readelf_exports(path), path


def test_lief_says_the_same() -> None:
    for path in [path for path in CORPUS if os.path.getsize(path) < 500_000][::3]:
        assert image(path)._asdict() | lief_facts(path) == image(path)._asdict(), path


@pytest.mark.parametrize(("bits", "big", "machine"), [(64, False, 183), (32, False, 40), (32, True, 8), (64, True, 22)])
def test_other_machines(tmp_path: Path, bits: int, big: bool, machine: int) -> None:
    path = tmp_path / "libsmall.so"
    path.write_bytes(small_elf(bits, big, machine))
    found = Image(*agreed("image", str(path), ("f", "g")))
    assert found[2:9] == (machine, 5, 3, 9, None, "libsmall.so.1", ("libc.so.6",))
    assert (found.flags_1, found.exported, agreed("exports", str(path))) == (1, (True, False), ["f"])
    assert found._asdict() | lief_facts(str(path)) == found._asdict()
    path.write_bytes(small_elf(bits, big, machine ^ 1))
    assert Image(*agreed("image", str(path))).machine == machine ^ 1  # so it is the file that says it


@pytest.mark.parametrize("chain", [1, 0xFFFFFF])
def test_a_chain_without_an_end(tmp_path: Path, chain: int) -> None:
    path = tmp_path / "libsmall.so"
    path.write_bytes(small_elf(64, False, 62, chain=chain))
    assert Image(*agreed("image", str(path), ("f",))).exported == (True,)
    assert agreed("image", str(path), ("g",)) == (ValueError, "malformed")


def test_damage_is_an_answer_or_a_value_error(tmp_path: Path) -> None:
    chance, path, content = random.Random(1), tmp_path / "libdamaged.so", Path(LIBRARY).read_bytes()
    for cut in [*range(0, 1500, 37), *(chance.randrange(END) for _ in range(40)), END - 1]:
        path.write_bytes(content[:cut])
        assert agreed("image", str(path)) == (ValueError, "truncated" if cut else "not an ELF file")
    answers: list[Any] = []
    for damaged in (bytearray(content) for _ in range(300)):
        damaged[chance.randrange(min(len(content), 9000))] ^= chance.randrange(1, 256)
        path.write_bytes(damaged)
        answers += [*outcomes("image", str(path), ("f",)), *outcomes("exports", str(path))]
    refusals = [answer for answer in answers if isinstance(answer, tuple) and len(answer) < len(Image._fields)]
    assert {refusal[0] for refusal in refusals} == {ValueError}
    assert len(refusals) < len(answers) / 2  # some changes do harm, and not all


def test_what_is_no_library(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "text").write_text("INPUT(-lmpi)\n")
    expected = {"fifo": errno.EINVAL, ".": errno.EISDIR, "no": errno.ENOENT, "text": "not an ELF file"}
    for name, why in (expected | {"/dev/null": errno.EINVAL}).items():
        assert agreed("image", str(tmp_path / name))[1] == agreed("exports", str(tmp_path / name))[1] == why, name


@pytest.mark.skipif(not os.path.exists("/usr/sbin/ldconfig"), reason="there is no ldconfig")
def test_ldconfig_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "lib/glibc-hwcaps/x86-64-v3").mkdir(parents=True)
    (tmp_path / "conf").write_text(f"{tmp_path}/lib\n")
    for folder in "lib", "lib/glibc-hwcaps/x86-64-v3":
        (tmp_path / folder / "libsmall.so.1").write_bytes(small_elf(64, False, image(sys.executable).machine, osabi=0))
    for form in "new", "compat":
        output("/usr/sbin/ldconfig", "-X", "-f", f"{tmp_path}/conf", "-C", f"{tmp_path}/{form}", "-c", form)
    cache, compat = [(tmp_path / form).read_bytes() for form in ("new", "compat")]
    listed = re.findall(r"\t(\S+) \(.*\) => (.*)", output("/usr/sbin/ldconfig", "-p", "-C", f"{tmp_path}/new"))
    found = [agreed("ldcache_search", cache, name, False) for name in sorted({name for name, _ in listed})]
    assert sorted(entry[:2] for entries in found for entry in entries) == sorted(listed)
    entries = agreed("ldcache_search", cache, "libsmall.so", True)
    assert [(entry[0], entry[3]) for entry in entries] == [("libsmall.so.1", hwcaps) for hwcaps in ("x86-64-v3", None)]
    assert agreed("ldcache_search", compat, "libsmall.so", True) == entries
    assert agreed("ldcache_search", cache, "libsmall.so", False) == []
    assert agreed("ldcache_search", cache, "libsmall.s", True) == []
    assert agreed("ldcache_search", cache[:1000], "libsmall.so", True) == (ValueError, "truncated")


PROCESS = """
import importlib, json, sys
backend, library = importlib.import_module(sys.argv[1]), sys.argv[2]
before, handle = backend.loaded_handle(library), backend.dlopen(library, 2)
try:
    message = backend.dlopen("/no/such.so", 2)
except OSError as error:
    message = str(error)
answers = [before, handle == backend.loaded_handle(library), *(bool(backend.dlsym(handle, name)) for name in sys.argv[3:])]
path = backend.search_path()
mapped = sorted({line.split()[-1] for line in open("/proc/self/maps") if " r-xp " in line and ".so" in line})
print(json.dumps([*answers, backend.searched() == [item[0] for item in path], message, backend.linkmap(), mapped, path]))
"""


@pytest.mark.parametrize("name", [backend.__name__ for backend in BACKENDS])
def test_a_process_of_its_own(name: str, tmp_path: Path) -> None:
    (tmp_path / "lib.so").write_bytes(Path(LIBRARY).read_bytes())
    arguments = (name, str(tmp_path / "lib.so"), PURE.exports(LIBRARY)[-1], "no_such_symbol")
    environment = {"LD_LIBRARY_PATH": f"{tmp_path}:/usr/lib", "PYTHONPATH": str(Path(str(PURE.__file__)).parents[2])}
    *answers, message, images, mapped, path = run(sys.executable, PROCESS, *arguments, env=environment).check().json
    assert (answers, images[0][0], message[:13]) == ([None, True, True, False, True], "", "/no/such.so: ")
    assert {os.path.realpath(file) for file, _ in images} >= set(mapped) > set()
    assert all(image(file).soname == soname for file, soname in images if os.path.isfile(file))
    assert [item[0] for item in path if item[1] == "LD_LIBRARY_PATH"] == [str(tmp_path), "/usr/lib"]
    said = output(image(sys.executable).interp, "--help")
    assert [item[0] for item in path if item[1] == "default"] == re.findall(r"\n  (/.*) \(system search path\)", said)
    assert agreed("isa_level") == 1 + len(re.findall(r"x86-64-v\d \(supported", said)) or "x86-64-v" not in said
    assert agreed("libc") == tuple(str(os.confstr("CS_GNU_LIBC_VERSION")).split())


def test_scan_and_digest(tmp_path: Path) -> None:
    texts = {
        "a-1.dist-info": "[nativeload]\nx=y\n",
        "b.egg-info": "[other]\n",
        "c.dist-info": "[nativeload]" * 2**17,
        "e.egg-info": "[also]",
        "f.egg-info": "[alas[",
    }
    for folder, text in texts.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "entry_points.txt").write_text(text)
    os.mkfifo(tmp_path / "d.dist-info")
    expected = [(name, texts[name] if name[0] in "ae" else None) for name in sorted((*texts, "d.dist-info"))]
    assert agreed("scan", str(tmp_path), ("nativeload", "also]")) == expected
    assert agreed("scan", str(tmp_path / "none"), ()) == (FileNotFoundError, errno.ENOENT)
    assert [agreed("digest", text) for text in (b"a", b"foobar")] == ["af63dc4c8601ec8c", "85944171f73967e8"]


def rules(*, root: str = "") -> tuple[Any, ...]:
    """This process's linker's rules, below a root."""
    from nativeload.linkers import host

    return (*list(host.linker().rules._fields().values())[:-1], root)


def test_walks_agree() -> None:
    """Everything a walk says of a file, also with each path tried, and below a root."""
    for root in ("", "/"):
        linkers = [backend.linker(rules(root=root)) for backend in BACKENDS]
        for path in CORPUS[::4]:
            for options in (2, 1 | 4, 8):
                answers = [b.walk(linker, ((path,),), (), options) for b, linker in zip(BACKENDS, linkers, strict=True)]
                assert answers[0] == answers[-1], path
                assert answers[0] is None or len(answers[0][0]) >= 1
    assert any(len(PURE.walk(PURE.linker(rules()), ((path,),), (), 4)[0]) > 5 for path in SYSTEM[::20])


def test_undefined_symbols_agree() -> None:
    """With nothing in the scope, with the interpreter in it, and with all that would be mapped."""
    linkers = [backend.linker(rules()) for backend in BACKENDS]
    interpreter = os.path.realpath(sys.executable)
    counts = set()
    for path in CORPUS[::6]:
        for scope in ((), (interpreter,)):
            found = [set(b.undefined(linker, path, scope)) for b, linker in zip(BACKENDS, linkers, strict=True)]
            assert found[0] == found[-1], path
        answers = [
            b.check(linker, ((path,),), (interpreter,), 4 | 8) for b, linker in zip(BACKENDS, linkers, strict=True)
        ]
        assert [(paths, walked, set(wants)) for paths, walked, wants in answers[:1]] == [
            (paths, walked, set(wants)) for paths, walked, wants in answers[-1:]
        ], path
        counts.add(len(found[0]))
    assert len(counts) > 5


def test_walks_of_what_is_wrong_agree(tmp_path: Path) -> None:
    (tmp_path / "text.so").write_text("GROUP ( libm.so.6 )\n")
    for path in ("text.so", "absent.so", "."):
        found = outcomes_of_walks(str(tmp_path / path))
        assert found[0] == found[-1]
        assert isinstance(found[0], tuple)


def outcomes_of_walks(path: str) -> list[Any]:
    found: list[Any] = []
    for backend in BACKENDS:
        try:
            found.append(backend.walk(backend.linker(rules()), ((path,),), (), 0))
        except (OSError, ValueError) as error:
            found.append((type(error), getattr(error, "errno", str(error).partition(":")[0])))
    return found


def test_what_fits_agrees() -> None:
    """A file that fits is one of which neither its kind nor a whole walk has anything to say."""
    linkers = [backend.linker(rules()) for backend in BACKENDS]
    answers = {}
    for path in (*CORPUS[::3], str(ROOT / "tests"), str(ROOT / "README.md"), f"{LIBRARY}\0", "/no/such.so"):
        found = [backend.fits(linker, path) for backend, linker in zip(BACKENDS, linkers, strict=True)]
        assert found[0] == found[-1], path
        answers[path] = found[0]
    for path, soname in answers.items():
        if soname is not None:
            facts = image(path)
            assert (facts.soname or "", facts.machine, facts.interp) == (soname, image(LIBRARY).machine, None)
            assert PURE.walk(linkers[0], ((path,),), (), 1 | 8) is None
    assert any(soname is None for soname in answers.values())
    assert answers[CORPUS[0]] is None  # a program
    assert sum(soname is not None for soname in answers.values()) > 20
