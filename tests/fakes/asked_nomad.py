"""A Nomad that shows what a test has put down: for each question the next document, and the last one for ever."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from outrider_ground.errors import ConflictError, RemoteError

from outrider.operations.nomad_port import ExecStream, Listing

Json = dict[str, Any]
T = TypeVar("T")


class NomadThatWasAsked:
    """Allocations and deployments as they are told; what is promoted, failed or stopped is noted, and how often it was looked."""

    def __init__(self, allocations: list[list[Json]], deployments: list[Json | None] | None = None) -> None:
        self.lists = allocations
        self.deployments = deployments or [None]
        self.newest: list[Json | None] = []
        self.registered: list[Json | None] = [None]
        self.kept_versions: list[Json] = []
        self.judged: list[Json] = [{"Status": "complete"}]
        self.promoted: list[str] = []
        self.failed: list[str] = []
        self.stopped: list[str] = []
        self.paused: list[tuple[str, bool]] = []
        self.agent: Json = {"config": {}}
        self.known_evaluations: list[Json] = []
        self.known_nodes: list[Json] = []
        self.refusal: ConflictError | RemoteError | None = None
        self.goes_back_to: int | None = None
        self.looks = 0
        self.asked_from: list[tuple[int, float]] = []
        self.shows_allocations = True
        self.words: dict[tuple[str, str], bytes] = {}

    async def job(self, job_id: str) -> Json | None:
        return following(self.registered)

    async def jobs(self, prefix: str = "") -> list[Json]:
        return []

    async def jobs_index(self) -> int:
        return 0

    async def register(self, job: Json, modify_index: int | None = None) -> Json:
        return {"JobModifyIndex": 30}

    async def plan(self, job: Json) -> Json:
        return {}

    async def validate(self, job: Json) -> Json:
        return {}

    async def scale(self, job_id: str, group: str, count: int, message: str = "") -> Json:
        return {"JobModifyIndex": 30}

    async def evaluations(self, job_id: str) -> list[Json]:
        return self.known_evaluations

    async def allocation(self, allocation_id: str) -> Json | None:
        return None

    async def stop_allocation(self, allocation_id: str) -> Json:
        return {}

    async def restart(self, allocation_id: str, task: str | None = None) -> Json:
        return {}

    async def versions(self, job_id: str) -> list[Json]:
        return self.kept_versions

    async def compared_versions(self, job_id: str) -> Json:
        return {"Versions": self.kept_versions} if self.kept_versions else {}

    async def scaling(self, job_id: str) -> Json | None:
        return None

    async def evaluation(self, evaluation_id: str) -> Json:
        return following(self.judged)

    async def allocations(self, job_id: str) -> list[Json]:
        self.looks += 1
        if not self.shows_allocations:
            raise RemoteError("Nomad did not answer")
        return following(self.lists)

    async def deployment_of(self, job_id: str) -> Json | None:
        self.looks += 1
        return following(self.newest) if self.newest else self.deployments[0]

    async def deployment(self, deployment_id: str, index: int = 0, wait_s: float = 0) -> tuple[Json, int]:
        self.asked_from.append((index, wait_s))
        found = following(self.deployments)
        assert found
        return found, index + 1

    async def promote(self, deployment_id: str) -> Json:
        self.promoted.append(deployment_id)
        if self.refusal is not None:
            raise self.refusal
        return {}

    async def fail(self, deployment_id: str) -> Json:
        self.failed.append(deployment_id)
        if self.refusal is not None:
            raise self.refusal
        return {"RevertedJobVersion": self.goes_back_to}

    async def pause(self, deployment_id: str, *, is_paused: bool) -> Json:
        self.paused.append((deployment_id, is_paused))
        if self.refusal is not None:
            raise self.refusal
        return {}

    async def deregister(self, job_id: str, *, purge: bool = False) -> Json:
        self.stopped.append(job_id)
        return {}

    async def logs(self, allocation_id: str, task: str, kind: str = "stdout", **rest: Any) -> AsyncIterator[bytes]:
        yield self.words.get((task, kind), b"")

    # What it is itself

    def exec(
        self, allocation_id: str, task: str, command: Sequence[str], *, has_terminal: bool
    ) -> AbstractAsyncContextManager[ExecStream]:
        raise NotImplementedError

    async def nodes(self) -> list[Json]:
        return self.known_nodes

    async def node(self, node_id: str) -> Json:
        return {"ID": node_id, "Name": node_id}

    async def agent_self(self) -> Json:
        return self.agent

    async def events(self, index: int = 0, topics: tuple[str, ...] = ()) -> AsyncGenerator[Json]:
        for event in ():
            yield event

    async def listing(self) -> Listing:
        return Listing([], 0, [], 0)

    async def regions(self) -> list[str]:
        return ["global"]

    async def leader(self) -> str:
        return "127.0.0.1:4647"

    async def token_name(self, accessor: str) -> str | None:
        return None

    async def own_policies(self) -> list[Json] | None:
        return None

    # What is kept there

    async def variables(
        self, prefix: str, namespace: str | None = None, index: int = 0, wait_s: float = 0
    ) -> tuple[list[Json] | None, int]:
        return [], 1

    async def variable(self, path: str, namespace: str | None = None) -> Json | None:
        return None

    async def put_variable(self, path: str, items: Mapping[str, str], index: int) -> None:
        """Nothing is kept."""

    async def delete_variable(self, path: str, index: int) -> None:
        """Nothing is there."""


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
