"""The watch on one upstream, without a socket: clock readings and Consul's answers in, queries and endpoints out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from outrider_agent import freshness, guard, rules, states
from outrider_agent.endpoints import Endpoints
from outrider_agent.freshness import Freshness
from outrider_agent.guard import Guard
from outrider_agent.handover import Handover
from outrider_agent.instances import Instance
from outrider_agent.loop import NEVER
from outrider_agent.pace import BackOff, Bucket, HotLoop, Random
from outrider_agent.queries import Counts, Query
from outrider_agent.responses import Headers
from outrider_agent.rights import ASKING, EmptyLists, Rights
from outrider_agent.rules import Limits
from outrider_agent.settings import Upstream


class Watch:
    """One upstream: ask ``due``, take a ``query``, report how it went; read ``endpoints``."""

    def __init__(
        self,
        upstream: Upstream,
        limits: Limits,
        random: Random,
        changed: Callable[[Watch], None],
        rights: Rights | None = None,
    ) -> None:
        self.upstream = upstream
        self.index = 0
        self.state = states.STARTING
        self.reason = ""  # why the state is not current, for people
        self.skipped = 0  # instances in the last answer that Envoy could not take
        self.foreign: Sequence[str] = ()  # whose the other services' instances in it are
        self.contact_at: float | None = None
        self.changed_at: float | None = None
        self.counts = Counts()
        self._changed = changed
        self._limits = limits
        self._random = random
        self._guard = Guard(limits, is_guarded=upstream.is_guarded)
        self._freshness = Freshness(limits)
        self._bucket = Bucket(limits.burst, limits.rate)
        self._back_off = BackOff(limits.back_off_first, limits.back_off_longest, random)
        self._not_before = 0.0
        self._sent_at = 0.0
        self._asked_wait = 0.0
        self._refresh_at: float | None = None
        self._recheck_at: float | None = None
        self._hot_loop = HotLoop(limits)
        self._wants_witness = False
        self._empty = EmptyLists(rights or Rights())

    @property
    def endpoints(self) -> Endpoints | None:
        """What Envoy shall have; None while nothing is known."""
        return self._guard.endpoints

    @property
    def is_denied(self) -> bool:
        return self.state == states.DENIED

    @property
    def is_known(self) -> bool:
        """Whether there is something to serve; an empty list is nothing while the agent may see nothing."""
        return bool(self.endpoints) or (self.endpoints is not None and not self.is_denied)

    def restore(self, endpoints: Endpoints, now: float, handover: Handover | None = None) -> None:
        """Start from what a predecessor left."""
        found = handover or Handover()
        self._guard.restore(endpoints, found)
        self._freshness.restore(found.heard, frozenset([one.identity for one in endpoints]))
        self.state, self.changed_at = states.SNAPSHOT, now

    @property
    def handover(self) -> Handover:
        """What a successor must know beside the endpoints."""
        found = Handover()
        found.heard = self._freshness.heard
        self._guard.remember(found)
        return found

    def due(self, now: float) -> float:
        """When the next query may be sent."""
        return max(self._not_before, self._bucket.ready_at(now))

    def hurry(self, now: float) -> None:
        """Consul answers others again, or the token changed: do not sit out a long pause, nor come all at once."""
        if self.state in (states.FAILING, states.DENIED):
            self._not_before = min(self._not_before, now + self._limits.back_off_first * self._random())

    def query(self, now: float, longest_wait: float = NEVER) -> Query:
        """What to ask now; ``longest_wait`` is shorter where connections are scarce."""
        self._bucket.take(now)
        self.counts.queries += 1
        self._sent_at = now
        if self._refresh_at is not None and now >= self._refresh_at:
            self.index = 0
        wait = min(self._wait(now), longest_wait) if self.index and not self._wants_witness else 0.0
        self._asked_wait = wait
        if not wait:
            self._refresh_at = now + self._limits.refresh
        deadline = now + rules.read_deadline(wait, self._limits, self._back_off.failures)
        return Query(self.index, wait, deadline, is_catalog=self._wants_witness)

    def answered(self, headers: Headers, instances: Sequence[Instance], now: float) -> None:
        """A complete answer of status 200 to a query for instances."""
        found = rules.index_of(headers)
        if found is None or not rules.knows_leader(headers):
            self.failed(rules.NO_INDEX if found is None else rules.NO_LEADER, now)
        else:
            self._good(found, headers, instances, now)

    def refused(self, status: int, words: str, now: float) -> None:
        """A complete answer of any other status, with the first words of its body."""
        reason = f"Consul answers {status}: {words}" if words else f"Consul answers {status}"
        (self._denied if rules.is_denial(status) else self.failed)(reason, now)

    def witnessed(self, now: float, *, knows_others: bool) -> None:
        """The answer to a query for the catalog: whether Consul knows any service but this one and its own."""
        self._back_off.reset()
        self._wants_witness = False
        self.index = 0
        self._not_before = now
        if knows_others and self._empty.is_vouched(now):
            self._guard.believe_empty()
        else:
            self._guard.doubt_empty(now)
            self._note(states.HOLDING, states.FORGOTTEN)

    def reconsider(self, now: float) -> None:
        """Consul was asked for this allocation's own registration."""
        if self._empty.is_open and not self._empty.is_doubtful(self.endpoints, now):
            self._not_before = min(self._not_before, now)
        elif self._empty.is_open and not self.is_denied:
            self._doubt(now)

    def failed(self, reason: str, now: float) -> None:
        """No answer, or none that can be used: keep what is known, start over, take more and more time."""
        self.counts.failures += 1
        self._empty.note(now, is_empty=False)
        self._start_over(now + self._back_off.pause())
        self._note(states.FAILING, reason)

    def _denied(self, reason: str, now: float) -> None:
        self.counts.denials += 1
        span = self._limits.denied_longest - self._limits.denied_shortest
        self._start_over(now + self._limits.denied_shortest + span * self._random())
        self._note(states.DENIED, reason)

    def _start_over(self, not_before: float) -> None:
        self.index = 0
        self._wants_witness = False
        self._not_before = not_before
        self._guard.interrupt()

    def _good(self, found: int, headers: Headers, instances: Sequence[Instance], now: float) -> None:
        self._back_off.reset()
        self._empty.note(now, is_empty=not instances)
        self.contact_at = now
        previous, self.index = self.index, rules.next_index(found)
        self._not_before = now + (0.0 if found else self._limits.index_zero_pause)
        if not instances and not rules.is_empty_trusted(previous, headers, self._limits):
            self._suspect(headers, now)
        elif self._is_fresh(found, headers, instances, now):
            self._weigh(instances, now)

    def _weigh(self, instances: Sequence[Instance], now: float) -> None:
        if not instances and self._empty.is_doubtful(self.endpoints, now):
            self._doubt(now)
        else:
            self._judge(instances, now)

    def _doubt(self, now: float) -> None:
        """An empty list that may be all that this token is shown: nothing of it is used."""
        if self._empty.rights.is_denied(now):
            self._denied(self._empty.rights.reason, now)
        else:
            self._start_over(now + self._limits.index_zero_pause)
            self._note(states.STARTING, ASKING)

    def _is_fresh(self, found: int, headers: Headers, instances: Sequence[Instance], now: float) -> bool:
        usable = frozenset([one.identity for one in instances if one.is_usable])
        was_waiting, is_in_touch = self._freshness.is_waiting, rules.is_in_touch(headers, self._limits)
        verdict = self._freshness.judge(found, usable, now, is_in_touch=is_in_touch)
        if verdict == freshness.ANEW:
            self._guard.lose(now)
        elif verdict == freshness.WAIT:
            self._ask_for_better(now, is_first=not was_waiting)
        return verdict != freshness.WAIT

    def _ask_for_better(self, now: float, *, is_first: bool) -> None:
        """Read without an index: at once, where this is the first such answer, then with pauses."""
        self.counts.rewinds += is_first
        self.index = 0
        self._recheck_at = None
        self._slow_down(now)
        pause = 0.0 if is_first else self._limits.better_pause * (0.5 + self._random())
        self._not_before = max(self._not_before, now + pause)
        self._note(states.STALE, states.OUTDATED)

    def _suspect(self, headers: Headers, now: float) -> None:
        if rules.is_filtered(headers):
            self._denied(states.FILTERED, now)
            return
        self.counts.suspect_empties += 1
        self._start_over(now + self._limits.index_zero_pause)
        self._note(states.SUSPECT, "an empty list whose headers contradict it")

    def _judge(self, instances: Sequence[Instance], now: float) -> None:
        before = self._guard.endpoints
        judgement = self._guard.judge(instances, now)
        self._wants_witness = judgement.kind == guard.WITNESS
        self._recheck_at = now + judgement.recheck if judgement.recheck is not None else None
        if judgement.kind == guard.CONFIRM:
            self.index = 0
            self._not_before = now + (judgement.recheck or 0.0)
        has_forgotten = judgement.kind == guard.HOLD and self._guard.is_doubted
        self._note(
            states.STATES_OF[judgement.kind], states.FORGOTTEN if has_forgotten else states.REASONS[judgement.kind]
        )
        if judgement.endpoints != before:
            self._publish(now)
        else:
            self._slow_down(now)

    def _publish(self, now: float) -> None:
        self._hot_loop.reset()
        self.counts.updates += 1
        self.changed_at = now
        self._changed(self)

    def _slow_down(self, now: float) -> None:
        has_blocked = 0.0 < self._asked_wait <= now - self._sent_at
        self._not_before = max(
            self._not_before, self._hot_loop.pause_until(now, self._sent_at, has_blocked=has_blocked)
        )

    def _wait(self, now: float) -> float:
        if self._recheck_at is None:
            return self._limits.wait
        return max(0.001, min(self._limits.wait, self._recheck_at - now))

    def _note(self, state: str, reason: str) -> None:
        self.state = state
        self.reason = reason
