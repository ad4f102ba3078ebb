"""The verdict on a file from its headers: what the linker or the requirement would refuse, and why."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path

import pytest

from nativeload import catalog, core, images
from nativeload.spec import LibrarySpec
from parts import PartError, cc, deb
from unit.specimens import E_FLAGS, E_MACHINE, E_TYPE, EI_OSABI, EM_AARCH64, EM_ARM, NAME, SOURCE, patched, specimen
from unit.verdicts import linker_words, refusal, verdict

EM_RISCV, EM_PPC64, ET_REL, ET_EXEC, ET_CORE = 243, 21, 1, 2, 4

x86_only = pytest.mark.skipif(os.uname().machine != "x86_64", reason="about x86-64's own")


def test_a_good_one(good: Path) -> None:
    found = verdict(good)
    assert isinstance(found, LibrarySpec)
    assert (found.path, found.soname, found.version, found.abi) == (str(good), NAME, "1", ())
    assert (found.provider, found.dependencies) == (None, ())
    assert linker_words(good) == ""


@pytest.mark.parametrize(
    ("offset", "shape", "value", "kind", "words"),
    [
        (E_MACHINE, "<H", EM_AARCH64, "machine", "is AArch64 64-bit little-endian; this process is x86-64 64-bit"),
        (E_MACHINE, "<H", 12345, "machine", "is machine 12345 64-bit"),
        (EI_OSABI, "B", 9, "machine", "is for another operating system (ELF OSABI 9)"),
        (E_TYPE, "<H", ET_REL, "format", "is not a shared library but a program, an object or a core file"),
        (E_TYPE, "<H", ET_EXEC, "format", "is not a shared library but"),
        (E_TYPE, "<H", ET_CORE, "format", "is not a shared library but"),
    ],
)
@x86_only
def test_one_field_of_the_header(
    offset: int, shape: str, value: int, kind: str, words: str, good: Path, tmp_path: Path
) -> None:
    spoilt = patched(good, tmp_path / NAME, offset, shape, value)
    assert refusal(spoilt)[0] == kind
    assert words in refusal(spoilt)[1]
    assert linker_words(spoilt) != ""


def test_the_gnu_abi_is_this_ones(good: Path, tmp_path: Path) -> None:
    assert refusal(patched(good, tmp_path / NAME, EI_OSABI, "B", 3)) == ("", "")


@pytest.mark.parametrize(
    ("shape", "ident", "machine", "words"),
    [
        (">16sHHIQQQIHHHHHH", b"\x7fELF\2\2\1", EM_PPC64, "is PowerPC64 64-bit big-endian"),
        ("<16sHHIIIIIHHHHHH", b"\x7fELF\1\1\1", EM_ARM, "is Arm 32-bit little-endian"),
        (">16sHHIIIIIHHHHHH", b"\x7fELF\1\2\1", 8, "is MIPS 32-bit big-endian"),
    ],
)
def test_class_and_byte_order(shape: str, ident: bytes, machine: int, words: str, tmp_path: Path) -> None:
    header = struct.pack(shape, ident, 3, machine, 1, 0, 0, 0, 0, struct.calcsize(shape), 0, 0, 0, 0, 0)
    (tmp_path / NAME).write_bytes(header)
    kind, reason = refusal(tmp_path / NAME)
    assert kind == "machine"
    assert words in reason


@x86_only
def test_a_real_32_bit_library(tmp_path: Path) -> None:
    try:
        library = cc(SOURCE, tmp_path / NAME, "-m32", "-nostdlib")
    except PartError:
        pytest.skip("this compiler makes no 32-bit code")
    assert refusal(library)[1].startswith("is x86 32-bit little-endian; this process is x86-64 64-bit")
    assert "wrong ELF class" in linker_words(library)


def test_the_calling_convention_of_a_machine_that_has_several(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RISC-V's e_flags say how floating-point values are passed; its other bits say nothing of the ABI."""
    here = images.process().replace(machine=EM_RISCV, flags=0x5)
    monkeypatch.setattr(images, "process", lambda: here)
    riscv = patched(good, tmp_path / "riscv", E_MACHINE, "<H", EM_RISCV)
    for flags, expected in ((0x4, ""), (0x5, ""), (0x0, "machine"), (0x3, "machine")):
        library = patched(riscv, tmp_path / NAME, E_FLAGS, "<I", flags)
        found = refusal(library)
        if expected:
            assert found == ("machine", f"has ABI flags {flags & 0xE:#x}; this process has 0x4")
        else:
            assert "ABI flags" not in found[1]


@pytest.mark.parametrize(("flags", "words"), [(("-pie",), "is not a shared library"), (("-no-pie",), "is not a")])
def test_a_program(flags: tuple[str, ...], words: str, tmp_path: Path) -> None:
    program = cc("int main(void) { return 0; }", tmp_path / NAME, *flags, shared=False)
    kind, reason = refusal(program)
    assert kind == "format"
    assert words in reason
    assert "cannot dynamically load" in linker_words(program)


def test_a_library_that_may_not_be_opened(tmp_path: Path) -> None:
    library = specimen(tmp_path / NAME, "-Wl,-z,nodlopen")
    assert refusal(library) == ("format", "is marked not to be opened at run time (DF_1_NOOPEN)")
    assert "shared object cannot be dlopen()ed" in linker_words(library)


