"""The two Consuls of the contract: the embedded one, and the real one where it is installed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from outrider_embedded.registry.running import running_registry
from support.consul_calls import ConsulCalls
from support.consul_server import consul_server

NODE = "node-1"


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.needs("consul"))])
async def consul(request: pytest.FixtureRequest, program: Any, tmp_path: Path) -> AsyncGenerator[ConsulCalls]:
    """A fresh Consul."""
    if request.param == "embedded":
        server = running_registry(NODE)
        async with server as running, httpx2.AsyncClient(base_url=running.address, timeout=60) as client:
            yield ConsulCalls(client)
        return
    async with (
        consul_server(program("consul"), tmp_path, NODE) as address,
        httpx2.AsyncClient(base_url=address, timeout=60) as client,
    ):
        yield ConsulCalls(client)
