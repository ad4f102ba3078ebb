"""The verdict on one file, and the dynamic linker's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nativeload import abi, requirement
from nativeload.spec import LibrarySpec, Rejection, candidate
from unit.trial import ask

if TYPE_CHECKING:
    from pathlib import Path


def verdict(path: Path, text: str = "specimen", symbols: tuple[str, ...] = (), **known: Any) -> LibrarySpec | Rejection:
    return abi.judge(candidate(str(path), "wheel", "for a test", **known), requirement.parse(text, symbols))


def refusal(path: Path, text: str = "specimen", symbols: tuple[str, ...] = (), **known: Any) -> tuple[str, str]:
    """The kind and the words of a refusal; ("", "") where there is none."""
    found = verdict(path, text, symbols, **known)
    return (found.kind, found.reason) if isinstance(found, Rejection) else ("", "")


def linker_words(path: Path) -> str:
    """What the dynamic linker itself says, "" where it maps the file."""
    code = (
        "import ctypes, json, sys\n"
        "try:\n"
        "    ctypes.CDLL(sys.argv[1])\n"
        "    print(json.dumps(''))\n"
        "except OSError as error:\n"
        "    print(json.dumps(str(error)))"
    )
    words: str = ask(code, arguments=[str(path)])
    return words
