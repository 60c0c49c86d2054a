"""What every change begins with: who asks for it and how, the checks before it, and its deployment in the store."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, UsageError

from outrider.operations.event_details import Accepted, Overridden
from outrider.operations.records import Deployment, Request

if TYPE_CHECKING:
    from outrider.nomad.read.job import RunningJob
    from outrider.operations.answers.plan import Basis
    from outrider.operations.environment import Environment
    from outrider.operations.principal import Principal
    from outrider.operations.records import Version
    from outrider.operations.release_records import Origin
    from outrider.operations.states import Kind


@dataclass(frozen=True, slots=True)
class Order:
    """Who asks for a change, and how; ``key`` and ``request_hash`` make a repeated request the same one.

    ``renews`` asks for today's sidecar even where nothing of the service changes. ``reason`` is why, for the history;
    ``overrides`` are the names of blockers that it goes past. ``origin`` is what a release brings over. ``goes_back`` says
    of a deploy that it is a rollback to an older spec, which takes today's sidecar.
    ``basis`` is that of the plan that is to be deployed: just this, or nothing.
    """

    by: Principal
    check_index: int | None = None
    take_over: bool = False
    renews: bool = False
    basis: Basis | None = None
    key: str | None = None
    request_hash: str | None = None
    reason: str = ""
    overrides: tuple[str, ...] = ()
    origin: Origin | None = None
    goes_back: bool = False


async def repeated(environment: Environment, order: Order) -> Deployment | None:
    """The deployment that the same request was answered with already; ConflictError where the key came with another request."""
    if order.key is None:
        return None
    found = await environment.store.requests.with_key(order.key)
    if found is None:
        return None
    if found.hash != order.request_hash:
        raise ConflictError(f"the idempotency key {order.key} was used for another request", next_step="Use a new one.")
    return await environment.store.deployments.with_id(found.deployment)


async def answered(environment: Environment, order: Order, deployment: Deployment) -> Deployment:
    """The deployment as the answer to the order, for good: whoever repeats the request gets it again."""
    if order.key is not None and order.key != deployment.idempotency_key:
        await environment.store.requests.add_request(Request(order.key, order.request_hash, deployment.id))
    return deployment


def new_deployment(environment: str, service: str, kind: Kind, order: Order) -> Deployment:
    """A deployment that nobody has begun yet."""
    return Deployment(
        id=str(uuid.uuid4()),
        environment=environment,
        service=service,
        kind=kind,
        state="pending",
        created_by=order.by.name,
        created_at=datetime.now(UTC),
        idempotency_key=order.key,
        request_hash=order.request_hash,
        cause=order.reason,
        from_environment=order.origin.environment if order.origin else None,
        from_version=order.origin.number if order.origin else None,
    )


def kept(fresh: Deployment, base: Version | None, now: RunningJob) -> Deployment:
    """The same as a change of what runs, which keeps its version, where it is known, and its count."""
    number = base.number if base else None
    return replace(fresh, version=number, previous=number, count=now.count, expected_index=now.index)


async def opened(environment: Environment, deployment: Deployment, version: Version | None) -> Deployment:
    """Remember the deployment before anything is changed; of two with one idempotency key the second is refused.

    ``version`` is the one that runs when it has come up; None for a stop, and where nobody knows it.
    """
    kept = await environment.store.deployments.add_deployment(deployment)
    if kept.id != deployment.id:
        raise ConflictError("the same request is being worked on", next_step=f"Look at deployment {kept.id}.")
    told = Accepted(kept.kind, kept.created_by, kept.version, version.hash if version else None, kept.count)
    await environment.journal.note(kept.id, _headline(kept), told)
    for one in kept.overrides:
        past = Overridden(one.name, one.blocked, kept.created_by, kept.cause)
        await environment.journal.note(kept.id, _overridden(past), past)
    return kept


def check_foreign(is_foreign: bool, service: str, order: Order) -> None:  # noqa: FBT001 - a fact about the job
    """ConflictError for a job that somebody else has put under the service's name."""
    if is_foreign and not order.take_over:
        raise ConflictError(
            f"the job {service} in Nomad was not deployed by Outrider",
            next_step="Rename the service, stop that job, or deploy with --take-over to replace it.",
        )


def check_index(service: str, index: int, order: Order) -> None:
    """ConflictError where the job, which is at this index, is no longer the one that was looked at."""
    if order.check_index is not None and order.check_index != index:
        raise ConflictError(
            f"{service} is at index {index} now, not at {order.check_index}",
            next_step="Look again with `outrider plan`, then decide.",
        )


async def check_artifacts(environment: Environment, target: Version) -> None:
    """UsageError where bytes that the version's job downloads are gone."""
    missing = [one for one in target.artifacts if not await environment.store.artifacts.renew_artifact(one)]
    if missing:
        raise UsageError(
            f"version {target.number} of {target.service} needs artifacts that are no longer stored: {', '.join(missing)}",
            next_step="Deploy that spec again.",
        )


async def no_change(environment: Environment, deployment: Deployment, reason: str) -> Deployment:
    """End a deployment that had nothing to do."""
    return await environment.journal.end(deployment, "successful", reason)


def _overridden(past: Overridden) -> str:
    if not past.blocked:
        return f"nothing of {past.name} was there to override"
    return f"{past.by} overrides {past.name} ({past.blocked}): {past.reason}"


def _headline(deployment: Deployment) -> str:
    what = {
        "run": f"deploy version {deployment.version}",
        "redeploy": f"deploy version {deployment.version}, with today's sidecar",
        "release": f"release version {deployment.from_version} of {deployment.from_environment} as version {deployment.version}",
        "start": f"start version {deployment.version} again",
        "rollback": f"roll back to version {deployment.version}",
        "scale": f"scale to {deployment.count}",
        "values": "start all allocations anew, with the values of now",
        "restart": "restart",
        "stop": "stop and forget the job" if deployment.purge else "stop",
        "remove": "remove it: stop, and forget the job",
        "promote": f"promote the canary of version {deployment.version}",
        "fail": f"fail the deployment of version {deployment.version}",
    }[deployment.kind]
    why = f" ({deployment.cause})" if deployment.cause else ""
    return f"{deployment.service} in {deployment.environment}: {what}{why}"
