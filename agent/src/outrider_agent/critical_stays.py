"""How long instances that are critical stay for want of better ones: bounded while any healthy one is there."""

from __future__ import annotations

from collections.abc import Iterable

from outrider_agent.endpoints import Identity


class CriticalStays:
    """The addresses that a floor keeps, each with its seconds beside a healthy one.

    The clock behind them stands while nothing healthy is there: then they are all that callers have.
    """

    __slots__ = ("_begun", "_elapsed", "_is_running", "_longest", "_looked_at")

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._begun: dict[Identity, float] = {}
        self._elapsed = 0.0
        self._looked_at = 0.0
        self._is_running = False

    def __contains__(self, identity: Identity) -> bool:
        return identity in self._begun

    @property
    def spent(self) -> dict[Identity, float]:
        """Seconds beside a healthy one, as of the last list."""
        return {who: self._elapsed - begun for who, begun in self._begun.items()}

    def recall(self, spent: dict[Identity, float]) -> None:
        """Go on where a predecessor ended."""
        self._begun = {who: self._elapsed - seconds for who, seconds in spent.items()}

    def tick(self, now: float, *, has_healthy: bool) -> None:
        """A new list: ``has_healthy`` holds from now on, what the last one said held until now."""
        if self._is_running:
            self._elapsed += now - self._looked_at
        self._looked_at = now
        self._is_running = has_healthy

    def is_over(self, identity: Identity) -> bool:
        begun = self._begun.get(identity)
        return begun is not None and self._elapsed - begun >= self._longest

    def keep(self, identities: Iterable[Identity]) -> None:
        """These are kept from now on, and no others."""
        self._begun = {who: self._begun.get(who, self._elapsed) for who in identities}

    @property
    def next_end(self) -> float | None:
        """Seconds until the first stay is over; None while there is none, or nothing healthy."""
        if not self._is_running or not self._begun:
            return None
        return self._longest - (self._elapsed - min(self._begun.values()))
