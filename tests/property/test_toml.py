"""The plain reader of TOML gives what `tomllib` gives, or nothing: over plain files, files with more, and damaged ones."""

from __future__ import annotations

import string
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings, target
from hypothesis import strategies as st

import nativeload
from nativeload import declarations, metadata, tomlfile
from nativeload.errors import DeclarationError

BARE = string.ascii_letters + string.digits + "-_"
REAL = sorted(Path(nativeload.__file__).parent.joinpath("catalog").glob("*.toml"))

# Few names, so that tables meet again.
names = st.sampled_from(["a", "b", "library", "path", "1", "-", "A"]) | st.text(BARE, min_size=1, max_size=4)
spaces = st.sampled_from(["", " ", "\t", "  "])
plain_texts = st.text("ab #[]='{}.é☃\U0001f600", max_size=8)
odd_texts = st.text("ab ,#[]='{}.\t\x00\x0b\x1f\x7f\x85\xa0\u2028\ufeff", max_size=8)
strings = st.builds('"{}"'.format, plain_texts)
odd_strings = st.builds('"{}"'.format, odd_texts)
lists = st.builds(
    lambda items, space: f"[{space}{f',{space}'.join(items)}{space}]", st.lists(strings, max_size=3), spaces
)
# What a plain reader must leave to the full one, or must not take for something else.
odd_values = st.sampled_from(
    [
        "1",
        "true",
        "'x'",
        '"""x"""',
        '"a\\tb"',
        '"a" # c',
        '["a",]',
        '["a", 1]',
        '["a,b"]',
        '["a" "b"]',
        "{x = 1}",
        '"a" "b"',
        '"',
        "",
        "[",
        '["]',
        '"a\\""',
        "1979-05-27",
        '[["a"]]',
        "[ ]",
        "[,]",
        '"a"]',
    ]
)
odd_lines = st.sampled_from(
    [
        "[a",
        "a]",
        "[]",
        "[[]]",
        "[[a]",
        "[a]]",
        "[a.]",
        "[.a]",
        "[a..b]",
        "[ a ]",
        "[a . b]",
        '["a"]',
        "[a] # c",
        "a",
        "= 1",
        "a.b = 1",
        '"a" = 1',
        "a = = 1",
        "# c",
        "\x00",
        "\x0b",
        "\x1c[a]",
        "\u2028",
        "\ufeff",
        "\xa0",
        "[[a.b]]",
        "a = '''",
        "# \x00",
        "#\x7f",
    ]
)


@st.composite
def documents(draw: st.DrawFn, odd: bool) -> str:
    """Lines as files have them; with `odd`, now and then one that only a full reader knows."""
    lines = []
    for _ in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from(["header", "assign", "assign", "assign", "blank", "comment", "array"]))
        if odd and draw(st.integers(0, 5)) == 0:
            lines.append(draw(odd_lines))
        elif kind == "header":
            lines.append(f"[{'.'.join(draw(st.lists(names, min_size=1, max_size=3)))}]")
        elif kind == "array":
            lines.append(f"[[{draw(names)}]]")
        elif kind == "assign":
            values = strings | lists | odd_strings | odd_values if odd else strings | lists
            lines.append(f"{draw(spaces)}{draw(names)}{draw(spaces)}={draw(spaces)}{draw(values)}{draw(spaces)}")
        else:
            lines.append("" if kind == "blank" else f"# {draw(odd_texts if odd else plain_texts)}")
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines)


def agrees(text: str) -> bool:
    """Whether the plain reader read it: then `tomllib` reads the same."""
    table = tomlfile.plain(text)
    if table is None:
        return False
    full = tomllib.loads(text)
    assert table == full
    # Equality is not enough for the order, in which libraries are shown.
    assert repr(table) == repr(full)
    return True


def test_the_plain_branch_is_reached() -> None:
    """The properties below would hold of a reader that reads nothing: most plain files must be read."""
    read: list[bool] = []

    @settings(max_examples=300, derandomize=True)
    @given(documents(odd=False))
    def count(text: str) -> None:
        read.append(agrees(text) and bool(text.strip()))

    count()
    assert sum(read) > 50


