"""Every command, every block of Python and every file that a page shows is run or written as it stands there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from docs.markdown import ROOT, pages
from docs.running import Place, check, checkout, place, same

if TYPE_CHECKING:
    from pathlib import Path

# By page: what is not run, by its first line, and why. Whatever else a page shows is run.
CI = ".ci/run takes this command from README.md and runs it in a fresh copy"
SESSION = "the tests run in the environment that this installs from the index; here it is made of the session's wheel"
EXAMPLES = "tests/integration/test_examples.py takes it from the page and runs it on an example's wheel"
UNRUN = {
    "README.md": {
        "python3 -m venv .venv && .venv/bin/pip install -q '.[demo]' && .venv/bin/python -m nativeload.demo": CI,
        "python3 -m venv .venv && .venv/bin/pip install -q nox && .venv/bin/nox -f tests/noxfile.py": CI,
        "NATIVELOAD_OPENBLAS=/opt/site/libopenblas.so.0 python app.py": "the reader's own file and program",
    },
    "CONTRIBUTING.md": {
        "python3 -m venv .venv && .venv/bin/pip install -q --upgrade pip && .venv/bin/pip install -q -e . --group dev": SESSION,
        ".venv/bin/python -m pytest tests/unit -k override": "the same as the command before it, for longer",
        ".venv/bin/nox -f tests/noxfile.py": ".ci/run runs it, and this test within it",
        ".venv/bin/python -m tests.interpreters 3.13t": "builds an interpreter, and runs this test within it",
    },
    "docs/how-to/migrate-from-vendoring.md": {
        "python -m nativeload --explain -m package._core": "the reader's own package",
    },
    "docs/tutorial.md": {"python3 -m venv .venv && .venv/bin/pip install -q .": SESSION},
    "docs/reference/catalog.md": {
        "python -m tests.catalog": "writes into the checkout; tests/unit/test_catalog.py holds that its result is there",
    },
    "docs/explanation/catalog-matrix.md": {
        "python -m tests.catalog matrix --large --rows rows.jsonl": "fetches gigabytes, for a quarter of an hour",
    },
    "docs/explanation/back-ends-matrix.md": {"python -m tests.examples --write": "builds thirty pairs, for minutes"},
    "docs/how-to/repair-a-consumer-with-auditwheel.md": {
        "auditwheel repair --exclude 'libfoo.so*' -w wheelhouse dist/bar-*.whl": EXAMPLES,
        "! python -m zipfile -l wheelhouse/bar-*.whl | grep libfoo": EXAMPLES,
    },
    "docs/performance.md": {
        "python3 -m venv .venv && .venv/bin/pip install -q --upgrade pip && .venv/bin/pip install -q --group bench && .venv/bin/python -m benchmarks --write": "measures for minutes",
        ".venv/bin/python -m benchmarks --catalog --write": "measures for minutes",
        ".venv/bin/python -m benchmarks --closures --write": "measures for minutes, on gigabytes of wheels",
    },
}


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.once
@pytest.mark.parametrize("page", pages(), ids=_name)
def test_it_does_what_it_shows(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if re.search(r"^(\$ .*|import .*)cffi|\.ffi\(", text, re.MULTILINE):
        pytest.importorskip("cffi")
    where = place(tmp_path, own=re.search("pip install .*[.]/", text) is not None)
    if page.name == "CONTRIBUTING.md":
        checkout(ROOT, where)
    assert check(text, where, UNRUN.get(_name(page), {})) == []


def test_no_page_is_listed_that_is_not_there() -> None:
    assert set(UNRUN) <= set(map(_name, pages()))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return place(tmp_path_factory.mktemp("scratch"), own=False)


GOOD = """
```c
/* made/answer.c */
int answer(void) { return 42; }
```

```sh
grep -q answer made/answer.c
test -z "$(ls -A "$HOME")"
```

1. In a list:

   ```console
   $ echo one; seq \\
   > 1 4
   one
   …
   …4
   $ true   # nothing is shown, so nothing is compared
   ```

```python
>>> import nativeload
>>> nativeload.__name__
'native…'
```

```sh
cannot-be-run --here  # as the list says
```
"""


def test_a_right_page(bare: Place) -> None:
    assert check(GOOD, bare, {"cannot-be-run --here": "the reason"}) == []


@pytest.mark.parametrize(
    ("page", "word"),
    [
        ("```sh\nno-such-command\n```", "no-such-command"),
        ("```sh\nfalse\ntrue\n```", "exit status 1"),
        ("```sh\nfalse | true\n```", "exit status 1"),
        ("```console\n$ python -m nativeload --explian openblas\n```", "--explian"),
        ("```console\n$ echo one\ntwo\n```", "another output"),
        ("```console\n$ echo one\none\ntwo\n```", "another output"),
        ("```console\n$ echo one; echo two\none\n```", "another output"),
        ("```console\necho one\n```", "begins with a prompt"),
        ("```python\nimport nativeload\nnativeload.laod\n```", "laod"),
        ("```python\n>>> 1 + 1\n3\n```", "Expected"),
        ("```python\n>>> import nativeload\n>>> nativeload.load\n<function find…>\n```", "Expected"),
        ("```bash\ntrue\n```", "a block of bash"),
        ("```\ntrue\n```", "no language"),
        ("```sh\ntrue\n", "without an end"),
        ("```python\n# /nativeload-docs/x.py\n```", "outside the directories"),
        ("```toml\n# a/../../x.toml\n```", "outside the directories"),
        ("no block at all", "not in the page: listed"),
    ],
)
def test_a_wrong_page(page: str, word: str, bare: Place) -> None:
    unrun = {"listed": "the reason"} if "listed" in word else {}
    (problem,) = check(page, bare, unrun)
    assert word in problem


@pytest.mark.parametrize(
    ("shown", "said", "alike"),
    [
        ("a\n…\nd\n", "a\nb\nc\nd\n", True),
        ("a\n…\nd\n", "a\nd\n", True),
        ("…\n", "", True),
        ("path …/lib\n", "path /usr/lib\n", True),
        ("path …/lib\n", "path /usr/lib64\n", False),
        ("a\n…\nd\n", "a\nb\nc\n", False),
        ("a.c\n", "abc\n", False),
        ("one…two\n", "one\ntwo\n", False),
        ("a  \n", "a\n", True),
    ],
)
def test_what_is_the_same(shown: str, said: str, alike: bool) -> None:
    assert same(shown, said) is alike
