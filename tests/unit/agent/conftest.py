"""What several tests of the agent's parts ask for."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from outrider_agent.loop import Loop


@pytest.fixture
def loop() -> Generator[Loop]:
    found = Loop()
    yield found
    found.close()
