"""Why a deployment failed, in words that help: the failing task, its last event, the end of its output, the checks."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from outrider.errors import OutriderError
from outrider.operations.allocations import Allocation, Task, allocations
from outrider.operations.documents import listed, nested
from outrider.topology import names

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.ports import Json, LogKind

LINES = 12
BYTES = 4_000
OPENED = "Exit Code: 0"  # as Nomad words the end of a gate that let the app start


async def failure(environment: Environment, service: str, job_version: int) -> str:
    """What is known about the failed or unhealthy allocations of that version; empty where nothing is."""
    try:
        found = allocations(await environment.nomad.allocations(service))
    except OutriderError:
        return ""
    bad = [one for one in found if one.job_version == job_version and one.is_bad]
    if not bad:
        return ""
    newest = max(bad, key=lambda one: one.modify_index)
    task = _culprit(newest)
    if task is None:
        return f"allocation {newest.short_id} on {newest.node} did not become healthy" + await _checks(
            environment, service, newest
        )
    said = await last_lines(environment, newest.id, task.name)
    place = f"allocation {newest.short_id} on {newest.node}: task {task.name} {_ending(task)}"
    return f"{place}\n{said}" if said else place


async def last_lines(environment: Environment, allocation_id: str, task: str) -> str:
    """The end of a task's stderr, or of its stdout where stderr is empty."""
    kinds: tuple[LogKind, ...] = ("stderr", "stdout")
    for kind in kinds:
        text = await _end(environment, allocation_id, task, kind)
        if text:
            lines = [line for line, _ in groupby(text.splitlines())]
            return "\n".join(f"  {kind}: {line}" for line in lines[-LINES:])
    return ""


def _culprit(allocation: Allocation) -> Task | None:
    """The gate explains a sidecar that does not come up; else the task that failed or fell over, the app first.

    A gate that was still waiting when Nomad's patience ended has said why by then.
    """
    failed = {task.name: task for task in allocation.tasks if task.failed}
    failed = failed or {task.name: task for task in allocation.tasks if task.restarts}
    for name in (names.GATE_TASK, names.APP_TASK):
        if name in failed:
            return failed[name]
    return next(iter(failed.values()), None) or next(filter(_waited, allocation.tasks), None)


def _waited(task: Task) -> bool:
    """Whether it is the gate, and it has not opened."""
    return task.name == names.GATE_TASK and task.state in ("running", "dead") and OPENED not in task.reason


def _ending(task: Task) -> str:
    if task.failed:
        return f"failed: {task.reason or task.text}"
    if task.restarts:
        return f"was restarted {task.restarts} time{'s' if task.restarts > 1 else ''}: {task.reason or task.text}"
    return "did not open in time"


async def _end(environment: Environment, allocation_id: str, task: str, kind: LogKind) -> str:
    logs = environment.nomad.logs(allocation_id, task, kind, origin="end", offset=BYTES)
    try:
        chunks = [chunk async for chunk in logs]
    except OutriderError:
        return ""
    return b"".join(chunks).decode(errors="replace").strip()


async def _checks(environment: Environment, service: str, allocation: Allocation) -> str:
    """What Consul's checks of that allocation say."""
    try:
        instances, _ = await environment.consul.health(service)
    except OutriderError:
        return ""
    failing = [check for one in instances for check in _failing(one, allocation.id)]
    texts = [f"{check.get('Name')}: {str(check.get('Output', '')).strip()}" for check in failing]
    return f": {'; '.join(texts)}" if texts else ""


def _failing(instance: Json, allocation_id: str) -> list[Json]:
    """Checks that do not pass; Nomad puts the allocation's id into the instance's."""
    if allocation_id not in str(nested(instance, "Service").get("ID", "")):
        return []
    return [check for check in listed(instance, "Checks") if check.get("Status") != "passing"]
