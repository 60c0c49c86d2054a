"""The watch on one upstream, without a socket: clock readings and Consul's answers in, queries and endpoints out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from outrider_agent import judgements, rules, states
from outrider_agent.belief import Belief
from outrider_agent.endpoints import Endpoints
from outrider_agent.handover import Handover
from outrider_agent.instances import Instance
from outrider_agent.judgements import Judgement
from outrider_agent.loop import NEVER
from outrider_agent.pace import Random
from outrider_agent.queries import Counts, Query
from outrider_agent.responses import Headers
from outrider_agent.rights import Rights
from outrider_agent.rules import Limits
from outrider_agent.schedule import Schedule
from outrider_agent.settings import Upstream


class Watch:
    """One upstream: ask ``due``, take a ``query``, report how it went; read ``endpoints``.

    Its belief judges what Consul says, its schedule what to ask next; it tells the others how that stands.
    """

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
        self._belief = Belief(limits, rights or Rights(), is_guarded=upstream.is_guarded)
        self._schedule = Schedule(limits, random)

    @property
    def endpoints(self) -> Endpoints | None:
        """What Envoy shall have; None while nothing is known."""
        return self._belief.endpoints

    @property
    def index(self) -> int:
        """Of the next query."""
        return self._schedule.index

    @property
    def is_denied(self) -> bool:
        return self.state == states.DENIED

    @property
    def is_known(self) -> bool:
        """Whether there is something to serve; an empty list is nothing while the agent may see nothing."""
        return bool(self.endpoints) or (self.endpoints is not None and not self.is_denied)

    def restore(self, endpoints: Endpoints, now: float, handover: Handover | None = None) -> None:
        """Start from what a predecessor left."""
        self._belief.restore(endpoints, handover or Handover())
        self.state, self.changed_at = states.SNAPSHOT, now

    @property
    def handover(self) -> Handover:
        """What a successor must know beside the endpoints."""
        return self._belief.handover

    def due(self, now: float) -> float:
        """When the next query may be sent."""
        return self._schedule.due(now)

    def hurry(self, now: float) -> None:
        """Consul answers others again, or the token changed: do not sit out a long pause, nor come all at once."""
        if self.state in (states.FAILING, states.DENIED):
            self._schedule.hurry(now)

    def query(self, now: float, longest_wait: float = NEVER) -> Query:
        """What to ask now; ``longest_wait`` is shorter where connections are scarce."""
        self.counts.queries += 1
        return self._schedule.query(now, longest_wait)

    def answered(self, headers: Headers, instances: Sequence[Instance], now: float) -> None:
        """A complete answer of status 200 to a query for instances."""
        found = rules.index_of(headers)
        if found is None or not rules.knows_leader(headers):
            self.failed(rules.NO_INDEX if found is None else rules.NO_LEADER, now)
            return
        before, self.contact_at = self.endpoints, now
        judgement = self._belief.judge(headers, instances, self.index, now)
        self._schedule.answered(found, now)
        has_news = judgement.kind not in judgements.DOUBTS and judgement.endpoints != before
        self._follow(judgement, now, has_news=has_news)

    def refused(self, status: int, words: str, now: float) -> None:
        """A complete answer of any other status, with the first words of its body."""
        reason = f"Consul answers {status}: {words}" if words else f"Consul answers {status}"
        (self._denied if rules.is_denial(status) else self.failed)(reason, now)

    def witnessed(self, now: float, *, knows_others: bool) -> None:
        """The answer to a query for the catalog: whether Consul knows any service but this one and its own."""
        self._schedule.witnessed(now)
        if not self._belief.hear_witness(now, knows_others=knows_others):
            self._note(states.HOLDING, states.FORGOTTEN)

    def reconsider(self, now: float) -> None:
        """Consul was asked for this allocation's own registration."""
        if not self._belief.is_empty:
            return
        if not self._belief.is_doubtful(now):
            self._schedule.ask_now(now)
        elif not self.is_denied:
            self._follow(self._belief.doubt_empty(now), now, has_news=False)

    def failed(self, reason: str, now: float) -> None:
        """No answer, or none that can be used: keep what is known, start over, take more and more time."""
        self.counts.failures += 1
        self._belief.fail(now)
        self._schedule.failed(now)
        self._note(states.FAILING, reason)

    def _denied(self, reason: str, now: float) -> None:
        self.counts.denials += 1
        self._belief.interrupt()
        self._schedule.denied(now)
        self._note(states.DENIED, reason)

    def _follow(self, judgement: Judgement, now: float, *, has_news: bool) -> None:
        """Ask next, and say, what follows from a judgement."""
        self._schedule.follow(judgement, now, has_news=has_news)
        self.counts.judge(judgement.kind)
        self._note(states.STATES_OF[judgement.kind], self._belief.reason(judgement.kind))
        if has_news:
            self.counts.updates += 1
            self.changed_at = now
            self._changed(self)

    def _note(self, state: str, reason: str) -> None:
        self.state = state
        self.reason = reason
