"""Which lines of our sources each test runs, and how long it takes: a plugin of pytest for one run without mutations.

Tests that start our code as another process are not seen through; what they reach is nobody's, and asked of all tests.
"""

from __future__ import annotations

import json
import sys
import sysconfig
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import coverage
import pytest


def foreign_modules() -> list[str]:
    """What was imported of Python and of installed packages, in that order: ``_asyncio`` before ``asyncio`` breaks both."""
    roots = (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    files = {name: getattr(module, "__file__", None) or "" for name, module in list(sys.modules.items())}
    return [name for name, file in files.items() if file.startswith(roots) and not name.startswith("__")]


class Reached:
    """Writes ``{"lines": {path: {line: [test]}}, "seconds": {test: seconds}, "modules": [name]}`` at the end.

    Lines that run at import are those of the test named "". Of tests that fail there are no seconds; they are ``failed``.
    """

    def __init__(self, sources: Path, written: Path) -> None:
        self._written = written
        self._seconds: dict[str, float] = {}
        self._failed: set[str] = set()
        self._coverage = coverage.Coverage(data_file=None, config_file=False, include=[f"{sources}/*"])

    def pytest_configure(self) -> None:
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        self._coverage.switch_context(item.nodeid)
        began = time.monotonic()
        try:
            return (yield)
        finally:
            self._seconds[item.nodeid] = time.monotonic() - began
            self._coverage.switch_context("")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self._coverage.stop()
        data = self._coverage.get_data()
        found = {
            "lines": {path: data.contexts_by_lineno(path) for path in data.measured_files()},
            "seconds": {test: took for test, took in self._seconds.items() if test not in self._failed},
            "failed": sorted(self._failed),
            "modules": foreign_modules(),
        }
        self._written.write_text(json.dumps(found))
