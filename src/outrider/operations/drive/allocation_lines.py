"""An allocation as an event tells of it: one line for a person, and the same as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.nomad.read.culprits import culprit_task
from outrider.operations.event_details import AllocationSeen, TaskSeen

if TYPE_CHECKING:
    from outrider.nomad.read.allocations import Allocation, Task


def allocation_line(one: Allocation) -> str:
    """``allocation 2ef5ca04 on node-1: running, healthy``, with the reason where a task failed."""
    canary = "canary " if one.canary else ""
    health = {True: ", healthy", False: ", unhealthy", None: ""}[None if one.is_gone else one.healthy]
    troubled = sorted((task for task in one.tasks if task.failed or task.restarts), key=lambda task: not task.failed)
    said = "; ".join(_trouble(task) for task in troubled[:2]) or _waits(one)
    return f"{canary}allocation {one.short_id} on {one.node}: {one.status}{health}{'; ' if said else ''}{said}"


def _waits(one: Allocation) -> str:
    """The tasks that have not started yet: an app waits for its gate, any task for what it cannot read yet."""
    unread = "; ".join(f"{task.name} {task.unread}" for task in one.tasks if task.unread)
    waiting = [task.name for task in one.tasks if task.state == "pending"]
    return unread or (f"{', '.join(waiting)} to come" if waiting and one.status == "running" else "")


def _trouble(task: Task) -> str:
    count = f"restarted {task.restarts} time{'s' if task.restarts > 1 else ''}" if task.restarts else ""
    return f"{task.name} {'failed' if task.failed else count}: {task.reason or task.text}"


def allocation_seen(one: Allocation) -> AllocationSeen:
    """What faces show of it."""
    return AllocationSeen(
        allocation=one.id,
        index=one.index,
        node=one.node,
        status=one.status,
        desired=one.desired,
        healthy=one.healthy,
        canary=one.canary,
        culprit=culprit_task(one),
        tasks={task.name: TaskSeen(task.state, task.restarts, task.text) for task in one.tasks},
    )
