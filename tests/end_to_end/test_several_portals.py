"""Portals as processes on one PostgreSQL: they share the work, outlive each other and a restart of it, and are backed up meanwhile."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from outrider_embedded.cluster import ClusterPorts, cluster
from outrider_harness.portals import Place, portal_settings
from outrider_harness.ports import free_port
from support.postgres import Postgres, running_postgres
from support.stage import ENVIRONMENT, Stage, spec

from outrider.clients.nomad import nomad_client
from outrider.clients.portal import portal_client
from outrider.operations.event_details import Resumed
from outrider.operations.events import Event
from outrider.operations.records import Deployment

pytestmark = pytest.mark.needs("postgres")
OUTRIDER = str(Path(sys.executable).with_name("outrider"))
PLAIN = "mesh: false\ncount: 2\n"


@pytest.fixture(scope="module")
def postgres(program: Any) -> Generator[Postgres]:
    with running_postgres(program("postgres")) as made:
        yield made


@dataclass(frozen=True)
class Portals:
    """Two of them, the first running, and what they share."""

    first: Stage
    second: Stage
    database: str
    artifacts: Path
    platform: Path

    def command(self, *more: str) -> list[str]:
        """A verb on their store."""
        return [OUTRIDER, *more, "--database", self.database, "--artifacts", str(self.artifacts)]


@pytest.fixture
async def portals(
    tmp_path: Path, envoy_bin: str, ports: tuple[int, int], postgres: Postgres
) -> AsyncGenerator[Portals]:
    async with cluster("dc1", tmp_path / "cluster", ClusterPorts(of_allocations=ports)) as running:
        addresses = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
        place = Place(running.nomad_address, running.consul_address, addresses[0], ENVIRONMENT, envoy=envoy_bin)
        file, database, artifacts = tmp_path / "platform.yaml", postgres.new_database(), tmp_path / "artifacts"
        file.write_text(place.text)
        stages: list[Stage] = []
        for address in addresses:
            settings = portal_settings(address, tmp_path)
            command = [OUTRIDER, "portal", "--platform", str(file), "--port", address.rpartition(":")[2]]
            command += ["--database", database, "--artifacts", str(artifacts)]
            client, nomad = portal_client(settings), nomad_client(running.nomad_address, settings.nomad)
            stages.append(Stage(client, nomad, running, address, command))
        made = Portals(stages[0], stages[1], database, artifacts, file)
        async with started(made.first):
            yield made
        for each in stages:
            await each.portal.close()
            await each.nomad.close()


@asynccontextmanager
async def started(stage: Stage) -> AsyncGenerator[Stage]:
    await stage.start_portal()
    try:
        yield stage
    finally:
        if stage.process is not None and stage.process.returncode is None:
            stage.process.terminate()
            await stage.process.wait()


def slow(flavour: str) -> str:
    """A spec that replaces one allocation after the other, so that something can happen in between."""
    return spec(flavour, PLAIN, "max_parallel: 1").replace("min_healthy_time: 0s", "min_healthy_time: 2s")


async def ended(command: list[str]) -> tuple[int, str]:
    made = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await asyncio.wait_for(made.communicate(), 60)
    return made.returncode or 0, output.decode()


async def followed(stage: Stage, deployment: Deployment) -> list[Event]:
    """All events to the verdict, as that portal tells them live."""
    async with asyncio.timeout(120):
        return [event async for event in stage.portal.events(deployment.id)]


async def test_one_portal_deploys_the_other_follows_it_live_and_takes_it_up_when_the_first_is_killed(
    portals: Portals,
) -> None:
    async with started(portals.second) as second:
        assert (await portals.first.run(spec("one", PLAIN))).state == "successful"
        deployment = await portals.first.deploy(slow("two"))
        live = asyncio.create_task(followed(second, deployment))
        while not await portals.first.portal.event_list(deployment.id):  # noqa: ASYNC110  another process has none to wait for
            await asyncio.sleep(0.05)
        before = (await second.nomad.job("echo") or {})["JobModifyIndex"]
        await portals.first.kill_portal()
        events = await live
        verdict = await second.portal.deployment(deployment.id)
        assert (verdict.state, verdict.version) == ("successful", 2), verdict
        assert [event.number for event in events] == list(range(1, len(events) + 1)), (
            "none is missing, none comes twice"
        )
        assert sum(isinstance(event.detail, Resumed) for event in events) >= 1
        assert (await second.nomad.job("echo") or {})["JobModifyIndex"] == before, "nothing was sent twice"


async def test_a_portal_with_a_folder_of_its_own_does_not_start_beside_others(portals: Portals, tmp_path: Path) -> None:
    own = [*portals.second.command[:-1], str(tmp_path / "own")]
    code, said = await ended(own)
    assert code == 1
    assert "is not the one that this database's artifacts are in" in said
    assert "a folder that all portals share, or s3://" in said


async def test_a_restart_of_postgresql_in_the_middle_of_a_deployment_costs_nothing_but_time(
    portals: Portals, postgres: Postgres
) -> None:
    stage = portals.first
    assert (await stage.run(spec("one", PLAIN))).state == "successful"
    deployment = await stage.deploy(slow("two"))
    await asyncio.to_thread(postgres.stop)
    async with httpx2.AsyncClient(timeout=30) as client:
        answer = await client.get(f"{stage.address}/api/v1/deployments/{deployment.id}")
        assert (answer.status_code, answer.json()["next_step"]) == (503, "Try again."), answer.text
        assert (await client.get(f"{stage.address}/api/v1/health")).status_code == 200
    await asyncio.to_thread(postgres.start)
    events = await followed(stage, deployment)
    assert (await stage.portal.deployment(deployment.id)).state == "successful"
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    versions = await stage.portal.versions(ENVIRONMENT, "echo")
    assert [one.number for one in versions] == [2, 1], "no half deploy"


async def test_a_backup_taken_while_a_deployment_is_under_way_comes_back_on_sqlite_and_is_taken_up_there(
    portals: Portals, tmp_path: Path
) -> None:
    first, file = portals.first, tmp_path / "one.backup"
    assert (await first.run(spec("one", PLAIN))).state == "successful"
    deployment = await first.deploy(slow("two"))
    code, said = await ended(portals.command("backup", str(file)))
    assert (code, "rows and 0 artifacts" in said) == (0, True), said
    assert (await first.ended(deployment)).state == "successful"
    assert (await first.run(spec("three", PLAIN))).state == "successful", "after the backup"
    assert first.process
    first.process.terminate()
    await first.process.wait()
    database = f"sqlite:///{tmp_path / 'restored.db'}"
    code, said = await ended([OUTRIDER, "restore", str(file), "--database", database])
    assert (code, "are back" in said) == (0, True), said
    code, said = await ended([OUTRIDER, "restore", str(file), "--database", database])
    assert (code, "the store is not empty" in said) == (1, True), said
    command = [*portals.second.command[:-4], "--database", database]
    async with started(replace(portals.second, command=command)) as again:
        assert (await again.ended(deployment)).state in {"successful", "superseded", "failed"}, "it is not left open"
        assert [one.number for one in await again.portal.versions(ENVIRONMENT, "echo")] == [2, 1]
        status = await again.portal.status(ENVIRONMENT, "echo")
        assert (status.state, status.count) == ("running", 2), "what runs is told as Nomad has it"
        ended_again = await again.run(spec("three", PLAIN))
        assert (ended_again.state, ended_again.version) == ("successful", 3), ended_again
