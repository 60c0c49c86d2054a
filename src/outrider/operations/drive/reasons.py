"""Why a deployment failed, in words that help: what a task waits for, its last event, the end of its output, the checks."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from outrider_ground.errors import OutriderError, RemoteError

from outrider.nomad.read.allocations import Allocation, Task, allocations
from outrider.nomad.read.culprits import culprits
from outrider.operations.drive.health_reasons import unchecked

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.environment import Environment
    from outrider.operations.nomad_port import LogKind

LINES = 12
BYTES = 4_000
UNTOLD = "what its allocations say is not known"
FORBIDDEN = 403
MOST = 4
"""Allocations that are told of one by one where a deployment stands still."""


async def failure(environment: Environment, service: str, job_version: int) -> str:
    """What is known about the failed or unhealthy allocations of that version; empty where nothing is."""
    try:
        found, job = await _of_version(environment, service, job_version)
    except OutriderError as error:
        return f"{UNTOLD}: {error.message}"
    bad = [one for one in found if one.is_bad]
    if not bad:
        return ""
    newest = max(bad, key=lambda one: one.modify_index)
    return await _explained(environment, service, newest, job)


async def standstill(environment: Environment, service: str, job_version: int) -> str:
    """What each allocation of that version that is not healthy waits for, where none has failed; one line or more each."""
    try:
        found, job = await _of_version(environment, service, job_version)
    except OutriderError as error:
        return f"{UNTOLD}: {error.message}"
    waiting = [one for one in found if one.is_live and one.healthy is None]
    if not found:
        return "Nomad has placed no allocation of this version"
    if not waiting:
        healthy = len([one for one in found if one.is_live and one.healthy])
        return f"all {healthy} placed allocations are healthy: Nomad itself has not gone on with its deployment"
    told = [await _explained(environment, service, one, job) for one in waiting[:MOST]]
    more = len(waiting) - MOST
    return "\n".join([*told, *([f"and {more} more allocations"] if more > 0 else [])])


async def last_lines(environment: Environment, allocation_id: str, task: str) -> str:
    """The end of a task's stderr, or of its stdout where stderr is empty."""
    kinds: tuple[LogKind, ...] = ("stderr", "stdout")
    for kind in kinds:
        text = await _end(environment, allocation_id, task, kind)
        if text:
            lines = [line for line, _ in groupby(text.splitlines())]
            return "\n".join(f"  {kind}: {line}" for line in lines[-LINES:])
    return ""


async def _of_version(environment: Environment, service: str, number: int) -> tuple[list[Allocation], Json | None]:
    """The allocations of that version of the job, and the job as it was. RemoteError as Nomad's."""
    stubs, versions = await environment.nomad.allocations(service), await environment.nomad.versions(service)
    job = next((one for one in versions if int(one.get("Version") or 0) == number), None)
    return [one for one in allocations(stubs, versions) if one.job_version == number], job


async def _explained(environment: Environment, service: str, one: Allocation, job: Json | None) -> str:
    """The allocation, the tasks that keep it from being healthy with the end of their output, or its checks."""
    place = f"allocation {one.short_id} on {one.node}"
    tasks = culprits(one)
    told = "; ".join(f"task {task.name} {_ending(task)}" for task in tasks)
    first = f"{place}: {told}" if told else f"{place} {_so_far(one)}"
    if not any(task.failed or task.restarts or task.unread for task in tasks if not task.is_closed_gate):
        first += await unchecked(environment.consul, service, one, job)
    said = [await last_lines(environment, one.id, task.name) for task in tasks if not task.unread]
    return "\n".join([first, *(text for text in said if text)])


def _so_far(one: Allocation) -> str:
    pending = [task.name for task in one.tasks if task.state == "pending"]
    if pending or not one.tasks:
        return f"has not started {', '.join(pending) or 'any task'}"
    return "did not become healthy" if one.healthy is False else "is not healthy yet"


def _ending(task: Task) -> str:
    if task.unread:
        return task.unread
    if task.is_closed_gate and not task.failed:
        return "did not open in time" if task.state == "dead" else "has not opened"
    if task.failed:
        return f"failed: {task.reason or task.text}"
    if task.restarts:
        return f"was restarted {task.restarts} time{'s' if task.restarts > 1 else ''}: {task.reason or task.text}"
    return f"is {task.state}: {task.reason or task.text}"


async def _end(environment: Environment, allocation_id: str, task: str, kind: LogKind) -> str:
    logs = environment.nomad.logs(allocation_id, task, kind, origin="end", offset=BYTES)
    try:
        chunks = [chunk async for chunk in logs]
    except RemoteError as error:
        # A task that never ran has no output, which Nomad calls an error; that we may not read it is one.
        return f"cannot be read: {error.message}" if error.status == FORBIDDEN else ""
    return b"".join(chunks).decode(errors="replace").strip()
