"""How often a watch may ask: a token bucket while content changes, and full-jitter back-off while nothing answers."""

from __future__ import annotations

from collections.abc import Callable

from outrider_agent.rules import Limits

QUICK = 1.0  # an answer within this many seconds did not block
Random = Callable[[], float]  # from 0.0 up to 1.0


class Bucket:
    """A token bucket: ``burst`` queries at once, then ``rate`` a second; clock readings are monotonic seconds."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, burst: float, rate: float) -> None:
        self._burst = burst
        self._rate = rate
        self._tokens = burst
        self._at = 0.0

    def ready_at(self, now: float) -> float:
        """When the next token is there: ``now`` or later."""
        self._fill(now)
        return now if self._tokens >= 1 else now + (1 - self._tokens) / self._rate

    def take(self, now: float) -> None:
        self._fill(now)
        self._tokens = max(0.0, self._tokens - 1)

    def _fill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now


class HotLoop:
    """Answers that come at once and say nothing new would make one (hashicorp/consul PR 4810): after some, a pause."""

    __slots__ = ("_limits", "_streak")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._streak = 0

    def reset(self) -> None:
        self._streak = 0

    def pause_until(self, now: float, sent_at: float, *, has_blocked: bool) -> float:
        """When the next query may be sent, after an answer without news to one that was sent at ``sent_at``."""
        self._streak = self._streak + 1 if now - sent_at < QUICK and not has_blocked else 0
        return now + self._limits.unchanged_pause if self._streak >= self._limits.unchanged_streak else now


class BackOff:
    """Full jitter: each failure doubles the longest pause, and the pause is drawn from 0 up to it, in seconds."""

    __slots__ = ("_failures", "_first", "_longest", "_random")

    def __init__(self, first: float, longest: float, random: Random) -> None:
        self._first = first
        self._longest = longest
        self._random = random
        self._failures = 0

    @property
    def failures(self) -> int:
        """Since the last success."""
        return self._failures

    def pause(self) -> float:
        longest = min(self._longest, self._first * 2 ** min(self._failures, 30))
        self._failures += 1
        return longest * self._random()

    def reset(self) -> None:
        self._failures = 0
