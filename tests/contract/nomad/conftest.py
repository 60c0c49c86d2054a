"""The Nomads of the contract: the embedded one, the real one where it is installed, and for some classes that in memory."""

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
from support.nomad_in_memory import CLASSES, NOT_MODELLED, in_memory_calls


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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Which servers a test of the contract calls."""
    if "calls" in metafunc.fixturenames:
        servers: list[Any] = ["embedded", pytest.param("real", marks=pytest.mark.needs("nomad", "consul"))]
        more = _in_memory(metafunc.function.__name__) if _class(metafunc) in CLASSES else []
        metafunc.parametrize("calls", servers + more, indirect=True)


def _class(metafunc: pytest.Metafunc) -> str:
    return metafunc.cls.__name__ if metafunc.cls else ""


def _in_memory(test: str) -> list[Any]:
    """What is not modelled has to be refused aloud: any other failure, and a success, are failures of the test."""
    reason = NOT_MODELLED.get(test)
    marks = [pytest.mark.xfail(raises=NotImplementedError, strict=True, reason=reason)] if reason else []
    return [pytest.param("in_memory", marks=marks)]


@pytest.fixture
async def calls(request: pytest.FixtureRequest, tmp_path: Path, worker_number: int) -> AsyncGenerator[NomadCalls]:
    """A server to call; jobs of different tests have different names."""
    if request.param == "in_memory":
        async with in_memory_calls() as found:
            yield found
        return
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
