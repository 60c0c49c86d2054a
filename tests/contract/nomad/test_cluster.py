"""What only the embedded cluster promises: it is up with a block and gone with it, and a crash leaves nothing behind."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import signal
import socket
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from outrider_embedded.addresses import Cluster
from outrider_embedded.cluster import ClusterPorts, cluster, served_scheduler
from outrider_embedded.registry.running import running_registry
from outrider_embedded.scheduler.server import Setting
from outrider_ground.edge.serving import serving
from outrider_ground.errors import OutriderError
from outrider_harness.nomad_calls import SECOND, NomadCalls, events, job, ports, script, service, task
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PROGRAM = """
import asyncio, sys
from pathlib import Path
from outrider_embedded.cluster import ClusterPorts, cluster

async def main():
    async with cluster("crash", Path(sys.argv[1]), ClusterPorts(of_allocations=(26900, 26950))) as running:
        print(running.nomad_address, running.consul_address, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""

ESCAPING = "setsid sh -c 'while true; do sleep 0.1; done' & while true; do sleep 0.1; done"
"""A task with a child that has left its group and its session."""


def processes_below(directory: Path) -> list[int]:
    """The processes whose allocation lies in the directory."""
    mark = b"\0NOMAD_ALLOC_DIR=" + os.fsencode(directory.resolve()) + b"/"
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in b"\0" + (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def guards_of(directory: Path) -> list[int]:
    """The small process that waits for the end of the cluster in the directory."""
    ledger = os.fsencode(directory.resolve() / "allocations" / "processes.json")
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if ledger in (entry / "cmdline").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(20):
        while True:
            if condition():
                return
            await asyncio.sleep(0.02)


def calls_to(running: Cluster) -> NomadCalls:
    return NomadCalls(
        httpx2.AsyncClient(base_url=running.nomad_address, timeout=30),
        httpx2.AsyncClient(base_url=running.consul_address, timeout=30),
    )


async def crashing_cluster(directory: Path) -> tuple[asyncio.subprocess.Process, list[str]]:
    program = [sys.executable, "-c", PROGRAM, str(directory)]
    process = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    return process, (await process.stdout.readline()).decode().split()


async def run_escaping_job(addresses: list[str], name: str, directory: Path) -> list[int]:
    async with (
        httpx2.AsyncClient(base_url=addresses[0], timeout=30) as nomad,
        httpx2.AsyncClient(base_url=addresses[1], timeout=30) as consul,
    ):
        await NomadCalls(nomad, consul).healthy(job(name, script("app", ESCAPING)))
    await until(lambda: len(processes_below(directory)) >= 3)
    return processes_below(directory)


async def test_nothing_runs_after_the_block_and_held_polls_do_not_hold_it(tmp_path: Path) -> None:
    async with cluster("dc1", tmp_path, ClusterPorts(of_allocations=(26800, 26850))) as running:
        calls = calls_to(running)
        await calls.healthy(job("end", script("app", ESCAPING), ShutdownDelay=60 * SECOND))
        held = asyncio.create_task(calls.nomad.get("/v1/jobs", params={"index": "999999"}))
        await asyncio.sleep(0.1)
        assert processes_below(tmp_path)
        start = time.monotonic()
    assert time.monotonic() - start < 10
    assert processes_below(tmp_path) == []
    await asyncio.gather(held, return_exceptions=True)
    await asyncio.gather(calls.nomad.aclose(), calls.consul.aclose())


async def test_a_killed_cluster_takes_its_tasks_with_it(tmp_path: Path) -> None:
    process, addresses = await crashing_cluster(tmp_path)
    assert await run_escaping_job(addresses, "killed", tmp_path)
    process.kill()
    await process.wait()
    await until(lambda: processes_below(tmp_path) == [])


async def test_what_survives_a_crash_is_ended_at_the_next_start(tmp_path: Path) -> None:
    process, addresses = await crashing_cluster(tmp_path)
    await run_escaping_job(addresses, "orphans", tmp_path)
    guards = guards_of(tmp_path)
    assert len(guards) == 1
    os.kill(guards[0], signal.SIGKILL)
    process.kill()
    await process.wait()
    await asyncio.sleep(0.2)
    assert len(processes_below(tmp_path)) >= 2
    async with cluster("dc1", tmp_path, ClusterPorts(of_allocations=(26900, 26950))):
        assert processes_below(tmp_path) == []


async def test_services_that_a_crash_left_in_consul_are_deregistered_at_the_next_start(tmp_path: Path) -> None:
    async with running_registry("dc1") as registry, httpx2.AsyncClient(base_url=registry.address) as consul:
        left = "_nomad-task-gone-group-web-web-http"
        other = "_nomad-task-of-somebody-else"
        for identifier in (left, other):
            await consul.put("/v1/agent/service/register", json={"ID": identifier, "Name": "web"})
        (tmp_path / "services.json").write_text(f'["{left}"]')
        setting = Setting("dc1", tmp_path, registry.address, (26800, 26850), {})
        async with served_scheduler(setting):
            assert set((await consul.get("/v1/agent/services")).json()) == {other}


async def test_a_busy_port_is_an_error_that_names_it(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(OutriderError, match=f"port {port}"):
            async with cluster("dc1", tmp_path, ClusterPorts(nomad=port)):
                raise AssertionError("it must not start")


async def test_a_stop_reaches_consul_at_once(tmp_path: Path) -> None:
    async with cluster("dc1", tmp_path, ClusterPorts(of_allocations=(26800, 26850))) as running:
        calls = calls_to(running)
        document = job("quick", Networks=ports("http"), Services=[service("quick")], ShutdownDelay=5 * SECOND)
        await calls.healthy(document)
        index = (await calls.consul.get("/v1/health/service/quick")).headers["X-Consul-Index"]
        query = {"index": index, "wait": "20s"}
        held = asyncio.create_task(calls.consul.get("/v1/health/service/quick", params=query))
        await asyncio.sleep(0.1)
        await calls.nomad.delete("/v1/job/quick")
        answer = await asyncio.wait_for(held, 5)
        assert answer.json() == []
        assert processes_below(tmp_path)
        await asyncio.gather(calls.nomad.aclose(), calls.consul.aclose())


def archive() -> bytes:
    """A .tar.gz with one file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as file:
        entry = tarfile.TarInfo("app/hello.txt")
        entry.size = 2
        file.addfile(entry, io.BytesIO(b"hi"))
    return packed.getvalue()


async def test_artifacts_are_fetched_checked_and_unpacked(tmp_path: Path) -> None:
    content = archive()

    async def answer(_request: Request) -> Response:
        return Response(content)

    digest = hashlib.sha256(content).hexdigest()
    web = Starlette(routes=[Route("/app.tar.gz", answer), Route("/tool", answer)])
    async with (
        serving(web, "127.0.0.1", 0) as address,
        cluster("dc1", tmp_path, ClusterPorts(of_allocations=(26800, 26850))) as running,
    ):
        calls = calls_to(running)
        packed = {"GetterSource": f"{address}/app.tar.gz", "GetterOptions": {"checksum": f"sha256:{digest}"}}
        plain = {"GetterSource": f"{address}/tool", "RelativeDest": "local/bin/tool", "GetterMode": "file"}
        await calls.healthy(job("fetch", task("app", Artifacts=[packed, plain])))
        identifier = (await calls.allocation("fetch"))["ID"]
        assert await calls.file(identifier, "app/local/app/hello.txt") == "hi"
        entry = await calls.get(f"/v1/client/fs/stat/{identifier}", path="app/local/bin/tool")
        assert entry["Size"] == len(content)
        wrong = {**packed, "GetterOptions": {"checksum": "sha256:" + "0" * 64}}
        await calls.register(job("wrong", task("app", Artifacts=[wrong])))
        await calls.deployed("wrong", "failed")
        (found,) = await calls.allocations("wrong", is_live=False)
        allocation = await calls.ended(found["ID"])
        assert "Failed Artifact Download" in events(allocation, "app")
        assert "Checksums did not match" in str(allocation["TaskStates"]["app"]["Events"])
        await asyncio.gather(calls.nomad.aclose(), calls.consul.aclose())


async def test_a_fixed_port_that_another_job_has_is_told_in_the_plan(tmp_path: Path) -> None:
    async with cluster("dc1", tmp_path, ClusterPorts(of_allocations=(26800, 26850))) as running:
        calls = calls_to(running)
        fixed = [{"Mode": "host", "ReservedPorts": [{"Label": "http", "Value": 26860}]}]
        await calls.healthy(job("first", Networks=fixed))
        plan = await calls.post("/v1/job/second/plan", {"Job": job("second", Networks=fixed), "Diff": True})
        dimension = plan["FailedTGAllocs"]["second"]["DimensionExhausted"]
        assert dimension == {"network: reserved port collision http=26860": 1}
        own = job("first", task("app", Env={"A": "2"}), Networks=fixed)
        again = await calls.post("/v1/job/first/plan", {"Job": own, "Diff": True})
        assert again["FailedTGAllocs"] is None
        await asyncio.gather(calls.nomad.aclose(), calls.consul.aclose())


async def test_a_bridge_network_is_refused_as_on_a_node_without_one(tmp_path: Path) -> None:
    async with cluster("dc1", tmp_path, ClusterPorts(of_allocations=(26800, 26850))) as running:
        calls = calls_to(running)
        bridge = [{"Mode": "bridge", "DynamicPorts": [{"Label": "http", "To": 80}]}]
        plan = await calls.post("/v1/job/bridge/plan", {"Job": job("bridge", Networks=bridge), "Diff": True})
        assert plan["FailedTGAllocs"]["bridge"]["ConstraintFiltered"] == {"missing network": 1}
        await asyncio.gather(calls.nomad.aclose(), calls.consul.aclose())
