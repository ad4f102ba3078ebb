"""Each refusal with its facts: what a program would otherwise have to read out of a sentence."""

from __future__ import annotations

import errno
import os
import pickle
import re
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from docs.markdown import ROOT

import nativeload
from nativeload import catalog, core, images
from nativeload.spec import Rejection, rejection
from parts import cc
from parts.compiler import isa_note
from unit.specimens import (
    E_FLAGS,
    E_MACHINE,
    EI_OSABI,
    EM_AARCH64,
    LINKER_SCRIPT,
    NAME,
    declaration,
    patched,
    provider,
    specimen,
    undeclared,
)
from unit.trial import ask
from unit.verdicts import verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nativeload.spec import Fact

x86_only = pytest.mark.skipif(os.uname().machine != "x86_64", reason="about x86-64's own")
EM_RISCV = 243
HERE = "-Wl,-rpath,$ORIGIN"


def documented() -> dict[str, set[str]]:
    """{kind: names of its facts}, by the reference."""
    section = (ROOT / "docs/reference/api.md").read_text(encoding="utf-8").partition("### Rejection\n")[2]
    rows = re.findall(r"^\| `([\w-]+)` \| (`.*) \|$", section.partition("\n#")[0], re.MULTILINE)
    return {kind: set(re.findall(r"`(\w+)`", names)) for kind, names in rows}


def facts(kind: str, path: Path, text: str = "specimen", symbols: tuple[str, ...] = (), **known: Any) -> dict[str, Any]:
    """The facts of the refusal of a file, which is of this kind."""
    refused = verdict(path, text, symbols, **known)
    assert isinstance(refused, Rejection)
    return seen(kind, refused)


def seen(kind: str, refused: Rejection) -> dict[str, Any]:
    assert refused.kind == kind
    assert pickle.loads(pickle.dumps(refused)) == refused
    assert hash(refused) == hash(refused.replace())
    assert set(refused.facts) <= documented()[kind]
    return dict(refused.facts)


def refusals(text: str) -> Iterator[Rejection]:
    """The refusals in the explanation of a requirement."""
    return (step.rejection for step in nativeload.explain(text).steps if step.rejection)


def test_facts_are_a_mapping_that_changes_nothing() -> None:
    given: dict[str, Fact | None] = {"needed": 4, "cpu": None, "nearest": ("a", "b")}
    refused = rejection("isa-level", "it needs more", **given)
    assert refused.facts == {"needed": 4, "nearest": ("a", "b")}
    refused.facts.clear()
    assert refused.facts == {"needed": 4, "nearest": ("a", "b")}
    assert refused != rejection("isa-level", "it needs more", **{**given, "needed": 3})
    assert str(refused) == "it needs more"


@pytest.mark.usefixtures("fresh")
def test_declaration(site: Path, good: Path) -> None:
    home = provider(site, "some-wheel", declaration("none.so"))
    (refused,) = refusals("specimen")
    where, problem = f"{home}/nativeload.toml:2", f"{home}/none.so does not exist"
    assert seen("declaration", refused) == {"distribution": "some-wheel", "where": where, "problem": problem}
    undeclared(site, "z3-solver", {"other.so": good})
    (refused,) = refusals("z3")
    entry = catalog.lookup("z3")
    assert entry is not None
    where = entry.wheels[0].path
    assert seen("declaration", refused) == {
        "distribution": "z3-solver",
        "where": where,
        "problem": "has no such file",
    }


def test_file(tmp_path: Path, good: Path) -> None:
    assert facts("file", tmp_path / "none.so") == {"errno": errno.ENOENT}
    os.mkfifo(tmp_path / "fifo.so")
    assert facts("file", tmp_path / "fifo.so") == {"errno": errno.EINVAL}
    archive = tmp_path / "site.zip"
    with zipfile.ZipFile(archive, "w") as writing:
        writing.write(good, NAME)
    assert facts("file", archive / NAME) == {"errno": errno.ENOTDIR, "archive": str(archive)}


