"""Stopping a service: Nomad ends its allocations in their order; purge also forgets the job there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError

from outrider.nomad.read.job import running
from outrider.operations.blockers.check import check_blockers
from outrider.operations.blockers.stored_change import change_to
from outrider.operations.change.outcomes import accepted, answer_of, reconciled
from outrider.operations.event_details import Warned
from outrider.operations.lookups import not_running, running_version
from outrider.operations.opening import Order, check_foreign, new_deployment, no_change, opened
from outrider.operations.registered import registered

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment
    from outrider.operations.states import Kind


async def stop(
    environment: Environment, service: str, order: Order, *, purge: bool = False, is_removal: bool = False
) -> Deployment:
    """Stop the service's job; its versions stay in the store. UsageError: there is nothing to stop, unless it is removed for good."""
    now = running(await environment.nomad.job(service))
    kind: Kind = "remove" if is_removal else "stop"
    if not now.exists:
        if not is_removal:
            raise await not_running(environment, service)
        fresh = replace(new_deployment(environment.name, service, kind, order), purge=purge)
        return await no_change(environment, await opened(environment, fresh, None), "Nomad has no job of it any more")
    check_foreign(now.is_foreign, service, order)
    base = await running_version(environment, service, now)
    fresh = new_deployment(environment.name, service, kind, order)
    previous = base.number if base else None
    passed = await check_blockers(environment, change_to(base, service, kind, order.by.name, previous), order)
    last = replace(fresh, overrides=passed, previous=previous, purge=purge, count=now.asked, expected_index=now.index)
    deployment = await opened(environment, last, None)
    if now.is_stopped and not purge:
        return await no_change(environment, deployment, "it is stopped already")
    await _name_callers(environment, deployment)
    return await stopped(environment, deployment)


async def remove(environment: Environment, service: str, order: Order) -> Deployment:
    """Stop it for good, and let Nomad forget its job; one that Nomad has no job of is removed as well."""
    return await stop(environment, service, order, purge=True, is_removal=True)


async def _name_callers(environment: Environment, deployment: Deployment) -> None:
    """Those that run: a service that is stopped itself loses nothing."""
    known = await registered(environment)
    if known.problems:
        message = f"who calls {deployment.service} is not known: {'; '.join(known.problems)}"
        await environment.journal.note(deployment.id, message, Warned())
    callers = [one for one in known.callers(deployment.service) if one in known.live]
    if callers:
        call, theirs = ("call", "their") if len(callers) > 1 else ("calls", "its")
        message = f"{', '.join(callers)} {call} {deployment.service}: {theirs} requests to it fail from now on"
        await environment.journal.note(deployment.id, message, Warned())


async def stopped(environment: Environment, deployment: Deployment) -> Deployment:
    """Ask Nomad to stop the job and remember its answer."""
    try:
        answer = await environment.nomad.deregister(deployment.service, purge=deployment.purge)
    except RemoteError as error:
        return await reconciled(environment, deployment, error, lambda: stopped_already(environment, deployment))
    return await accepted(environment, deployment, answer)


async def stopped_already(environment: Environment, deployment: Deployment) -> Deployment | None:
    """The deployment where Nomad shows that it was asked to stop the job; None where it was not."""
    now = running(await environment.nomad.job(deployment.service))
    if now.is_live or (now.exists and (deployment.purge or now.index <= deployment.expected_index)):
        return None
    return await accepted(environment, deployment, await answer_of(environment, deployment.service, now.index))
