"""Whether an answer is as new as what was heard before: several servers answer, and not all of them know the latest.

Facts: followers of one cluster differ in their index (hashicorp/consul#7939); X-Consul-LastContact says how long a server
has been out of touch with its leader; an index that goes back may also be a restore or another Consul.
"""

from __future__ import annotations

from outrider_agent.endpoints import Identity
from outrider_agent.guard import OUTDATED, STILL_OUTDATED
from outrider_agent.rules import Limits

Identities = frozenset[Identity]

ADMITTED = "admitted"
ANEW = "anew"  # admitted with a lower index: Consul has started anew


class Freshness:
    """The highest index heard from one upstream's answers, and what was listed at it."""

    __slots__ = ("_disagreed_at", "_limits", "_listed", "_peak", "_waiting_since", "heard")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.heard = 0  # outlives failures and restarts
        self._listed: Identities | None = None  # None while nothing was ever listed
        self._peak = 0  # what was the highest before an answer with a lower index was admitted
        self._waiting_since: float | None = None
        self._disagreed_at: float | None = None

    def restore(self, heard: int, listed: Identities) -> None:
        """Go on where a predecessor ended."""
        self.heard = heard
        self._listed = listed

    def judge(self, found: int, usable: Identities, now: float, *, is_in_touch: bool) -> str:
        """Whether a good answer of this index is admitted, which lists these as usable, from such a server; else which doubt."""
        if not self._is_doubtful(found, usable, is_in_touch=is_in_touch):
            self._settle(found, now)
            return self._admit(found, usable)
        if self._waiting_since is None:
            self._waiting_since = now
            return OUTDATED
        is_over = now - self._waiting_since >= self._patience(now)
        return self._admit(found, usable) if is_over or self._has_started_anew(found, now) else STILL_OUTDATED

    def _is_doubtful(self, found: int, usable: Identities, *, is_in_touch: bool) -> bool:
        """Behind what was heard; or less at the same index, or at none; or other than before by a server out of touch."""
        if 0 < found < self.heard:
            return True
        if self._listed is None:
            return False
        takes_away = bool(self._listed - usable)
        return (takes_away and found in (0, self.heard)) or (not is_in_touch and usable != self._listed)

    def _settle(self, found: int, now: float) -> None:
        """A good answer after one that was doubted, or above an index that was given up: servers do disagree."""
        has_passed = 0 < self._peak <= found
        if self._waiting_since is not None or has_passed:
            self._disagreed_at = now
        self._peak = 0 if has_passed else self._peak

    def _admit(self, found: int, usable: Identities) -> str:
        is_behind = 0 < found < self.heard
        self._peak = max(self._peak, self.heard) if is_behind else self._peak
        self.heard = found or self.heard
        self._listed = usable
        self._waiting_since = None
        return ANEW if is_behind else ADMITTED

    def _patience(self, now: float) -> float:
        return self._limits.disagreed_wait if self._have_disagreed(now) else self._limits.better_wait

    def _have_disagreed(self, now: float) -> bool:
        return self._disagreed_at is not None and now - self._disagreed_at < self._limits.disagreed_window

    def _has_started_anew(self, found: int, now: float) -> bool:
        """An index of less than half is no follower's lag: a second answer of that kind is believed at once."""
        return 0 < found < self.heard / 2 and not self._have_disagreed(now)