@pytest.mark.skipif(core.libc()[0] != "glibc", reason="only glibc expands them")
def test_file_that_is_another_to_the_linker(tmp_path: Path, good: Path) -> None:
    (tmp_path / "$LIB").mkdir()
    assert facts("file", Path(shutil.copy(good, tmp_path / "$LIB"))) == {"token": "$LIB"}


def test_format(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(LINKER_SCRIPT)
    assert facts("format", tmp_path / NAME) == {"problem": "not an ELF file", "detail": "a text file"}
    program = cc("int main(void) { return 0; }", tmp_path / "program", "-no-pie", shared=False)
    assert facts("format", program) == {"type": 2, "flags_1": 0}
    assert facts("format", specimen(tmp_path / "closed.so", "-Wl,-z,nodlopen")) == {"type": 3, "flags_1": 0x40}


@x86_only
def test_machine(tmp_path: Path, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign = patched(good, tmp_path / NAME, E_MACHINE, "<H", EM_AARCH64)
    here = "x86-64 64-bit little-endian"
    assert facts("machine", foreign) == {"machine": "AArch64 64-bit little-endian", "process": here}
    assert facts("machine", patched(good, tmp_path / NAME, EI_OSABI, "B", 9)) == {"osabi": 9}
    process = images.process().replace(machine=EM_RISCV, flags=0x5)
    monkeypatch.setattr(images, "process", lambda: process)
    riscv = patched(good, tmp_path / "riscv", E_MACHINE, "<H", EM_RISCV)
    soft = patched(riscv, tmp_path / NAME, E_FLAGS, "<I", 0x1)
    assert facts("machine", soft) == {"flags": 0, "process_flags": 4}


@pytest.mark.skipif(core.libc()[0] != "glibc", reason="this process runs on musl itself")
def test_libc(tmp_path: Path) -> None:
    stub = cc("", tmp_path / "libc.so", "-nostdlib", "-Wl,-soname,libc.musl-x86_64.so.1")
    library = specimen(tmp_path / NAME, "-nostdlib", "-Wl,--no-as-needed", stub)
    assert facts("libc", library) == {"libc": "musl", "process": "glibc", "process_version": core.libc()[1]}


@x86_only
def test_isa_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "isa_level", lambda: 3)
    monkeypatch.setattr(core, "fits", lambda *_: None)  # it asks the CPU itself
    assert facts("isa-level", specimen(tmp_path / NAME, "-Wl,-z,x86-64-v4")) == {"needed": 4, "cpu": 3}


def test_soname(good: Path, tmp_path: Path) -> None:
    wanted = "libspecimen.so.2"
    assert facts("soname", good, soname=wanted) == {"soname": NAME, "wanted": wanted}
    assert facts("soname", good, wanted) == {"soname": NAME, "wanted": wanted}
    none = specimen(tmp_path / "other.so", soname="")
    assert facts("soname", none, soname=wanted) == {"wanted": wanted}


LOADED = """
import ctypes, json, os, sys
ctypes.CDLL(sys.argv[1])
os.environ["NATIVELOAD_SPECIMEN"] = sys.argv[2]
import nativeload
refused = [step.rejection for step in nativeload.explain("specimen").steps if step.rejection]
found = [one for one in refused if one.kind == "soname"]
print(json.dumps([[one.kind, one.reason, one.facts] for one in found]))
"""


@pytest.mark.parametrize("named", [False, True])
def test_soname_that_is_loaded(named: bool, good: Path, tmp_path: Path) -> None:
    """Another copy of it: found by the choice (whose name is not the loaded one's), or asked for by its name."""
    name = NAME if named else "libother.so"
    loaded, chosen = specimen(tmp_path / "loaded" / name), specimen(tmp_path / "chosen.so")
    if not named:
        loaded, chosen = specimen(loaded, soname="libelse.so.1"), specimen(chosen, soname="libelse.so.1")
    ((kind, reason, given),) = ask(LOADED, arguments=[str(loaded), str(chosen)])
    expected = {"soname": NAME, "loaded": str(loaded), "chosen": str(chosen)}
    if not named:
        expected = {"soname": "libelse.so.1", "loaded": str(loaded)}
    assert seen(kind, rejection(kind, reason, **given)) == expected


@pytest.mark.usefixtures("fresh")
def test_override(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATIVELOAD_SPECIMEN", "x/y.so")
    (refused,) = refusals("specimen")
    assert seen("override", refused) == {"variable": "NATIVELOAD_SPECIMEN", "value": "x/y.so"}


def test_symbol(good: Path) -> None:
    found = facts("symbol", good, symbols=("specimen_answre",))
    assert found["symbol"] == "specimen_answre"
    assert found["nearest"][0] == "specimen_answer"


def test_abi(good: Path) -> None:
    assert facts("abi", good, "specimen[lp64,ilp64]", abi=("lp64",)) == {"missing": ("ilp64",), "given": ("lp64",)}
    assert facts("abi", good, "specimen[ilp64]") == {"missing": ("ilp64",), "given": ()}


def test_version(good: Path, tmp_path: Path) -> None:
    source = "from the file's name"
    assert facts("version", good, "specimen>=2") == {"version": "1", "source": source, "wanted": ">=2"}
    unknown = specimen(tmp_path / "libspecimen.so", soname="")
    source = "neither its provider nor its name tells"
    assert facts("version", unknown, "specimen>=2") == {"source": source, "wanted": ">=2"}


def test_dependency(tmp_path: Path) -> None:
    other = cc("int other(void) { return 1; }", tmp_path / "libother.so.1", "-Wl,-soname,libother.so.1")
    source = "int other(void); int specimen_answer(void) { return other(); }"
    library = specimen(tmp_path / NAME, HERE, other, source=source)
    other.write_bytes(LINKER_SCRIPT)
    needed = {"name": "libother.so.1", "wanted_by": str(library)}
    found = facts("dependency", library)
    assert found.pop("problem")
    assert found == {**needed, "path": str(other)}
    other.unlink()
    assert facts("dependency", library) == needed


@x86_only
def test_dependency_of_a_newer_cpu(tmp_path: Path) -> None:
    source = f"int other(void) {{ return 1; }}\n{isa_note(5)}"
    other = cc(source, tmp_path / "libother.so.1", "-Wl,-soname,libother.so.1", "-Wl,--build-id=none")
    source = "int other(void); int specimen_answer(void) { return other(); }"
    library = specimen(tmp_path / NAME, HERE, other, source=source)
    expected = {"name": "libother.so.1", "path": str(other), "needed": 5, "cpu": core.isa_level()}
    assert facts("dependency", library) == expected
    cc("int other(void) { return 1; }", other, "-Wl,-soname,libother.so.1")
    assert not isinstance(verdict(library), Rejection)


@pytest.mark.skipif(core.libc()[0] != "glibc", reason="musl has no symbol versions")
def test_symbol_version(tmp_path: Path) -> None:
    def giver(name: str) -> Path:
        (tmp_path / "versions.map").write_text(f"{name} {{ global: other; }};")
        script = f"-Wl,--version-script={tmp_path}/versions.map"
        return cc("int other(void) { return 1; }", tmp_path / "libother.so.1", "-Wl,-soname,libother.so.1", script)

    source = "int other(void); int specimen_answer(void) { return other(); }"
    library = specimen(tmp_path / NAME, HERE, giver("OTHER_2.38"), source=source)
    wanted = {"version": "OTHER_2.38", "library": "libother.so.1", "wanted_by": str(library)}
    old = giver("OTHER_2.36")
    assert facts("symbol-version", library) == {**wanted, "giver": str(old), "given": "OTHER_2.36"}
    giver("ELSE_1")
    assert facts("symbol-version", library) == {**wanted, "giver": str(old)}


def test_the_reference_has_what_there_is() -> None:
    """That it has all of them, each test above asks."""
    source = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "src" / "nativeload").rglob("*.py"))
    for names in documented().values():
        assert [name for name in names if not re.search(rf'\b{name}=|"{name}": ', source)] == []
    assert not re.search(r'\bno_such_fact=|"no_such_fact": ', source)
