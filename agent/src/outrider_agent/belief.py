"""What is believed of the lists that Consul has for one upstream: doubts first, and then the guard's judgement."""

from __future__ import annotations

from collections.abc import Sequence

from outrider_agent import freshness, guard, rules, states
from outrider_agent.endpoints import Endpoints
from outrider_agent.freshness import Freshness
from outrider_agent.guard import Guard, Judgement
from outrider_agent.handover import Handover
from outrider_agent.instances import Instance
from outrider_agent.responses import Headers
from outrider_agent.rights import EmptyLists, Rights
from outrider_agent.rules import Limits


class Belief:
    """Judges one good answer after the other; the ``guard`` has what is believed, ``empty`` the empty lists since the last other."""

    __slots__ = ("_freshness", "_limits", "empty", "guard")

    def __init__(self, limits: Limits, rights: Rights, *, is_guarded: bool) -> None:
        self._limits = limits
        self.guard = Guard(limits, is_guarded=is_guarded)
        self._freshness = Freshness(limits)
        self.empty = EmptyLists(rights)

    def is_doubtful(self, now: float) -> bool:
        """Whether an empty list may be all that this token is shown."""
        return self.empty.is_doubtful(self.guard.endpoints, now)

    def restore(self, endpoints: Endpoints, handover: Handover) -> None:
        """Start from what a predecessor left."""
        self.guard.restore(endpoints, handover)
        self._freshness.restore(handover.heard, frozenset([one.identity for one in endpoints]))

    @property
    def handover(self) -> Handover:
        """What a successor must know beside the endpoints."""
        found = Handover()
        found.heard = self._freshness.heard
        self.guard.remember(found)
        return found

    def judge(self, headers: Headers, instances: Sequence[Instance], previous: int, now: float) -> Judgement:
        """Judge a list that came with an index, to a query that asked for what is newer than ``previous``."""
        self.empty.note(now, is_empty=not instances)
        if not instances and not rules.is_empty_trusted(previous, headers, self._limits):
            return self._doubt(guard.FILTERED if rules.is_filtered(headers) else guard.SUSPECT)
        usable = frozenset([one.identity for one in instances if one.is_usable])
        is_in_touch = rules.is_in_touch(headers, self._limits)
        verdict = self._freshness.judge(rules.index_of(headers) or 0, usable, now, is_in_touch=is_in_touch)
        if verdict in guard.DOUBTS:
            return Judgement(verdict, self.guard.endpoints or ())
        if verdict == freshness.ANEW:
            self.guard.lose(now)
        if not instances and self.is_doubtful(now):
            return self.doubt_empty(now)
        return self.guard.judge(instances, now)

    def doubt_empty(self, now: float) -> Judgement:
        """An empty list that may be all that this token is shown: nothing of it is used."""
        return self._doubt(guard.UNSHOWN if self.empty.rights.is_denied(now) else guard.UNCERTAIN)

    def hear_witness(self, now: float, *, knows_others: bool) -> bool:
        """Whether an empty list is believed by now, where Consul knows any other service."""
        is_believed = knows_others and self.empty.is_vouched(now)
        if is_believed:
            self.guard.believe_empty()
        else:
            self.guard.doubt_empty(now)
        return is_believed

    def fail(self, now: float) -> None:
        """Consul failed: an empty list before that says nothing about one after it."""
        self.empty.note(now, is_empty=False)
        self.guard.interrupt()

    def reason(self, kind: str) -> str:
        """Why a judgement of this kind is no news that all is well, for people."""
        if kind == guard.UNSHOWN:
            return self.empty.rights.reason
        if kind == guard.HOLD and self.guard.is_doubted:
            return states.FORGOTTEN
        return states.REASONS[kind]

    def _doubt(self, kind: str) -> Judgement:
        self.guard.interrupt()
        return Judgement(kind, self.guard.endpoints or ())
