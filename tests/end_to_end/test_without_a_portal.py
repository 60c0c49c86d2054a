"""With the portal dead, allocations are placed, replaced and restarted as ever: their jobs carry what they start from."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from end_to_end.test_sidecar_failures import RATE, all_pass, allocations, answers, killed, part, street
from outrider_embedded.cluster import ClusterPorts, cluster
from outrider_harness.account import Account, loaded
from outrider_harness.ports import free_port
from outrider_harness.waiting import until
from support.stage import APP, Stage


class Fetches:
    """Counts who connects where the portal was."""

    def __init__(self) -> None:
        self.count = 0

    async def note(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.count += 1
        writer.close()


@asynccontextmanager
async def counted(address: str) -> AsyncGenerator[Fetches]:
    """What is asked of the portal's address while somebody else listens there."""
    fetches = Fetches()
    host, port = address.removeprefix("http://").split(":")
    async with await asyncio.start_server(fetches.note, host, int(port)):
        yield fetches


def forgotten(directory: Path) -> None:
    """The portal's database is no more, and what was uploaded to it."""
    artifacts = directory / "portal.db-artifacts"
    files = [file for file in directory.glob("portal.db*") if file != artifacts]
    assert files
    assert artifacts.is_dir()
    shutil.rmtree(artifacts)
    for file in files:
        file.unlink()


async def stopped_and_replaced(stage: Stage, victim: str) -> None:
    async with httpx2.AsyncClient(base_url=stage.cluster.nomad_address) as nomad:
        (await nomad.post(f"/v1/allocation/{victim}/stop")).raise_for_status()

    async def is_replaced() -> bool:
        running = await stage.running()
        return len(running) == 2 and victim not in running and await all_pass(stage, "echo")

    await until(is_replaced)
    await until(lambda: answers(stage, "echo", 2))


async def restarted(directory: Path, allocation: str, task: str) -> None:
    before = part(directory, allocation, task)
    await killed(before)

    async def is_back() -> bool:
        return bool(part(directory, allocation, task)) and part(directory, allocation, task) != before

    await until(is_back)


async def test_with_the_portal_and_its_database_gone_every_allocation_is_replaced_and_no_request_is_lost(
    killable_stage: Stage, tmp_path: Path
) -> None:
    url = await street(killable_stage, tmp_path)
    await killable_stage.kill_portal()
    forgotten(tmp_path)
    account, first = Account(), await killable_stage.running()
    async with counted(killable_stage.address) as fetches, loaded(url, RATE, account):
        for victim in sorted(first):
            await stopped_and_replaced(killable_stage, victim)
        for allocation in sorted(await killable_stage.running()):
            await restarted(tmp_path, allocation, "agent")
        (asking,) = await allocations(killable_stage, "asking")
        await restarted(tmp_path, asking, "agent")
        await asyncio.sleep(1.0)
    assert first.isdisjoint(await killable_stage.running())
    assert account.failed == {}
    assert account.sent > RATE
    assert fetches.count == 0


STORE_SPEC = """
service: echo
run: {{command: [{python}, echo_app.py], directory: app}}
checks: [{{http: /, interval: 1s, timeout: 1s}}]
env: {{FLAVOUR: kept}}
update: {{min_healthy_time: 0s, healthy_deadline: 20s}}
"""
WITH_A_STORE = """
environments:
  stage:
    nomad: {{address: "{nomad}"}}
    consul: {{address: "{consul}", agent_address: "{consul}"}}
    driver: raw_exec
    sidecar: {{envoy: {{path: "{envoy}"}}, agent: {{path: "{python}"{archive}}}}}
artifacts: {{url: "{store}"}}
portal: {{url: "{portal}"}}
"""


@contextmanager
def served(directory: Path) -> Generator[str]:
    """The address of a plain HTTP server over a folder."""

    class Files(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments, directory=str(directory))

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its own signature
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/kept"
        server.shutdown()
        thread.join()


def outrider(*arguments: str) -> str:
    program = str(Path(sys.executable).with_name("outrider"))
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=True, timeout=60).stdout


def packed(directory: Path) -> tuple[str, dict[str, str]]:
    """A spec's file, and what the operators have put into their store for it: paths by what they are of."""
    (directory / "app").mkdir()
    shutil.copy(APP, directory / "app")
    spec = directory / "echo.yaml"
    spec.write_text(STORE_SPEC.format(python=sys.executable))
    store = directory / "store" / "kept"
    said = json.loads(outrider("pack", "--agent", str(spec), "--to", str(store), "-o", "json"))["packed"]
    return str(spec), {one["of"]: one["file"] for one in said}


def archive_of(kept: str, agent: str, store: str) -> str:
    """The platform's word on where the agent lies; none where the job carries it."""
    sha256, name = Path(agent).parts[-2:]
    places = {"node": f"{{path: {agent}}}", "store": f"{{artifact: '{store}/{sha256}/{name}', sha256: {sha256}}}"}
    return f", archive: {places[kept]}" if kept in places else ""


@pytest.mark.parametrize("kept", ["job", "node", "store"])
async def test_a_rendered_job_runs_where_no_portal_ever_was_with_its_directory_in_a_store_of_the_operators(
    kept: str, tmp_path: Path, envoy_bin: str, ports: tuple[int, int]
) -> None:
    spec, files = await asyncio.to_thread(packed, tmp_path)
    nobody = f"http://127.0.0.1:{free_port()}"
    with served(tmp_path / "store") as store:
        async with (
            cluster("dc1", tmp_path / "cluster", ClusterPorts(of_allocations=ports)) as running,
            counted(nobody) as fetches,
        ):
            servers = {"nomad": running.nomad_address, "consul": running.consul_address, "portal": nobody}
            archive = archive_of(kept, files["the agent"], store)
            more = {"envoy": envoy_bin, "python": sys.executable, "store": store, "archive": archive}
            platform = tmp_path / "platform.yaml"
            platform.write_text(WITH_A_STORE.format(**servers, **more))
            job = await asyncio.to_thread(outrider, "render", spec, "-e", "stage", "--platform", str(platform))
            assert ("base64Decode" in job) == (kept == "job")
            assert nobody not in job
            async with httpx2.AsyncClient(base_url=running.nomad_address) as nomad:
                (await nomad.post("/v1/jobs", content=job)).raise_for_status()
            assert await answer_of(running.consul_address) == "kept"
    assert fetches.count == 0


async def answer_of(consul: str) -> str:
    """What the service says through its sidecar, once it is healthy."""
    async with httpx2.AsyncClient() as client, asyncio.timeout(60):
        while True:
            found = (await client.get(f"{consul}/v1/health/service/echo?passing=1")).json()
            if found:
                service = found[0]["Service"]
                return (await client.get(f"http://{service['Address']}:{service['Port']}/")).text
            await asyncio.sleep(0.05)
