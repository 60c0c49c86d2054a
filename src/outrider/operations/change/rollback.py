"""Going back: a version from our own store is registered again.

Nomad's revert is never used: it knows the last six versions only, and it goes through the canary phase of the version
it returns to, where it waits for a promotion that nobody knows of (hashicorp/nomad#10882, seen on 2.0.5).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider_ground.errors import UsageError

from outrider.nomad.read.job import RunningJob, running
from outrider.nomad.write.rollback import rolled_back
from outrider.operations.blockers.check import check_blockers
from outrider.operations.blockers.consul import consul_outage
from outrider.operations.blockers.stored_change import change_to
from outrider.operations.change.attempts import attempted, shortfall
from outrider.operations.change.platform_part import platform_since
from outrider.operations.change.submit import submitted
from outrider.operations.drift import changed_outside
from outrider.operations.event_details import Validated, Warned
from outrider.operations.lookups import (
    active,
    check_known,
    has_run,
    last_count,
    last_run,
    running_version,
    stored_version,
)
from outrider.operations.opening import (
    Order,
    check_artifacts,
    check_foreign,
    new_deployment,
    no_change,
    opened,
)
from outrider.operations.stored_specs import spec_of

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment, Version


async def roll_back(environment: Environment, service: str, number: int | None, order: Order) -> Deployment:
    """Register a stored version again, by default the one that ran before; it waits for nobody's promotion.

    UsageError: there is no such version, or bytes that it needs are gone. ConflictError and RemoteError as in deploy.
    """
    now = running(await environment.nomad.job(service))
    check_foreign(now.is_foreign, service, order)
    base = await running_version(environment, service, now)
    target, count = await _target(environment, service, number, now, base)
    await check_artifacts(environment, target)
    change = change_to(target, service, "rollback", order.by.name, base.number if base else None)
    passed = await check_blockers(environment, change, order)
    wanted = replace(_deployment(target, base, count, now, order), overrides=passed)
    deployment = await opened(environment, wanted, target)
    said = (
        f"exactly what ran as version {target.number}, its sidecar too: with the platform file and the Outrider of then"
    )
    since = await platform_since(environment, target, spec_of(target).service)
    said += f"; left out is what the file says since: {since} (--with-platform takes it)" if since else ""
    await environment.journal.note(deployment.id, said, Validated())
    retry = await shortfall(environment, service, now, base) if now.hash == target.hash else ""
    is_there = base is not None and base.number == target.number and now.count == deployment.count and not retry
    is_there = is_there and await active(environment, service, now.index) is None
    if base and is_there and not await changed_outside(environment, service, now, base.number):
        return await no_change(environment, deployment, f"version {target.number} runs already")
    await _warn(environment, deployment)
    job = attempted(rolled_back(target.job, deployment.count or 0), now, is_again=bool(retry))
    return await submitted(environment, deployment, job)


async def version_to_go_to(environment: Environment, service: str, number: int | None) -> Version:
    """The stored version that a rollback goes to, by default the one that ran before. UsageError where there is none."""
    now = running(await environment.nomad.job(service))
    base = await running_version(environment, service, now)
    return (await _target(environment, service, number, now, base))[0]


async def _warn(environment: Environment, deployment: Deployment) -> None:
    """Going back stays possible while Consul is away, which may be why somebody does; what that means is told."""
    away = await consul_outage(environment, deployment.service)
    if away:
        means = "callers do not hear of the allocations that come up now until it is back, so that it waits after its first step"
        past = "`--override consul --reason TEXT` replaces all of them at once"
        await environment.journal.note(deployment.id, f"{away}: {means}; {past}", Warned())


async def _target(
    environment: Environment, service: str, number: int | None, now: RunningJob, base: Version | None
) -> tuple[Version, int]:
    """The version to go to and its count: of a stopped service the one that ran, as it was."""
    if number is None and not now.is_live and (base or await has_run(environment, service)):
        return await last_run(environment, service, now)
    number = number if number is not None else await _earlier(environment, service, base)
    target = await stored_version(environment, service, number)
    written, kept = spec_of(target).service.count, await last_count(environment, service, now)
    return target, next((one for one in (written, kept) if one is not None), 1)


async def _earlier(environment: Environment, service: str, base: Version | None) -> int:
    """The version that was brought up with success before the one that runs, and that nobody has rejected.

    What had nothing to do brought nothing up.
    """
    rejected = {one.number for one in await environment.store.rejections.rejections(environment.name, service)}
    for deployment in await environment.store.deployments.newest(environment.name, service):
        is_other = base is None or deployment.version != base.number
        came_up = deployment.state == "successful" and deployment.modify_index is not None
        if deployment.version is not None and deployment.version not in rejected and came_up and is_other:
            return deployment.version
    await check_known(environment, service)
    here = f"-e {environment.name}"
    raise UsageError(
        f"{service} has no earlier good version in {environment.name}",
        next_step=f"Name one: `outrider rollback {service} VERSION {here}`; `outrider history {service} {here}` lists them.",
    )


def _deployment(target: Version, base: Version | None, count: int, now: RunningJob, order: Order) -> Deployment:
    return replace(
        new_deployment(target.environment, target.service, "rollback", order),
        version=target.number,
        previous=base.number if base else None,
        count=count,
        expected_index=now.index,
    )
