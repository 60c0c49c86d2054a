"""A run of chosen tests in a process of its own, forked from one that has imported everything but our sources."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[2]
QUIET = ("-q", "-n0", "--no-header", "--tb=line", "-p", "no:cacheprovider", "--hypothesis-seed=0")
# Plugins that were imported before pytest could rewrite their assertions: they are none of ours.
IMPORTED = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
EXAMPLES = 30  # of each property: a mutation that these do not notice is rarely one that 100 do
PASSED = 0
OVERTIME = -signal.SIGKILL


class Chosen:
    """Only these tests, in this order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._place = {test: place for place, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self._place), key=lambda item: self._place[item.nodeid]
        )


@dataclass
class Trial:
    """One such process; ``log`` has what it said."""

    pid: int
    log: Path
    ends_at: float

    def result(self) -> int | None:
        """None while it runs, else its exit status; a run that takes too long has failed."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            self._end_all()
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > self.ends_at:
            self._end_all()
            os.waitpid(self.pid, 0)
            return OVERTIME
        return None

    def end(self) -> None:
        self._end_all()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def _end_all(self) -> None:
        """Servers that a test has started, too."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def trial(
    arguments: Sequence[str], plugins: Sequence[object], directory: Path, seconds: float, before: str = ""
) -> Trial:
    """Begin to run pytest; ``before`` is a folder that stands first where modules are looked for."""
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "log"
    pid = os.fork()
    if not pid:
        _alone(log, lambda: _run([*arguments, f"--basetemp={directory / 'tmp'}"], plugins, before))
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.setpgid(pid, pid)
    return Trial(pid, log, time.monotonic() + seconds)


def _run(arguments: list[str], plugins: Sequence[object], before: str) -> int:
    os.chdir(ROOT)
    hypothesis.settings.register_profile("mutants", max_examples=EXAMPLES, deadline=None, database=None)
    hypothesis.settings.load_profile("mutants")
    if before:
        sys.path.insert(0, before)
        os.environ["PYTHONPATH"] = before
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    return int(pytest.main([*QUIET, *IMPORTED, *arguments], plugins=list(plugins)))


def _alone(log: Path, work: Callable[[], Any]) -> None:
    """Does the work in this process, which has a group of its own and says everything to the log; ends it."""
    code = 3
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        code = work()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
