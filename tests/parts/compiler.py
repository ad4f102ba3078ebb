"""One-line C libraries and programs."""

from __future__ import annotations

import os
from pathlib import Path

from parts._cache import tool

# GNU_PROPERTY_X86_ISA_1_NEEDED (0xc0008002) with the bits of each level (psABI, "Program property")
_NOTE = """
__asm__(".section .note.gnu.property, \\"a\\", @note\\n.balign 8\\n.long 4, 16, 5\\n.asciz \\"GNU\\"\\n"
        ".long 0xc0008002, 4, %d, 0\\n.previous");
"""


def isa_note(level: int) -> str:
    """C text of a file that needs a CPU of an x86-64 level; there is none of level 5."""
    return _NOTE % ((1 << level) - 1)


def cc(source: str, output: Path, *flags: str | Path, shared: bool = True) -> Path:
    """Compile C text into a shared library, or with `shared=False` into a program, and return `output`.

    The flags follow the source, so libraries to link with may be among them:
    `cc("int b(void); int a(void) { return b(); }", tmp / "liba.so", tmp / "libb.so", "-Wl,-soname,liba.so.1")`.
    Raises `PartError` with the compiler's words.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    kind = ["-shared", "-fPIC"] if shared else []
    tool(os.environ.get("CC", "cc"), *kind, "-o", output, "-x", "c", "-", "-x", "none", *flags, stdin=source)
    return output
