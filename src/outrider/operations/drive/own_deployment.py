"""Nomad's deployment that belongs to a registration of ours: by its name where that is known, else by its index."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from outrider_ground.errors import RemoteError

from outrider.operations.concurrency import pauses

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment

NOT_FOUND: Final = 404


async def own_deployment(environment: Environment, deployment: Deployment) -> Json | None:
    """Its document; None where there is none: scaling down makes none, and Nomad forgets what is long over.

    Just after a registration Nomad still shows the one before, and after a failure the return to the last good version:
    whoever takes the deployment up knows its own by name.
    """
    if deployment.nomad_deployment is not None:
        return await _named(environment, deployment.nomad_deployment)
    give_up = time.monotonic() + environment.limits.appearance
    for pause in pauses(environment.limits.look / 4):
        document = await environment.nomad.deployment_of(deployment.service)
        if document and document.get("JobSpecModifyIndex") == deployment.modify_index:
            return document
        if document and int(document.get("JobSpecModifyIndex") or 0) > (deployment.modify_index or 0):
            return None
        if time.monotonic() > give_up:
            break
        await asyncio.sleep(pause)
    return None


async def _named(environment: Environment, deployment_id: str) -> Json | None:
    try:
        return (await environment.nomad.deployment(deployment_id))[0]
    except RemoteError as error:
        if error.status != NOT_FOUND:
            raise
        return None
