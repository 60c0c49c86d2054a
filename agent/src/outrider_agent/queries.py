"""What a watch asks of Consul, and when; and the counts of what came of it."""

from __future__ import annotations

from outrider_agent import guard, rules
from outrider_agent.guard import Judgement
from outrider_agent.pace import BackOff, Bucket, HotLoop, Random
from outrider_agent.rules import Limits


class Query:
    """What to ask Consul now; ``wait`` is 0 where the answer shall come at once. All in seconds."""

    __slots__ = ("deadline", "index", "is_catalog", "wait")

    def __init__(self, index: int, wait: float, deadline: float, *, is_catalog: bool = False) -> None:
        self.index = index
        self.wait = wait
        self.deadline = deadline  # a clock reading
        self.is_catalog = is_catalog


class Counts:
    """What happened to one watch since the start, for metrics."""

    __slots__ = ("denials", "failures", "queries", "rewinds", "suspect_empties", "updates")

    def __init__(self) -> None:
        self.queries = 0
        self.failures = 0
        self.denials = 0
        self.rewinds = 0
        self.suspect_empties = 0
        self.updates = 0


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
        wait = 0.0
        if self.index and not self._wants_witness:
            recheck = self._limits.wait if self._recheck_at is None else max(0.001, self._recheck_at - now)
            wait = min(self._limits.wait, recheck, longest_wait)
        self._asked_wait = wait
        if not wait:
            self._refresh_at = now + self._limits.refresh
        deadline = now + rules.read_deadline(wait, self._limits, self._back_off.failures)
        return Query(self.index, wait, deadline, is_catalog=self._wants_witness)

    def hurry(self, now: float) -> None:
        """A long pause need not be sat out, but not all watches shall come at once."""
        self.ask_by(now + self._limits.back_off_first * self._random())

    def ask_by(self, latest: float) -> None:
        """No pause beyond that need be sat out."""
        self._not_before = min(self._not_before, latest)

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
        if kind in guard.DENIALS:
            self.denied(now)
        elif kind in (guard.SUSPECT, guard.UNCERTAIN):
            self._start_over(now + self._limits.index_zero_pause)
        elif kind in (guard.OUTDATED, guard.STILL_OUTDATED):
            self._ask_for_better(now, is_first=kind == guard.OUTDATED)
        else:
            self._recheck(judgement, now)
            self._slow_down(now, has_news=has_news)

    def _recheck(self, judgement: Judgement, now: float) -> None:
        """Read again, or ask the witness, when the guard wants to."""
        self._wants_witness = judgement.kind == guard.WITNESS
        self._recheck_at = now + judgement.recheck if judgement.recheck is not None else None
        if judgement.kind == guard.CONFIRM:
            self.index = 0
            self._not_before = now + (judgement.recheck or 0.0)

    def _ask_for_better(self, now: float, *, is_first: bool) -> None:
        """Read without an index: at once, where this is the first such answer, then with pauses."""
        self.index = 0
        self._recheck_at = None
        self._slow_down(now, has_news=False)
        pause = 0.0 if is_first else self._limits.better_pause * (0.5 + self._random())
        self._not_before = max(self._not_before, now + pause)

    def _start_over(self, not_before: float) -> None:
        self.index = 0
        self._wants_witness = False
        self._not_before = not_before

    def _slow_down(self, now: float, *, has_news: bool) -> None:
        if has_news:
            self._hot_loop.reset()
            return
        has_blocked = 0.0 < self._asked_wait <= now - self._sent_at
        until = self._hot_loop.pause_until(now, self._sent_at, has_blocked=has_blocked)
        self._not_before = max(self._not_before, until)
