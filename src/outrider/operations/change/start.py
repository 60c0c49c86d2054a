"""Starting what was stopped: the version that ran, with as many allocations as it had."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError

from outrider.nomad.read.job import running
from outrider.nomad.write.rollback import rolled_back
from outrider.operations.blockers.check import check_blockers
from outrider.operations.blockers.stored_change import change_to
from outrider.operations.change.attempts import attempted, shortfall
from outrider.operations.change.submit import submitted
from outrider.operations.event_details import Warned
from outrider.operations.lookups import active, last_run
from outrider.operations.opening import (
    Order,
    check_artifacts,
    check_foreign,
    new_deployment,
    no_change,
    opened,
)

if TYPE_CHECKING:
    from outrider.nomad.read.job import RunningJob
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment, Version


async def start(environment: Environment, service: str, order: Order) -> Deployment:
    """Register the version that ran before the stop again, with the count that it had.

    UsageError: nothing ran, its version is not known here, or it is not stopped and does not run. ConflictError and RemoteError as in deploy.
    """
    now = running(await environment.nomad.job(service))
    check_foreign(now.is_foreign, service, order)
    target, count = await last_run(environment, service, now)
    fresh = new_deployment(environment.name, service, "start", order)
    wanted = replace(fresh, version=target.number, count=count, expected_index=now.index)
    if now.is_live:
        return await _live(environment, wanted, now, target)
    await check_artifacts(environment, target)
    passed = await check_blockers(environment, change_to(target, service, "start", order.by.name), order)
    deployment = await opened(environment, replace(wanted, overrides=passed), target)
    if count == 0:
        await environment.journal.note(deployment.id, f"it had 0 allocations: {_more(deployment)}", Warned())
    return await submitted(environment, deployment, attempted(rolled_back(target.job, count), now, is_again=False))


async def _live(environment: Environment, wanted: Deployment, now: RunningJob, target: Version) -> Deployment:
    """What is not stopped: a deployment under way is joined, and only what runs is said to run."""
    service, here = wanted.service, f"{wanted.service} -e {wanted.environment}"
    if not now.count:
        raise UsageError(f"{service} is not stopped, but asked for 0 allocations", next_step=_more(wanted))
    under_way = await active(environment, service, now.index)
    if under_way is not None:
        return under_way
    short = await shortfall(environment, service, now, target)
    if short:
        raise UsageError(f"{service} is not stopped: {short}", next_step=f"`outrider redeploy {here}` tries again.")
    deployment = await opened(environment, wanted, target)
    return await no_change(environment, deployment, f"version {target.number} runs already")


def _more(deployment: Deployment) -> str:
    return f"`outrider scale {deployment.service} 1 -e {deployment.environment}` brings one up."
