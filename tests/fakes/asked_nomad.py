"""A Nomad that shows what a test has put down: for each question the next document, and the last one for ever."""

from __future__ import annotations

from typing import Any, TypeVar

from fakes.nomad import NomadSimulator
from outrider_ground.errors import RemoteError

Json = dict[str, Any]
T = TypeVar("T")


class NomadThatWasAsked(NomadSimulator):
    """Allocations and deployments as they are told; what is promoted or failed is noted."""

    def __init__(self, allocations: list[list[Json]], deployments: list[Json | None] | None = None) -> None:
        super().__init__()
        self.lists = allocations
        self.deployments = deployments or [None]
        self.promoted: list[str] = []
        self.shows_allocations = True

    async def allocations(self, job_id: str) -> list[Json]:
        if not self.shows_allocations:
            raise RemoteError("Nomad did not answer")
        return following(self.lists)

    async def deployment_of(self, job_id: str) -> Json | None:
        return self.deployments[0]

    async def deployment(self, deployment_id: str, index: int = 0, wait_s: float = 0) -> tuple[Json, int]:
        found = following(self.deployments)
        assert found
        return found, index + 1

    async def promote(self, deployment_id: str) -> Json:
        self.promoted.append(deployment_id)
        return {}


def following(left: list[T]) -> T:
    return left.pop(0) if len(left) > 1 else left[0]


def an_allocation(number: int, status: str, index: int = 1, **more: object) -> Json:
    """One of the list that Nomad answers for a job, version 0 of it unless told otherwise."""
    shown = {"ID": f"{number:08x}-0000", "Name": f"checkout.checkout[{number}]", "NodeName": "node-1"}
    state = {"ClientStatus": status, "DesiredStatus": "run", "JobVersion": 0, "ModifyIndex": index, "TaskStates": {}}
    return {**shown, **state, **more}


def a_rollout(status: str = "running", *, index: int = 20, healthy: int = 0, said: str = "", **group: object) -> Json:
    """One deployment of two allocations."""
    numbers = {"DesiredTotal": 2, "PlacedAllocs": 2, "HealthyAllocs": healthy, "ProgressDeadline": 10**8, **group}
    document = {"ID": "d-1", "JobID": "checkout", "JobVersion": 0, "JobSpecModifyIndex": index, "Status": status}
    return {**document, "StatusDescription": said, "TaskGroups": {"checkout": numbers}}
