"""What failed and was gone back from is rejected by itself, so that the next deploy does not try the same again."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from outrider.nomad.read.job import parts_in
from outrider.operations.event_details import Warned
from outrider.operations.stop_records import Rejection

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment, Version

OURSELVES: Final = "outrider"


async def reject_by_itself(environment: Environment, deployment: Deployment, reason: str) -> None:
    """Reject the version that the deployment brought up, unless it is the one that ran before, or is rejected already."""
    number, store = deployment.version, environment.store
    if number is None or number == deployment.previous:
        return
    version = await store.versions.numbered(environment.name, deployment.service, number)
    known = await store.rejections.rejections(environment.name, deployment.service)
    if version is None or any(one.number == number for one in known):
        return
    first = (reason.splitlines() or [""])[0]
    why = f"its deployment {deployment.id[:8]} failed and Nomad went back: {first}"
    part, now = await _part(environment, deployment, version), datetime.now(UTC)
    here = (environment.name, deployment.service)
    await store.rejections.add_rejection(
        Rejection(str(uuid.uuid4()), *here, number, version.hash, part, why, OURSELVES, now)
    )
    lift = f"`outrider reject {deployment.service} {number} -e {environment.name} --lift`"
    said = f"version {number} is rejected: {lift} lets it run again once the cause is gone"
    await environment.journal.note(deployment.id, said, Warned())


async def _part(environment: Environment, deployment: Deployment, version: Version) -> str:
    """The service's part; none where the version before has the same one: then the sidecar is what failed."""
    parts = parts_in(version.job)
    previous = deployment.previous
    before = previous and await environment.store.versions.numbered(environment.name, deployment.service, previous)
    ran = parts_in(before.job) if before else None
    return parts.service if parts and (ran is None or ran.service != parts.service) else ""
