"""`--tree`: what is shown of a closure, once, in which colours, and what never reaches a terminal."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import nativeload
from nativeload import __main__, dot, terminal, tree
from nativeload.closure import Closure, Edge, Mapped
from parts import cc, execute
from unit.specimens import LINKER_SCRIPT

ESCAPE = "\x1b"
RED, DIM, OFF = "\x1b[31m", "\x1b[2m", "\x1b[0m"


def library(path: Path, *needed: Path, soname: str = "", rpath: str = "", flags: tuple[str, ...] = ()) -> Path:
    """A library that needs others, whether or not it uses them."""
    named = [f"-Wl,-soname,{soname or path.name}"]
    paths = [f"-Wl,-rpath,{rpath}"] if rpath else []
    links = [f"-Wl,-rpath-link,{one.parent}" for one in needed]
    return cc("int x;", path, "-nostdlib", "-Wl,--no-as-needed", *needed, *named, *paths, *links, *flags)


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """libtop.so, which needs libone.so and libtwo.so; libone.so needs libtwo.so."""
    two = library(tmp_path / "libtwo.so")
    one = library(tmp_path / "libone.so", two, rpath="$ORIGIN")
    return library(tmp_path / "libtop.so", one, two, rpath="$ORIGIN")


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """Exit status, stdout, stderr."""
    try:
        status = __main__._main([os.fspath(one) for one in arguments])
    except SystemExit as ended:
        status = int(ended.code or 0)
    said = capsys.readouterr()
    return status, said.out, said.err


def test_each_library_once(capsys: pytest.CaptureFixture[str], three: Path, tmp_path: Path) -> None:
    status, out, err = run(capsys, "--tree", three)
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        f"{three}",
        f"├── libone.so => {tmp_path}/libone.so [runpath]",
        f"│   └── libtwo.so => {tmp_path}/libtwo.so [runpath of libtop.so]",
        "└── libtwo.so ↑",
    ]


def test_once_in_several_files(capsys: pytest.CaptureFixture[str], three: Path, tmp_path: Path) -> None:
    one = tmp_path / "libone.so"
    both = run(capsys, "--tree", three, one)[1].splitlines()
    assert both[4:] == [f"{one} ↑"]
    alone = run(capsys, "--tree", one)[1].splitlines()
    assert alone == [f"{one}", f"└── libtwo.so => {tmp_path}/libtwo.so [runpath]"]
    # By another path it is another file to the linker, and what it needs was shown all the same.
    again = run(capsys, "--tree", one, three)[1].splitlines()
    assert again[2:] == [f"{three}", "├── libone.so ↑", "└── libtwo.so ↑"]


def test_the_family_of_libc(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = cc("int x;", tmp_path / "libplain.so", "-Wl,--no-as-needed", "-lm")
    assert run(capsys, "--tree", path)[1] == f"{path}\n"
    shown = run(capsys, "--tree", path, "-v")[1]
    assert "libm.so.6 => /" in shown
    assert "libc.so.6 => /" in shown
    # A copy that somebody brings is no part of the system.
    own = library(tmp_path / "own" / "libm.so.6")
    other = library(tmp_path / "libother.so", own, rpath=str(own.parent))
    assert f"libm.so.6 => {own} [runpath]" in run(capsys, "--tree", other)[1]
    assert tree.is_family("/lib/x86_64-linux-gnu/libstdc++.so.6")
    assert not tree.is_family("/opt/lib/libstdc++.so.6")
    assert not tree.is_family("/usr/lib/libmagic.so.1")


def test_what_is_missing(capsys: pytest.CaptureFixture[str], three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (three.parent / "libtwo.so").unlink()
    status, out, err = run(capsys, "--tree", three)
    assert (status, err) == (1, "")
    lines = out.splitlines()
    assert lines[2:4] == ["│   └── libtwo.so: not found", f"│       {three.parent}/libtwo.so [runpath]"]
    assert lines[-2:] == [
        f"  missing: {three} needs libtwo.so, which is not found",
        f"  missing: {three.parent}/libone.so needs libtwo.so, which is not found",
    ]
    assert ESCAPE not in out
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = run(capsys, "--tree", three)[1]
    assert f"└── {RED}libtwo.so: not found{OFF}" in coloured
    assert f"{DIM}=> {three.parent}/libone.so [runpath]{OFF}" in coloured
    assert re.sub("\x1b\\[[0-9]+m", "", coloured) == out


def test_what_is_fatal(capsys: pytest.CaptureFixture[str], three: Path) -> None:
    assert run(capsys, "--tree", three)[0] == 0
    (three.parent / "libone.so").write_bytes(LINKER_SCRIPT)
    status, out, _ = run(capsys, "--tree", three)
    assert status == 1
    assert f"libone.so: the linker gives up at {three.parent}/libone.so: " in out
    assert f"  fatal: {three} needs libone.so: " in out


def test_a_file_that_cannot_be_read(capsys: pytest.CaptureFixture[str], three: Path) -> None:
    absent = three.parent / "none.so"
    status, out, err = run(capsys, "--tree", absent, three)
    assert (status, err) == (1, "")
    assert out.splitlines()[:2] == [f"{absent} No such file or directory", f"{three}"]
    status, out, _ = run(capsys, "--tree", absent, three, "--json")
    assert status == 1
    lost, found = json.loads(out)
    assert (lost["status"], lost["images"]) == ("fatal", [])
    (problem,) = lost["problems"]
    assert problem == {"kind": "file", "severity": "error", "image": str(absent), "detail": "No such file or directory"}
    assert found["status"] == "ok"


def test_json(capsys: pytest.CaptureFixture[str], three: Path) -> None:
    expected = nativeload.resolve(three).to_dict()
    for form in (("--json",), ("--format", "json")):
        status, out, err = run(capsys, "--tree", three, *form)
        assert (status, err, json.loads(out)) == (0, "", expected)
    assert json.loads(run(capsys, "--tree", three, three, "--json")[1]) == [expected, expected]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--tree",),
        ("--tree", "/bin/sh", "--list"),
        ("--tree", "/bin/sh", "--json", "--format", "dot"),
        ("--tree", "/bin/sh", "--format", "svg"),
        ("--tree", "/bin/sh", "-m", "json"),
        ("--tree", "/bin/sh", "--nonsense"),
        ("--tree", "/bin/sh", "--root", "/", "--after", "z"),
        ("--tree", "/bin/sh", "--after", "open blas"),
        ("--explain", "z", "-m", "json"),
        ("--explain", "z", "--root", "/"),
        ("--explain", "z", "-v"),
        ("--explain", "z", "--after", "z"),
        ("--explain", "z", "--format", "dot"),
        ("--list", "-m", "json"),
    ],
)
def test_usage(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert "nativeload" in err


def test_options_in_any_order(capsys: pytest.CaptureFixture[str], three: Path) -> None:
    expected = run(capsys, "--tree", three, "-v")
    assert run(capsys, "-v", "--tree", three) == expected
    assert run(capsys, "--tree", "-v", three) == expected
    assert run(capsys, "--tree", three, "--format", "text", "--verbose") == expected


def test_the_text_of_a_closure(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of records, as of what a walk gave; in no colours."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    closure = nativeload.resolve(three)
    assert str(closure) == tree.text([closure])
    assert "│   └── libtwo.so => " in str(closure)
    assert "[runpath of libtop.so]" in str(closure)
    assert ESCAPE not in str(closure)
    assert ESCAPE in tree.text([closure], colour=True)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "coloured"),
    [
        (_Terminal(), {}, True),
        (io.StringIO(), {}, False),
        (_Terminal(), {"NO_COLOR": "1"}, False),
        (_Terminal(), {"NO_COLOR": ""}, True),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (io.StringIO(), {"FORCE_COLOR": ""}, False),
        (_Terminal(), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (_Terminal(), {"TERM": "dumb"}, False),
    ],
)
def test_colours(stream: io.StringIO, environ: dict[str, str], coloured: bool) -> None:
    assert terminal.is_coloured(stream, environ) is coloured


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("libé.so", "libé.so"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\nb\r\t", "a\\nb\\r\\t"),
        ("a\x9b1mb", "a\\x9b1mb"),
        ("a\u202eb", "a\\u202eb"),
        (os.fsdecode(b"a\xffb"), "a\\xffb"),
        ("a\ud800b", "a\\ud800b"),
    ],
)
def test_what_is_printable(text: str, shown: str) -> None:
    assert terminal.printable(text) == shown


def test_a_file_cannot_write_to_the_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    place = tmp_path / "a\x1b[31m\nb"
    name = "lib\x1b]0;title\x07\nx.so"
    one = library(tmp_path / "libone.so", soname=name)
    top = library(place / "libtop.so", one)
    for arguments in (("--tree",), ("--tree", "--format", "dot"), ("--explain",)):
        out = run(capsys, *arguments, top)[1]
        assert name.encode("unicode_escape").decode() in out.replace("\\\\", "\\")
        assert not {*out} & {ESCAPE, "\x07"}
        # A line of its own, which the verdict's sentences do not look for.
        assert "\nx.so" not in (out.partition("would be mapped")[2] if "--explain" in arguments else out)
    # The JSON is exact, and escapes by itself.
    problem = json.loads(run(capsys, "--tree", top, "--json")[1])["problems"][0]
    assert name in problem["detail"]


def test_a_terminal_of_ascii() -> None:
    assert terminal.encodable("├── a ↑", "utf-8") == "├── a ↑"
    assert terminal.encodable("│   └── a ↑ é", "ascii") == "|   `-- a ^ é"
    assert terminal.encodable("└── a", "no-such-encoding") == "`-- a"


_TOKEN = re.compile(r'\s*(?:(?P<id>[A-Za-z_]\w*)|(?P<string>"(?:[^"\\]|\\.)*")|(?P<mark>->|[{}\[\];,=]))')


def graph(text: str) -> tuple[dict[str, dict[str, str]], list[tuple[str, str, dict[str, str]]]]:
    """The nodes and edges of a digraph, by the grammar of Graphviz's language; an AssertionError where it is none."""
    tokens, end = [], 0
    while text[end:].strip():
        found = _TOKEN.match(text, end)
        assert found, text[end : end + 40]
        tokens.append(found.group().strip())
        end = found.end()
    assert tokens[:3] == ["digraph", "closure", "{"]
    assert tokens[-1] == "}"
    nodes: dict[str, dict[str, str]] = {}
    edges = []
    rest = tokens[3:-1]
    while rest:
        place = rest.index(";")
        statement, rest = rest[:place], rest[place + 1 :]
        names, attributes = statement, {}
        if "[" in statement:
            opened = statement.index("[")
            assert statement[-1] == "]"
            names, inside = statement[:opened], statement[opened + 1 : -1]
            for start in range(0, len(inside), 4):
                assert inside[start + 1] == "="
                assert inside[start + 3 : start + 4] in ([","], [])
                attributes[inside[start]] = inside[start + 2]
        if names[1:2] == ["->"]:
            edges.append((names[0], names[2], attributes))
        elif len(names) == 1 and names[0] != "node":
            nodes[names[0]] = attributes
    assert all(start in nodes and end in nodes for start, end, _ in edges)
    return nodes, edges


