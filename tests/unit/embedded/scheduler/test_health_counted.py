"""Health that is told while an evaluation waits for its turn: every order of both ends the deployment."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from outrider_embedded.scheduler.canonical import canonical_job
from outrider_embedded.scheduler.client import UPDATED
from outrider_embedded.scheduler.evaluator import Evaluator
from outrider_embedded.scheduler.node import node_document
from outrider_embedded.scheduler.ports import PortBook
from outrider_embedded.scheduler.registration import register
from outrider_embedded.scheduler.state import Commit, State
from outrider_embedded.scheduler.times import stamp
from outrider_embedded.scheduler.watcher import DeploymentWatcher

Document = dict[str, Any]
UPDATE = {"MaxParallel": 3, "MinHealthyTime": 0, "HealthyDeadline": 60 * 10**9, "ProgressDeadline": 120 * 10**9}
TURNS = 40


class Loop:
    """The scheduler without a client: a test tells what becomes of the allocations, turn by turn of the event loop."""

    def __init__(self) -> None:
        self.state = State()
        node = node_document("node-1", "127.0.0.1:4646", (20_000, 21_000), {})
        self.evaluator = Evaluator(self.state, node, PortBook(20_000, 21_000, lambda _: True))
        self.watcher = DeploymentWatcher(self.state)

    async def placed(self, count: int, content: str = "1", canary: int = 0) -> list[str]:
        """Register the job; the ids of the allocations that were placed for it."""
        known = set(self.state.allocations)
        task = {"Name": "app", "Driver": "raw_exec", "Config": {"command": "/bin/true"}, "Env": {"V": content}}
        group = {"Name": "web", "Count": count, "Tasks": [task], "Update": {**UPDATE, "Canary": canary}}
        register(self.state, {"Job": canonical_job({"ID": "web", "Name": "web", "TaskGroups": [group]})})
        await turns(TURNS)
        return [one for one in self.state.allocations if one not in known]

    def become_healthy(self, identifier: str) -> None:
        """What a client reports."""
        one = self.state.allocations[identifier]
        status = {**(one["DeploymentStatus"] or {"Canary": False}), "Healthy": True, "Timestamp": stamp()}
        changed = {**one, "ClientStatus": "running", "DeploymentStatus": status}
        self.state.commit(Commit(UPDATED, allocations=(changed,)))

    @property
    def status(self) -> str:
        return (self.state.latest_deployment("web") or {})["Status"]

    def close(self) -> None:
        self.state.close()
        self.evaluator.close()
        self.watcher.close()


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


@pytest.mark.parametrize("between", range(6))
@pytest.mark.parametrize("later", range(6))
async def test_a_deployment_ends_however_close_its_allocations_become_healthy(between: int, later: int) -> None:
    """A deployment of two or three stood still where the last became healthy between an evaluation and its turn."""
    loop = Loop()
    first, second, third = await loop.placed(3)
    loop.become_healthy(first)
    await turns(between)
    loop.become_healthy(second)
    await turns(later)
    loop.become_healthy(third)
    await turns(TURNS)
    assert loop.status == "successful"
    loop.close()


@pytest.mark.parametrize("between", range(6))
async def test_an_evaluation_that_somebody_asks_for_meanwhile_takes_no_health_away(between: int) -> None:
    """``between`` is how many turns an evaluation of another cause comes before or after the last word on health."""
    loop = Loop()
    first, second = await loop.placed(2)
    loop.become_healthy(first)
    await turns(TURNS)
    loop.evaluator.ask("web", "job-register")
    await turns(between)
    loop.become_healthy(second)
    await turns(TURNS)
    assert loop.status == "successful"
    loop.close()


async def test_health_and_an_evaluation_in_one_turn_go_on() -> None:
    loop = Loop()
    first, second = await loop.placed(2)
    loop.evaluator.ask("web", "job-register")
    loop.become_healthy(first)
    loop.evaluator.ask("web", "job-register")
    loop.become_healthy(second)
    await turns(TURNS)
    assert loop.status == "successful"
    loop.close()
