"""What a person decides about a canary: promote it, or fail it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, UsageError

from outrider.documents import table
from outrider.nomad.read.allocations import allocations, healthy_ids
from outrider.nomad.read.deployment import numbers, promotion_is_due
from outrider.operations.event_details import Promotion
from outrider.operations.lookups import check_known

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.environment import Environment
    from outrider.operations.opening import Order
    from outrider.operations.records import Deployment


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
    await environment.nomad.promote(document["ID"])
    by = order.by.name
    await environment.journal.note(deployment.id, f"promoted by {by}", Promotion(needed=False, by=by))
    return deployment


async def fail(environment: Environment, service: str, order: Order) -> Deployment:
    """Give the deployment up: its canary stops, the old allocations stay; with auto_revert the job goes back too."""
    deployment, document = await _waiting(environment, service)
    await environment.nomad.fail(document["ID"])
    by = order.by.name
    said = f"failed by {by}: {_then(document)}"
    await environment.journal.note(deployment.id, said, Promotion(needed=False, by=by))
    return deployment


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
        if not deployment.is_final:
            return deployment, document
    raise UsageError(
        f"the active deployment of {service} in {environment.name} was not made by this portal",
        next_step=f"Use Nomad: `nomad deployment promote {document['ID'][:8]}`.",
    )


def _then(document: Json) -> str:
    reverts = any(group.get("AutoRevert") for group in table(document, "TaskGroups").values())
    kept = "the canaries stop and the old allocations stay"
    return f"{kept}; Nomad goes back to the last good version" if reverts else f"{kept}; nothing else is reverted"
