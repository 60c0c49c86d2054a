"""Restarting allocations in turn, each when the one before is healthy; it stops at the first that does not get so."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from outrider_ground.errors import RemoteError

from outrider.nomad.read.allocations import Allocation, allocations
from outrider.nomad.read.job import healthy_deadline_s
from outrider.nomad.read.summary import summary
from outrider.operations.drive.allocation_lines import allocation_line, allocation_seen
from outrider.operations.drive.progress import Progress, Verdict
from outrider.operations.event_details import Restarted
from outrider.operations.instances import instances
from outrider.operations.soundness import passing_ids

if TYPE_CHECKING:
    from outrider.operations.environment import Environment
    from outrider.operations.event_details import Detail
    from outrider.operations.records import Deployment


REFUSALS = frozenset({400, 401, 403})
"""Answers that stay what they are, however often one asks."""


class Restarting:
    """A restart of single allocations on its way to its verdict; taken up again, it goes on where it was."""

    def __init__(self, environment: Environment, deployment: Deployment) -> None:
        self.environment = environment
        self.deployment = deployment
        self._progress = Progress(time.monotonic)

    async def verdict(self) -> Verdict:
        """Ask for one after the other, or for all, and wait. RemoteError: Nomad is silent; the caller may look again."""
        events = await self.environment.store.events.after(self.deployment.id)
        told = [one.detail for one in events if isinstance(one.detail, Restarted)]
        planned = next(one for one in told if not one.is_asked)
        asked = {one.allocations[0]: one for one in told if one.is_asked}
        for turn in [planned.allocations] if planned.all_at_once else [(one,) for one in planned.allocations]:
            for one in turn:
                try:
                    asked[one] = asked.get(one) or await self._asked(one, planned.task)
                except RemoteError as error:
                    if error.status not in REFUSALS:
                        raise
                    return Verdict("failed", f"{error.message}. {error.next_step or ''}".strip())
            for one in turn:
                problem = await self._awaited(asked[one])
                if problem:
                    rest = len(planned.allocations) - len(asked)
                    return Verdict("failed", problem + (f"; {rest} more were left as they run" if rest else ""))
        number = len(planned.allocations)
        return Verdict("successful", f"{number} allocation{'' if number == 1 else 's'} restarted, and healthy again")

    async def note(self, message: str, detail: Detail) -> None:
        """Write an event down."""
        await self.environment.journal.note(self.deployment.id, message, detail)

    async def _asked(self, allocation: str, task: str | None) -> Restarted:
        """Ask Nomad; one that has ended by itself meanwhile needs nothing any more."""
        before = next((one for one in await self._allocations() if one.id == allocation), None)
        restarted_at = max((each.restarted_at for each in before.tasks), default=0.0) if before else 0.0
        told = Restarted((allocation,), task, is_asked=True, restarted_at=restarted_at)
        if before is not None and before.is_live:
            nomad = self.environment.nomad
            await (nomad.restart(allocation, task) if task else nomad.stop_allocation(allocation))
        await self.note(f"{allocation[:8]}: {'restarts ' + task if task else 'ends, and is replaced'}", told)
        return told

    async def _awaited(self, asked: Restarted) -> str:
        """Wait until it, or the one that replaces it, is healthy; why it is not, or ""."""
        document = await self.environment.nomad.job(self.deployment.service)
        if document is None:
            return "the job is gone: somebody has purged it meanwhile"
        is_registered = summary(document).is_registered
        give_up = time.monotonic() + healthy_deadline_s(document) + self.environment.limits.stall
        while True:
            found = await self._allocations()
            one = _successor(found, asked)
            if one is not None and one.is_bad:
                return f"allocation {one.short_id} is {one.status}: " + "; ".join(
                    f"{each.name} {each.reason}" for each in one.tasks if each.reason
                )
            if one is not None and _is_new(one, asked) and await self._is_good(one, is_registered=is_registered):
                return ""
            if time.monotonic() > give_up:
                return f"{(one.short_id if one else asked.allocations[0][:8])} did not get healthy in time"
            await asyncio.sleep(self.environment.limits.look)

    async def _is_good(self, one: Allocation, *, is_registered: bool) -> bool:
        if not one.is_complete:
            return False
        if not is_registered:
            return True
        there, problem = await instances(self.environment, self.deployment.service)
        if problem:
            raise RemoteError(str(problem))
        return one.id in passing_ids([one], there)

    async def _allocations(self) -> tuple[Allocation, ...]:
        found = allocations(await self.environment.nomad.allocations(self.deployment.service))
        for one in self._progress.news_among(tuple(one for one in found if not one.is_gone)):
            await self.note(allocation_line(one), allocation_seen(one))
        return found


def _successor(found: tuple[Allocation, ...], asked: Restarted) -> Allocation | None:
    """The allocation itself where a task restarts in it; else the last of those that came in its place."""
    by_id = {one.id: one for one in found}
    one = by_id.get(asked.allocations[0])
    while one is not None and one.next_allocation in by_id:
        one = by_id[one.next_allocation]
    return one


def _is_new(one: Allocation, asked: Restarted) -> bool:
    """Whether it is another one than was asked for, or a task in it was restarted since."""
    has_restarted = asked.task is not None and any(each.restarted_at > asked.restarted_at for each in one.tasks)
    return one.id != asked.allocations[0] or has_restarted