def test_dot(capsys: pytest.CaptureFixture[str], three: Path) -> None:
    (three.parent / "libtwo.so").unlink()
    status, out, err = run(capsys, "--tree", three, "--format", "dot")
    assert (status, err) == (1, "")
    nodes, edges = graph(out)
    labels = {name: one["label"].strip('"') for name, one in nodes.items()}
    assert {(labels[start], labels[end]) for start, end, _ in edges} == {
        ("libtop.so", "libone.so"),
        ("libtop.so", "libtwo.so"),
        ("libone.so", "libtwo.so"),
    }
    assert [one.get("color") for one in nodes.values()] == [None, None, "red"]
    assert [(labels[end], one["label"]) for _, end, one in edges if "color" not in one] == [("libone.so", '"runpath"')]


def test_names_in_dot() -> None:
    name = 'lib"x\\N&lt;\n.so'
    edge = Edge(name=name, path=None, how="not found", fatal=None, optional=False, tried=())
    closure = Closure(
        root="/a;}", status="problems", images=(Mapped(path="/a;}", soname=None, needed=(edge,)),), problems=(), weak=()
    )
    nodes, _ = graph(dot.text([closure]))
    assert nodes["n1"]["label"] == '"lib\\"x\\\\N&amp;lt;\\\\n.so"'