@settings(max_examples=300)
@given(documents(odd=False))
def test_plain_files(text: str) -> None:
    target(float(agrees(text)) * len(text))


@settings(max_examples=300)
@given(documents(odd=True))
@example('[a]\nb = "x"\n[a.b]\nc = "y"\n')
@example("[a.b]\n[a]\n")
@example('a = []\n[[a]]\nb = "x"')
@example('a = ["x"]\n[[a]]')
@example('[[a]]\n[a.b]\nc = "y"')
@example("[a]\n\r[b]")
@example('a = "x"\rb = "y"')
@example('a = "\x7f"')
@example('a = "\x1f"')
@example("[" + "a." * 200 + "a]")
def test_files_with_more(text: str) -> None:
    agrees(text)


@settings(max_examples=400)
@given(st.text(st.sampled_from("[]=\"#., \t\r\nab\\'1"), max_size=40))
def test_any_text(text: str) -> None:
    agrees(text)


@pytest.mark.parametrize("file", REAL, ids=lambda file: file.stem)
def test_the_catalog_is_plain(file: Path) -> None:
    assert agrees(file.read_text(encoding="utf-8"))


@settings(max_examples=400)
@given(
    st.sampled_from(REAL),
    st.lists(
        st.tuples(
            st.integers(0, 1 << 16), st.integers(0, 12), st.sampled_from(["", '"', "\n", "[", "]", "=", "\r", "\\"])
        )
    ),
)
def test_damaged_real_files(file: Path, cuts: list[tuple[int, int, str]]) -> None:
    """Some characters of a real file replaced by another, or none."""
    text = file.read_text(encoding="utf-8")
    for place, length, put in cuts:
        at = place % (len(text) + 1)
        text = text[:at] + put + text[at + length :]
    agrees(text)


@settings(max_examples=300)
@given(content=st.binary(max_size=200) | st.builds(str.encode, documents(odd=True)))
def test_any_bytes_as_a_declaration(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A table, or a DeclarationError that begins with the file's path: nothing else."""
    path = tmp_path_factory.getbasetemp() / "any-bytes" / "nativeload.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    try:
        document = tomlfile.Document(str(path))
    except DeclarationError as error:
        where = error.where
    else:
        where = str(path)
        assert document.table == tomllib.loads(content.decode())
        assert all(document.where(key).startswith(str(path)) for key in document.table)
    assert where.partition(".toml")[::2] in {(str(path.with_suffix("")), f":{line}") for line in range(1, 300)} | {
        (str(path.with_suffix("")), "")
    }


values: st.SearchStrategy[Any] = st.recursive(
    strings | odd_values, lambda inner: st.builds("[{}, {}]".format, inner, inner), max_leaves=3
)


@settings(max_examples=300)
@given(
    key=st.sampled_from(["path", "soname", "version", "abi", "colour"]),
    value=values,
    path=st.text(st.sampled_from("./ab\x00\n"), max_size=8),
)
def test_any_declaration(key: str, value: str, path: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every path that is accepted is inside the package, whatever is declared."""
    home = tmp_path_factory.getbasetemp() / "any_declaration"
    home.mkdir(exist_ok=True)
    quoted = path.replace("\x00", "\\u0000").replace("\n", "\\n")
    (home / "nativeload.toml").write_text(f'[library.x]\npath = "{quoted}"\n{key} = {value}\n')
    site = metadata.Distribution(name="x", site=str(home.parent), directory="x-1.dist-info", entry_points=None)
    try:
        libraries = declarations.read(site, "any_declaration", nativeload.spec.Trace())
    except DeclarationError:
        return
    for library in libraries.values():
        assert library.path.startswith(f"{home}/")
        assert ".." not in library.path.removeprefix(f"{home}/").split("/")
        assert "\0" not in library.path
