"""The verdict on a change for which Nomad makes no deployment: the allocations themselves tell."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from outrider.nomad.read.allocations import Allocation, allocations
from outrider.operations.drive.allocation_lines import allocation_line, allocation_seen
from outrider.operations.drive.progress import Note, Progress, Verdict

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment


async def settled(environment: Environment, deployment: Deployment, progress: Progress, note: Note) -> Verdict:
    """The verdict without a deployment of Nomad's: the allocations themselves tell."""
    limits = environment.limits
    give_up = time.monotonic() + limits.appearance + limits.placement
    while True:
        job = await environment.nomad.job(deployment.service)
        if job is None or int(job.get("JobModifyIndex") or 0) > (deployment.modify_index or 0):
            return Verdict("superseded", "the job was changed by somebody else meanwhile")
        found = allocations(await environment.nomad.allocations(deployment.service))
        for one in progress.news_among(found):
            await note(allocation_line(one), allocation_seen(one))
        live = [one for one in found if one.is_live and one.status == "running"]
        if len(live) == (deployment.count or 0) and not [one for one in found if _is_leaving(one)]:
            return Verdict("successful", f"{len(live)} allocations run")
        if time.monotonic() > give_up:
            return Verdict("failed", f"{len(live)} of {deployment.count} allocations run")
        await asyncio.sleep(limits.look)


def _is_leaving(one: Allocation) -> bool:
    return one.desired == "stop" and not one.is_gone
