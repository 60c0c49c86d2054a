"""Watching a stopped job until none of its allocations runs any more."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from outrider.nomad.read.allocations import allocations
from outrider.operations.drive.allocation_lines import allocation_line, allocation_seen
from outrider.operations.drive.progress import Progress, Verdict

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.event_details import Detail
    from outrider.operations.records import Deployment


class Stopping:
    """A stop on its way to its verdict."""

    def __init__(self, environment: Environment, deployment: Deployment) -> None:
        self.environment = environment
        self.deployment = deployment
        self._progress = Progress(time.monotonic)

    async def verdict(self) -> Verdict:
        """Wait for the last allocation; each has its delay, its signal and its timeout."""
        limits, watched = self.environment.limits, set[str]()
        while True:
            found = allocations(await self.environment.nomad.allocations(self.deployment.service))
            for one in self._progress.news_among(found):
                self._progress.restart()
                if one.is_gone and one.id not in watched:
                    continue
                watched.add(one.id)
                await self.note(allocation_line(one), allocation_seen(one))
            left = [one.short_id for one in found if not one.is_gone]
            if not left:
                return Verdict("successful", "no allocation runs any more")
            if self._progress.still_for_s > limits.silence:
                return Verdict("failed", f"allocations still run: {', '.join(left)}")
            await asyncio.sleep(limits.look)

    async def note(self, message: str, detail: Detail) -> None:
        """Write an event down."""
        await self.environment.journal.note(self.deployment.id, message, detail)
