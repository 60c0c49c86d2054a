"""What was asked for with several specs, as the store keeps it, so that any portal can go on with it."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError

from outrider.operations.batches import Batch, BatchMember
from outrider.operations.change.documents import Text
from outrider.operations.opening import Order
from outrider.operations.principal import Principal
from outrider.operations.version_source import VersionSource
from outrider.spec.reading.files import read_service
from outrider.topology.spoken import spoken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outrider.documents import Json
    from outrider.operations.answers.batch import BatchPlan
    from outrider.operations.repositories import Batches

KEYS = uuid.UUID("6a1f6f8e-5a0c-4d55-9a3c-0d1d6e1f3c11")
"""What idempotency keys are made ids of batches with (RFC 9562, version 5)."""


def begun_batch(plan: BatchPlan, order: Order) -> Batch:
    """The batch before anything of it has happened; the same key makes the same batch."""
    members = [
        BatchMember(name, number, step.after) for number, step in enumerate(plan.steps) for name in step.services
    ]
    return Batch(
        id=_id(order),
        environment=plan.environment,
        state="running",
        created_by=order.by.name,
        created_at=datetime.now(UTC),
        members=tuple(members),
    )


def _id(order: Order) -> str:
    return str(uuid.uuid5(KEYS, order.key) if order.key else uuid.uuid4())


async def repeated_batch(batches: Batches, texts: Sequence[Text], environment: str, order: Order) -> Batch | None:
    """The batch that the same request began already; ConflictError where its key came with other specs."""
    found = await batches.with_id(_id(order)) if order.key else None
    if found and await batches.asked(found.id) != asked_of(texts, environment, order):
        raise ConflictError(f"the idempotency key {order.key} was used for another request", next_step="Use a new one.")
    return found


def asked_of(texts: Sequence[Text], environment: str, order: Order) -> Json:
    """What was asked for, as JSON."""
    read = [(read_service(text.spec, text.file, environment).service, text) for text in texts]
    return {
        "specs": {
            service.service: {
                "spec": one.spec,
                "file": one.file,
                "artifact": one.artifact,
                "source": asdict(one.source) if one.source else None,
            }
            for service, one in read
        },
        "protocols": {service.service: spoken(service) for service, _ in read},
        "order": {
            "by": {"kind": order.by.kind, "name": order.by.name, "groups": sorted(order.by.groups)},
            "take_over": order.take_over,
            "renews": order.renews,
            "reason": order.reason,
            "overrides": list(order.overrides),
        },
    }


def text_of(asked: Json, service: str) -> Text:
    """The spec of one service in that JSON, with what all of them speak."""
    spec = asked["specs"][service]
    source = VersionSource(**spec["source"]) if spec.get("source") else None
    return Text(spec["spec"], spec["file"], spec["artifact"], asked["protocols"], source)


def order_of(asked: Json) -> Order:
    """The order in that JSON, without a key."""
    order, by = asked["order"], asked["order"]["by"]
    principal = Principal(by["kind"], by["name"], frozenset(by["groups"]))
    return Order(
        principal,
        take_over=order["take_over"],
        renews=order["renews"],
        reason=order["reason"],
        overrides=tuple(order["overrides"]),
    )
