"""An empty list is believed only from a Consul that shows the agent's own registration."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from outrider_agent import states
from outrider_agent.instances import Instance
from outrider_agent.queries import Query
from outrider_agent.rights import (
    ABSENT,
    FRESH,
    GRACE,
    LONGEST_PAUSE,
    MISSING,
    READ_NODES,
    READ_SERVICES,
    SHOWN,
    Rights,
)
from outrider_agent.rules import Limits
from outrider_agent.settings import Upstream
from outrider_agent.watch import Watch

WEB = [Instance("10.0.0.1", 80), Instance("10.0.0.2", 80)]
OWN = "_nomad-task-a1-group-shop-shop-ingress"
FORBIDDEN = 403


class Driven:
    """A watch beside the agent's rights, with one clock; ``own`` is what Consul says of the own registration."""

    def __init__(self, own: bool | int | None = None) -> None:
        self.now = 1000.0
        self.own = own  # True: shown; a number: not shown, and the status of the local agent; None: no answer
        self.index = 7
        self.questions = 0
        self.rights = Rights(OWN, "no token is set (consul.token: none)")
        self.watch = Watch(Upstream("web"), Limits(), lambda: 1.0, lambda _: None, self.rights)

    def hears(self, *instances: Instance) -> None:
        """Whatever the watch asks next, as soon as it may, and this list for it at once."""
        self._until_due()
        self._answer(self.watch.query(self.now), instances)
        while self.rights.due(self.now) <= self.now:
            self._ask()

    def hears_for(self, seconds: float, *instances: Instance) -> None:
        """The same for so long; a query that may block does."""
        until = self.now + seconds
        while self._until_due(until):
            query = self.watch.query(self.now)
            answered_at = self.now + query.wait
            while self.rights.due(self.now) <= min(answered_at, until):
                self._ask()
            self.now = max(self.now, min(answered_at, until))
            self._answer(query, instances)

    def _answer(self, query: Query, instances: Sequence[Instance]) -> None:
        if query.is_catalog:
            self.watch.witnessed(self.now, knows_others=True)
        else:
            self.index += 1
            self.watch.answered({"x-consul-index": str(self.index)}, instances, self.now)

    def _until_due(self, until: float = float("inf")) -> bool:
        """Let the time pass until the watch may ask; what is due to be asked of the rights meanwhile is."""
        while min(self.watch.due(self.now), self.rights.due(self.now)) <= until:
            if self.watch.due(self.now) <= self.rights.due(self.now):
                self.now = max(self.now, self.watch.due(self.now))
                return True
            self._ask()
        self.now = max(self.now, until)
        return False

    def _ask(self) -> None:
        self.now = max(self.now, self.rights.due(self.now))
        self.questions += 1
        if self.own is None:
            self.rights.unclear(self.now)
        elif self.own is True:
            self.rights.shown(self.now)
        else:
            self.rights.absent(self.own, self.now)
        self.watch.reconsider(self.now)

    def ports(self) -> list[str]:
        return [one.address for one in self.watch.endpoints or ()]


def test_a_missing_upstream_is_empty_at_once_where_the_own_registration_is_shown() -> None:
    driven = Driven(own=True)
    driven.hears()
    driven.hears()
    assert (driven.watch.state, driven.watch.endpoints, driven.now) == (states.CURRENT, (), 1000.0)
    assert driven.questions == 1


def test_a_token_that_sees_nothing_is_denied_and_not_an_empty_mesh() -> None:
    driven = Driven(own=200)
    driven.hears()
    assert (driven.watch.state, driven.watch.endpoints) == (states.STARTING, None)
    driven.hears_for(GRACE + 2.0)
    assert (driven.watch.state, driven.watch.endpoints, driven.watch.is_known) == (states.DENIED, None, False)
    assert all(words in driven.watch.reason for words in (OWN, READ_SERVICES, READ_NODES, "no token is set"))
    assert driven.watch.counts.denials >= 1


@pytest.mark.parametrize(
    ("local", "words"),
    [
        (200, "may read services, but not their nodes"),
        (FORBIDDEN, "may not read services"),
        (MISSING, "Nomad has not made it"),
        (0, "may not read it"),
    ],
)
def test_the_reason_tells_what_the_local_agent_says_of_the_registration(local: int, words: str) -> None:
    driven = Driven(own=local)
    driven.hears_for(GRACE + 2.0)
    assert driven.watch.state == states.DENIED
    assert words in driven.watch.reason


def test_a_registration_that_the_local_agent_may_not_show_needs_no_grace() -> None:
    driven = Driven(own=FORBIDDEN)
    driven.hears()
    assert (driven.watch.state, driven.now) == (states.DENIED, 1000.0)


def test_a_registration_that_takes_some_seconds_is_waited_for_and_never_called_denied() -> None:
    driven = Driven(own=MISSING)
    while driven.now < 1000.0 + GRACE - 1.0:
        driven.hears()
        assert (driven.watch.state, driven.watch.endpoints) == (states.STARTING, None)
    driven.own = True
    driven.hears_for(2.0)
    assert (driven.watch.state, driven.watch.endpoints) == (states.CURRENT, ())


