"""Fixtures that tests of the agent share: a short directory, since sockets have short paths, and a Consul that is none."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from outrider_harness.programs import short_directory
from outrider_harness.scripted_consul import FakeConsul


@pytest.fixture
def directory() -> Generator[Path]:
    with short_directory() as path:
        yield path


@pytest.fixture
def fake() -> Generator[FakeConsul]:
    with FakeConsul().running() as running:
        yield running
