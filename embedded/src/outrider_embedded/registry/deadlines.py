"""When TTL checks run out and when instances that stay critical are taken out."""

from __future__ import annotations


class Deadlines:
    """Times of a monotonic clock, in seconds, by check id."""

    def __init__(self) -> None:
        self._expiries: dict[str, float] = {}
        self._reaps: dict[str, float] = {}

    def set_expiry(self, check_id: str, at: float) -> None:
        self._expiries[check_id] = at

    def set_reap(self, check_id: str, at: float | None) -> None:
        """A reap that is set already keeps its time: what counts is when the check turned critical."""
        if at is None:
            self._reaps.pop(check_id, None)
        else:
            self._reaps.setdefault(check_id, at)

    def forget(self, check_id: str) -> None:
        self._expiries.pop(check_id, None)
        self._reaps.pop(check_id, None)

    def next(self) -> float | None:
        """The earliest time at which something is due."""
        return min((*self._expiries.values(), *self._reaps.values()), default=None)

    def expired(self, now: float) -> list[str]:
        """The TTL checks that have run out by now; each is told once."""
        return _taken(self._expiries, now)

    def reapable(self, now: float) -> list[str]:
        """The checks that have been critical for too long; each is told once."""
        return _taken(self._reaps, now)


def _taken(times: dict[str, float], now: float) -> list[str]:
    due = [check_id for check_id, at in times.items() if at <= now]
    for check_id in due:
        del times[check_id]
    return due