def test_another_root(capsys: pytest.CaptureFixture[str], three: Path, tmp_path: Path) -> None:
    root, place = tmp_path.parent, f"/{tmp_path.name}"
    status, out, _ = run(capsys, "--tree", "--root", root, f"{place}/libtop.so")
    assert status == 0
    assert out.splitlines()[:2] == [f"{place}/libtop.so", f"├── libone.so => {place}/libone.so [runpath]"]
    # A path is inside; there is none of this one.
    assert run(capsys, "--tree", "--root", root, three)[0] == 1


def test_after(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    two = library(tmp_path / "there" / "libtwo.so")
    top = library(tmp_path / "libtop.so", two)
    status, out, _ = run(capsys, "--tree", top)
    assert (status, "libtwo.so: not found" in out) == (1, True)
    status, out, _ = run(capsys, "--tree", top, "--after", two)
    assert status == 0
    assert out.splitlines()[1] == f"└── libtwo.so => {two} [already loaded as libtwo.so]"
    status, out, err = run(capsys, "--tree", top, "--after", tmp_path / "none.so")
    assert (status, out) == (1, "")
    assert "none.so" in err


def test_after_below_a_root(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    top = library(tmp_path / "lib" / "libtop.so", library(tmp_path / "there" / "libtwo.so"))
    assert top.exists()
    inside = ("--tree", "--root", tmp_path, "/lib/libtop.so", "--after")
    status, out, _ = run(capsys, *inside, "/there/libtwo.so")
    assert (status, "=> /there/libtwo.so [already loaded as libtwo.so]" in out) == (0, True)
    assert run(capsys, *inside, tmp_path / "there" / "libtwo.so")[:2] == (1, "")


def test_after_a_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    two = library(tmp_path / "there" / "libtwo.so.1")
    top = library(tmp_path / "libtop.so", two)
    status, out, err = run(capsys, "--tree", top, "--after", "two")
    assert (status, out) == (1, "")
    assert "no library found for 'two'" in err
    monkeypatch.setenv("NATIVELOAD_TWO", str(two))
    status, out, _ = run(capsys, "--tree", top, "--after", "two")
    assert (status, f"=> {two} [already loaded as libtwo.so.1]" in out) == (0, True)


def test_what_is_preloaded(three: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = library(tmp_path / "libown.so")
    command: list[str | Path] = [sys.executable, "-m", "nativeload", "--tree", three]
    plain = execute(command).check().stdout
    assert "[preloaded]" not in plain
    preloaded = str(nativeload.resolve(three, environ={"LD_PRELOAD": str(own)}))
    assert preloaded.splitlines()[-1] == f"└── {own} [preloaded]"


def test_a_cycle(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    one = library(tmp_path / "libone.so")
    two = library(tmp_path / "libtwo.so", one, rpath="$ORIGIN")
    library(one, two, rpath="$ORIGIN")
    assert run(capsys, "--tree", one)[1].splitlines() == [
        f"{one}",
        f"└── libtwo.so => {two} [runpath]",
        "    └── libone.so ↑",
    ]


def test_a_long_chain() -> None:
    """Neither the recursion nor the width grows with it, and every library is shown."""
    count = 10_000

    def needs(number: int) -> tuple[Edge, ...]:
        path = f"/x/{number + 1}.so"
        if number == count:
            return ()
        return (Edge(name=f"{number + 1}.so", path=path, how="runpath", fatal=None, optional=False, tried=()),)

    images = tuple(Mapped(path=f"/x/{number}.so", soname=None, needed=needs(number)) for number in range(count + 1))
    shown = tree.text([Closure(root="/x/0.so", status="ok", images=images, problems=(), weak=())])
    lines = shown.splitlines()
    assert max(map(len, lines)) < 300
    assert {f"{number}.so" for number in range(1, count + 1)} <= {word for line in lines for word in line.split()}
    assert sum(line.endswith("↓") for line in lines) == sum(line.endswith("[needed above]") for line in lines) > 0


def imported(*arguments: str | Path) -> Any:
    """The modules that a command imports, and its status."""
    code = (
        "import sys\nfrom nativeload import __main__\nstatus = __main__._main(sys.argv[1:])\n"
        "print()\nprint(' '.join(sys.modules))"
    )
    done = execute([sys.executable, "-c", code, *arguments]).check()
    return set(done.stdout.splitlines()[-1].split())


def test_what_is_not_needed_is_not_imported(three: Path, backend: str) -> None:
    slow = {"argparse", "json", "pdb", "ctypes", "nativeload.resolution", "nativeload.metadata", "nativeload.overview"}
    assert imported("--tree", three) & (slow if backend == "c" else slow - {"ctypes"}) == set()
    assert {"argparse", "nativeload.resolution"} <= imported("--explain", "no-such-library")
    # Which pyelftools brings, left to itself.
    code = "import sys, elftools.construct; print('pdb' in sys.modules)"
    assert execute([sys.executable, "-c", code]).check().stdout == "True\n"
