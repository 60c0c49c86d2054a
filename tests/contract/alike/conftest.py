"""A fresh embedded cluster, or the real Nomad and Consul, with a portal before them; and the option that records."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest
from outrider_embedded.cluster import ClusterPorts, cluster
from outrider_harness.nomads import Servers, nomad_server
from support.alike import Clusters, clusters


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--alike-record", action="store_true", help="record what the real Nomad makes of each spec")
    parser.addoption("--alike-only", default="", help="only specs whose name has this word")


@pytest.fixture
def is_recording(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--alike-record", default=False))


@pytest.fixture
def only(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--alike-only", default=""))


@pytest.fixture
async def embedded(tmp_path: Path, worker_id: str) -> AsyncGenerator[Clusters]:
    """Workers that run side by side book ports of their own."""
    first = 28_100 + 400 * (0 if worker_id == "master" else int(worker_id.removeprefix("gw")))
    place = tmp_path / "stand"
    place.mkdir()
    async with (
        cluster("dc1", tmp_path / "cluster", ClusterPorts(of_allocations=(first, first + 399))) as running,
        clusters(running.nomad_address, running.consul_address, place) as found,
    ):
        yield found


@pytest.fixture(scope="session")
def real_servers(program: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    directory = tmp_path_factory.mktemp("nomad")
    with nomad_server(program("nomad"), program("consul"), directory, first_port=30_000) as servers:
        yield servers


@pytest.fixture
async def real(real_servers: Servers, tmp_path: Path) -> AsyncGenerator[Clusters]:
    async with clusters(real_servers.nomad, real_servers.consul, tmp_path) as found:
        yield found
