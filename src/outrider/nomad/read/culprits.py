"""Which tasks keep an allocation from being healthy: pure reading of their states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider.topology import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outrider.nomad.read.allocations import Allocation, Task

SIDECAR = (names.ENVOY_TASK, names.AGENT_TASK)


def culprits(one: Allocation) -> tuple[Task, ...]:
    """What waits to read something; else what failed or fell over, a sidecar before the gate that waits for it.

    A gate explains a sidecar that does not come up, and one that was still waiting when Nomad's patience ended has said
    why by then. Empty where all tasks run as they should.
    """
    unread = tuple(task for task in one.tasks if task.unread)
    return unread or tuple(dict.fromkeys(_of_sidecar(one))) or tuple(_of_app(one))[:1]


def culprit_task(one: Allocation) -> str | None:
    """The name of the task whose output tells more; None where that is the app's, or where nothing has started."""
    first = next(iter(culprits(one)), None)
    return None if first is None or first.unread or first.name == names.APP_TASK else first.name


def _of_sidecar(one: Allocation) -> Iterator[Task]:
    """Where the gate is closed, those that it waits for and have fallen over, then itself."""
    gates = [task for task in one.tasks if task.is_closed_gate]
    if gates and not any(task.failed for task in one.tasks if task.name == names.APP_TASK):
        yield from (task for task in one.tasks if task.name in SIDECAR and (task.failed or task.restarts))
        yield from gates


def _of_app(one: Allocation) -> Iterator[Task]:
    """What failed, then what was restarted, the app first; last what is pending for a reason that Nomad names."""
    ordered = sorted(one.tasks, key=lambda task: task.name != names.APP_TASK)
    yield from (task for task in ordered if task.failed)
    yield from (task for task in ordered if task.restarts)
    yield from (task for task in ordered if task.state == "pending" and task.reason)
