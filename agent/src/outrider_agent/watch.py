"""The watch on one upstream, without a socket: clock readings and Consul's answers in, queries and endpoints out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from outrider_agent import guard, rules, states
from outrider_agent.belief import Belief
from outrider_agent.endpoints import Endpoints
from outrider_agent.guard import Judgement
from outrider_agent.handover import Handover
from outrider_agent.instances import Instance
from outrider_agent.loop import NEVER
from outrider_agent.pace import Random
from outrider_agent.queries import Counts, Query, Schedule
from outrider_agent.responses import Headers
from outrider_agent.rights import Rights
from outrider_agent.rules import Limits
from outrider_agent.settings import Upstream


class Watch:
    """One upstream: ask ``due``, take a ``query``, report how it went; read ``endpoints``.

    The ``belief`` judges what Consul says, the ``schedule`` what to ask next; the watch tells how that stands.
    """

    __slots__ = (
        "_changed",
        "belief",
        "changed_at",
        "contact_at",
        "counts",
        "foreign",
        "reason",
        "schedule",
        "skipped",
        "state",
        "upstream",
    )

    def __init__(
        self,
        upstream: Upstream,
        limits: Limits,
        random: Random,
        changed: Callable[[Watch], None],
        rights: Rights | None = None,
    ) -> None:
        self.upstream = upstream
        self.state = states.STARTING
        self.reason = ""  # why the state is not current, for people
        self.skipped = 0  # instances in the last answer that Envoy could not take
        self.foreign: Sequence[str] = ()  # whose the other services' instances in it are
        self.contact_at: float | None = None
        self.changed_at: float | None = None
        self.counts = Counts()
        self._changed = changed
        self.belief = Belief(limits, rights or Rights(), is_guarded=upstream.is_guarded)
        self.schedule = Schedule(limits, random)

    @property
    def endpoints(self) -> Endpoints | None:
        """What Envoy shall have; None while nothing is known."""
        return self.belief.guard.endpoints

    @property
    def is_denied(self) -> bool:
        return self.state == states.DENIED

    @property
    def is_known(self) -> bool:
        """Whether there is something to serve; an empty list is nothing while the agent may see nothing."""
        return bool(self.endpoints) or (self.endpoints is not None and not self.is_denied)

    def restore(self, endpoints: Endpoints, now: float, handover: Handover | None = None) -> None:
        """Start from what a predecessor left."""
        self.belief.restore(endpoints, handover or Handover())
        self.state, self.changed_at = states.SNAPSHOT, now

    def due(self, now: float) -> float:
        """When the next query may be sent."""
        return self.schedule.due(now)

    def hurry(self, now: float) -> None:
        """Consul answers others again, or the token changed: do not sit out a long pause, nor come all at once."""
        if self.state in (states.FAILING, states.DENIED):
            self.schedule.hurry(now)

    def query(self, now: float, longest_wait: float = NEVER) -> Query:
        """What to ask now; ``longest_wait`` is shorter where connections are scarce."""
        self.counts.queries += 1
        return self.schedule.query(now, longest_wait)

    def answered(self, headers: Headers, instances: Sequence[Instance], now: float) -> None:
        """A complete answer of status 200 to a query for instances."""
        found = rules.index_of(headers)
        if found is None or not rules.knows_leader(headers):
            self.failed(rules.NO_INDEX if found is None else rules.NO_LEADER, now)
            return
        before, self.contact_at = self.endpoints, now
        judgement = self.belief.judge(headers, instances, self.schedule.index, now)
        self.schedule.answered(found, now)
        has_news = judgement.kind not in guard.DOUBTS and judgement.endpoints != before
        self._follow(judgement, now, has_news=has_news)

    def refused(self, status: int, words: str, now: float) -> None:
        """A complete answer of any other status, with the first words of its body."""
        reason = f"Consul answers {status}: {words}" if words else f"Consul answers {status}"
        if not rules.is_denial(status):
            self.failed(reason, now)
            return
        self.counts.denials += 1
        self.belief.guard.interrupt()
        self.schedule.denied(now)
        self.state, self.reason = states.DENIED, reason

    def witnessed(self, now: float, *, knows_others: bool) -> None:
        """The answer to a query for the catalog: whether Consul knows any service but this one and its own."""
        self.schedule.witnessed(now)
        if not self.belief.hear_witness(now, knows_others=knows_others):
            self.state, self.reason = states.HOLDING, states.FORGOTTEN

    def reconsider(self, now: float) -> None:
        """Consul was asked for this allocation's own registration."""
        if not self.belief.empty.is_open:
            return
        if not self.belief.is_doubtful(now):
            self.schedule.ask_by(now)
        elif not self.is_denied:
            self._follow(self.belief.doubt_empty(now), now, has_news=False)

    def failed(self, reason: str, now: float) -> None:
        """No answer, or none that can be used: keep what is known, start over, take more and more time."""
        self.counts.failures += 1
        self.belief.fail(now)
        self.schedule.failed(now)
        self.state, self.reason = states.FAILING, reason

    def _follow(self, judgement: Judgement, now: float, *, has_news: bool) -> None:
        """Ask next, and say, what follows from a judgement."""
        self.schedule.follow(judgement, now, has_news=has_news)
        self.counts.denials += judgement.kind in guard.DENIALS
        self.counts.rewinds += judgement.kind == guard.OUTDATED
        self.counts.suspect_empties += judgement.kind == guard.SUSPECT
        self.state, self.reason = states.STATES_OF[judgement.kind], self.belief.reason(judgement.kind)
        if has_news:
            self.counts.updates += 1
            self.changed_at = now
            self._changed(self)
