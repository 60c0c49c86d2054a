"""Restart policy: whether a task that ended starts again, after which delay, and why (pure but for the dice)."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from outrider_embedded.scheduler.documents import Document
from outrider_embedded.scheduler.times import duration_text

WITHIN = "Restart within policy"
NONE_ALLOWED = "Policy allows no restarts"


@dataclass(frozen=True, slots=True)
class RestartDecision:
    """``delay_ns`` is None where the task stays dead; ``is_failed`` says whether that is a failure."""

    delay_ns: int | None
    reason: str
    is_failed: bool = False


@dataclass(slots=True)
class RestartCounter:
    """The restarts of one task within the policy's interval; times in nanoseconds."""

    policy: Document
    is_service: bool
    count: int = 0
    interval_start: int = field(default=0)

    def after_exit(self, code: int, now: int) -> RestartDecision:
        """What follows an exit; a task of a batch job, or a prestart task, is done when it ends well."""
        if code == 0 and not self.is_service:
            return RestartDecision(None, "")
        return self.after_failure(now)

    def after_failure(self, now: int) -> RestartDecision:
        """What follows a failure, be it an exit or a start that did not work."""
        if now >= self.interval_start + self.policy["Interval"]:
            self.interval_start, self.count = now, 0
        if not self.policy["Attempts"] and self.policy["Mode"] == "fail":
            return RestartDecision(None, NONE_ALLOWED, is_failed=True)
        self.count += 1
        if self.count <= self.policy["Attempts"]:
            return RestartDecision(self._delay(), WITHIN)
        attempts, interval = self.policy["Attempts"], duration_text(self.policy["Interval"])
        reason = f'Exceeded allowed attempts {attempts} in interval {interval} and mode is "{self.policy["Mode"]}"'
        if self.policy["Mode"] == "fail":
            return RestartDecision(None, reason, is_failed=True)
        return RestartDecision(max(0, self.interval_start + self.policy["Interval"] - now) + self._delay(), reason)

    def _delay(self) -> int:
        delay: int = self.policy["Delay"]
        return delay + int(delay * random.uniform(0, 0.25))  # noqa: S311  # spreads restarts, keeps no secret