def test_a_library_for_musl(tmp_path: Path) -> None:
    """Debian's musl is what it is linked with, as any library of an Alpine wheel."""
    if core.libc()[0] != "glibc":
        pytest.skip("this process runs on musl itself")
    libc = next(path for path in deb("musl").rglob("libc.so") if path.is_file())
    source = "int getpid(void); int specimen_answer(void) { return getpid(); }"
    library = specimen(tmp_path / NAME, "-nostdlib", f"-L{libc.parent}", "-lc", source=source)
    kind, reason = refusal(library)
    assert kind == "libc"
    assert reason == f"is built for musl; this process runs on glibc {core.libc()[1]}"
    assert refusal(specimen(tmp_path / "g", source=source)) == ("", "")


@x86_only
@pytest.mark.parametrize("wanted", [2, 3, 4])
@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_level_of_the_cpu(wanted: int, level: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = specimen(tmp_path / NAME, f"-Wl,-z,x86-64-v{wanted}")
    here = core.isa_level()
    monkeypatch.setattr(core, "isa_level", lambda: level)
    monkeypatch.setattr(core, "fits", lambda *_: None)  # it asks the CPU itself
    expected = ("isa-level", f"needs a CPU of level x86-64-v{wanted}; this one is x86-64-v{level}")
    assert refusal(library) == (expected if wanted > level else ("", ""))
    if level == here and core.libc()[0] == "glibc":
        assert ("CPU ISA level is lower than required" in linker_words(library)) == (wanted > level)


OPENBLAS = [
    (("scipy_cblas_dgemm64_",), "libscipy_openblas64_.so", ("ilp64", "prefix=scipy_", "suffix=64_")),
    (("scipy_cblas_dgemm",), "libscipy_openblas.so", ("lp64", "prefix=scipy_")),
    (("cblas_dgemm64_",), "libopenblas64_.so.0", ("ilp64", "suffix=64_")),
    (("cblas_dgemm",), "libopenblas64.so.0", ("ilp64",)),
    (("cblas_dgemm",), "libopenblas.so.0", ("lp64",)),
    (("dgemm_",), "libopenblas.so.0", ()),
]


@pytest.mark.parametrize(("symbols", "soname", "features"), OPENBLAS)
def test_features_are_told_from_symbols(
    symbols: tuple[str, ...], soname: str, features: tuple[str, ...], tmp_path: Path
) -> None:
    source = "".join(f"void {symbol}(void) {{}} " for symbol in symbols)
    library = specimen(tmp_path / "libopenblas.so", soname=soname, source=source)
    entry = catalog.lookup("openblas")
    found = verdict(library, "openblas", entry=entry)
    assert isinstance(found, LibrarySpec)
    assert found.abi == features
    for wanted in ("ilp64", "lp64", "prefix=scipy_", "suffix=64_"):
        kind, reason = refusal(library, f"openblas[{wanted}]", entry=entry)
        assert (kind == "abi") == (wanted not in features)
        if kind:
            assert reason == f"asked for {wanted}; it has {', '.join(features) or 'no features that can be told'}"


def test_declared_features_count_as_they_are_declared(good: Path) -> None:
    assert refusal(good, "specimen[lp64]")[0] == "abi"
    assert refusal(good, "specimen[lp64]", abi=("lp64", "openmp")) == ("", "")
    assert refusal(good, "specimen[lp64,ilp64]", abi=("lp64",)) == ("abi", "asked for ilp64; it has lp64")


def test_an_unknown_version_is_refused_only_when_one_is_asked_for(tmp_path: Path) -> None:
    library = specimen(tmp_path / "libspecimen.so", soname="libspecimen.so")
    found = verdict(library)
    assert isinstance(found, LibrarySpec)
    assert found.version is None
    kind, reason = refusal(library, "specimen>=0")
    assert kind == "version"
    assert reason == "its version is unknown (neither its provider nor its name tells), and >=0 was asked for"
    assert refusal(library, "specimen>=0", version="0.1") == ("", "")


@pytest.mark.parametrize(
    ("file", "soname", "version", "source"),
    [
        ("libspecimen.so.1.2.3", "libspecimen.so.1", "1.2.3", "from the file's name"),
        ("libspecimen.so", "libspecimen.so.7", "7", "from the soname"),
        ("libspecimen.so.a", "libspecimen.so.b", None, ""),
    ],
)
def test_where_a_version_is_read(file: str, soname: str, version: str | None, source: str, tmp_path: Path) -> None:
    library = specimen(tmp_path / "real" / file, soname=soname)
    (tmp_path / "link.so.99").symlink_to(library)
    found = verdict(tmp_path / "link.so.99")
    assert isinstance(found, LibrarySpec)
    assert found.version == version
    assert f"is version {version} ({source})" in refusal(library, "specimen>99")[1] or version is None


@pytest.mark.parametrize("token", ["$LIB", "${LIB}", "$ORIGIN", "${PLATFORM}"])
def test_a_path_that_the_linker_would_not_take_as_it_is(token: str, good: Path, tmp_path: Path) -> None:
    """It puts its own directories for these, in every path: what it maps would not be the file that was judged."""
    if core.libc()[0] != "glibc":
        pytest.skip("only glibc does")
    (tmp_path / token).mkdir()
    path = Path(shutil.copy(good, tmp_path / token))
    assert refusal(path) == ("file", f"the linker puts something else for {token.strip('}')} and loads another file")
    assert "cannot open shared object file" in linker_words(path)
    (tmp_path / "$OTHER").mkdir()
    path = Path(shutil.copy(good, tmp_path / "$OTHER"))
    assert refusal(path) == ("", "")
    assert linker_words(path) == ""


def test_a_soname_that_its_provider_does_not_declare(good: Path) -> None:
    assert refusal(good, soname="libspecimen.so.2") == (
        "soname",
        "its provider declares soname libspecimen.so.2; the file says libspecimen.so.1",
    )
    assert refusal(good, soname=NAME) == ("", "")
