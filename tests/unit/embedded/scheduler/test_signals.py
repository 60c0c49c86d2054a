from __future__ import annotations

import signal
import subprocess
from collections.abc import Generator

import pytest
from outrider_embedded.scheduler.process import catch_ignored_signals


@pytest.fixture
def ignored_hangup() -> Generator[None]:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


def test_a_task_hears_signals_that_the_cluster_itself_was_told_to_ignore(ignored_hangup: None) -> None:
    catch_ignored_signals()
    listening = subprocess.run(["sh", "-c", "trap 'exit 7' HUP; kill -HUP $$; exit 0"], check=False)
    assert listening.returncode == 7