def test_a_consul_that_does_not_answer_for_the_registration_denies_nobody() -> None:
    driven = Driven(own=None)
    driven.hears_for(120.0)
    assert (driven.watch.state, driven.watch.endpoints) == (states.STARTING, None)
    assert driven.questions <= 130


def test_a_consul_that_fails_after_a_denial_is_failing() -> None:
    driven = Driven(own=FORBIDDEN)
    driven.hears()
    driven.watch.failed("connection refused", driven.now)
    driven.own = None
    driven.watch.reconsider(driven.now)
    assert driven.watch.state == states.FAILING
    assert driven.watch.due(driven.now) > driven.now


def test_rights_that_are_given_later_are_used_within_seconds() -> None:
    driven = Driven(own=200)
    driven.hears_for(60.0)
    assert driven.watch.state == states.DENIED
    driven.own, before = True, driven.now
    driven.hears(*WEB)
    assert (driven.watch.state, driven.ports()) == (states.CURRENT, ["10.0.0.1", "10.0.0.2"])
    assert driven.now - before <= LONGEST_PAUSE


def test_a_new_token_is_tried_at_once() -> None:
    driven = Driven(own=200)
    driven.hears_for(60.0)
    driven.rights.hurry(driven.now)
    assert driven.rights.due(driven.now) == driven.now


def test_rights_that_are_taken_away_keep_what_is_known_for_however_long() -> None:
    driven = Driven(own=True)
    driven.hears(*WEB)
    driven.own = 200
    driven.hears_for(600.0)
    assert (driven.watch.state, driven.ports()) == (states.DENIED, ["10.0.0.1", "10.0.0.2"])
    assert driven.watch.is_known, "a gate stays open, and Envoy has all that it had"
    assert READ_NODES in driven.watch.reason
    driven.own = True
    driven.hears_for(60.0)
    assert (driven.watch.state, driven.ports()) == (states.CURRENT, [])


def test_a_service_that_is_scaled_to_nothing_is_empty_as_ever_where_rights_hold() -> None:
    driven = Driven(own=True)
    driven.hears(*WEB)
    started = driven.now
    while driven.ports():
        driven.hears()
    assert driven.now - started <= Limits().empty_hold + 2.0
    assert driven.watch.state == states.CURRENT


def test_nothing_is_given_up_while_consul_does_not_answer_for_the_own_registration() -> None:
    driven = Driven(own=True)
    driven.hears(*WEB)
    driven.own = None
    driven.hears_for(300.0)
    assert (driven.watch.state, len(driven.ports())) == (states.HOLDING, 2)


def test_an_instance_that_is_being_stopped_does_not_call_its_upstreams_denied() -> None:
    """Nomad deregisters before it stops: then the local agent does not know the registration either."""
    driven = Driven(own=True)
    driven.hears(*WEB)
    driven.own = MISSING
    seen: set[str] = set()
    while driven.ports():
        driven.hears()
        seen.add(driven.watch.state)
    assert states.DENIED not in seen


def test_an_upstream_that_is_empty_for_long_is_denied_once_the_rights_are_gone() -> None:
    driven = Driven(own=True)
    driven.hears_for(5.0)
    assert driven.watch.state == states.CURRENT
    driven.own = 200
    driven.hears_for(FRESH + GRACE + 10.0)
    assert (driven.watch.state, driven.watch.is_known) == (states.DENIED, False)
    driven.own = True
    driven.hears(*WEB)
    assert (driven.watch.state, len(driven.ports())) == (states.CURRENT, 2)


def test_a_watched_upstream_costs_no_question_while_it_has_instances() -> None:
    driven = Driven(own=True)
    driven.hears_for(120.0, *WEB)
    assert driven.questions == 0


def test_an_empty_upstream_costs_a_question_a_minute() -> None:
    driven = Driven(own=True)
    driven.hears_for(600.0)
    assert 5 <= driven.questions <= 11


def test_denied_rights_are_asked_for_every_few_seconds_and_not_in_a_loop() -> None:
    driven = Driven(own=FORBIDDEN)
    driven.hears_for(100.0)
    assert 100.0 / LONGEST_PAUSE - 2 <= driven.questions <= 100.0 / LONGEST_PAUSE + 3


def test_without_a_registration_of_its_own_an_agent_doubts_nothing() -> None:
    watch = Watch(Upstream("web"), Limits(), lambda: 1.0, lambda _: None, Rights())
    watch.query(1.0)
    watch.answered({"x-consul-index": "7"}, [], 1.0)
    assert (watch.state, watch.endpoints) == (states.CURRENT, ())


def test_the_last_answer_counts_and_not_an_earlier_sight() -> None:
    rights = Rights(OWN)
    rights.shown(10.0)
    rights.absent(FORBIDDEN, 11.0)
    assert rights.verdict(0.0) == ABSENT
    rights.shown(12.0)
    assert (rights.verdict(0.0), rights.is_denied(100.0)) == (SHOWN, False)
