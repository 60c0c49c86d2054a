"""Commands that people run beside the tasks of a service: which task is meant, and what was run."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, UsageError

from outrider.nomad.read.allocations import Allocation, allocations
from outrider.nomad.read.job import running
from outrider.operations.environment import environment_named
from outrider.operations.exec_frames import check_command
from outrider.operations.exec_records import Exec
from outrider.operations.exec_session import ExecSession
from outrider.operations.lookups import check_known, not_running
from outrider.operations.named_allocation import named_allocation
from outrider.topology import names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from outrider.operations.environment import Environment
    from outrider.operations.principal import Principal

SHELL = ("/bin/sh",)


@dataclass(frozen=True, slots=True)
class ExecWish:
    """What is to be run, and where: in the ``allocation`` whose id begins so, else in one that runs."""

    command: tuple[str, ...] = SHELL
    task: str = names.APP_TASK
    allocation: str | None = None
    has_terminal: bool = False


@dataclass(frozen=True, slots=True)
class Execs:
    """What one portal lets people run. UsageError for an environment that the platform does not have."""

    environments: Mapping[str, Environment]

    async def session(self, principal: Principal, environment: str, service: str, wanted: ExecWish) -> ExecSession:
        """A command that may begin now; nothing is run or kept yet.

        UsageError: nobody knows the service, no such allocation or task runs, or the command is too long. ConflictError: the job is not ours.
        """
        here = environment_named(self.environments, environment)
        check_command(wanted.command)
        chosen = await _chosen(here, service, wanted)
        made = Exec(
            id=str(uuid.uuid4()),
            environment=environment,
            service=service,
            allocation=chosen.id,
            task=wanted.task,
            command=wanted.command,
            has_terminal=wanted.has_terminal,
            by=principal.name,
            at=datetime.now(UTC),
        )
        return ExecSession(here, made)

    async def done(self, principal: Principal, environment: str, service: str, limit: int = 50) -> tuple[Exec, ...]:
        """What was run last, newest first. UsageError where nobody knows the service."""
        here = environment_named(self.environments, environment)
        found = await here.store.execs.execs(environment, service, limit)
        if not found:
            await check_known(here, service)
        return found


async def _chosen(environment: Environment, service: str, wanted: ExecWish) -> Allocation:
    now = running(await environment.nomad.job(service))
    if not now.is_live:
        raise await not_running(environment, service)
    if now.is_foreign:
        raise ConflictError(
            f"the job {service} in Nomad was not deployed by Outrider",
            next_step="Whoever deployed it runs commands in it: `nomad alloc exec`.",
        )
    found = allocations(await environment.nomad.allocations(service))
    if wanted.allocation is not None:
        return _with_task([named_allocation(found, wanted.allocation, service)], wanted.task)
    live = [one for one in found if one.is_live]
    if not live:
        raise UsageError(
            f"no allocation of {service} runs in {environment.name}",
            next_step=f"`outrider status {service} -e {environment.name}` says why.",
        )
    return _with_task(live, wanted.task)


def _with_task(chosen: Sequence[Allocation], task: str) -> Allocation:
    """The first in which it runs, healthy ones before others; UsageError where there is none, about the last one."""
    able = [one for one in chosen if not one.is_gone and task in _running_tasks(one)]
    if able:
        return min(able, key=lambda one: (one.healthy is not True, one.index, one.id))
    one = chosen[-1]
    if one.is_gone:
        raise UsageError(f"allocation {one.short_id} has ended ({one.status})", next_step="Name one that runs.")
    runs = ", ".join(_running_tasks(one)) or "none"
    if task in {each.name for each in one.tasks}:
        raise UsageError(f"task {task} of allocation {one.short_id} does not run", next_step=f"These run: {runs}.")
    raise UsageError(f"allocation {one.short_id} has no task {task}", next_step=f"These run: {runs}.")


def _running_tasks(one: Allocation) -> list[str]:
    return [task.name for task in one.tasks if task.state == "running"]
