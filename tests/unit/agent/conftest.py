"""What several tests of the agent's parts ask for."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from outrider_agent.loop import Loop
from support.agent_fixtures import directory, fake
from support.turning import Clocked

__all__ = ["directory", "fake"]


@pytest.fixture
def loop() -> Generator[Loop]:
    found = Loop()
    yield found
    found.close()


@pytest.fixture
def clocked() -> Generator[Clocked]:
    found = Clocked()
    yield found
    found.close()
