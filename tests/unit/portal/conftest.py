from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import httpx2
import pytest
from fakes.world import World
from fakes.world import world as new_world

from outrider.portal.app import portal_app


@pytest.fixture
async def world(tmp_path: Path) -> AsyncGenerator[World]:
    async with new_world(tmp_path) as made:
        yield made


@pytest.fixture
async def client(world: World) -> AsyncGenerator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=portal_app(world.application()), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:7070") as made:
        yield made
