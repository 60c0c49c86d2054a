"""The two Consuls of the contract: the embedded one, and the real one where it is installed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from outrider_embedded.registry.running import running_registry
from outrider_harness.asking import fetched
from outrider_harness.consuls import DEVELOPMENT, NODE, running_consul
from outrider_harness.waiting import eventually
from support.consul_calls import ConsulCalls

SCRIPTED = (*DEVELOPMENT, "-enable-script-checks")


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.needs("consul"))])
async def consul(request: pytest.FixtureRequest, program: Any, tmp_path: Path) -> AsyncGenerator[ConsulCalls]:
    """A fresh Consul."""
    if request.param == "embedded":
        server = running_registry(NODE)
        async with server as running, httpx2.AsyncClient(base_url=running.address, timeout=60) as client:
            yield ConsulCalls(client)
        return
    with running_consul(program("consul"), tmp_path, mode=SCRIPTED) as address:
        eventually(lambda: fetched(address, "/v1/health/service/consul?passing=1")[1].strip() not in {b"", b"[]"})
        async with httpx2.AsyncClient(base_url=f"http://{address}", timeout=60) as client:
            yield ConsulCalls(client)
