"""The pages are complete and hang together: links, public names, variables, modules, errors, tests."""

from __future__ import annotations

import inspect
import re
import tomllib
from pathlib import Path

import pytest
from docs.markdown import ROOT, anchors, links, pages

import nativeload
from nativeload import abc, catalog, errors, loader, machinery, preferences, spec
from nativeload.check import report

SOURCES = ROOT / "src" / "nativeload"
API = ROOT / "docs" / "reference" / "api.md"
CONFIGURATION = ROOT / "docs" / "reference" / "configuration.md"
DECLARATIONS = ROOT / "docs" / "reference" / "nativeload-toml.md"
HOW = ROOT / "docs" / "explanation" / "how-it-works.md"
PROBLEMS = ROOT / "docs" / "reference" / "problems.md"
WHY = ROOT / "docs" / "how-to" / "find-out-why.md"


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _source() -> str:
    return "\n".join(_text(module) for module in sorted(SOURCES.rglob("*.py")))


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere in this checkout."""
    found = []
    for link in links(_text(page)):
        path, _, anchor = link.partition("#")
        if re.match("[a-z]+:", link):
            continue
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(_text(target))):
            found.append(link)
    return found


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_resolve(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One `two`\n\n[a](page.md#one-two) [b](#one) [c](gone.md) [d](https://example.org) `[e](f)`\n")
    assert broken(page) == ["#one", "gone.md"]


def test_every_page_can_be_reached() -> None:
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop().resolve()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            todo += [page.parent / link.partition("#")[0] for link in links(_text(page)) if ":" not in link]
    index = ROOT / "docs" / "index.md"
    assert {page.resolve() for page in pages()} - reached <= {index}
    linked = {(index.parent / link).resolve() for link in links(_text(index))}
    assert {page.resolve() for page in pages()} - linked == {ROOT / "README.md", index}


def _sections(text: str) -> dict[str, str]:
    """The text below each heading of a page, by the heading."""
    parts = re.split(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {name.strip("`"): part for name, part in zip(parts[1::2], parts[2::2], strict=True)}


def undocumented(text: str) -> list[str]:
    """The public names that a page about the API does not name as code."""
    public = [*nativeload.__all__, *machinery.__all__, *abc.__all__]
    public += [name for name in vars(loader.Library) if not name.startswith("_")]
    return [name for name in public if not re.search(rf"(`|\.|^#+ ){name}\b", text, re.MULTILINE)]


def test_every_public_name_is_documented() -> None:
    assert undocumented(_text(API)) == []


def test_a_name_that_is_missing_is_seen() -> None:
    assert undocumented(_text(API).replace("invalidate_caches", "")) == ["invalidate_caches"]


@pytest.mark.parametrize("name", [name for name in nativeload.__all__ if inspect.isfunction(getattr(nativeload, name))])
def test_signatures_are_as_they_are(name: str) -> None:
    section = _sections(_text(API))[name]
    signature = f"{name}{inspect.signature(getattr(nativeload, name))}".replace("nativeload.", "")
    assert re.sub("[\"']", "", signature) in re.sub("[\"']", "", section)


@pytest.mark.parametrize("name", ["LibrarySpec", "Provider", "Explanation", "LoadedImage", "Closure"])
def test_every_field_is_documented(name: str) -> None:
    section = _sections(_text(API))[name]
    assert [one for one in getattr(nativeload, name).__slots__ if f"`{one}`" not in section] == []


def test_every_error_is_documented_with_its_facts() -> None:
    rows = {row.split("`")[1]: row for row in _text(API).splitlines() if re.match(r"\| `\w+Error`", row)}
    classes = [error for name, error in vars(errors).items() if name.endswith("Error") and not name.startswith("_")]
    assert set(rows) == {error.__name__ for error in classes} - {"NativeLoadError"}
    for error in classes:
        for base in error.__mro__[1:]:
            if base.__module__ == "builtins" and base not in (Exception, BaseException, object):
                assert base.__name__ in rows[error.__name__]
                break
    assert all(f"`{error}`" in _text(WHY) for error in rows if error != "DeclarationError")


def test_every_kind_of_rejection_is_documented() -> None:
    kinds = re.findall(r"[a-z][a-z-]+", str(spec.Rejection.__doc__).partition("Kinds:")[2])
    assert set(re.findall(r"(?:rejection|_refuse)\(\"([\w-]+)\"", _source())) == set(kinds)
    shown = re.findall(r"^\| `([\w-]+)` \|", _sections(_text(WHY))["What a rejection means"], re.MULTILINE)
    assert sorted(shown) == sorted(kinds)


def test_every_variable_is_documented() -> None:
    used = set(re.findall(r"NATIVELOAD_[A-Z0-9_]*[A-Z0-9]", _source()))
    shown = set(re.findall(r"NATIVELOAD_[A-Z0-9_]*[A-Z0-9]", _text(CONFIGURATION)))
    assert used <= shown
    overrides = {loader.variable_of(name) for library in catalog.names() for name in (library, f"lib{library}.so.0")}
    overrides |= set(map(loader.variable_of, catalog.virtuals()))
    assert shown <= {*preferences.RESERVED, *overrides}
    assert set(preferences.RESERVED) <= shown


def kinds_of_problems(text: str) -> list[str]:
    """The kinds that have a section of their own, which says all that it must."""
    said = ("**What it means.**", "**What breaks.**", "**What to do.**")
    return [name for name, section in _sections(text).items() if all(one in section for one in said)]


def test_every_kind_of_problem_is_documented() -> None:
    assert kinds_of_problems(_text(PROBLEMS)) == list(report.KINDS)
    said = r"_fault\(\s*\"([\w-]+)\"|kind=\"([\w-]+)\"|yield \"([\w-]+)\",|\"(required-\w+|declaration)\""
    found = re.findall(said, _check_source())
    assert set(map("".join, found)) == set(report.KINDS)


def test_a_kind_that_is_missing_is_seen() -> None:
    without = _text(PROBLEMS).replace("## `libc`", "").replace("**What to do.** Use builds", "Use builds")
    assert kinds_of_problems(without) == [one for one in report.KINDS if one not in ("libc", "two-blas")]


def _check_source() -> str:
    return "\n".join(_text(SOURCES / name) for name in ("check/judgement.py", "check/requires.py", "pairs.py"))


def test_every_key_of_a_declaration_is_documented() -> None:
    from nativeload import declarations

    shown = set(re.findall(r"^\| `(\w+)` \| (?:string|list|table)", _text(DECLARATIONS), re.MULTILINE))
    assert shown == set(declarations.KEYS)


def unplaced(text: str) -> list[str]:
    """The modules and folders that have no line of their own, or of their folder, in a page about the code."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    missing = []
    for module in sorted([*SOURCES.rglob("*.py"), *SOURCES.rglob("*.pyi")]):
        *folders, name = module.relative_to(SOURCES).parts
        if folders and name == "__init__.py":
            continue
        first = f"| `{folders[0]}/` |" if folders else f"| `{name}` |"
        if not any(line.startswith(first) and f"`{name}`" in line for line in lines):
            missing.append(str(module.relative_to(SOURCES)))
    return missing


