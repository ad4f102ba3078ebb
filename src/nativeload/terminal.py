"""What reaches a terminal: nothing raw that a file's name holds, and colour only where it is wanted."""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

_ASCII = str.maketrans({"│": "|", "├": "|", "└": "`", "─": "-", "↑": "^", "↓": "v", "…": "..."})


class Paint:
    """The SGR codes of a report; all are "" without colour. `off` ends each of the others."""

    __slots__ = ("bold", "dim", "off", "red")

    def __init__(self, colour: bool) -> None:
        self.bold, self.dim, self.red, self.off = ("\33[1m", "\33[2m", "\33[31m", "\33[0m") if colour else ("",) * 4


def is_coloured(stream: "TextIO", environ: "Mapping[str, str]") -> bool:
    """Whether to colour what goes to a stream: NO_COLOR, then FORCE_COLOR, if they are not empty; else a terminal."""
    if environ.get("NO_COLOR"):
        return False
    return bool(environ.get("FORCE_COLOR")) or (stream.isatty() and environ.get("TERM") != "dumb")


def printable(text: str) -> str:
    """A text of one line as it may be shown: control characters, those that change the direction of text, and bytes
    that are no text are written as escapes.
    """
    return text if text.isprintable() else "".join(one if one.isprintable() else _escape(one) for one in text)


def printable_lines(text: str) -> str:
    """A text of several lines as it may be shown."""
    return "\n".join(map(printable, text.split("\n")))


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte, as os.fsdecode has it
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode()


def encodable(text: str, encoding: str) -> str:
    """A text whose branches and marks are of ASCII where the encoding has no better."""
    try:
        "│├└─↑↓…".encode(encoding)
    except (LookupError, UnicodeError):
        return text.translate(_ASCII)
    return text


def json_text(facts: object) -> str:
    """Facts as the command line prints them."""
    import json

    return json.dumps(facts, indent=2)


def show(report: str) -> None:
    """Print; where the reader (a pager, head) has seen enough, that is no failure and changes no exit status.

    Raises OSError where it cannot be written, on a full disk.
    """
    try:
        print(report, flush=True)
    except OSError as error:
        # Or the interpreter tries again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise
