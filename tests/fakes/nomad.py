"""A Nomad in memory: registrations on an index, deployments with canaries, promotion, failure and automatic return.

A small simulator of what the recordings show, not a mock: it keeps state and decides. Nothing takes time; each look at
a deployment lets it make one step.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal

from outrider_ground.errors import ConflictError, RemoteError

Json = dict[str, Any]
Outcome = Literal["healthy", "crash", "hang", "no room"]
ACTIVE = {"running", "pending"}


@dataclass
class Copy:
    """One allocation."""

    id: str
    index: int
    version: int
    job: str
    tasks: list[str]
    status: str = "pending"
    desired: str = "run"
    healthy: bool | None = None
    canary: bool = False
    modified: int = 0

    @property
    def lives(self) -> bool:
        return self.desired == "run" and self.status in {"pending", "running"}

    def stub(self) -> Json:
        failed = self.status == "failed"
        events = [{"Type": "Terminated", "DisplayMessage": "Exit Code: 3"}] if failed else []
        state = {"failed": "dead", "complete": "dead"}.get(self.status, self.status)
        tasks = {name: {"State": state, "Failed": failed and name == "app", "Events": events} for name in self.tasks}
        return {
            "ID": self.id,
            "Name": f"{self.job}.{self.job}[{self.index}]",
            "NodeName": "node-1",
            "ClientStatus": self.status,
            "DesiredStatus": self.desired,
            "DeploymentStatus": {"Healthy": self.healthy, "Canary": self.canary},
            "JobVersion": self.version,
            "ModifyIndex": self.modified,
            "TaskStates": tasks,
        }


@dataclass
class Rollout:
    """One deployment."""

    id: str
    job: str
    version: int
    index: int
    total: int
    canaries: int
    automatic: bool
    reverts: bool
    status: str = "running"
    said: str = "Deployment is running"
    deadline_s: float = 60.0
    promoted: bool = False
    modified: int = 0
    placed: list[Copy] = field(default_factory=list["Copy"])

    def document(self) -> Json:
        healthy = sum(1 for one in self.placed if one.healthy)
        group = {
            "AutoPromote": self.automatic,
            "AutoRevert": self.reverts,
            "DesiredCanaries": self.canaries,
            "DesiredTotal": self.total,
            "PlacedAllocs": len(self.placed),
            "PlacedCanaries": [one.id for one in self.placed if one.canary] or None,
            "HealthyAllocs": healthy,
            "UnhealthyAllocs": sum(1 for one in self.placed if one.healthy is False),
            "Promoted": self.promoted,
            "ProgressDeadline": int(self.deadline_s * 1_000_000_000),
        }
        return {
            "ID": self.id,
            "JobID": self.job,
            "JobVersion": self.version,
            "JobSpecModifyIndex": self.index,
            "Status": self.status,
            "StatusDescription": self.said,
            "TaskGroups": {self.job: group},
        }


class NomadSimulator:
    """Nomad as operations see it. ``outcomes`` decides by a job's version hash what becomes of its allocations."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self.forgets_promotion = False
        self.fails_first = False
        self.progress_deadline_s = 60.0
        self.away: RemoteError | None = None
        self.delay_s = 0.0
        self.pending: set[str] = set()
        self.registrations = 0
        self.stderr = b"boom\n"
        self.stdout: bytes = b"one\ntwo\nthree\n"
        self._jobs: dict[str, list[Json]] = {}
        self._stable: dict[str, set[int]] = {}
        self._copies: dict[str, list[Copy]] = {}
        self._rollouts: dict[str, list[Rollout]] = {}
        self._evaluations: dict[str, Json] = {}
        self._index = itertools.count(10)

    # What operations call

    async def register(self, job: Json, modify_index: int | None = None) -> Json:
        self._answer()
        now = self._now(job["ID"])
        if modify_index is not None and modify_index != (now["JobModifyIndex"] if now else 0):
            raise ConflictError(f"Enforcing job modify index {modify_index}: job exists with conflicting index")
        self.registrations += 1
        if now and not now["Stop"] and _content(now) == _content(job):
            return self._evaluated(job["ID"], now["JobModifyIndex"])
        return self._take(job)

    async def plan(self, job: Json) -> Json:
        self._answer()
        now = self._now(job["ID"])
        answer: Json = {"JobModifyIndex": now["JobModifyIndex"] if now else 0, "FailedTGAllocs": self._no_room(job)}
        live = now is not None and not now["Stop"]
        return answer | {"Diff": _diff(now if live else None, job), "Annotations": _numbers(now if live else None, job)}

    async def validate(self, job: Json) -> Json:
        self._answer()
        return {"ValidationErrors": None, "Error": "", "Warnings": ""}

    async def job(self, job_id: str) -> Json | None:
        self._answer()
        now = self._now(job_id)
        return copy.deepcopy(now) if now else None

    async def jobs(self, prefix: str = "") -> list[Json]:
        await asyncio.sleep(self.delay_s)
        self._answer()
        return [versions[-1] for job_id, versions in self._jobs.items() if job_id.startswith(prefix)]

    async def deregister(self, job_id: str, *, purge: bool = False) -> Json:
        self._answer()
        now = self._jobs[job_id][-1]
        now["Stop"], now["JobModifyIndex"] = True, next(self._index)
        for one in self._copies[job_id]:
            self._end(one)
        self._cancel(job_id, "Cancelled because job is stopped")
        if purge:
            del self._jobs[job_id]
        return self._evaluated(job_id, now["JobModifyIndex"])

    async def scale(self, job_id: str, group: str, count: int, message: str = "") -> Json:
        self._answer()
        if self._active(job_id):
            raise ConflictError("job scaling blocked due to active deployment")
        changed = copy.deepcopy(self._jobs[job_id][-1])
        changed["TaskGroups"][0]["Count"] = count
        return self._take(changed)

    async def versions(self, job_id: str) -> list[Json]:
        self._answer()
        return list(reversed(self._jobs.get(job_id, [])))[:6]

    async def evaluation(self, evaluation_id: str) -> Json:
        self._answer()
        return self._evaluations[evaluation_id]

    async def evaluations(self, job_id: str) -> list[Json]:
        self._answer()
        return [one for one in reversed(self._evaluations.values()) if one["JobID"] == job_id]

    async def allocations(self, job_id: str) -> list[Json]:
        self._answer()
        return [self._with_pending(one.stub()) for one in self._copies.get(job_id, [])]

    def _with_pending(self, stub: Json) -> Json:
        """The tasks named in ``pending`` have not started, whatever the allocation's status."""
        states: Json = stub["TaskStates"]
        still = {name: {**states[name], "State": "pending"} for name in self.pending & states.keys()}
        return {**stub, "TaskStates": {**states, **still}}

    async def allocation(self, allocation_id: str) -> Json | None:
        found = [one for copies in self._copies.values() for one in copies if one.id == allocation_id]
        return (
            found[0].stub() | {"AllocatedResources": {"Shared": {"Ports": _ports(found[0].index)}}} if found else None
        )

    async def deployment_of(self, job_id: str) -> Json | None:
        self._answer()
        rollouts = self._rollouts.get(job_id)
        return rollouts[-1].document() if rollouts else None

    async def deployment(self, deployment_id: str, index: int = 0, wait_s: float = 0) -> tuple[Json, int]:
        self._answer()
        rollout = self._rollout(deployment_id)
        before = rollout.modified
        self._step(rollout)
        await asyncio.sleep(wait_s if rollout.modified == before else 0)
        return rollout.document(), rollout.modified

    async def promote(self, deployment_id: str) -> Json:
        self._answer()
        rollout = self._rollout(deployment_id)
        if rollout.status not in ACTIVE:
            raise ConflictError("can't promote terminal deployment")
        if len([one for one in rollout.placed if one.healthy]) < rollout.canaries:
            raise RemoteError("Task group has 0/1 healthy allocations", status=500)
        self._promote(rollout)
        return {"Index": rollout.modified}

    async def fail(self, deployment_id: str) -> Json:
        self._answer()
        rollout = self._rollout(deployment_id)
        if self.fails_first and rollout.status in ACTIVE:
            self._fail(rollout, "Failed due to unhealthy allocations")
        if rollout.status not in ACTIVE:
            raise ConflictError("can't fail terminal deployment")
        return {"RevertedJobVersion": self._fail(rollout, "Deployment marked as failed")}

    async def logs(self, allocation_id: str, task: str, kind: str = "stdout", **rest: Any) -> AsyncIterator[bytes]:
        self._answer()
        text = self.stderr if kind == "stderr" else self.stdout
        yield text[-rest["offset"] :] if rest.get("origin") == "end" and rest["offset"] < len(text) else text

    async def restart(self, allocation_id: str, task: str | None = None) -> Json:
        return {}

    async def nodes(self) -> list[Json]:
        return [{"ID": "n1", "Name": "node-1", "Status": "ready"}]

    async def node(self, node_id: str) -> Json:
        return {"ID": node_id, "Name": "node-1"}

    async def agent_self(self) -> Json:
        return {"config": {"Version": {"Version": "2.0.5"}}}

    async def events(self, index: int = 0, topics: tuple[str, ...] = ()) -> AsyncIterator[Json]:
        for event in ():
            yield event

    async def regions(self) -> list[str]:
        return ["global"]

    async def leader(self) -> str:
        return "127.0.0.1:4647"

    async def own_policies(self) -> list[dict[str, Any]] | None:
        return None

    # What tests ask

    def running(self, job_id: str) -> list[Copy]:
        """The allocations that live."""
        return [one for one in self._copies.get(job_id, []) if one.lives]

    def count(self, job_id: str) -> int:
        """What the job asks for."""
        return int(self._jobs[job_id][-1]["TaskGroups"][0]["Count"])

    def forget(self, job_id: str) -> None:
        """Its allocations were collected as garbage."""
        self._copies.pop(job_id, None)

    # What happens inside

    def _answer(self) -> None:
        if self.away is not None:
            raise self.away

    def _now(self, job_id: str) -> Json | None:
        return self._jobs[job_id][-1] if job_id in self._jobs else None

    def _take(self, job: Json) -> Json:
        """A new version of the job, with its deployment."""
        job_id, index = job["ID"], next(self._index)
        versions = self._jobs.setdefault(job_id, [])
        before = versions[-1] if versions and not versions[-1]["Stop"] else None
        kept = {"Version": len(versions), "JobModifyIndex": index, "Stop": False}
        versions.append(copy.deepcopy(job) | kept)
        self._cancel(job_id, "Cancelled due to newer version of job")
        self._copies.setdefault(job_id, [])
        if self._no_room(job):
            self._rollouts.setdefault(job_id, []).append(self._new_rollout(versions[-1]))
        else:
            self._roll_out(versions[-1], before)
        return self._evaluated(job_id, index, self._no_room(job))

    def _roll_out(self, job: Json, before: Json | None) -> None:
        copies, count = self._copies[job["ID"]], _group(job)["Count"]
        alive = [one for one in copies if one.lives]
        matching = [one for one in alive if _inside(self._version(job, one.version)) == _inside(job)]
        for one in matching:
            one.version = job["Version"]
        for one in matching[count:]:
            self._end(one)
        missing = count - len(matching)
        is_scaling_down = before is not None and _inside(before) == _inside(job) and missing <= 0
        if is_scaling_down and len(alive) > count:
            return
        rollout = self._new_rollout(job)
        # A failed one counts as well: with it Nomad's return to a version with canaries waits for a promotion.
        old = [one for one in copies if one.desired == "run" and one not in matching]
        rollout.canaries = min(rollout.canaries, missing) if old else 0
        rollout.placed = list(matching[:count])
        self._rollouts.setdefault(job["ID"], []).append(rollout)
        if rollout.canaries:
            self._place(rollout, job, rollout.canaries, canary=True)

    def _new_rollout(self, job: Json) -> Rollout:
        update = _group(job).get("Update") or {}
        return Rollout(
            id=str(uuid.uuid4()),
            job=job["ID"],
            version=job["Version"],
            index=job["JobModifyIndex"],
            total=_group(job)["Count"],
            canaries=int(update.get("Canary") or 0),
            automatic=bool(update.get("AutoPromote")),
            reverts=bool(update.get("AutoRevert")),
            deadline_s=self.progress_deadline_s,
            modified=next(self._index),
        )

    def _step(self, rollout: Rollout) -> None:
        """What Nomad would do next."""
        job = self._jobs[rollout.job][rollout.version] if rollout.job in self._jobs else None
        if rollout.status not in ACTIVE or job is None or self._no_room(job):
            return
        waiting = [one for one in rollout.placed if one.healthy is None]
        if waiting:
            self._come_up(rollout, waiting[0], self.outcomes.get(_hash(job), "healthy"))
        elif rollout.canaries and not rollout.promoted:
            rollout.said = "Deployment is running but requires manual promotion"
            if rollout.automatic and not self.forgets_promotion:
                self._promote(rollout)
        elif len(rollout.placed) < rollout.total:
            rollout.modified = next(self._index)
            self._replace(rollout, job)
        else:
            self._succeed(rollout)

    def _come_up(self, rollout: Rollout, one: Copy, outcome: Outcome) -> None:
        one.modified = next(self._index)
        if outcome == "hang":
            one.status = "running"
            return
        one.healthy, rollout.modified = outcome == "healthy", next(self._index)
        one.status = "running" if one.healthy else "failed"
        if not one.healthy:
            self._fail(rollout, "Failed due to unhealthy allocations")

    def _replace(self, rollout: Rollout, job: Json) -> None:
        old = [one for one in self._copies[rollout.job] if one.lives and one not in rollout.placed]
        for one in old[:1]:
            self._end(one)
        self._place(rollout, job, 1)

    def _promote(self, rollout: Rollout) -> None:
        rollout.promoted, rollout.modified = True, next(self._index)
        for one in rollout.placed:
            one.canary = False

    def _succeed(self, rollout: Rollout) -> None:
        for one in self._copies[rollout.job]:
            if one.lives and one not in rollout.placed:
                self._end(one)
        rollout.status, rollout.said = "successful", "Deployment completed successfully"
        self._stable.setdefault(rollout.job, set()).add(rollout.version)

    def _fail(self, rollout: Rollout, said: str) -> int | None:
        """The canaries end, the old ones stay; with a good version before, the job goes back to it."""
        rollout.status, rollout.said, rollout.modified = "failed", said, next(self._index)
        for one in rollout.placed:
            if one.canary:
                self._end(one)
        good = [number for number in self._stable.get(rollout.job, ()) if number < rollout.version]
        if not rollout.reverts or not good:
            return None
        rollout.said = f"{said} - rolling back to job version {max(good)}"
        self._take(self._jobs[rollout.job][max(good)])
        return max(good)

    def _place(self, rollout: Rollout, job: Json, number: int, *, canary: bool = False) -> None:
        tasks = [task["Name"] for task in _group(job)["Tasks"]]
        for _ in range(number):
            one = Copy(str(uuid.uuid4()), len(rollout.placed), rollout.version, rollout.job, tasks, canary=canary)
            one.modified = next(self._index)
            self._copies[rollout.job].append(one)
            rollout.placed.append(one)

    def _end(self, one: Copy) -> None:
        one.desired, one.modified = "stop", next(self._index)
        one.status = "failed" if one.status == "failed" else "complete"

    def _cancel(self, job_id: str, said: str) -> None:
        for rollout in self._rollouts.get(job_id, []):
            if rollout.status in ACTIVE:
                rollout.status, rollout.said = "cancelled", said

    def _active(self, job_id: str) -> bool:
        return any(rollout.status in ACTIVE for rollout in self._rollouts.get(job_id, []))

    def _rollout(self, deployment_id: str) -> Rollout:
        return next(one for found in self._rollouts.values() for one in found if one.id == deployment_id)

    def _version(self, job: Json, number: int) -> Json:
        return self._jobs[job["ID"]][number]

    def _no_room(self, job: Json) -> Json | None:
        if self.outcomes.get(_hash(job)) != "no room":
            return None
        return {job["ID"]: {"NodesEvaluated": 1, "DimensionExhausted": {"memory": 1}}}

    def _evaluated(self, job_id: str, index: int, failed: Json | None = None) -> Json:
        number = str(uuid.uuid4())
        status = "blocked" if failed else "complete"
        document = {"ID": number, "JobID": job_id, "JobModifyIndex": index, "Status": status, "FailedTGAllocs": failed}
        self._evaluations[number] = document
        return {"EvalID": number, "JobModifyIndex": index, "Warnings": ""}


