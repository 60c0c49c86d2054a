"""One placed copy of a service as Nomad's allocation list shows it: pure reading, for status and progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outrider.operations.documents import listed, nested, table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outrider.operations.ports import Json

# Events that only say what every start or stop says; the reason stands in another one.
ROUTINE = frozenset(
    {
        "Received",
        "Task Setup",
        "Downloading Artifacts",
        "Started",
        "Restarting",
        "Alloc Unhealthy",
        "Killing",
        "Killed",
        "Sibling Task Failed",
    }
)
GONE = frozenset({"complete", "failed", "lost"})


@dataclass(frozen=True, slots=True)
class Task:
    """A task of an allocation; ``text`` is what Nomad said about it last."""

    name: str
    state: str
    failed: bool
    restarts: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Allocation:
    """``index`` counts a service's copies from 0; ``healthy`` is None as long as Nomad has not decided."""

    id: str
    index: int
    node: str
    status: str
    desired: str
    healthy: bool | None
    canary: bool
    job_version: int
    tasks: tuple[Task, ...]
    modify_index: int
    next_allocation: str

    @property
    def short_id(self) -> str:
        """The eight characters that people use."""
        return self.id[:8]

    @property
    def is_live(self) -> bool:
        """Whether its tasks run, or are about to, and are meant to."""
        return self.desired == "run" and self.status not in GONE

    @property
    def is_gone(self) -> bool:
        """Whether none of its tasks runs any more."""
        return self.status in GONE

    @property
    def is_current(self) -> bool:
        """Whether it counts for what runs now: it lives, is on its way out, or failed and was not replaced."""
        return not self.is_gone or (self.desired == "run" and not self.next_allocation)

    @property
    def is_good(self) -> bool:
        """Whether it runs, is meant to, and Nomad has not found it unhealthy."""
        return self.status == "running" and self.desired == "run" and self.healthy is not False

    @property
    def is_bad(self) -> bool:
        """Whether it failed or Nomad has found it unhealthy."""
        return self.status == "failed" or self.healthy is False

    @property
    def signature(self) -> tuple[object, ...]:
        """What a person watching wants to hear of when it changes; a restart is told once, not as end and start.

        Of a sidecar that restarts every second for ever, the 1st, 2nd, 4th, 8th … restart are told.
        """
        tasks = tuple(
            (task.name, task.failed, task.restarts.bit_length(), "" if task.restarts else task.state)
            for task in self.tasks
        )
        return (self.status, self.healthy, self.canary, tasks)


def allocations(stubs: Iterable[Json]) -> tuple[Allocation, ...]:
    """The allocations of a job, by their index and then newest first."""
    found = [_allocation(stub) for stub in stubs]
    return tuple(sorted(found, key=lambda one: (one.index, -one.modify_index)))


def healthy_ids(found: Iterable[Allocation]) -> frozenset[str]:
    """The ids of those that Nomad has found healthy."""
    return frozenset(one.id for one in found if one.healthy)


def _allocation(stub: Json) -> Allocation:
    health = nested(stub, "DeploymentStatus")
    states = table(stub, "TaskStates")
    return Allocation(
        id=str(stub["ID"]),
        index=_index(str(stub.get("Name", ""))),
        node=str(stub.get("NodeName") or stub.get("NodeID", "")[:8]),
        status=str(stub.get("ClientStatus", "")),
        desired=str(stub.get("DesiredStatus", "")),
        healthy=health.get("Healthy"),
        canary=bool(health.get("Canary")),
        job_version=int(stub.get("JobVersion") or 0),
        tasks=tuple(_task(name, state) for name, state in sorted(states.items())),
        modify_index=int(stub.get("ModifyIndex") or 0),
        next_allocation=str(stub.get("NextAllocation") or ""),
    )


def _index(name: str) -> int:
    """The 3 of ``checkout.checkout[3]``."""
    digits = name.rpartition("[")[2].rstrip("]")
    return int(digits) if digits.isdigit() else 0


def _task(name: str, state: Json) -> Task:
    events = listed(state, "Events")
    texts = [(str(event.get("Type")), str(event.get("DisplayMessage") or event.get("Type") or "")) for event in events]
    telling = [text for kind, text in texts if kind not in ROUTINE]
    return Task(
        name=name,
        state=str(state.get("State", "")),
        failed=bool(state.get("Failed")),
        restarts=int(state.get("Restarts") or 0),
        text=texts[-1][1] if texts else "",
        reason="; ".join(dict.fromkeys(telling[-3:])),
    )
