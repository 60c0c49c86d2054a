"""When one watch asks next, and what: indexes, waits and pauses."""

from __future__ import annotations

from outrider_agent import judgements, rules
from outrider_agent.judgements import Judgement
from outrider_agent.pace import BackOff, Bucket, HotLoop, Random
from outrider_agent.queries import Query
from outrider_agent.rules import Limits


class Schedule:
    """Take a ``query`` once it is ``due``, and say what came of it; ``index`` is that of the next one, 0 a read at once."""

    __slots__ = (
        "_asked_wait",
        "_back_off",
        "_bucket",
        "_hot_loop",
        "_limits",
        "_not_before",
        "_random",
        "_recheck_at",
        "_refresh_at",
        "_sent_at",
        "_wants_witness",
        "index",
    )

    def __init__(self, limits: Limits, random: Random) -> None:
        self.index = 0
        self._limits = limits
        self._random = random
        self._bucket = Bucket(limits.burst, limits.rate)
        self._back_off = BackOff(limits.back_off_first, limits.back_off_longest, random)
        self._hot_loop = HotLoop(limits)
        self._not_before = 0.0
        self._sent_at = 0.0
        self._asked_wait = 0.0
        self._refresh_at: float | None = None
        self._recheck_at: float | None = None
        self._wants_witness = False

    def due(self, now: float) -> float:
        """When the next query may be sent."""
        return max(self._not_before, self._bucket.ready_at(now))

    def query(self, now: float, longest_wait: float) -> Query:
        """What to ask now; ``longest_wait`` is shorter where connections are scarce."""
        self._bucket.take(now)
        self._sent_at = now
        if self._refresh_at is not None and now >= self._refresh_at:
            self.index = 0
        wait = min(self._wait(now), longest_wait) if self.index and not self._wants_witness else 0.0
        self._asked_wait = wait
        if not wait:
            self._refresh_at = now + self._limits.refresh
        deadline = now + rules.read_deadline(wait, self._limits, self._back_off.failures)
        return Query(self.index, wait, deadline, is_catalog=self._wants_witness)

    def hurry(self, now: float) -> None:
        """A long pause need not be sat out, but not all watches shall come at once."""
        self._ask_by(now + self._limits.back_off_first * self._random())

    def ask_now(self, now: float) -> None:
        """No pause need be sat out."""
        self._ask_by(now)

    def answered(self, found: int, now: float) -> None:
        """Consul answered with this index."""
        self._back_off.reset()
        self.index = rules.next_index(found)
        self._not_before = now + (0.0 if found else self._limits.index_zero_pause)

    def witnessed(self, now: float) -> None:
        """Consul said which services it knows: the list is read anew."""
        self._back_off.reset()
        self._start_over(now)

    def failed(self, now: float) -> None:
        """No answer, or none that can be used: take more and more time."""
        self._start_over(now + self._back_off.pause())

    def denied(self, now: float) -> None:
        """A person must act, which takes a while."""
        span = self._limits.denied_longest - self._limits.denied_shortest
        self._start_over(now + self._limits.denied_shortest + span * self._random())

    def follow(self, judgement: Judgement, now: float, *, has_news: bool) -> None:
        """Ask next what a judgement on the last answer wants to know."""
        kind = judgement.kind
        if kind in judgements.DENIALS:
            self.denied(now)
        elif kind in (judgements.SUSPECT, judgements.UNCERTAIN):
            self._start_over(now + self._limits.index_zero_pause)
        elif kind in (judgements.OUTDATED, judgements.STILL_OUTDATED):
            self._ask_for_better(now, is_first=kind == judgements.OUTDATED)
        else:
            self._go_on(judgement, now, has_news=has_news)

    def _go_on(self, judgement: Judgement, now: float, *, has_news: bool) -> None:
        self._wants_witness = judgement.kind == judgements.WITNESS
        self._recheck_at = now + judgement.recheck if judgement.recheck is not None else None
        if judgement.kind == judgements.CONFIRM:
            self.index = 0
            self._not_before = now + (judgement.recheck or 0.0)
        if has_news:
            self._hot_loop.reset()
        else:
            self._slow_down(now)

    def _ask_for_better(self, now: float, *, is_first: bool) -> None:
        """Read without an index: at once, where this is the first such answer, then with pauses."""
        self.index = 0
        self._recheck_at = None
        self._slow_down(now)
        pause = 0.0 if is_first else self._limits.better_pause * (0.5 + self._random())
        self._not_before = max(self._not_before, now + pause)

    def _start_over(self, not_before: float) -> None:
        self.index = 0
        self._wants_witness = False
        self._not_before = not_before

    def _ask_by(self, latest: float) -> None:
        self._not_before = min(self._not_before, latest)

    def _slow_down(self, now: float) -> None:
        has_blocked = 0.0 < self._asked_wait <= now - self._sent_at
        until = self._hot_loop.pause_until(now, self._sent_at, has_blocked=has_blocked)
        self._not_before = max(self._not_before, until)

    def _wait(self, now: float) -> float:
        if self._recheck_at is None:
            return self._limits.wait
        return max(0.001, min(self._limits.wait, self._recheck_at - now))