def _group(job: Json) -> Json:
    return job["TaskGroups"][0]


def _hash(job: Json) -> str:
    return str((job.get("Meta") or {}).get("outrider_version"))


def _content(job: Json) -> Json:
    return {key: value for key, value in job.items() if key not in {"Version", "JobModifyIndex", "Stop"}}


def _inside(job: Json) -> Json:
    """What cannot change without replacing an allocation."""
    group = {key: value for key, value in _group(job).items() if key not in {"Count", "Update", "Migrate", "Services"}}
    return {"Meta": job.get("Meta"), "group": group}


def _diff(now: Json | None, job: Json) -> Json:
    if now is None:
        return {"Type": "Added", "Fields": [{"Name": "Name", "Type": "Added"}], "TaskGroups": []}
    if _content(now) == _content(job):
        return {"Type": "None"}
    if _content(now) | {"Meta": None} == _content(job) | {"Meta": None}:
        names = sorted(set((now.get("Meta") or {}).items()) ^ set((job.get("Meta") or {}).items()))
        return {"Type": "Edited", "Fields": [{"Name": f"Meta[{name}]", "Type": "Edited"} for name, _ in names]}
    old, new = _group(now), _group(job)
    tasks = [{"Name": "app", "Type": "Edited", "Fields": [{"Name": "Env[X]", "Type": "Edited"}]}]
    group = {
        "Name": job["ID"],
        "Type": "Edited",
        "Fields": [{"Name": "Count", "Type": "Edited"}] if old["Count"] != new["Count"] else None,
        "Objects": [{"Name": key, "Type": "Edited"} for key in ("Update", "Migrate") if old.get(key) != new.get(key)]
        or None,
        "Tasks": tasks if _inside(now) != _inside(job) else None,
    }
    return {"Type": "Edited", "Fields": None, "TaskGroups": [group]}


def _numbers(now: Json | None, job: Json) -> Json:
    new = _group(job)["Count"]
    old = _group(now)["Count"] if now else 0
    same = now is not None and _inside(now) == _inside(job)
    kept = {"Ignore" if same else "DestructiveUpdate": min(old, new)}
    numbers = {"Place": max(new - old, 0), "Stop": max(old - new, 0)}
    return {"DesiredTGUpdates": {job["ID"]: kept | numbers}}


def _ports(index: int) -> list[Json]:
    """What is booked for the allocation of that index: 2100x for its ingress, 2200x for its metrics."""
    booked = {"ingress": 21000 + index, "metrics": 22000 + index}
    return [{"Label": label, "Value": port, "To": 0, "HostIP": "127.0.0.1"} for label, port in booked.items()]
