"""A street of real sidecar Envoys for each test of the data plane (support/street.py)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from support.discovery import Discovery
from support.street import DEADLINE_S, Street


@pytest.fixture
async def street(envoy_bin: str, tmp_path: Path) -> AsyncGenerator[Street]:
    async with _street(envoy_bin, tmp_path) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing_street(envoy_bin: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Street]:
    """For a module whose many tests change nothing; they run in the module's loop."""
    async with _street(envoy_bin, tmp_path_factory.mktemp("street")) as made:
        yield made


@contextlib.asynccontextmanager
async def _street(envoy: str, directory: Path) -> AsyncGenerator[Street]:
    limits = httpx2.Limits(max_connections=None)
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx2.AsyncClient(timeout=DEADLINE_S, trust_env=False, limits=limits))
        yield Street(envoy, directory, client, Discovery(), stack)
