"""What a person decides about a canary: promote it, or fail it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, OutriderError, RemoteError, UsageError

from outrider.documents import table
from outrider.nomad.read.allocations import allocations, healthy_ids
from outrider.nomad.read.deployment import numbers, promotion_is_due
from outrider.operations.blockers.check import check_blockers
from outrider.operations.blockers.stored_change import change_to
from outrider.operations.change.outcomes import was_done
from outrider.operations.event_details import Promotion
from outrider.operations.lookups import check_known
from outrider.operations.opening import new_deployment, opened
from outrider.operations.states import DECISIONS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outrider.documents import Json
    from outrider.operations.environment import Environment
    from outrider.operations.opening import Order
    from outrider.operations.records import Deployment, Version
    from outrider.operations.states import Kind


async def promote(environment: Environment, service: str, order: Order) -> Deployment:
    """Give the canary's version to all allocations. UsageError: no canary; ConflictError: not healthy yet, or over."""
    deployment, document = await _waiting(environment, service)
    healthy = healthy_ids(allocations(await environment.nomad.allocations(service)))
    if numbers(document).promoted:
        raise ConflictError(f"no canary of {service} in {environment.name} waits: what runs needs no promotion")
    if not promotion_is_due(document, healthy):
        here = f"{service} -e {environment.name}"
        raise ConflictError(
            f"the canary of {service} in {environment.name} is not healthy yet",
            next_step=f"Watch it with `outrider status {here}`, or end it with `outrider fail {here}`.",
        )
    decision = await _decision(environment, deployment, "promote", order)
    asking = _done(environment, document, environment.nomad.promote, lambda shown: numbers(shown).promoted)
    await _asked(environment, decision, asking)
    await _told(environment, deployment, decision, f"promoted by {order.by.name}")
    return deployment


async def fail(environment: Environment, service: str, order: Order) -> Deployment:
    """Give the deployment up: its canary stops, the old allocations stay; with auto_revert the job goes back too."""
    deployment, document = await _waiting(environment, service)
    decision = await _decision(environment, deployment, "fail", order)
    asking = _done(environment, document, environment.nomad.fail, lambda shown: shown.get("Status") == "failed")
    await _asked(environment, decision, asking)
    await _told(environment, deployment, decision, f"failed by {order.by.name}: {_then(document)}")
    return deployment


async def _done(
    environment: Environment, document: Json, ask: Callable[[str], Awaitable[object]], is_done: Callable[[Json], bool]
) -> None:
    """Ask it of Nomad's deployment; where Nomad gave no answer, what it shows tells whether it has heard of it."""

    async def is_seen() -> bool:
        return is_done((await environment.nomad.deployment(document["ID"]))[0])

    try:
        await ask(document["ID"])
    except RemoteError as error:
        if not await was_done(environment, error, is_seen):
            raise


async def _decision(environment: Environment, deployment: Deployment, kind: Kind, order: Order) -> Deployment:
    """The decision as a change of its own, with a number in the history, before Nomad is told.

    BlockedError where something stops it.
    """
    version = await _version(environment, deployment)
    passed = await check_blockers(environment, change_to(version, deployment.service, kind, order.by.name), order)
    fresh = new_deployment(environment.name, deployment.service, kind, replace(order, key=None, request_hash=None))
    decided = replace(fresh, version=deployment.version, previous=deployment.previous, overrides=passed)
    return await opened(environment, decided, version)


async def _asked(environment: Environment, decision: Deployment, asking: Awaitable[None]) -> None:
    """What Nomad refuses was not decided."""
    try:
        await asking
    except OutriderError as error:
        await environment.journal.end(decision, "failed", error.message)
        raise


async def _version(environment: Environment, deployment: Deployment) -> Version | None:
    if deployment.version is None:
        return None
    return await environment.store.versions.numbered(environment.name, deployment.service, deployment.version)


async def _told(environment: Environment, deployment: Deployment, decision: Deployment, said: str) -> None:
    """Both know of it: the deployment that was decided on, and the decision itself, which is done with that."""
    why = f" ({decision.cause})" if decision.cause else ""
    by = decision.created_by
    await environment.journal.note(deployment.id, said + why, Promotion(needed=False, by=by))
    await environment.journal.end(decision, "successful", said)


async def _waiting(environment: Environment, service: str) -> tuple[Deployment, Json]:
    """The active deployment of the service: ours and Nomad's."""
    document = await environment.nomad.deployment_of(service)
    if document is None:
        await check_known(environment, service)
    if document is None or document.get("Status") not in {"running", "paused", "pending"}:
        raise UsageError(
            f"{service} has no active deployment in {environment.name}",
            next_step=f"`outrider history {service} -e {environment.name}` shows what became of the last one.",
        )
    for deployment in await environment.store.deployments.newest(environment.name, service):
        if not deployment.is_final and deployment.kind not in DECISIONS:
            return deployment, document
    raise UsageError(
        f"the active deployment of {service} in {environment.name} was not made by this portal",
        next_step=f"Use Nomad: `nomad deployment promote {document['ID'][:8]}`.",
    )


def _then(document: Json) -> str:
    reverts = any(group.get("AutoRevert") for group in table(document, "TaskGroups").values())
    kept = "the canaries stop and the old allocations stay"
    return f"{kept}; Nomad goes back to the last good version" if reverts else f"{kept}; nothing else is reverted"
