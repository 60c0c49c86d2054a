"""What a verdict and a status say when something that a service needs is not there: on the embedded cluster, whole."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from outrider_embedded.addresses import Cluster
from outrider_embedded.cluster import served_scheduler
from outrider_embedded.registry.running import running_registry
from outrider_embedded.scheduler.server import Setting
from outrider_ground.errors import ConflictError, OutriderError
from outrider_ground.settings import host_environment
from outrider_harness.portals import Place, portal_settings, running_portal
from outrider_harness.ports import free_port
from support.stage import ENVIRONMENT, Stage, spec

from outrider.clients.consul import consul_client
from outrider.clients.nomad import nomad_client
from outrider.operations.answers.status import Status
from outrider.operations.events import AllocationEvent
from outrider.operations.records import Deployment
from outrider.operations.request_bodies import ChangeBody, DeployBody
from outrider.settings import settings

PLAIN = "mesh: false\n"
WORKER = """
service: echo
mesh: false
port: none
run: {{command: [sleep, "1000"]}}
env: {{{env}}}
files: [{files}]
update: {{min_healthy_time: 0s, healthy_deadline: 3s, auto_revert: false}}
"""


async def until(stage: Stage, wanted: Callable[[Status], object]) -> Status:
    """The service's status, once it is as wanted."""
    status: Status | None = None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(60):
            while not wanted(status := await stage.portal.status(ENVIRONMENT, "echo")):  # noqa: ASYNC110  no event
                await asyncio.sleep(0.2)
            return status
    pytest.fail(f"the status never became as wanted; last: {status}")


async def given_up(stage: Stage, deployment: Deployment) -> Deployment:
    """The deployment, failed by a person as soon as Nomad has found an allocation unhealthy: its own deadline is far."""
    async for event in stage.portal.events(deployment.id):
        if isinstance(event, AllocationEvent) and event.detail.healthy is False:
            break
        if event.kind == "verdict":
            return await stage.portal.deployment(deployment.id)
    with contextlib.suppress(OutriderError):
        await stage.portal.act(ENVIRONMENT, "echo", "fail", ChangeBody())
    return await stage.ended(deployment)


async def test_a_key_that_does_not_exist_is_the_reason_with_its_path_its_variable_and_its_task(stage: Stage) -> None:
    deployment = await stage.deploy(WORKER.format(env="LIMIT: {consul: no/such/key}", files=""))
    told = "waits for Consul key no/such/key (for LIMIT)"
    status = await until(stage, lambda found: found.allocations and found.allocations[0].tasks[0].unread)
    assert (status.allocations[0].tasks[0].unread, status.healthy) == (told, 0)
    ended = await given_up(stage, deployment)
    assert ended.state == "failed"
    assert f"task app {told}" in ended.reason
    consul = consul_client(stage.cluster.consul_address, settings({}).consul)
    await consul.put_key("no/such/key", b"7")
    await consul.close()
    status = await until(stage, lambda found: found.state == "running")
    assert status.allocations[0].tasks[0].state == "running"


@pytest.mark.parametrize(
    ("env", "files", "told"),
    [
        (
            "A: {nomad_variable: 'nomad/jobs/echo#token'}",
            "",
            "waits for Nomad variable nomad/jobs/echo, item token (for A)",
        ),
        ("", "{path: app.conf, template: '{{ if }}'}", "missing value for command (in local/app.conf)"),
        ("", "{path: app.conf, template: '{{ key `a/b` }}'}", "waits for Consul key a/b (for local/app.conf)"),
    ],
)
async def test_what_a_template_cannot_read_is_named_with_its_task(
    stage: Stage, env: str, files: str, told: str
) -> None:
    ended = await given_up(stage, await stage.deploy(WORKER.format(env=env, files=files)))
    assert ended.state == "failed"
    assert "task app " in ended.reason
    assert told in ended.reason


@dataclass
class Separate:
    """A cluster whose Consul can be taken away and brought back on its address."""

    stage: Stage
    port: int
    _consul: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def with_consul(self) -> None:
        await self._consul.enter_async_context(running_registry("dc1", "dc1", "127.0.0.1", self.port))

    async def without_consul(self) -> None:
        await self._consul.aclose()


@pytest.fixture
async def separate(tmp_path: Path, envoy_bin: str, ports: tuple[int, int]) -> AsyncGenerator[Separate]:
    async with AsyncExitStack() as stack:
        port, address = free_port(), f"http://127.0.0.1:{free_port()}"
        consul = f"http://127.0.0.1:{port}"
        made = Separate(None, port)  # type: ignore[arg-type]
        stack.push_async_callback(made.without_consul)
        await made.with_consul()
        setting = Setting("dc1", tmp_path, consul, ports, host_environment())
        nomad = await stack.enter_async_context(served_scheduler(setting))
        made.stage = await stack.enter_async_context(_portal(tmp_path, envoy_bin, nomad, consul, address))
        yield made


@asynccontextmanager
async def _portal(directory: Path, envoy: str, nomad: str, consul: str, address: str) -> AsyncGenerator[Stage]:
    platform = Place(nomad, consul, address, ENVIRONMENT, envoy=envoy, python="python3").platform
    client = nomad_client(nomad, portal_settings(address, directory).nomad)
    async with running_portal(platform, address, directory) as portal:
        yield Stage(portal, client, Cluster("dc1", nomad, consul, directory), address, [])
    await client.close()


async def test_without_consul_a_verdict_names_it_and_the_service_is_running_again_when_it_is_back(
    separate: Separate,
) -> None:
    stage, rest = separate.stage, PLAIN + "count: 2\n"
    one = spec("one", rest).replace("healthy_deadline: 20s", "healthy_deadline: 4s")
    assert (await stage.run(one)).state == "successful"
    old = await stage.running()
    await separate.without_consul()
    with pytest.raises(ConflictError, match="is stopped by: consul"):
        await stage.deploy(one.replace("FLAVOUR: one", "FLAVOUR: two"))
    past = DeployBody(spec=one.replace("FLAVOUR: one", "FLAVOUR: two"), overrides=("consul",), reason="it may break")
    ended = await given_up(stage, await stage.portal.deploy(ENVIRONMENT, past, "past-consul"))
    assert ended.state == "failed"
    assert "Consul does not answer, and without it no check passes" in ended.reason
    assert "allocations of the last good version run" in ended.reason
    assert old <= await stage.running() or len(await stage.running()) == 2
    endpoints = await stage.portal.endpoints(ENVIRONMENT, "echo")
    assert any("Consul" in problem for problem in endpoints.problems)
    await separate.with_consul()
    status = await until(stage, lambda found: found.state == "running" and found.healthy == 2)
    assert status.version == 1
