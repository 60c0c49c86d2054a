"""Changing how many allocations run, and nothing else: those that run are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, RemoteError, UsageError

from outrider.nomad.read.job import RunningJob, running
from outrider.operations.blockers.check import check_blockers
from outrider.operations.blockers.stored_change import change_to
from outrider.operations.change.outcomes import accepted, answer_of, ended, reconciled
from outrider.operations.lookups import not_running, running_version
from outrider.operations.opening import Order, check_foreign, kept, new_deployment, no_change, opened
from outrider.operations.stored_specs import readable_spec
from outrider.spec.redis_rules import shared_keys_refusal

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment, Version

BLOCKED = 400


async def scale(environment: Environment, service: str, count: int, order: Order) -> Deployment:
    """Ask Nomad for another count. UsageError: nothing runs; ConflictError: a deployment is active."""
    if count < 0:
        raise UsageError(f"a count of {count} cannot be", next_step="Name 0 or more.")
    now = running(await environment.nomad.job(service))
    if not now.is_live:
        raise await not_running(environment, service)
    check_foreign(now.is_foreign, service, order)
    base = await running_version(environment, service, now)
    _check_rules(base, now, count)
    change = change_to(base, service, "scale", order.by.name, base.number if base else None)
    passed = await check_blockers(environment, change, order) if now.count != count else ()
    fresh = kept(new_deployment(environment.name, service, "scale", order), base, now)
    deployment = await opened(environment, replace(fresh, count=count, overrides=passed), base)
    if now.count == count:
        return await no_change(environment, deployment, f"{count} allocations are asked for already")
    return await scaled(environment, deployment)


async def scaled(environment: Environment, deployment: Deployment) -> Deployment:
    """Pass the count on to Nomad and remember its answer."""
    service, count = deployment.service, deployment.count or 0
    try:
        answer = await environment.nomad.scale(service, service, count, f"outrider, by {deployment.created_by}")
    except (ConflictError, RemoteError) as error:
        told = _blocked(environment, service, error)
        if isinstance(told, RemoteError):
            return await reconciled(environment, deployment, told, lambda: scaled_already(environment, deployment))
        await ended(environment, deployment, told)
        raise told from error
    return await accepted(environment, deployment, answer)


async def scaled_already(environment: Environment, deployment: Deployment) -> Deployment | None:
    """The deployment where Nomad shows that it got the count; None where it did not."""
    now = running(await environment.nomad.job(deployment.service))
    if now.index <= deployment.expected_index or now.count != deployment.count:
        return None
    return await accepted(environment, deployment, await answer_of(environment, deployment.service, now.index))


def _check_rules(base: Version | None, now: RunningJob, count: int) -> None:
    """What a spec with this count would be refused for."""
    stored, _ = readable_spec(base)
    shares = bool(stored and stored.service.shard)
    refusal = shared_keys_refusal(now.protocol or "", count, shares_keys=shares)
    if refusal:
        raise UsageError(refusal, next_step="Deploy the spec with `shard: true` first.")


def _blocked(environment: Environment, service: str, error: ConflictError | RemoteError) -> ConflictError | RemoteError:
    """Nomad scales nothing while a deployment is active (400, or a conflict by the client's reading)."""
    if isinstance(error, RemoteError) and error.status != BLOCKED:
        return error
    here = f"{service} -e {environment.name}"
    return ConflictError(
        f"{service} is being deployed in {environment.name}, and Nomad scales nothing meanwhile",
        next_step=f"Wait for its verdict, or end a waiting canary: `outrider promote {here}` or `outrider fail {here}`.",
    )
