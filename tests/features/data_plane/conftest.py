"""A street of real sidecar Envoys for each test of the data plane (support/street.py)."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from support.discovery import Discovery
from support.street import DEADLINE_S, Street


@pytest.fixture
async def street(envoy_bin: str, tmp_path: Path) -> AsyncIterator[Street]:
    limits = httpx2.Limits(max_connections=None)
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx2.AsyncClient(timeout=DEADLINE_S, trust_env=False, limits=limits))
        yield Street(envoy_bin, tmp_path, client, Discovery(), stack)
