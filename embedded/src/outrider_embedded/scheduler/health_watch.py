"""Watching the health of one allocation for as long as a deployment asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from outrider_embedded.scheduler.allocation import group_of
from outrider_embedded.scheduler.allocation_services import AllocationServices
from outrider_embedded.scheduler.documents import Document, fields
from outrider_embedded.scheduler.health import States, complaints, health

_LAST_WORD_S = 1.0


class HealthWatch:
    """Tells once per deployment whether the allocation became healthy, with what to note at which task."""

    def __init__(
        self,
        tasks: list[Document],
        states: Callable[[], States],
        services: AllocationServices,
        tell: Callable[[bool, dict[str, str]], None],
    ) -> None:
        self._tasks, self._states, self._services, self._tell = tasks, states, services, tell
        self._watch: asyncio.Task[None] | None = None

    def begin(self, allocation: Document) -> None:
        """Watch an allocation that is part of a deployment and whose health is not known."""
        update = group_of(allocation)["Update"]
        is_known = fields(allocation["DeploymentStatus"]).get("Healthy") is not None
        if not allocation["DeploymentID"] or not update or is_known or update["HealthCheck"] == "manual":
            return
        if self._watch is not None:
            self._watch.cancel()
        self._watch = asyncio.create_task(self._run(update))

    async def close(self, *, is_wanted: bool) -> None:
        """End the watch; where its verdict is still wanted, it gets a moment to speak."""
        if self._watch is None:
            return
        if is_wanted:
            await asyncio.wait([self._watch], timeout=_LAST_WORD_S)
        self._watch.cancel()
        await asyncio.gather(self._watch, return_exceptions=True)

    async def _run(self, update: Document) -> None:
        is_healthy, failing = await health(self._tasks, update, self._states, self._services.failing_checks)
        notes = {} if is_healthy else complaints(self._tasks, self._states(), update, failing)
        self._tell(is_healthy, notes)
