"""A home that is mounted read-only and a disk that is full, by file systems that are: `load` works, and says nothing."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from parts import execute
from parts.namespaces import inside, possible
from unit.asking import PROGRAM
from unit.specimens import NAME, age, declaration, provider

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not possible(), reason="this process may have no mount namespace of its own")

# What the kernel says to whoever writes there; what the command says, run twice; what the cache then holds.
_SCRIPT = """
cache="$HOME/.cache/nativeload"
mkdir -p -m 700 "$cache"
{mount}
printf x | tee "$cache/probe" 2>&1 >/dev/null || true
rm -f "$cache/probe"
echo --
"$@"
"$@"
echo --
ls -A "$cache"
"""
_TMPFS = 'mount -t tmpfs -o size=4k,mode=700 tmpfs "$cache"'
_HOME = 'mount --bind "$HOME" "$HOME"'


@pytest.mark.parametrize(
    ("mount", "words"),
    [
        (f'{_HOME}\nmount -o remount,ro,bind "$HOME"', "Read-only file system"),
        (_HOME, ""),
        (f'{_TMPFS}\nhead -c 4096 /dev/zero > "$cache/full"', "No space left on device"),
        (_TMPFS, ""),
    ],
    ids=["read-only home", "home", "full disk", "small disk"],
)
def test_a_cache_directory_on_it(mount: str, words: str, tmp_path: Path, good: Path) -> None:
    """`words` are the kernel's; where it has none, the second load is from the cache."""
    home = provider(tmp_path / "site", "some-wheel", declaration(), files={NAME: good})
    age(tmp_path / "site")
    (tmp_path / "home").mkdir()
    command = [sys.executable, "-c", PROGRAM, json.dumps(["specimen", [], ""])]
    environment = {"PYTHONPATH": tmp_path / "site"}
    done = execute([*inside(_SCRIPT.format(mount=mount)), *command], env=environment, home=tmp_path / "home").check()
    assert done.stderr == ""
    refused, loads, kept = (part.splitlines() for part in done.stdout.split("--\n"))
    assert [line.rpartition(": ")[2] for line in refused] == ([words] if words else [])
    path = f"{home}/{NAME}"
    assert [json.loads(line) for line in loads] == [[path, False], [path, not words]]
    # Nothing half written is left.
    assert len(kept) == 1 if not words else kept in ([], ["full"])
