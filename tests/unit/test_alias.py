"""A library that answers for another soname: what is written is an ELF file to every reader, and binds who needs it."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

import pytest

from nativeload import core, images, stub
from parts import cc, execute, run
from parts.oracles import output, readelf_facts
from unit.specimens import declaration, provider

X86_64, AARCH64 = 62, 183
REAL = "int foo(void) { return 42; }"
EXTENSION = """
#include <Python.h>
int foo(void);
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "ext", 0, -1, 0};
PyMODINIT_FUNC PyInit_ext(void) { return foo() == 42 ? PyModule_Create(&module) : 0; }
"""
NEEDS = "int foo(void); int uses(void) { return foo(); }"
ASKS = "import nativeload; library = nativeload.load('libold.so.1')\n"


@pytest.mark.parametrize("machine", [X86_64, AARCH64])
@pytest.mark.parametrize("versions", [(), ("FOO_1", "FOO_2")])
def test_every_reader_reads_it(machine: int, versions: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "stub.so"
    path.write_bytes(stub.stub("/opt/lib/libnew.so.2", machine, soname="libold.so.1", versions=versions))
    facts = images.read(str(path))
    assert (facts.soname, facts.needed, facts.machine, facts.verdef) == (
        "libold.so.1", ("/opt/lib/libnew.so.2",), machine, versions,
    )  # fmt: skip
    said = readelf_facts(str(path))
    assert (said["soname"], said["needed"]) == ("libold.so.1", facts.needed)
    assert "Warning" not in output("readelf", "-aW", str(path))
    import lief

    binary = lief.ELF.parse(path)
    assert binary is not None
    assert list(binary.libraries) == ["/opt/lib/libnew.so.2"]
    # Without an executable stack, or anything that is executed.
    assert all(int(one.flags) & 1 == 0 for one in binary.segments)


def test_other_machines_have_none() -> None:
    with pytest.raises(ValueError, match="no stub can be written"):
        stub.stub("/x.so", 21)


def test_the_linker_takes_it(tmp_path: Path) -> None:
    if images.process().machine not in (X86_64, AARCH64):
        pytest.skip("no alias is written for this machine")
    real = cc(REAL, tmp_path / "libnew.so.2", "-Wl,-soname,libnew.so.2")
    path = tmp_path / "libold.so.1"
    path.write_bytes(stub.stub(str(real), images.process().machine, soname="libold.so.1"))
    interpreter = images.read(sys.executable).interp
    assert interpreter is not None
    assert f"{real} (0x" in execute([interpreter, "--list", str(path)]).check().stdout


# Bound by a soname


def site(tmp_path: Path, real: Path, **keys: str) -> Path:
    """A provider of foo, as libnew.so.2, that answers for libold.so.1."""
    text = declaration("libnew.so.2", "foo", **keys) + 'aliases = ["libold.so.1"]\n'
    place = tmp_path / "site"
    provider(place, "foo_lib", text, library="foo", files={"libnew.so.2": real})
    return place


def consumer(tmp_path: Path, source: str, *flags: str | Path, name: str = "bar", headers: tuple[str, ...] = ()) -> Path:
    """A package whose extension module needs libold.so.1; importing it loads what answers for that."""
    old = cc(REAL, tmp_path / f"build-{name}" / "libold.so.1", "-Wl,-soname,libold.so.1", *flags)
    home = tmp_path / "consumers" / name
    home.mkdir(parents=True)
    cc(source, home / "ext.so", "-Wl,--no-as-needed", old, *headers)
    (home / "__init__.py").write_text(ASKS)
    return home.parent


def imported(*places: Path, code: str) -> tuple[int, str]:
    begin = f"import sys; sys.path[:0] = {[str(one) for one in places]!r}\n"
    done = run(sys.executable, begin + code)
    return done.returncode, done.stdout + done.stderr


def test_a_consumer_is_bound_to_it(tmp_path: Path) -> None:
    real = cc(REAL.replace("42", "43"), tmp_path / "libnew.so.2", "-Wl,-soname,libnew.so.2")
    places = site(tmp_path, real), consumer(tmp_path, NEEDS)
    uses = f"import ctypes; print(ctypes.CDLL({str(places[1] / 'bar' / 'ext.so')!r}).uses())"
    assert imported(*places, code=f"import bar\n{uses}") == (0, "43\n")
    # The same library under both names, once.
    both = "import bar, nativeload; print(nativeload.load('foo') is nativeload.load('libold.so.1') is bar.library)"
    assert imported(*places, code=both) == (0, "True\n")
    # Without the load, or without the alias, it is not found.
    status, said = imported(*places, code=uses)
    assert (status, "libold.so.1: cannot open shared object file" in said) == (1, True)
    toml = places[0] / "foo_lib" / "nativeload.toml"
    toml.write_text(toml.read_text().partition("aliases")[0])
    status, said = imported(*places, code=f"import bar\n{uses}")
    assert (status, "LibraryNotFoundError" in said) == (1, True)


def test_an_extension_module_is_bound_to_it(tmp_path: Path) -> None:
    real = cc(REAL, tmp_path / "libnew.so.2", "-Wl,-soname,libnew.so.2")
    places = site(tmp_path, real), consumer(tmp_path, EXTENSION, headers=(f"-I{sysconfig.get_path('include')}",))
    # It does not say that it can do without the GIL.
    code = "import warnings; warnings.simplefilter('ignore', RuntimeWarning); import bar; from bar import ext"
    assert imported(*places, code=code) == (0, "")
    (places[1] / "bar" / "__init__.py").write_text("")
    status, said = imported(*places, code=code)
    assert (status, "ImportError: libold.so.1: cannot open shared object file" in said) == (1, True)


SCRIPT = "-Wl,--version-script="


def versioned(path: Path, *versions: str) -> str:
    path.write_text(
        "".join(f"{one} {{ global: foo; }};\n" if one == versions[-1] else f"{one} {{ }};\n" for one in versions)
    )
    return f"{SCRIPT}{path}"


def test_versions_are_given_too(tmp_path: Path) -> None:
    real = cc(REAL, tmp_path / "libnew.so.2", "-Wl,-soname,libnew.so.2", versioned(tmp_path / "new.map", "V1"))
    places = site(tmp_path, real), consumer(tmp_path, NEEDS, versioned(tmp_path / "old.map", "V1"))
    uses = f"import ctypes; print(ctypes.CDLL({str(places[1] / 'bar' / 'ext.so')!r}).uses())"
    assert imported(*places, code=f"import bar\n{uses}") == (0, "42\n")


@pytest.mark.parametrize(
    ("source", "script", "missing"),
    [("int other(void) { return 1; }", (), "foo"), (REAL, ("V2",), "V1"), ("int other;", ("V1",), "foo")],
)
def test_what_the_consumer_uses_must_be_there(
    source: str, script: tuple[str, ...], missing: str, tmp_path: Path
) -> None:
    flags = [versioned(tmp_path / "new.map", *script)] if script else []
    real = cc(source, tmp_path / "libnew.so.2", "-Wl,-soname,libnew.so.2", *flags)
    old = [versioned(tmp_path / "old.map", "V1")] if script else []
    places = site(tmp_path, real), consumer(tmp_path, NEEDS, *old)
    status, said = imported(*places, code="import bar")
    assert (status, "ABIMismatchError" in said) == (1, True)
    assert f"does not give what {places[1]}/bar/ext.so uses of libold.so.1: {missing}" in said
    # Who has no file that needs it asks for nothing that is missing.
    assert imported(places[0], code=f"{ASKS}print(library.soname)") == (0, "libnew.so.2\n")


def test_each_consumer_is_looked_at(tmp_path: Path) -> None:
    real = cc(REAL, tmp_path / "libnew.so.2", "-Wl,-soname,libnew.so.2")
    first = consumer(tmp_path, NEEDS)
    consumer(tmp_path, "int gone(void); int uses(void) { return gone(); }", name="baz")
    status, said = imported(site(tmp_path, real), first, code="import bar; print('bar'); import baz")
    assert (status, said.startswith("bar\n"), "baz/ext.so uses of libold.so.1: gone" in said) == (1, True, True)


# Who asks, and what cannot be told

BAD = "int gone(void); int uses(void) { return gone(); }"
GONE = "ext.so uses of libold.so.1: gone"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cc(REAL, tmp_path_factory.mktemp("real") / "libnew.so.2", "-Wl,-soname,libnew.so.2")


@pytest.mark.parametrize(("source", "refused"), [(NEEDS, False), (BAD, True)])
@pytest.mark.parametrize(
    ("files", "code"),
    [
        # its own module is run as the program, or another of it that is in a namespace, or is no package at all
        ({"bar/__init__.py": "", "bar/ext.so": "", "bar/__main__.py": ASKS}, "import runpy; runpy.run_module('bar')"),
        ({"bar/__init__.py": "", "bar/ext.so": "", "bar/a/b.py": ASKS}, "import bar.a.b"),
        ({"ns/bar/__init__.py": ASKS, "ns/bar/ext.so": ""}, "import ns.bar"),
        ({"bar.py": ASKS, "ext.so": ""}, "import bar"),
        # somebody else asks for it
        ({"bar/__init__.py": "import other", "bar/ext.so": "", "other/__init__.py": ASKS}, "import bar"),
        # nobody who needs it, for what is installed
        ({"bar/__init__.py": "", "bar/ext.so": "", "bar-1.dist-info/RECORD": "bar/ext.so,,\n"}, ASKS),
    ],
)
def test_whoever_asks_is_looked_at(
    source: str, refused: bool, files: dict[str, str], code: str, real: Path, tmp_path: Path
) -> None:
    built = consumer(tmp_path, source) / "bar" / "ext.so"
    place = tmp_path / "consumer"
    for name, text in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(built.read_bytes() if name.endswith(".so") else text.encode())
    status, said = imported(site(tmp_path, real), place, code=code)
    assert (status, "ABIMismatchError" in said, GONE in said) == (int(refused), refused, refused)


def test_a_namespaces_other_portion_does_not_ask(real: Path, tmp_path: Path) -> None:
    for name, source in (("bar", NEEDS), ("baz", BAD)):
        consumer(tmp_path, source, name=name)
    (tmp_path / "consumers").rename(tmp_path / "ns")
    code = "import ns.bar; print('bar'); import ns.baz"
    status, said = imported(site(tmp_path, real), tmp_path, code=code)
    assert (status, said.startswith("bar\n"), f"ns/baz/{GONE}" in said) == (1, True, True)


def test_one_file_of_very_many(real: Path, tmp_path: Path) -> None:
    place = consumer(tmp_path, BAD)
    data = place / "bar" / "_data"
    data.mkdir()
    for number in range(20_001):
        os.mknod(data / str(number))
    (place / "bar" / "ext.so").rename(data / "ext.so")
    assert GONE in imported(site(tmp_path, real), place, code="import bar")[1]


def test_what_may_come_from_a_file_that_is_missing_is_not_guessed(real: Path, tmp_path: Path) -> None:
    more = cc("int more(void) { return 1; }", tmp_path / "more" / "libmore.so.1", "-Wl,-soname,libmore.so.1")
    both = "int foo(void); int more(void); int uses(void) { return foo() + more(); }"
    places = site(tmp_path, real), consumer(tmp_path, both, headers=(str(more),))
    uses = f"print(ctypes.CDLL({str(places[1] / 'bar' / 'ext.so')!r}).uses())"
    status, said = imported(*places, code="import bar")
    known = "cannot be checked: it needs libmore.so.1 too, which is not found and may give more: load that before"
    assert (status, "ABIMismatchError" in said, known in said) == (1, True, True)
    # Loaded before, or found as `load` would find it, it gives it.
    assert imported(*places, code=f"import ctypes; ctypes.CDLL({str(more)!r}); import bar; {uses}") == (0, "43\n")
    provider(places[0], "more_lib", declaration("libmore.so.1", "more"), library="more", files={"libmore.so.1": more})
    code = f"import ctypes, bar; bar.nativeload.load('more'); {uses}"
    assert imported(*places, code=code) == (0, "43\n")
    # And a symbol that neither gives is missing.
    other = consumer(tmp_path, both.replace("foo()", "gone()").replace("foo", "gone"), name="baz", headers=(str(more),))
    assert f"baz/{GONE}" in imported(places[0], other, code="import baz")[1]


def test_neither_a_program_nor_what_another_library_requires_gets_it(real: Path, tmp_path: Path) -> None:
    place = site(tmp_path, real)
    env = "import nativeload; nativeload.environ({!r}); print('given')"
    status, said = imported(place, code=env.format("libold.so.1"))
    assert "SearchPathError" in said
    assert "its soname is libnew.so.2: an alias is of this process alone" in said
    assert imported(place, code=env.format("foo")) == (0, "given\n")

    old = cc(REAL, tmp_path / "old" / "libold.so.1", "-Wl,-soname,libold.so.1")
    own = cc(NEEDS, tmp_path / "libuser.so.1", "-Wl,-soname,libuser.so.1", old)
    text = declaration("libuser.so.1", "user") + 'requires = ["libold.so.1"]\n'
    provider(place, "user_lib", text, library="user", files={"libuser.so.1": own})
    ask = "import nativeload; print(nativeload.load('user').ctypes.uses())"
    status, said = imported(place, code=ask)
    assert (status, "needs libold.so.1, which is not found" in said) == (1, True)
    assert imported(place, code=f"{ASKS}{ask}") == (0, "42\n")


def test_its_own_soname_is_no_alias(real: Path, tmp_path: Path) -> None:
    """A library that is declared by another name than its file's is found by that too, and is the same."""
    place = site(tmp_path, real)
    code = "import nativeload; one = nativeload.load('libnew.so.2'); print(one is nativeload.load('foo'), one.provider)"
    assert imported(place, code=code) == (0, "True foo_lib 1.0\n")
    assert imported(place, code="import nativeload; print(nativeload.explain('libnew.so.2').status)")[1] == "found\n"
    status, said = imported(place, code="import nativeload; nativeload.load('libnew.so.3')")
    assert (status, "LibraryNotFoundError" in said) == (1, True)
    # By both at once it is proposed once.
    text = (place / "foo_lib" / "nativeload.toml").read_text().replace("library.foo", "library.new") + 'version = "x"\n'
    provider(place, "new_lib", text, library="new", files={"libnew.so.2": real})
    code = (
        "import nativeload; print(str(nativeload.explain('libnew.so.2>=1')).count('new_lib/libnew.so.2: is version'))"
    )
    assert imported(place, code=code) == (0, "1\n")


