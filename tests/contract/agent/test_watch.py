"""The real agent against both Consuls: what is registered there is what Envoy is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Any

from outrider_harness.agents import Agent, running_agent
from outrider_harness.programs import short_directory
from support.consul_calls import DEADLINE_S, ConsulCalls

TTL = {"CheckID": "c", "TTL": "1h", "Status": "passing"}


@contextlib.asynccontextmanager
async def _agent(consul: ConsulCalls, upstreams: str, **variables: str) -> AsyncGenerator[Agent]:
    with short_directory() as directory:
        running = running_agent(directory, str(consul.client.base_url).rstrip("/"), upstreams, variables)
        agent = await asyncio.to_thread(running.__enter__)
        try:
            yield agent
        finally:
            await asyncio.to_thread(running.__exit__, None, None, None)


async def _upstream(agent: Agent, label: str, is_reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            found = await asyncio.to_thread(agent.upstream, label)
            if is_reached(found):
                return found
            await asyncio.sleep(0.02)


def _addresses(found: dict[str, Any]) -> list[tuple[str, int, str]]:
    return [(each["address"], each["port"], each["health"]) for each in found.get("endpoints") or []]


async def test_instances_come_turn_warning_or_critical_and_go(consul: ConsulCalls) -> None:
    await consul.register("web", ID="w1", Address="10.0.0.1", Port=1, Check=TTL)
    await consul.register("web", ID="w2", Address="10.0.0.2", Port=2)
    async with _agent(consul, "web") as agent:
        found = await _upstream(agent, "web", lambda found: len(_addresses(found)) == 2)
        assert found["state"] == "current"
        assert _addresses(found) == [("10.0.0.1", 1, "HEALTHY"), ("10.0.0.2", 2, "HEALTHY")]
        await consul.put("/v1/agent/check/warn/c")
        await _upstream(agent, "web", lambda found: ("10.0.0.1", 1, "DEGRADED") in _addresses(found))
        await consul.put("/v1/agent/check/fail/c")
        await _upstream(agent, "web", lambda found: _addresses(found) == [("10.0.0.2", 2, "HEALTHY")])
        await consul.put("/v1/agent/check/pass/c")
        await _upstream(agent, "web", lambda found: len(_addresses(found)) == 2)
        await consul.deregister("w2")
        await _upstream(agent, "web", lambda found: _addresses(found) == [("10.0.0.1", 1, "HEALTHY")])


async def test_an_upstream_that_does_not_exist_yet_appears_when_it_does(consul: ConsulCalls) -> None:
    async with _agent(consul, "coming,web") as agent:
        await consul.register("web", Address="10.0.0.1", Port=1)
        await _upstream(agent, "web", lambda found: len(_addresses(found)) == 1)
        await consul.register("coming", Address="10.0.0.3", Port=3)
        await _upstream(agent, "coming", lambda found: _addresses(found) == [("10.0.0.3", 3, "HEALTHY")])


async def test_weights_and_the_canary_mark_reach_the_endpoint(consul: ConsulCalls) -> None:
    await consul.register(
        "web",
        Address="10.0.0.1",
        Port=1,
        Weights={"Passing": 7, "Warning": 1},
        Meta={"canary": "true", "outrider_version": "abc"},
    )
    async with _agent(consul, "web") as agent:
        found = await _upstream(agent, "web", lambda found: len(_addresses(found)) == 1)
    (endpoint,) = found["endpoints"]
    assert (endpoint["weight"], endpoint["canary"], endpoint["version"]) == (7, True, "abc")
