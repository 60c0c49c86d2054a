from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from support.stage import Stage
from support.stage import stage as new_stage


@pytest.fixture
def ports(worker_id: str) -> tuple[int, int]:
    """Workers that run side by side book ports of their own."""
    first = 24_100 + 400 * (0 if worker_id == "master" else int(worker_id.removeprefix("gw")))
    return first, first + 399


@pytest.fixture
async def stage(tmp_path: Path, envoy_bin: str, ports: tuple[int, int]) -> AsyncGenerator[Stage]:
    async with new_stage(tmp_path, envoy_bin, ports) as made:
        yield made


@pytest.fixture
async def killable_stage(tmp_path: Path, envoy_bin: str, ports: tuple[int, int]) -> AsyncGenerator[Stage]:
    """Its portal is a process of its own."""
    async with new_stage(tmp_path, envoy_bin, ports, in_process=False) as made:
        yield made
