"""Why a deployment failed, in words that help: what a task waits for, its last event, the end of its output, the checks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from outrider_ground.errors import OutriderError, RemoteError

from outrider.nomad.read.allocations import Allocation, Task, allocations
from outrider.nomad.read.culprits import culprits
from outrider.operations.drive.health_reasons import unchecked

if TYPE_CHECKING:
    from collections.abc import Collection

    from outrider.documents import Json
    from outrider.operations.environment import Environment
    from outrider.operations.nomad_port import LogKind

LINES: Final = {"stderr": 12, "stdout": 6}
BYTES: Final = 4_000
# The gate says in one line which rights lack and how to give them: that comes whole.
LONGEST_LINE: Final = 1_000
_COLOURS: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
UNTOLD = "what its allocations say is not known"
FORBIDDEN = 403
MOST = 4
"""Allocations that are told of one by one where a deployment stands still."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What keeps one allocation from being healthy: the tasks, what is said of them or of its checks, and their last lines.

    Where ``has_reason`` is false, it only tells how far the allocation has come.
    """

    allocation: str
    place: str
    tasks: tuple[str, ...]
    has_reason: bool
    said: str
    lines: tuple[str, ...] = ()

    @property
    def body(self) -> str:
        """What it says without naming the allocation: of two that fail alike it is the same."""
        return "\n".join([self.said, *self.lines])

    def __str__(self) -> str:
        return self.place + self.body


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
    return str(await _explained(environment, service, newest, job))


async def explanations(
    environment: Environment, service: str, job_version: int, ids: Collection[str]
) -> list[Explanation]:
    """What keeps each of these allocations of that version from being healthy. OutriderError where Nomad tells nothing."""
    found, job = await _of_version(environment, service, job_version)
    return [await _explained(environment, service, one, job) for one in found if one.id in ids]


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
    told = [str(await _explained(environment, service, one, job)) for one in waiting[:MOST]]
    more = len(waiting) - MOST
    return "\n".join([*told, *([f"and {more} more allocations"] if more > 0 else [])])


async def last_lines(environment: Environment, allocation_id: str, task: str) -> str:
    """The end of a task's stderr, then that of its stdout: no more lines and no longer ones than a person reads."""
    kinds: tuple[LogKind, ...] = ("stderr", "stdout")
    told = [
        f"  {kind}: {line}"
        for kind in kinds
        for line in _lines(await _end(environment, allocation_id, task, kind))[-LINES[kind] :]
    ]
    return "\n".join(told)


def _lines(text: str) -> list[str]:
    """The lines without colours and signs that none can see; of those that repeat one, of a long one its beginning."""
    plain = (_COLOURS.sub("", line).rstrip().replace("\t", "    ") for line in text.splitlines())
    shown = ("".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line) for line in plain)
    return [_cut(line) for line, _ in groupby(shown) if line]


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"


async def _of_version(environment: Environment, service: str, number: int) -> tuple[list[Allocation], Json | None]:
    """The allocations of that version of the job, and the job as it was. RemoteError as Nomad's."""
    stubs, versions = await environment.nomad.allocations(service), await environment.nomad.versions(service)
    job = next((one for one in versions if int(one.get("Version") or 0) == number), None)
    return [one for one in allocations(stubs, versions) if one.job_version == number], job


async def _explained(environment: Environment, service: str, one: Allocation, job: Json | None) -> Explanation:
    """The allocation, the tasks that keep it from being healthy with the end of their output, or its checks."""
    tasks = culprits(one)
    told = "; ".join(f"task {task.name} {_ending(task)}" for task in tasks)
    said, unpassed = f": {told}" if told else f" {_so_far(one)}", ""
    if not any(task.failed or task.restarts or task.unread for task in tasks if not task.is_closed_gate):
        unpassed = await unchecked(environment.consul, service, one, job)
    ends = [await last_lines(environment, one.id, task.name) for task in tasks if not task.unread]
    return Explanation(
        allocation=one.id,
        place=f"allocation {one.short_id} on {one.node}",
        tasks=tuple(task.name for task in tasks),
        has_reason=bool(tasks or unpassed),
        said=said + unpassed,
        lines=tuple(text for text in ends if text),
    )


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
