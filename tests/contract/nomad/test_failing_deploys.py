"""How a deploy can fail, told while it still runs: by a portal before the embedded Nomad and before a real one."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from outrider_embedded.registry.running import running_registry
from outrider_ground.errors import OutriderError
from outrider_harness.nomad_calls import NomadCalls
from outrider_harness.portals import Place, begun, ended, running_portal
from outrider_harness.ports import free_port

from outrider.clients.portal import PortalClient
from outrider.operations.events import AllocationEvent, EvaluationEvent, Event, PauseEvent, TroubleEvent
from outrider.operations.records import Deployment
from outrider.operations.request_bodies import ChangeBody, StopBody

APP = Path(__file__).parents[2] / "support" / "echo_app.py"
ENVIRONMENT = "stage"
SOON_S = 45.0
"""Far below any deadline of these specs: what is told by then was not told by a deadline."""
ROLLING = """
service: {name}
mesh: false
run: {{command: [{python}, {app}]}}
checks: [{{http: "{path}", interval: 1s, timeout: 1s}}]
env: {{FLAVOUR: "{flavour}"}}
count: {count}
stop: {{delay: 2s}}
update: {{min_healthy_time: 1s, healthy_deadline: 5m, auto_revert: false}}
{more}
"""
MOST_ADDRESSES = 2
HOLDING = """
service: holding-{number}
mesh: false
port: {port}
run: {{command: [sleep, "1000"]}}
checks: [{{script: ["/bin/true"], interval: 1s, timeout: 1s}}]
update: {{min_healthy_time: 1s, auto_revert: false}}
"""


def serving(name: str, *, path: str = "/", flavour: str = "one", count: int = 1, more: str = "") -> str:
    words = {"name": name, "path": path, "flavour": flavour, "count": count, "more": more}
    return ROLLING.format(python=sys.executable, app=APP, **words)


def worker(name: str, run: str, more: str = "") -> str:
    update = "update: {min_healthy_time: 8s, healthy_deadline: 5m, auto_revert: false}"
    return f"service: {name}\nport: none\nmesh: false\nrun: {run}\n{update}\n{more}"


@dataclass
class Here:
    """A portal before one Nomad, and what is deployed through it."""

    portal: PortalClient
    calls: NomadCalls

    async def told(self, text: str, is_it: Callable[[Event], object]) -> tuple[Deployment, Event]:
        """The deployment of that spec, given up by a person as soon as the event has come, and the event."""
        deployment = await begun(self.portal, ENVIRONMENT, text, "service.yaml")
        seen: list[Event] = []
        try:
            async with asyncio.timeout(SOON_S), aclosing(self.portal.events(deployment.id)) as events:
                async for event in events:
                    seen.append(event)
                    if is_it(event):
                        break
                else:
                    pytest.fail(f"the verdict came first: {[one.message for one in seen]}")
        except TimeoutError:
            pytest.fail(f"not told in time: {[one.message for one in seen]}")
        return deployment, seen[-1]

    async def ended(self, deployment: Deployment) -> Deployment:
        with contextlib.suppress(OutriderError):
            await self.portal.act(ENVIRONMENT, deployment.service, "fail", ChangeBody())
        over = await ended(self.portal, deployment, 120)
        with contextlib.suppress(OutriderError):
            await self.portal.act(ENVIRONMENT, deployment.service, "stop", StopBody(purge=True))
        return over


@asynccontextmanager
async def before(calls: NomadCalls, directory: Path, *, envoy: str = "", consul: str = "") -> AsyncGenerator[Here]:
    nomad, agent = (str(one.base_url).rstrip("/") for one in (calls.nomad, calls.consul))
    address = f"http://127.0.0.1:{free_port()}"
    place = Place(nomad, consul or agent, address, ENVIRONMENT, envoy=envoy, consul_agent=agent)
    async with running_portal(place.platform, address, directory) as portal:
        yield Here(portal, calls)


@pytest.fixture
async def here(calls: NomadCalls, tmp_path: Path) -> AsyncGenerator[Here]:
    async with before(calls, tmp_path) as made:
        yield made


def says(*words: str, kind: type[Event] = TroubleEvent) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, kind) and all(word in event.message for word in words)


async def test_d05_a_crash_loop_is_told_with_the_last_lines_of_its_task(here: Here) -> None:
    crash = (
        f"{{command: [{sys.executable}, -c, \"print('no such table', flush=True); raise SystemExit('gone wrong')\"]}}"
    )
    deployment, event = await here.told(worker("crashing", crash), says("task app was restarted", "Exit Code: 1"))
    assert "\n  stderr: gone wrong" in event.message
    assert "\n  stdout: no such table" in event.message
    over = await here.ended(deployment)
    assert (over.state, "gone wrong" in over.reason) == ("failed", True)


async def test_d06_what_cannot_be_fetched_is_told_with_what_the_getter_said(here: Here) -> None:
    run = f"{{command: [./app], artifact: 'http://127.0.0.1:{free_port()}/nothing.tar.gz'}}"
    deployment, event = await here.told(worker("fetching", run), says("nothing.tar.gz"))
    assert "refused" in event.message
    assert (await here.ended(deployment)).state == "failed"


async def test_d06_where_no_node_has_room_it_is_told_at_once_and_given_up_after_seconds(here: Here) -> None:
    text = worker("roomy", '{command: [sleep, "1000"]}', "resources: {memory: 4000000}")
    deployment, event = await here.told(
        text, says("no node for roomy", "1 without enough memory", kind=EvaluationEvent)
    )
    assert "without a class (1 node): 1 with " in event.message
    assert "MB of memory in all, of 4000000 MB that it asks for" in event.message
    over = await ended(here.portal, deployment, 60)
    assert (over.state, "no node for roomy" in over.reason) == ("not_placed", True)


async def test_d06_a_port_that_is_taken_on_the_node_is_named(here: Here) -> None:
    """Nomad 2.0.5 gives a port once for each address of the node, and loopback has two: both are taken first."""
    port, over, holding = free_port(), [], []
    for number in range(MOST_ADDRESSES + 1):
        deployment = await begun(here.portal, ENVIRONMENT, HOLDING.format(number=number, port=port), "service.yaml")
        over.append(await ended(here.portal, deployment, 60))
        if over[-1].state != "successful":
            break
        holding.append(deployment)
    assert holding
    assert over[-1].state == "not_placed", over[-1].reason
    assert f"no node for holding-{len(holding)}" in over[-1].reason
    assert f"1 where port {port} (app) is taken" in over[-1].reason
    lines = [event.message async for event in here.portal.events(over[-1].id) if isinstance(event, EvaluationEvent)]
    assert any(f"port {port}" in line for line in lines), lines
    for one in holding:
        await here.ended(one)


async def test_a_program_that_is_not_on_the_node_is_told_with_what_the_driver_said(here: Here) -> None:
    deployment, event = await here.told(worker("missing", "{command: [/no/such/program]}"), says("/no/such/program"))
    assert "task app" in event.message
    assert (await here.ended(deployment)).state == "failed"


async def test_a_check_that_fails_is_told_with_its_own_words(here: Here) -> None:
    script = (
        'checks: [{name: ready, script: [/bin/sh, -c, "echo the cache is cold; exit 2"], interval: 1s, timeout: 1s}]'
    )
    text = serving("checked").replace('checks: [{http: "/", interval: 1s, timeout: 1s}]', script)
    deployment, event = await here.told(text, says("ready: "))
    assert "the cache is cold" in event.message
    over = await here.ended(deployment)
    assert over.state == "failed"


async def test_an_envoy_that_is_not_on_the_node_is_told_by_its_task_before_the_gate_gives_up(
    calls: NomadCalls, tmp_path: Path, envoy_bin: str
) -> None:
    there = tmp_path / "envoy"
    there.write_text(f'#!/bin/sh\ncase "$*" in *validate*) exec {envoy_bin} "$@";; esac\nrm -f "$0"; exit 1\n')
    there.chmod(0o755)
    async with before(calls, tmp_path, envoy=str(there)) as here:
        text = serving("meshed").replace("mesh: false", "")
        deployment, event = await here.told(text, says("task envoy ", str(there)))
        assert isinstance(event, TroubleEvent)
        assert event.detail.tasks[0] == "envoy"
        assert (await here.ended(deployment)).state == "failed"


async def _until(here: Here, deployment: Deployment, is_it: Callable[[Event], object]) -> AsyncGenerator[Event]:
    async with asyncio.timeout(SOON_S), aclosing(here.portal.events(deployment.id)) as events:
        async for event in events:
            if is_it(event):
                yield event
                return


async def test_a_rollout_waits_while_no_instance_shows_in_consuls_catalog_and_goes_on_when_one_does(
    calls: NomadCalls, tmp_path: Path
) -> None:
    port = free_port()
    async with running_registry("dc1", "dc1", "127.0.0.1", port):
        catalog = f"http://127.0.0.1:{port}"
        async with before(calls, tmp_path, consul=catalog) as here, httpx2.AsyncClient() as client:
            first = await begun(here.portal, ENVIRONMENT, serving("waiting", count=3), "service.yaml")
            await show(client, catalog, here, "waiting", first)
            assert (await ended(here.portal, first, 90)).state == "successful"
            old = {one["ID"] for one in await calls.allocations("waiting")}
            second = await begun(here.portal, ENVIRONMENT, serving("waiting", count=3, flavour="two"), "service.yaml")
            (event,) = [event async for event in _until(here, second, lambda one: isinstance(one, PauseEvent))]
            assert "waits: Consul's catalog shows no instance of it, healthy as it is, since " in event.message
            await calls.deployed("waiting", "paused")  # what the portal intends is written down before Nomad is told
            await asyncio.sleep(4)
            kept = {one["ID"] for one in await calls.allocations("waiting")} & old
            assert kept, "all of them were replaced"
            await show(client, catalog, here, "waiting", second)
            over = await ended(here.portal, second, 90)
            assert over.state == "successful", over.reason
            lines = [event.message async for event in here.portal.events(second.id)]
            assert "Consul is back: the rollout goes on" in lines
            await here.ended(second)


async def show(client: httpx2.AsyncClient, catalog: str, here: Here, service: str, deployment: Deployment) -> None:
    """Let the portal's Consul show each allocation of the deployment from when it is placed."""

    async def followed() -> None:
        async for event in here.portal.events(deployment.id):
            if isinstance(event, AllocationEvent):
                name = f"_nomad-task-{event.detail.allocation}-group-{service}-{service}-ingress"
                body = {"ID": name, "Name": service, "Port": 1, "Tags": ["outrider"]}
                await client.put(f"{catalog}/v1/agent/service/register", json=body)

    RUNNING.add(asyncio.create_task(followed()))


RUNNING: set[asyncio.Task[None]] = set()
