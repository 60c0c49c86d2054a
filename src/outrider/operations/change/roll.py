"""Starting all allocations anew by the service's own update rules: each reads the values of now."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, UsageError

from outrider.nomad.read.job import running
from outrider.nomad.write.rollback import started_anew
from outrider.operations.answers.values import changed
from outrider.operations.blockers.check import check_blockers
from outrider.operations.blockers.stored_change import change_to
from outrider.operations.change.attempts import attempted
from outrider.operations.change.submit import submitted
from outrider.operations.event_details import ValueChanged
from outrider.operations.lookups import active, not_running, running_version
from outrider.operations.opening import Order, check_artifacts, check_foreign, kept, new_deployment, opened

if TYPE_CHECKING:
    from outrider.nomad.read.job import RunningJob
    from outrider.operations.answers.values import Value
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment, Version


async def roll(environment: Environment, service: str, order: Order) -> Deployment:
    """Register the version that runs once more, as its next attempt: Nomad replaces its allocations as `update` says.

    UsageError: nothing runs, its version is not known here, or a value is gone that an allocation would wait for.
    ConflictError: a deployment is under way; and both and RemoteError as in deploy.
    """
    now = running(await environment.nomad.job(service))
    check_foreign(now.is_foreign, service, order)
    if not now.is_live:
        raise await not_running(environment, service)
    base = await _running(environment, service, now)
    await _check_free(environment, service, now)
    _check_there(environment, service)
    await check_artifacts(environment, base)
    passed = await check_blockers(environment, change_to(base, service, "values", order.by.name, base.number), order)
    values = _changed(environment, service)
    cause = "; ".join(filter(None, (order.reason, *map(changed, values))))
    fresh = kept(new_deployment(environment.name, service, "values", order), base, now)
    deployment = await opened(environment, replace(fresh, cause=cause, overrides=passed), base)
    for value in values:
        await environment.journal.note(
            deployment.id, changed(value), ValueChanged(value.reference, value.deployed, value.now)
        )
    job = attempted(started_anew(base.job, now.count or 0), now, is_again=True)
    return await submitted(environment, deployment, job)


async def _running(environment: Environment, service: str, now: RunningJob) -> Version:
    base = await running_version(environment, service, now)
    if base is None:
        raise UsageError(
            f"this portal does not know the version of {service} that runs in {environment.name}",
            next_step=f"Deploy its file: `outrider run FILE -e {environment.name}`.",
        )
    if not now.count:
        raise UsageError(f"{service} asks for 0 allocations: there is nothing to start anew")
    return base


async def _check_free(environment: Environment, service: str, now: RunningJob) -> None:
    under_way = await active(environment, service, now.index)
    if under_way is not None:
        raise ConflictError(
            f"{service} is being deployed in {environment.name} already (deployment {under_way.id[:8]})",
            next_step="Wait for its verdict, then roll what is still pending: `outrider values` tells.",
        )


def _check_there(environment: Environment, service: str) -> None:
    known = environment.values.of(service)
    gone = [one.reference for one in known.values if one.state == "gone"] if known else []
    if gone:
        raise UsageError(
            f"{', '.join(dict.fromkeys(gone))} is gone: allocations of {service} that start now would wait for it",
            next_step="Write it again first; those that run keep what they have.",
        )


def _changed(environment: Environment, service: str) -> tuple[Value, ...]:
    known = environment.values.of(service)
    found = {one.reference: one for one in known.values if one.behind} if known else {}
    return tuple(found.values())
