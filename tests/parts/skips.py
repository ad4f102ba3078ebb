"""Which tests were skipped, over all sessions: a check that is skipped everywhere is not a check.

Each test session writes one file of JSON lines, {"test", "skipped", "reason"}, into the directory that
``$TEST_NATIVELOAD_SKIPS`` names; the noxfile reads them all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest


class SkipRecorder:
    """A pytest plugin that records for each test whether it ran."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._outcomes: dict[str, str | None] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # An expected failure is reported as skipped, but the test did run.
        skipped = report.skipped and not hasattr(report, "wasxfail")
        if skipped:
            self._outcomes[report.nodeid] = _reason(report)
        elif report.when == "call":
            self._outcomes[report.nodeid] = None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        # A module or a class that is skipped as a whole has no tests to report.
        if report.skipped:
            self._outcomes[report.nodeid] = _reason(report)
        elif report.passed:
            self._outcomes[report.nodeid] = None

    def pytest_sessionfinish(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with open(self._file, "w", encoding="utf-8") as lines:
            for test, reason in self._outcomes.items():
                record = {"test": test, "skipped": reason is not None, "reason": reason}
                print(json.dumps(record), file=lines)


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return str(report.longrepr)


def never_run(records: Iterable[Path]) -> dict[str, str]:
    """The tests that were skipped in every session that has them, with the last reason given."""
    ran: set[str] = set()
    skipped: dict[str, str] = {}
    for file in records:
        for line in file.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if record["skipped"]:
                skipped[record["test"]] = record["reason"]
            else:
                ran.add(record["test"])
    return {test: reason for test, reason in sorted(skipped.items()) if test not in ran}
