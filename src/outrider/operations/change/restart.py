"""Restarting what runs, as it is: by the service's own update rules, or single allocations, or tasks where they are.

Without more, the version that runs is registered once more, as another attempt: Nomad replaces all allocations as a
deployment would, so that nothing is lost even of a service with one allocation, and stops where one does not get healthy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, UsageError

from outrider.nomad.read.allocations import Allocation, allocations
from outrider.nomad.read.job import running
from outrider.nomad.write.rollback import rolled_back
from outrider.operations.blockers.check import check_blockers
from outrider.operations.blockers.stored_change import change_to
from outrider.operations.change.attempts import attempted
from outrider.operations.change.submit import submitted
from outrider.operations.drift import changed_outside
from outrider.operations.event_details import Restarted
from outrider.operations.lookups import not_running, running_version
from outrider.operations.named_allocation import named_allocation
from outrider.operations.opening import Order, check_artifacts, check_foreign, kept, new_deployment, opened

if TYPE_CHECKING:
    from outrider.nomad.read.job import RunningJob
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment, Version


@dataclass(frozen=True, slots=True)
class Restart:
    """What is to be restarted: everything, or the ``allocation`` whose id begins so, or one ``task`` where it is.

    ``all_at_once`` waits for nobody in between.
    """

    allocation: str | None = None
    task: str | None = None
    all_at_once: bool = False

    @property
    def is_by_the_rules(self) -> bool:
        """Whether the service's own update rules say in which order."""
        return self.allocation is None and self.task is None and not self.all_at_once


async def restart(environment: Environment, service: str, wanted: Restart, order: Order) -> Deployment:
    """Restart what is wanted; what follows is watched elsewhere.

    UsageError: nothing runs, or there is no such allocation or task. ConflictError: something blocks it, or the
    job is another one than the version's, so that registering that would undo somebody's work.
    """
    now = running(await environment.nomad.job(service))
    if not now.is_live:
        raise await not_running(environment, service)
    check_foreign(now.is_foreign, service, order)
    base = await running_version(environment, service, now)
    known = await _known(environment, service, now, base) if wanted.is_by_the_rules else None
    chosen = () if known else await _chosen(environment, service, wanted)
    change = change_to(base, service, "restart", order.by.name, base.number if base else None)
    passed = await check_blockers(environment, change, order)
    fresh = replace(kept(new_deployment(environment.name, service, "restart", order), base, now), overrides=passed)
    if known is not None:
        return await _by_the_rules(environment, now, known, fresh)
    deployment = await opened(environment, fresh, base)
    planned = Restarted(tuple(one.id for one in chosen), wanted.task, wanted.all_at_once)
    await environment.journal.note(deployment.id, _line(chosen, wanted), planned)
    begun = replace(deployment, state="running")
    await environment.store.deployments.save_deployment(begun)
    return begun


async def _by_the_rules(environment: Environment, now: RunningJob, base: Version, wanted: Deployment) -> Deployment:
    await check_artifacts(environment, base)
    deployment = await opened(environment, wanted, base)
    return await submitted(
        environment, deployment, attempted(rolled_back(base.job, now.count or 0), now, is_again=True)
    )


async def _known(environment: Environment, service: str, now: RunningJob, base: Version | None) -> Version:
    """The stored version, which is all that would be registered."""
    here = f"{service} -e {environment.name}"
    if base is None:
        raise UsageError(
            f"this portal does not know the version of {service} that runs in {environment.name}",
            next_step=f"Restart its allocations one by one: `outrider restart {here} --allocation ID`.",
        )
    places = await changed_outside(environment, service, now, base.number)
    if places:
        raise ConflictError(
            f"{service} was changed outside of Outrider ({', '.join(places)}), and a restart of all would undo that",
            next_step=f"Undo it with `outrider rollback {here}`, or restart single ones with --allocation.",
        )
    return base


async def _chosen(environment: Environment, service: str, wanted: Restart) -> tuple[Allocation, ...]:
    found = allocations(await environment.nomad.allocations(service))
    live = tuple(one for one in found if one.is_live)
    chosen = live if wanted.allocation is None else (named_allocation(found, wanted.allocation, service),)
    gone = [one.short_id for one in chosen if not one.is_live]
    if gone or not chosen:
        which = f"allocation {gone[0]}" if gone else service
        known = ", ".join(one.short_id for one in live) or "none"
        raise UsageError(f"{which} does not run in {environment.name}", next_step=f"These run: {known}.")
    _check_task(chosen, wanted.task)
    return chosen


def _check_task(chosen: tuple[Allocation, ...], task: str | None) -> None:
    for one in chosen if task else ():
        running_tasks = [each.name for each in one.tasks if each.state == "running"]
        if task not in running_tasks:
            raise UsageError(
                f"no task {task} runs in allocation {one.short_id}", next_step=f"These run: {', '.join(running_tasks)}."
            )


def _line(chosen: tuple[Allocation, ...], wanted: Restart) -> str:
    what = f"task {wanted.task} where it is, in" if wanted.task else "by another one each:"
    order = "all at once" if wanted.all_at_once else "one after the other"
    verb = "restart" if wanted.task else "replace"
    return f"{verb} {what} {', '.join(one.short_id for one in chosen)}" + (f", {order}" if len(chosen) > 1 else "")
