"""What a plan says of the steps of a rollout is what happens, on the embedded Nomad and on real ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx2
import pytest
from outrider_harness.nomads import Servers
from outrider_harness.stand import Stand, embedded_stand, stand_before
from support.planned import check_happened

from outrider.operations.request_bodies import ChangeBody, SpecBody

SPEC = """
service: sleeper
mesh: false
port: none
run: {{command: [sleep, "{seconds}"]}}
count: {count}
update: {{{update}, min_healthy_time: 0s}}
stop: {{delay: 2s}}
resources: {{cpu: 10, memory: 10}}
"""
WAYS = [
    (4, 4, "max_parallel: 2"),
    (3, 3, "canary: 1, max_parallel: 1"),
    (2, 2, "max_parallel: 2"),
    (2, 4, "max_parallel: 1"),
    (4, 2, "max_parallel: 1"),
    (2, 4, "canary: 1, max_parallel: 1"),
]


@pytest.fixture(params=["embedded", pytest.param("real", marks=pytest.mark.needs("nomad", "consul"))])
async def stand(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Stand]:
    """A portal before each."""
    if request.param == "embedded":
        async with embedded_stand(tmp_path) as made:
            yield made
        return
    servers: Servers = request.getfixturevalue("real_nomad")
    async with stand_before(servers.nomad, servers.consul, tmp_path) as made:
        yield made


@pytest.mark.parametrize(("before", "after", "update"), WAYS)
async def test_a_rollout_goes_as_it_was_planned(stand: Stand, before: int, after: int, update: str) -> None:
    name = f"sleeper-{WAYS.index((before, after, update))}"
    first = SPEC.format(seconds=1_000, count=before, update=update).replace("sleeper", name)
    second = SPEC.format(seconds=2_000, count=after, update=update).replace("sleeper", name)
    assert (await stand.run(first)).state == "successful"
    plan = await stand.portal.plan(stand.environment, SpecBody(spec=second))
    deployment = await stand.deploy(second)
    if any("your word" in step.text for step in plan.rollout.steps):
        await stand.waits_for_promotion(deployment)
        await stand.act(name, "promote", ChangeBody())
    assert (await stand.ended(deployment)).state == "successful"
    nomad = stand.platform.environments[stand.environment].nomad.address
    happened = (await asyncio.to_thread(httpx2.get, f"{nomad}/v1/job/{name}/allocations?all=true")).json()
    check_happened(plan.rollout, happened)
    assert (plan.rollout.before, plan.rollout.after) == (before, after)
