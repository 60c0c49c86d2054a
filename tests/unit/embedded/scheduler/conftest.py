"""A small world for reconciliation: jobs, allocations and deployments made in a line."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from outrider_embedded.scheduler.allocation import new_allocation
from outrider_embedded.scheduler.canonical import canonical_job
from outrider_embedded.scheduler.decision import Decisions
from outrider_embedded.scheduler.deployment import counted
from outrider_embedded.scheduler.reconcile import decisions
from outrider_embedded.scheduler.times import stamp
from outrider_embedded.scheduler.world import World

Document = dict[str, Any]
SECOND = 1_000_000_000


class Story:
    """A job and what became of it so far; each step returns what a scheduler would decide now."""

    def __init__(self, **group: Any) -> None:
        self.group = group
        self.allocations: list[Document] = []
        self.deployment: Document | None = None
        self.now = 1_800_000_000 * SECOND
        self.ids = (f"id-{number}" for number in itertools.count())
        self.job = self._job("1", 0)

    def _job(self, content: str, version: int) -> Document:
        task = {"Name": "app", "Driver": "raw_exec", "Env": {"V": content}}
        group = {"Name": "web", "Count": 1, "Tasks": [task], **self.group}
        document = canonical_job({"ID": "web", "TaskGroups": [group]})
        return document | {"Version": version, "CreateIndex": 1, "JobModifyIndex": 10 + version, "ModifyIndex": 10}

    def change(self, content: str, **group: Any) -> Decisions:
        """Register another content, or other fields of the group."""
        self.group |= group
        self.job = self._job(content, self.job["Version"] + 1)
        return self.decided()

    def decided(self, **job: Any) -> Decisions:
        self.job |= job
        world = World(
            self.job, self.allocations, self.deployment, self.now, lambda _: True, new_id=lambda: next(self.ids)
        )
        return decisions(world)

    def happen(self, decided: Decisions) -> None:
        """Carry a decision out: allocations are placed and run, but are not healthy yet."""
        stopped = {one["ID"]: {**one, "ClientStatus": "complete"} for one in decided.stop}
        self.allocations = [stopped.get(one["ID"], one) for one in self.allocations]
        self.deployment = decided.deployment or self.deployment
        for one in decided.place:
            identifier = next(self.ids)
            self.allocations.append(self._placed(identifier, one))
            if one.is_canary and self.deployment is not None:
                self.deployment["TaskGroups"]["web"]["PlacedCanaries"] = [
                    *(self.deployment["TaskGroups"]["web"]["PlacedCanaries"] or []),
                    identifier,
                ]
        self._count()

    def _placed(self, identifier: str, placement: Any) -> Document:
        status = {"Canary": True, "Healthy": None, "Timestamp": None} if placement.is_canary else None
        more = {"DeploymentID": (self.deployment or {}).get("ID", ""), "DeploymentStatus": status}
        return new_allocation(
            {"ID": identifier, "Name": placement.name, "EvalID": "e", "NodeID": "n", "NodeName": "n", **more},
            self.job,
            placement.group,
            {},
        ) | {"ClientStatus": "running"}

    def become(self, is_healthy: bool, **more: Any) -> None:
        """Every allocation of the present deployment becomes healthy, or not."""
        for number, one in enumerate(self.allocations):
            if self.deployment is not None and one["DeploymentID"] == self.deployment["ID"]:
                status = {
                    **(one["DeploymentStatus"] or {"Canary": False}),
                    "Healthy": is_healthy,
                    "Timestamp": stamp(self.now),
                }
                self.allocations[number] = {**one, "DeploymentStatus": status, **more}
        self._count()

    def _count(self) -> None:
        if self.deployment is not None:
            own = [one for one in self.allocations if one["DeploymentID"] == self.deployment["ID"]]
            self.deployment = counted(self.deployment, own)

    def finish(self) -> None:
        """Go on until a deployment is over."""
        for _ in range(20):
            decided = self.decided()
            self.happen(decided)
            if self.deployment is not None and self.deployment["Status"] == "successful":
                return
            self.become(is_healthy=True)
        raise AssertionError("the deployment never ended")


@pytest.fixture
def story() -> Callable[..., Story]:
    return Story
