"""The two Nomads of the contract: the embedded one, and the real one where it is installed."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from outrider_embedded.cluster import ClusterPorts, cluster
from outrider_harness.nomad_calls import NomadCalls
from outrider_harness.nomads import Servers, nomad_server


@pytest.fixture(scope="session")
def real_nomad(program: Any) -> Iterator[Servers]:
    """One real Nomad for all tests of a worker: it takes half a minute to start.

    Not below pytest's own directory, which every session closes to others again: tasks of other users pass through here.
    """
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        directory.chmod(0o711)
        with nomad_server(program("nomad"), program("consul"), directory) as servers:
            yield servers


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.needs("nomad", "consul"))])
async def calls(request: pytest.FixtureRequest, tmp_path: Path, worker_number: int) -> AsyncGenerator[NomadCalls]:
    """A server to call; jobs of different tests have different names."""
    if request.param == "real":
        servers: Servers = request.getfixturevalue("real_nomad")
        async with _calls(servers.nomad, servers.consul) as found:
            yield found
        return
    first = 26000 + 500 * worker_number
    async with (
        cluster("dc1", tmp_path, ClusterPorts(of_allocations=(first, first + 500))) as running,
        _calls(running.nomad_address, running.consul_address) as found,
    ):
        yield found


@pytest.fixture(scope="session")
def worker_number(request: pytest.FixtureRequest) -> int:
    """Workers that run side by side book ports from ranges of their own."""
    worker = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    return int(worker.removeprefix("gw"))


@contextlib.asynccontextmanager
async def _calls(nomad: str, consul: str) -> AsyncGenerator[NomadCalls]:
    async with (
        httpx2.AsyncClient(base_url=nomad, timeout=60) as first,
        httpx2.AsyncClient(base_url=consul, timeout=60) as second,
    ):
        yield NomadCalls(first, second)
