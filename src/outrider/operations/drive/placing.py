"""Where Nomad finds no node for a deployment: at its first evaluation, and at any later one that waits for room."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from outrider_ground.errors import OutriderError, RemoteError

from outrider.nomad.read import placement
from outrider.nomad.read.fitness import unfit
from outrider.operations.concurrency import pauses
from outrider.operations.event_details import Evaluated

if TYPE_CHECKING:
    from outrider.documents import Json
    from outrider.nomad.read.deployment import Numbers
    from outrider.operations.drive.progress import Note
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment

DECIDED: Final = frozenset({"complete", "failed", "canceled", "blocked"})
WAITING: Final = "blocked"


class Placing:
    """What Nomad says of the places of one deployment's allocations; ``unplaced`` is why some have none now."""

    def __init__(self, environment: Environment, deployment: Deployment, note: Note) -> None:
        self._environment, self._deployment, self._note = environment, deployment, note
        self._every_s = environment.limits.placement / 3
        self._looked_at_s = 0.0
        self.unplaced: tuple[str, ...] = ()

    async def evaluated(self) -> None:
        """Wait for the scheduler, and say where it found no node."""
        if not self._deployment.evaluation:
            return
        for pause in pauses(self._environment.limits.look / 4):
            document = await self._environment.nomad.evaluation(self._deployment.evaluation)
            if document.get("Status") in DECIDED:
                await self._told(document)
                return
            await asyncio.sleep(pause)

    async def _told(self, document: Json) -> None:
        self.unplaced = await self._failures(document)
        message = "; ".join(self.unplaced) or "Nomad has scheduled it"
        await self._note(message, Evaluated(document.get("Status"), self.unplaced))

    async def look(self, now: Numbers, still_for_s: float) -> None:
        """What has found its place waits no more; what stands still may wait for room that an earlier step still had."""
        if now.placed >= now.desired:
            self.unplaced = ()
        elif not self.unplaced and self._is_due(still_for_s):
            await self._later()

    def _is_due(self, still_for_s: float) -> bool:
        """Now and then for as long as nothing moves."""
        self._looked_at_s = min(self._looked_at_s, still_for_s)
        if still_for_s - self._looked_at_s < self._every_s:
            return False
        self._looked_at_s = still_for_s
        return True

    async def _later(self) -> None:
        found = await self._environment.nomad.evaluations(self._deployment.service)
        waiting = [one for one in found if one.get("Status") == WAITING and one.get("FailedTGAllocs")]
        if waiting:
            newest = max(waiting, key=lambda one: int(one.get("ModifyIndex") or 0))
            self.unplaced = await self._failures(newest)
            await self._note("; ".join(self.unplaced), Evaluated(WAITING, self.unplaced))

    async def _failures(self, document: Json) -> tuple[str, ...]:
        """Nomad's word, then what the nodes say of themselves, where our token may read them."""
        if not placement.failures(document):
            return ()
        job = await self._job()
        try:
            nodes = await self._environment.nomad.nodes()
        except RemoteError:
            nodes = []
        return (*placement.failures(document, job), *unfit(nodes, job or {}))

    async def _job(self) -> Json | None:
        try:
            return await self._environment.nomad.job(self._deployment.service)
        except OutriderError:
            return None
