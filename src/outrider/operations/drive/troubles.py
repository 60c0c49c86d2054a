"""Telling why allocations do not become healthy while the deployment still runs, each reason once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outrider_ground.errors import OutriderError

from outrider.operations.drive.reasons import explanations
from outrider.operations.event_details import Troubled

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from outrider.nomad.read.allocations import Allocation, Task
    from outrider.operations.drive.progress import Note
    from outrider.operations.environment import Environment
    from outrider.operations.records import Deployment

AT_A_LOOK: Final = 3
"""Allocations that are asked for their reasons at one look: of many that fail alike, the first tell enough."""


class Due:
    """Which allocations are to be asked why, by what was seen of them and when; the clock is handed in.

    A task that fails or falls over is asked at once, then after its 2nd, 4th, 8th … restart; an allocation that only
    does not become healthy after ``patience_s``, then after twice that time, and so on.
    """

    def __init__(self, clock: Callable[[], float], patience_s: float) -> None:
        self._clock, self._patience_s = clock, patience_s
        self._seen_at: dict[str, float] = {}
        self._asked: dict[str, int] = {}
        self._fallen: dict[str, tuple[object, ...]] = {}

    def among(self, found: Collection[Allocation]) -> tuple[str, ...]:
        """The ids of those that are due now; they are not due again for the same thing."""
        return tuple(one.id for one in found if _may_explain(one) and self._is_due(one))

    def _is_due(self, one: Allocation) -> bool:
        fallen = tuple((task.name, task.failed, task.restarts.bit_length()) for task in one.tasks if _has_fallen(task))
        if fallen and self._fallen.get(one.id) != fallen:
            self._fallen[one.id] = fallen
            return True
        age = self._clock() - self._seen_at.setdefault(one.id, self._clock())
        times = self._asked.get(one.id, 0)
        if age < self._patience_s * 2**times:
            return False
        self._asked[one.id] = times + 1
        return True


def _has_fallen(task: Task) -> bool:
    return task.failed or task.restarts > 0


def _may_explain(one: Allocation) -> bool:
    """Not of what is healthy, is meant to end, or waits for something to read: of that its own line tells all."""
    return not one.healthy and one.desired == "run" and not any(task.unread for task in one.tasks)


class Troubles:
    """The reasons of one deployment's allocations, as events."""

    def __init__(
        self, environment: Environment, deployment: Deployment, note: Note, clock: Callable[[], float]
    ) -> None:
        self._environment, self._service, self._note = environment, deployment.service, note
        self._due = Due(clock, environment.limits.trouble)
        self._told: set[str] = set()

    async def tell(self, found: Collection[Allocation]) -> None:
        """Note what is new among the reasons of these; what cannot be asked now is asked at the next look that is due."""
        due = self._due.among(found)[:AT_A_LOOK]
        if not due:
            return
        version = next(iter(found)).job_version
        try:
            told = await explanations(self._environment, self._service, version, due)
        except OutriderError:
            return  # the verdict says what could not be asked; until then the allocations' own lines tell
        for one in told:
            if one.has_reason and one.body not in self._told:
                self._told.add(one.body)
                await self._note(str(one), Troubled(one.allocation, one.tasks))
