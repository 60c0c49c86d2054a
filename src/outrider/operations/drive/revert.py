"""After a failure: Nomad registers the last good version again, and that must not hang in a canary phase.

Nomad's own return goes through the canary phase of the version it goes back to and may wait for a promotion that
nobody knows of (hashicorp/nomad#10882, seen on 2.0.5): we promote it.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from outrider_ground.errors import ConflictError, RemoteError

from outrider.nomad.read.allocations import allocations, healthy_ids
from outrider.nomad.read.deployment import TERMINAL, numbers, progress_by, progress_deadline_s, promotion_is_due
from outrider.operations.drive.reasons import failure
from outrider.operations.event_details import Counted, Promotion, Warned

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.nomad.read.allocations import Allocation
    from outrider.operations.drive.pausing import Pausing
    from outrider.operations.drive.progress import Note
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment


async def returned(environment: Environment, deployment: Deployment, note: Note, pausing: Pausing) -> str:
    """Watch Nomad's return to its end, promoting it where it waits; what came of it as a sentence.

    It replaces allocations as a rollout does, and waits for Consul as one.
    """
    pausing.begin_anew()
    found = await _newer(environment, deployment)
    if found is None:
        return "the last good version is registered again"
    await note("the last good version comes back", Counted(found["ID"], progress_by=progress_by(found)))
    give_up = time.monotonic() + progress_deadline_s(found) + environment.limits.stall
    index = 0
    while time.monotonic() < give_up:
        document, index = await environment.nomad.deployment(found["ID"], index, environment.limits.look)
        if document["Status"] in TERMINAL:
            return _outcome(document) if document["Status"] == "successful" else await _remains(environment, document)
        copies = allocations(await environment.nomad.allocations(deployment.service))
        ours = [one for one in copies if one.job_version == document["JobVersion"]]
        if await pausing.holds(document, healthy_ids(ours)):
            give_up = time.monotonic() + progress_deadline_s(found) + environment.limits.stall
            await asyncio.sleep(environment.limits.look / 10)
            continue
        if _is_judged(copies, document):
            return await _remains(environment, document)
        if promotion_is_due(document, healthy_ids(copies)):
            await _promote(environment, document, note)
    return "the return to the last good version has not ended yet" + await _running(environment, found)


async def _newer(environment: Environment, deployment: Deployment) -> Json | None:
    """The deployment that follows the failed one; none appears where nothing had to be placed."""
    give_up = time.monotonic() + environment.limits.appearance
    while time.monotonic() < give_up:
        document = await environment.nomad.deployment_of(deployment.service)
        if document and int(document.get("JobSpecModifyIndex") or 0) > (deployment.modify_index or 0):
            return document
        await asyncio.sleep(environment.limits.look / 4)
    return None


async def _promote(environment: Environment, document: Json, note: Note) -> None:
    try:
        await environment.nomad.promote(document["ID"])
    except (ConflictError, RemoteError) as error:
        await note(f"the promotion of the last good version was refused: {error.message}", Warned())
        await asyncio.sleep(environment.limits.look)
    else:
        await note("the last good version is promoted again", Promotion(needed=False, by="outrider"))


def _is_judged(found: tuple[Allocation, ...], document: Json) -> bool:
    """Whether everything runs and Nomad has found all of it unhealthy, which it never takes back: Consul may be away."""
    live = [one for one in found if one.is_live and one.job_version == document["JobVersion"]]
    return len(live) >= numbers(document).desired and all(one.is_complete and one.healthy is False for one in live)


def _outcome(document: Json) -> str:
    return f"the last good version runs again, {numbers(document).healthy} healthy"


async def _remains(environment: Environment, document: Json) -> str:
    """A return that failed is left as it is: one more would find what this one found."""
    why = await failure(environment, document["JobID"], int(document["JobVersion"]))
    said = f"the return to the last good version was not confirmed (Nomad: {document.get('StatusDescription')})"
    told = f"\n  {why.splitlines()[0]}" if why else ""
    return said + await _running(environment, document) + told


async def _running(environment: Environment, document: Json) -> str:
    """What runs, whatever Nomad thinks of its health."""
    try:
        found = allocations(await environment.nomad.allocations(document["JobID"]))
    except RemoteError:
        return ""  # the reasons beside it say that the allocations are not known, and why
    live = [one for one in found if one.is_live and one.job_version == document["JobVersion"]]
    complete = len([one for one in live if one.is_complete])
    return f"; {complete} of {len(live)} allocations of the last good version run"
