"""What a person has been told of a change under way, since when nothing has got better, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outrider.nomad.read.allocations import Allocation
    from outrider.nomad.read.deployment import Numbers
    from outrider.operations.event_details import Detail
    from outrider.operations.states import State


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a deployment ended, and why."""

    state: State
    reason: str


class Note(Protocol):
    """Writes an event of the deployment down."""

    def __call__(self, message: str, detail: Detail) -> Awaitable[None]: ...


class Progress:
    """What a person has been told already, and since when nothing has got better; the clock is handed in.

    Better is an allocation more that was placed for the first time, became healthy or was promoted. Replacements of
    failed ones are news, but no progress.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._numbers: Numbers | None = None
        self._placed = 0
        self._good = (0, False)
        self._signatures: dict[str, tuple[object, ...]] = {}
        self._moved_at = clock()
        self._unhealthy_before = 0

    @property
    def still_for_s(self) -> float:
        """Seconds since it got better."""
        return self._clock() - self._moved_at

    @property
    def failures(self) -> int:
        """Allocations that became unhealthy since one became healthy or was promoted."""
        return (self._numbers.unhealthy if self._numbers else 0) - self._unhealthy_before

    def restart(self) -> None:
        """Something has been done: wait anew."""
        self._moved_at = self._clock()
        self._unhealthy_before = self._numbers.unhealthy if self._numbers else 0

    def news_of(self, now: Numbers) -> bool:
        """Whether the numbers are others than at the last call."""
        is_new = now != self._numbers
        self._numbers = now
        placed, good = min(now.placed, now.desired), (now.healthy, now.promoted)
        if placed > self._placed:
            self._placed, self._moved_at = placed, self._clock()
        if any(new > old for new, old in zip(good, self._good, strict=True)):
            self._good = (max(now.healthy, self._good[0]), now.promoted)
            self.restart()
        return is_new

    def news_among(self, found: tuple[Allocation, ...]) -> tuple[Allocation, ...]:
        """The allocations that are others than at the last call."""
        fresh = tuple(one for one in found if self._signatures.get(one.id) != one.signature)
        self._signatures |= {one.id: one.signature for one in fresh}
        return fresh