def test_every_module_has_its_place() -> None:
    assert unplaced(_text(HOW)) == []


def test_no_module_has_a_place_that_is_not_there() -> None:
    room = _sections(_text(HOW))["The rooms of the code"]
    named = set(re.findall(r"`([\w/]+\.pyi?)`", room))
    assert named <= {one.name for one in SOURCES.rglob("*.py*")}


def test_a_module_that_is_missing_is_seen() -> None:
    assert unplaced(_text(HOW).replace("`hashtables.py`", "").replace("`spec.py`", "")) == [
        "_pure/hashtables.py",
        "spec.py",
    ]


def test_every_finder_has_its_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", _sections(_text(HOW))["The flow"], re.MULTILINE)
    assert rows == [finder.name for finder in nativeload.finders]


def test_every_key_of_the_catalog_is_documented() -> None:
    from nativeload.catalog import validation

    keys = validation.schema()["properties"]["library"]["additionalProperties"]["properties"]
    page = _text(ROOT / "docs" / "reference" / "catalog-files.md")
    rows = [row.split(" | ")[0] for row in page.splitlines() if row.startswith("| `")]
    said = re.findall(r"`(?:\[+library\.NAME\.)?([a-z0-9-]+)\]*`", " ".join(rows))
    assert sorted(said) == sorted(keys)
    inner = [key for one in keys.values() for key in one.get("items", one).get("properties", ())]
    assert [key for key in inner if f"`{key}`" not in page] == []


def test_every_threat_names_a_test() -> None:
    rows = [row for row in _text(ROOT / "SECURITY.md").splitlines() if row.startswith("| **")]
    assert rows
    assert [row for row in rows if not re.search(r"\(tests/\w+/test_\w+\.py\)", row)] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_of_the_checkout_is_there(page: Path) -> None:
    named = re.findall(r"`((?:src|csrc|tests|docs)/[\w./-]+\.\w+)`", _text(page))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_version_is_said_once() -> None:
    """In the package, where importing it must not cost anything, and to whoever builds it: both are the same."""
    project = tomllib.loads(_text(ROOT / "pyproject.toml"))["project"]
    assert project["version"] == loader.VERSION
    released = re.findall(r"^## \[(\d[^\]]*)\]", _text(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert released[0] == loader.VERSION
