"""One placed copy of a service as Nomad's allocation list shows it: pure reading, for status and progress."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from outrider.documents import listed, nested, table
from outrider.nomad.read.references import MISSING, in_words
from outrider.topology import names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from outrider.documents import Json

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
# Nomad tells of a task that it ends because its template cannot be rendered as of any other that it ends.
KILLING, ROUTINE_KILLING = "Killing", "Sent interrupt"
GONE = frozenset({"complete", "failed", "lost"})
OPENED = "Exit Code: 0"  # as Nomad words the end of a gate that let the app start


@dataclass(frozen=True, slots=True)
class Task:
    """A task of an allocation; ``text`` is what Nomad said about it last, ``reason`` what is more than routine of it.

    ``unread`` is what it waits to read before it can start; ``restarted_at`` is when it was restarted last, ``started_at`` when it
    was started last, both in seconds and 0 for never.
    """

    name: str
    state: str
    failed: bool
    restarts: int
    text: str
    reason: str
    unread: str = ""
    restarted_at: float = 0.0
    started_at: float = 0.0

    @property
    def is_closed_gate(self) -> bool:
        """Whether it is the gate, and it has not opened."""
        return self.name == names.GATE_TASK and self.state in ("running", "dead") and OPENED not in self.reason


@dataclass(frozen=True, slots=True)
class Allocation:
    """``index`` counts a service's copies from 0; ``healthy`` is None as long as Nomad has not decided.

    ``judged_at`` is when it did (in seconds, 0 for never), and it does so once in a deployment.
    """

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
    judged_at: float = 0.0

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
    def is_complete(self) -> bool:
        """Whether it runs, is meant to, and none of its tasks is still to start: an app waits behind its gate."""
        runs = self.status == "running" and self.desired == "run"
        return runs and not any(task.state == "pending" or task.failed for task in self.tasks)

    @property
    def has_settled(self) -> bool:
        """Whether nothing of it was restarted after Nomad gave its word, which it never takes back."""
        return self.judged_at > 0 and not any(task.restarted_at > self.judged_at for task in self.tasks)

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
            (task.name, task.failed, task.restarts.bit_length(), "" if task.restarts else task.state, task.unread)
            for task in self.tasks
        )
        return (self.status, self.healthy, self.canary, tasks)


def allocations(stubs: Iterable[Json], jobs: Iterable[Json] = ()) -> tuple[Allocation, ...]:
    """The allocations of a job, by their index and then newest first.

    ``jobs`` are the job's documents, as far as they are known: they say what a task wants to read for.
    """
    tasks = {int(job.get("Version") or 0): _tasks(job) for job in jobs}
    found = [_allocation(stub, tasks.get(int(stub.get("JobVersion") or 0), {})) for stub in stubs]
    return tuple(sorted(found, key=lambda one: (one.index, -one.modify_index)))


def healthy_ids(found: Iterable[Allocation]) -> frozenset[str]:
    """The ids of those that Nomad has found healthy."""
    return frozenset(one.id for one in found if one.healthy)


def _tasks(job: Json) -> dict[str, Json]:
    return {str(task.get("Name")): task for group in listed(job, "TaskGroups") for task in listed(group, "Tasks")}


def _allocation(stub: Json, documents: Mapping[str, Json]) -> Allocation:
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
        tasks=tuple(_task(name, state, documents.get(name)) for name, state in sorted(states.items())),
        modify_index=int(stub.get("ModifyIndex") or 0),
        next_allocation=str(stub.get("NextAllocation") or ""),
        judged_at=_seconds(health.get("Timestamp")),
    )


def _index(name: str) -> int:
    """The 3 of ``checkout.checkout[3]``."""
    digits = name.rpartition("[")[2].rstrip("]")
    return int(digits) if digits.isdigit() else 0


def _task(name: str, state: Json, document: Json | None) -> Task:
    events = listed(state, "Events")
    texts = [(str(event.get("Type")), str(event.get("DisplayMessage") or event.get("Type") or "")) for event in events]
    telling = [text for kind, text in texts if _is_telling(kind, text)]
    unread = [text for text in telling if text.startswith(MISSING)] if state.get("State") == "pending" else []
    if not unread:
        telling = [text for text in telling if not text.startswith(MISSING)]
    return Task(
        name=name,
        state=str(state.get("State", "")),
        failed=bool(state.get("Failed")),
        restarts=int(state.get("Restarts") or 0),
        text=texts[-1][1] if texts else "",
        reason="; ".join(dict.fromkeys(in_words(text, document) for text in telling[-3:])),
        unread=in_words(unread[-1], document) if unread else "",
        restarted_at=_seconds(state.get("LastRestart")),
        started_at=_seconds(state.get("StartedAt")),
    )


def _seconds(stamp: str | None) -> float:
    """A time of Nomad's, which is null or in the year 1 where there is none."""
    return datetime.fromisoformat(stamp).timestamp() if stamp and not stamp.startswith("0001-") else 0.0


def _is_telling(kind: str, text: str) -> bool:
    return kind not in ROUTINE or (kind == KILLING and not text.startswith(ROUTINE_KILLING))
