"""The table of the linkers' rules names every scenario, and no other."""

from __future__ import annotations

import re

from docs.markdown import ROOT

PAGE = ROOT / "docs" / "explanation" / "linker-rules.md"


def test_every_scenario_has_its_line() -> None:
    lines = [line.split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    named = {number for line in lines for number in re.findall(r"\d\d", line[2])}
    there = {folder.name[:2] for folder in (ROOT / "tests" / "scenarios").glob("[0-9][0-9]_*")}
    assert named == there
