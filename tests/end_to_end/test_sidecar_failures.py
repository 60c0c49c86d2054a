"""Sidecars as a deployment makes them, of which a part dies or comes late; the scheduler starts it again."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from outrider_harness.account import ANSWERING_APP, Account, Span, loaded
from outrider_harness.programs import short_directory
from outrider_harness.waiting import until
from support.stage import ENVIRONMENT, QUICK, Stage, spec
from support.stage import stage as new_stage

from outrider.operations.request_bodies import ScaleBody
from outrider.programs.demonstration.processes import Process, processes_below, still_running

ASKING_APP = Path(__file__).parents[1] / "support" / "asking_app.py"
NOTICED_S = 0.05  # until the caller's Envoy knows that a connection has ended; what is sent meanwhile is in flight
RATE = 100.0
KILLS = 3
LOOK_S = 2.0  # seconds in which an agent looks at its sockets
LATE_S = 5  # longer than the 3 s for which Envoy waits for its first endpoints
LATE = f"""#!/bin/sh
case "$*" in *gate*) ;; *) sleep {LATE_S} ;; esac
exec {sys.executable} "$@"
"""
ASKING = f"""
service: asking
run: {{command: [{sys.executable}, {ASKING_APP}]}}
checks: [{{http: /, interval: 1s, timeout: 1s}}]
upstreams: {{echo: {{}}}}
stop: {{delay: 2s}}
{QUICK}}}
"""
ANSWERING = """
service: echo
run: {{command: [{python}, {app}]}}
checks: [{{http: /, interval: 1s, timeout: 1s}}]
env: {{FLAVOUR: one, LEDGER: "{ledger}"}}
count: 2
stop: {{delay: 2s}}
{quick}}}
"""


async def instances(stage: Stage, service: str) -> dict[str, str]:
    """Address and worst check of each instance, as Consul has them."""
    async with httpx2.AsyncClient(base_url=stage.cluster.consul_address) as consul:
        entries = (await consul.get(f"/v1/health/service/{service}")).json()
    found: dict[str, str] = {}
    for one in entries:
        states = {check["Status"] for check in one["Checks"]}
        address = f"{one['Service']['Address']}:{one['Service']['Port']}"
        found[address] = next((state for state in ("critical", "warning") if state in states), "passing")
    return found


async def shown(stage: Stage) -> dict[str, Any]:
    """What the asking app shows through its own sidecar."""
    (address,) = await instances(stage, "asking")
    async with httpx2.AsyncClient() as client:
        return (await client.get(f"http://{address}/")).json()


async def answers(stage: Stage, service: str, count: int) -> bool:
    """Whether so many instances have a sidecar that answers."""
    addresses = await instances(stage, service)
    try:
        async with httpx2.AsyncClient() as client:
            statuses = [(await client.get(f"http://{address}/")).status_code for address in addresses]
    except httpx2.TransportError:
        return False
    return statuses == [200] * count


async def all_pass(stage: Stage, service: str) -> bool:
    return set((await instances(stage, service)).values()) == {"passing"}


def part(directory: Path, allocation: str, task: str) -> tuple[Process, ...]:
    """The process of that task: the folder in which a task runs bears its name."""
    mark = f"/{allocation}/{task}"
    return tuple(one for one in processes_below(directory) if mark in one.folder and one.command)


async def killed(processes: tuple[Process, ...]) -> Span:
    """Kill -9, and the time in which what was in flight may be lost."""
    assert processes
    begin = time.monotonic()
    for one in processes:
        os.kill(one.number, signal.SIGKILL)
    while still_running(processes):  # noqa: ASYNC110  not our child: nothing tells of its end
        await asyncio.sleep(0.001)
    return Span("kill -9", begin, time.monotonic() + NOTICED_S)


async def street(stage: Stage, directory: Path) -> str:
    """Two instances of echo, and one that asks; where its app finds echo."""
    named = {"python": sys.executable, "app": ANSWERING_APP, "ledger": directory / "ledger", "quick": QUICK}
    for text in (ANSWERING.format(**named), ASKING):
        ended = await stage.run(text)
        assert ended.state == "successful", ended
    return (await shown(stage))["url"]


async def test_b08_an_envoy_that_is_killed_again_and_again_costs_what_was_in_flight_and_may_not_be_repeated(
    stage: Stage, tmp_path: Path
) -> None:
    url = await street(stage, tmp_path)
    (victim, _), account = sorted(await stage.running()), Account()
    async with loaded(url, RATE, account):
        for _ in range(KILLS):
            account.kills.append(await killed(part(tmp_path, victim, "envoy")))
            await until(lambda: answers(stage, "echo", 2))
            assert part(tmp_path, victim, "envoy"), "it is the same allocation"
            await asyncio.sleep(0.5)
    assert [one for one in account.failed.values() if not account.is_apart(one)] == []
    await until(lambda: all_pass(stage, "echo"))


async def test_b01_an_agent_that_is_killed_again_and_again_is_started_again_and_costs_nothing(
    stage: Stage, tmp_path: Path
) -> None:
    url = await street(stage, tmp_path)
    (asking,) = await allocations(stage, "asking")
    account = Account()
    async with loaded(url, RATE, account):
        for _ in range(KILLS):
            await killed(part(tmp_path, asking, "agent"))
            await until(lambda: is_in_order(stage))
        scaled = await stage.ended(await stage.portal.act(ENVIRONMENT, "echo", "scale", ScaleBody(count=3)))
        assert scaled.state == "successful", scaled
        await until(lambda: is_in_order(stage, 3))
    assert account.failed == {}


async def allocations(stage: Stage, service: str) -> list[str]:
    found = await stage.nomad.allocations(service)
    return [one["ID"] for one in found if one["ClientStatus"] == "running" and one["DesiredStatus"] == "run"]


async def is_in_order(stage: Stage, count: int = 2) -> bool:
    """Whether the agent of the asking app answers, and its Envoy has so many endpoints."""
    (sidecar,) = (await stage.portal.endpoints(ENVIRONMENT, "asking")).sidecars
    if sidecar.problem:
        return False
    envoy = sidecar.upstreams.upstreams["echo"].envoy
    return envoy.is_current and len(envoy.endpoints or ()) == count


async def test_b07_an_app_whose_agent_comes_long_after_its_envoy_is_not_started_before_it_can_be_served(
    tmp_path: Path, envoy_bin: str, ports: tuple[int, int]
) -> None:
    """5 s instead of 20: Envoy has given up waiting for endpoints after 3 s, and is LIVE without any."""
    late = tmp_path / "late"
    late.write_text(LATE)
    late.chmod(0o755)
    async with new_stage(tmp_path, envoy_bin, ports, agent=str(late)) as stage:
        assert (await stage.run(spec("one", "mesh: false\n"))).state == "successful"
        deployment = asyncio.create_task(stage.run(ASKING))
        seen: list[tuple[float, set[str]]] = []
        while not deployment.done():
            seen.append((time.monotonic(), set((await instances(stage, "asking")).values())))
            await asyncio.sleep(0.05)
        assert (await deployment).state == "successful", await deployment
        app = await shown(stage)
    assert set(app["statuses"]) == {200}
    assert {"critical"} in [states for at, states in seen if at < app["began"]]
    assert [states for at, states in seen if at < app["began"] and "passing" in states] == []


def shared(directory: Path, allocation: str) -> Path:
    """What the tasks of an allocation share."""
    (found,) = directory.glob(f"**/{allocation}/alloc")
    return found


def scratch_emptied(alloc: Path) -> None:
    """What an app may do with its scratch space."""
    shutil.rmtree(alloc / "tmp")


def sockets_deleted(alloc: Path) -> None:
    (alloc / "agent.sock").unlink()
    (alloc / "envoy.sock").unlink()


def files_in_their_place(alloc: Path) -> None:
    sockets_deleted(alloc)
    (alloc / "agent.sock").write_text("")
    (alloc / "envoy.sock").write_text("")


@pytest.mark.parametrize("deed", [scratch_emptied, sockets_deleted, files_in_their_place])
async def test_a_socket_that_somebody_deletes_is_there_again_before_envoy_starts_anew(
    stage: Stage, tmp_path: Path, deed: Callable[[Path], None]
) -> None:
    """And what Envoy's admin socket carries, its metrics and the agent's word to it, goes on."""
    url = await street(stage, tmp_path)
    (asking,) = await allocations(stage, "asking")
    await asyncio.sleep(2 * LOOK_S)
    with short_directory() as short:
        alloc = short / "alloc"  # a socket's path may have 107 bytes
        alloc.symlink_to(shared(tmp_path, asking))
        deed(alloc)
        await until(lambda: answers_there(alloc / "agent.sock"))
        await until(lambda: answers_there(alloc / "envoy.sock"))
        await until(lambda: is_in_order(stage))
        await killed(part(tmp_path, asking, "envoy"))
        await until(lambda: answers(stage, "asking", 1))
        await until(lambda: is_in_order(stage))
    async with httpx2.AsyncClient() as client:
        assert {(await client.get(url)).status_code for _ in range(20)} == {200}


async def answers_there(socket_file: Path) -> bool:
    """Whether somebody serves HTTP at that socket."""
    try:
        async with httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(uds=str(socket_file))) as client:
            return (await client.get("http://there/ready")).status_code in (200, 404)
    except httpx2.TransportError:
        return False