@pytest.mark.parametrize("name", ["", "libold", "../libold.so.1", "/x/libold.so"])
def test_an_alias_is_a_soname(name: str, tmp_path: Path) -> None:
    real = cc(REAL, tmp_path / "libnew.so.2", "-Wl,-soname,libnew.so.2")
    place = site(tmp_path, real)
    toml = place / "foo_lib" / "nativeload.toml"
    toml.write_text(toml.read_text().replace("libold.so.1", name))
    _, said = imported(place, code="import nativeload; nativeload.load('foo')")
    assert f"nativeload.toml:3: alias {name!r} is no soname" in said


def test_nobody_can_change_what_is_loaded(tmp_path: Path) -> None:
    """The memory that holds it is sealed, and this process's."""
    real = cc(REAL, tmp_path / "libnew.so.2", "-Wl,-soname,libnew.so.2")
    code = ASKS + (
        "import os\n"
        "for fd in map(int, os.listdir('/proc/self/fd')):\n"
        "    try:\n        if 'memfd:libold' in os.readlink(f'/proc/self/fd/{fd}'):\n            break\n"
        "    except OSError:\n        pass\n"
        "try:\n    os.pwrite(fd, b'x', 0)\nexcept PermissionError:\n    print('sealed', os.get_inheritable(fd))\n"
    )
    assert imported(site(tmp_path, real), code=code) == (0, "sealed False\n")


def test_the_process_names_it(tmp_path: Path) -> None:
    """A later file that needs the soname is judged as the linker takes it: it is there."""
    real = cc(REAL, tmp_path / "libnew.so.2", "-Wl,-soname,libnew.so.2")
    place = consumer(tmp_path, NEEDS)
    library = place / "bar" / "ext.so"
    code = (
        f"{ASKS}import os; os.environ['NATIVELOAD_EXT'] = {str(library)!r}; print(nativeload.load('ext').ctypes.uses())"
    )
    assert imported(site(tmp_path, real), code=code) == (0, "42\n")
    assert core.image(str(library))
    assert os.path.exists(library)
