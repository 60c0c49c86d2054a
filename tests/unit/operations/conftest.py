from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from fakes.world import World
from fakes.world import world as new_world

from outrider.operations.application import Application


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with new_world(tmp_path) as made:
        yield made


@pytest.fixture
def application(world: World) -> Application:
    return world.application()
