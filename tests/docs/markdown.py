"""What a Markdown page holds that can be checked: fenced blocks, commands with the output shown, links, headings."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]

RUN = ("sh", "console", "python")
SHOWN = ("c", "json", "text", "toml")  # written where the first line names a file, else only read

_FENCE = re.compile(r"^ *(```+) *(\S*)")
# "# provider/pyproject.toml" or "/* answer.c */" as a block's first line
_FILE = re.compile(r"^(?:#|/\*) ([\w~./-]+\.(?:c|h|py|toml))(?: \*/)?$")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$")


class PageError(Exception):
    """A page that cannot be read as one: the page's line, and what is wrong there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block; `line` is that of its fence."""

    line: int
    language: str
    text: str

    @property
    def file(self) -> str:
        """The file that the block is the content of, "" where it is none. Raises PageError."""
        found = _FILE.match(self.text.partition("\n")[0])
        name = found[1] if found else ""
        if name.startswith("/") or ".." in name.split("/"):
            raise PageError(f"line {self.line}: {name} is a file outside the directories that are made for a page")
        return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Something to run: a shell script, a line typed at a prompt with what it printed, or Python."""

    line: int
    language: str
    text: str
    output: str | None  # None where none is shown

    @property
    def name(self) -> str:
        """Its first line that is not a comment: what the list of commands that are not run calls it."""
        lines = [line for line in self.text.splitlines() if line.strip() and not line.startswith("#")]
        return lines[0].partition("  #")[0].rstrip() if lines else ""


def pages(root: Path = ROOT) -> list[Path]:
    """Every page of the project."""
    return [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page. Raises PageError for a fence without an end or of a language nobody knows."""
    found: list[Block] = []
    lines: list[str] = []
    start, language, fence = 0, "", ""
    for number, line in enumerate(text.splitlines(), 1):
        mark = _FENCE.match(line)
        if not fence and mark:
            start, fence, language, lines = number, mark[1], mark[2], []
            if language not in RUN + SHOWN:
                raise PageError(f"line {number}: a block of {language or 'no language'}: one of {RUN + SHOWN}")
        elif fence and line.strip() == fence:
            content = textwrap.dedent("".join(f"{one}\n" for one in lines))
            found.append(Block(line=start, language=language, text=content))
            fence = ""
        elif fence:
            lines.append(line)
    if fence:
        raise PageError(f"line {start}: a block without an end")
    return found


def commands(block: Block) -> list[Command]:
    """What a block has to run: each line at a prompt of a console block, else the block as a whole."""
    if block.file or block.language not in RUN:
        return []
    if block.language != "console":
        return [Command(line=block.line, language=block.language, text=block.text, output=None)]
    return list(_typed(block))


def _typed(block: Block) -> Iterator[Command]:
    typed: list[str] = []
    printed: list[str] = []
    start = 0
    for number, line in enumerate([*block.text.splitlines(), "$ "], block.line + 1):
        if line.startswith("$ "):
            if typed:
                output = "".join(f"{one}\n" for one in printed) or None
                yield Command(line=start, language="console", text="\n".join(typed), output=output)
            start, typed, printed = number, [line[2:]], []
        elif line.startswith("> ") and not printed and typed:
            typed.append(line[2:])
        elif typed:
            printed.append(line)
        else:
            raise PageError(f"line {number}: a console block begins with a prompt, '$ '")


def prose(text: str) -> str:
    """A page without its fenced blocks and without code in its lines."""
    kept, fence = [], ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark:
            fence = "" if fence else mark[1]
        elif not fence:
            kept.append(re.sub(r"`[^`]*`", lambda code: " " * len(code[0]), line))
    return "\n".join(kept)


def links(text: str) -> list[str]:
    """The targets of a page's links."""
    return _LINK.findall(prose(text))


def anchors(text: str) -> set[str]:
    """The fragments that a page's headings answer to, as the usual renderers make them."""
    fence = ""
    found = set()
    for line in text.splitlines():
        if _FENCE.match(line):
            fence = "" if fence else "`"
        heading = _HEADING.match(line)
        if heading and not fence:
            plain = re.sub(r"[^\w\- ]", "", heading[1].lower())
            found.add(plain.strip().replace(" ", "-"))
    return found
