"""The watch on one upstream, driven by a clock and Consul's answers: the rules by their numbers in the catalogue."""

from __future__ import annotations

import pytest
from outrider_agent import snapshot, states
from outrider_agent.endpoints import Endpoint
from outrider_agent.instances import Instance
from outrider_agent.queries import Query
from outrider_agent.rules import Limits
from outrider_agent.settings import Upstream
from outrider_agent.watch import Watch

WEB = [Instance("10.0.0.1", 80), Instance("10.0.0.2", 80)]


class Driven:
    """A watch with its clock; jitter is the longest possible unless said otherwise."""

    def __init__(self, upstream: Upstream | None = None, jitter: float = 1.0) -> None:
        self.now = 1000.0
        self.changes = 0
        self.watch = Watch(upstream or Upstream("web"), Limits(), lambda: jitter, self.changed)

    def changed(self, watch: Watch) -> None:
        assert watch is self.watch
        self.changes += 1

    def asks(self) -> Query:
        """The next query, as soon as it may be sent."""
        self.now = max(self.now, self.watch.due(self.now))
        return self.watch.query(self.now)

    def hears(self, index: object, instances: list[Instance], after: float = 0.0, **headers: str) -> Query:
        """The next query and this answer to it."""
        query = self.asks()
        self.now += after
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        known = {} if index is None else {"x-consul-index": str(index)}
        self.watch.answered({**known, **named}, instances, self.now)
        return query

    def fails(self, reason: str = "connection refused") -> None:
        self.asks()
        self.watch.failed(reason, self.now)

    @property
    def pause(self) -> float:
        return self.watch.due(self.now) - self.now

    def ports(self) -> list[str]:
        return [one.address for one in self.watch.endpoints or ()]


def test_a_first_answer_is_published_and_the_next_query_blocks() -> None:
    driven = Driven()
    assert (driven.hears(7, WEB).index, driven.watch.state, driven.changes) == (0, states.CURRENT, 1)
    query = driven.asks()
    assert (query.index, query.wait) == (7, 55.0)


def test_the_same_content_is_not_published_twice() -> None:
    driven = Driven()
    driven.hears(7, WEB)
    driven.hears(8, list(reversed(WEB)), after=30.0)
    assert (driven.changes, driven.watch.state) == (1, states.CURRENT)


def test_a01_an_index_that_goes_back_is_reset_and_the_change_seen_in_the_next_query() -> None:
    driven = Driven()
    driven.hears(100, WEB)
    driven.hears(40, WEB[:1])
    assert len(driven.ports()) == 2, "what a rewound answer says may be old"
    query = driven.hears(41, WEB[:1])
    assert (query.index, query.wait) == (0, 0.0)
    assert (driven.ports(), driven.watch.counts.rewinds) == (["10.0.0.1"], 1)


def test_a01_a_server_that_rewinds_for_ever_makes_no_hot_loop() -> None:
    driven = Driven()
    started = driven.now
    for round_ in range(100):
        driven.hears(100 - round_ % 2, WEB)
    assert driven.now - started > 8.0


@pytest.mark.parametrize("index", [0, None, "soon", "-3", "1" * 30])
def test_a02_an_index_that_is_none_keeps_what_is_known_and_asks_at_most_once_a_second(index: object) -> None:
    driven = Driven()
    driven.hears(7, WEB)
    asked = driven.watch.counts.queries
    until = driven.now + 60.0
    while driven.now < until:
        driven.hears(index, WEB)
    assert driven.watch.counts.queries - asked <= 61
    assert len(driven.ports()) == 2


def test_a02_an_index_of_zero_counts_as_one() -> None:
    driven = Driven()
    driven.hears(0, WEB)
    assert driven.asks().index == 1


def test_a04_wakes_without_a_change_are_slowed_down_and_publish_nothing() -> None:
    driven = Driven()
    driven.hears(7, WEB)
    started = driven.now
    for index in range(8, 108):
        driven.hears(index, WEB)
    assert driven.changes == 1
    assert driven.now - started >= 9.0


def test_a05_a_missing_service_whose_index_moves_all_the_time_is_slowed_down_but_seen_within_a_second() -> None:
    driven = Driven()
    for index in range(1, 60):
        driven.hears(index, [])
    assert 0.5 < driven.pause < 1.0
    driven.hears(60, WEB)
    assert len(driven.ports()) == 2


def test_changes_that_follow_each_other_are_not_slowed_down() -> None:
    driven = Driven()
    driven.hears(1, [])
    waits: list[float] = []
    for index in range(2, 12):
        waits.append(driven.pause)
        driven.hears(index, [Instance("10.0.0.1", port) for port in range(1, index)])
    assert max(waits) == pytest.approx(0.1)
    assert driven.changes == 11


def test_a06_an_empty_list_with_an_index_that_went_back_is_suspect() -> None:
    driven = Driven()
    driven.hears(9_999_999, WEB)
    driven.hears(1, [])
    assert (driven.watch.state, driven.watch.counts.suspect_empties, len(driven.ports())) == (states.SUSPECT, 1, 2)
    driven.hears(10_000_000, WEB[:1])
    assert (driven.watch.state, driven.ports()) == (states.CURRENT, ["10.0.0.1"])


@pytest.mark.parametrize("contact", ["5001", "60000", "never"])
def test_an_empty_list_of_a_server_out_of_touch_is_suspect(contact: str) -> None:
    driven = Driven()
    driven.hears(7, WEB)
    driven.hears(8, [], x_consul_lastcontact=contact)
    assert (driven.watch.state, len(driven.ports())) == (states.SUSPECT, 2)


def test_a07_a_list_filtered_by_acls_is_a_denial_with_its_reason() -> None:
    driven = Driven()
    driven.hears(7, WEB)
    driven.hears(8, [], x_consul_results_filtered_by_acls="true")
    assert (driven.watch.state, len(driven.ports())) == (states.DENIED, 2)
    assert "token" in driven.watch.reason
    assert 10.0 <= driven.pause <= 60.0


def test_a07_a_first_list_filtered_by_acls_is_not_taken_for_an_empty_service() -> None:
    driven = Driven()
    driven.hears(8, [], x_consul_results_filtered_by_acls="true")
    assert driven.watch.endpoints is None


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a07_a_refusal_is_a_denial_and_nothing_is_emptied(status: int) -> None:
    driven = Driven()
    driven.hears(7, WEB)
    driven.asks()
    driven.watch.refused(status, "Permission denied", driven.now)
    assert (driven.watch.state, len(driven.ports()), driven.asks().index) == (states.DENIED, 2, 0)
    assert "Permission denied" in driven.watch.reason
    assert (driven.watch.counts.denials, driven.watch.counts.failures) == (1, 0)


def test_a09_a_true_empty_is_published_after_the_hold_down_once_consul_knows_others() -> None:
    driven = Driven()
    driven.hears(7, WEB)
    driven.hears(8, [])
    assert (driven.watch.state, len(driven.ports())) == (states.HOLDING, 2)
    query = driven.asks()
    assert (query.index, query.wait) == (8, 45.0)
    driven.now += 45.2
    driven.watch.answered({"x-consul-index": "8"}, [], driven.now)
    witness = driven.asks()
    assert witness.is_catalog
    driven.watch.witnessed(driven.now, knows_others=True)
    driven.hears(8, [])
    assert (driven.watch.state, driven.watch.endpoints, driven.changes) == (states.CURRENT, (), 2)
    assert driven.asks().wait == 55.0


def test_consul_that_has_forgotten_everything_is_not_believed() -> None:
    driven = Driven()
    driven.hears(7, WEB)
    until = driven.now + 600
    while driven.now < until:
        query = driven.asks()
        driven.now += query.wait
        if query.is_catalog:
            driven.watch.witnessed(driven.now, knows_others=False)
        else:
            driven.watch.answered({"x-consul-index": "8"}, [], driven.now)
    assert (len(driven.ports()), driven.changes) == (2, 1)


def hears_of_others_only(driven: Driven, seconds: float) -> None:
    """Consul has this service's list empty for so long, and knows others."""
    until = driven.now + seconds
    while driven.now < until:
        query = driven.asks()
        driven.now = min(driven.now + query.wait, until)
        if query.is_catalog:
            driven.watch.witnessed(driven.now, knows_others=True)
        else:
            driven.watch.answered({"x-consul-index": "8"}, [], driven.now)


def test_after_a_restart_with_nothing_other_services_may_come_back_first() -> None:
    """Nomad looks every 30 s at what Consul should have, on each node at a time of its own."""
    driven = Driven()
    driven.hears(700, WEB)
    driven.fails()
    hears_of_others_only(driven, 40.0)
    assert (driven.watch.state, len(driven.ports())) == (states.HOLDING, 2)
    hears_of_others_only(driven, 10.0)
    assert driven.watch.endpoints == ()


def test_where_nothing_guards_an_address_the_hold_down_is_ten_seconds_unless_data_was_lost() -> None:
    for index, seconds in ((7, 12.0), (700, 47.0)):
        driven = Driven(Upstream("ledger", is_guarded=False))
        driven.hears(index, WEB)
        driven.fails()
        hears_of_others_only(driven, seconds - 4.0)
        assert len(driven.ports()) == 2
        hears_of_others_only(driven, 4.0)
        assert driven.watch.endpoints == ()


def test_the_last_of_several_deregistrations_brings_all_back_and_the_first_registration_ends_it() -> None:
    driven = Driven()
    driven.hears(7, WEB)
    driven.hears(8, WEB[:1])
    assert (driven.ports(), driven.pause) == (["10.0.0.1"], 0.0)
    driven.hears(9, [])
    assert (driven.ports(), driven.watch.state) == (["10.0.0.1", "10.0.0.2"], states.HOLDING)
    for _ in range(2):
        driven.hears(10, [Instance("10.0.0.7", 80)])
    assert (driven.ports(), driven.watch.state) == (["10.0.0.7"], states.CURRENT)


def test_the_query_ends_when_a_critical_instance_has_to_leave() -> None:
    driven = Driven()
    three = [*WEB, Instance("10.0.0.3", 80)]
    driven.hears(7, three)
    sick = [three[0], *(Instance(one.address, 80, "critical") for one in three[1:])]
    driven.hears(8, sick)
    driven.hears(8, sick, after=20.0)
    query = driven.asks()
    assert (query.index, query.wait) == (8, 40.0)
    driven.now += query.wait
    driven.watch.answered({"x-consul-index": "8"}, sick, driven.now)
    assert (driven.ports(), driven.asks().wait) == (["10.0.0.1"], 55.0)


def in_turn(driven: Driven, answers: list[tuple[int, list[Instance]]], seconds: float, **headers: str) -> None:
    """Servers that answer at once, one after the other."""
    until, number = driven.now + seconds, 0
    while driven.now < until:
        index, instances = answers[number % len(answers)]
        driven.hears(index, instances, after=0.01, **headers)
        number += 1


THREE = [*WEB, Instance("10.0.0.3", 80)]


@pytest.mark.parametrize("order", [(100, 97, 103), (103, 100, 97), (97, 100, 103)])
def test_servers_that_differ_in_their_index_change_the_membership_only_once(order: tuple[int, ...]) -> None:
    lists = {97: THREE, 100: WEB, 103: WEB[:1]}
    driven = Driven(jitter=0.5)
    in_turn(driven, [(index, lists[index]) for index in order], 30.0)
    assert driven.ports() == ["10.0.0.1"]
    assert driven.changes <= 3, "at most one for each server, in the order of their indexes"


def test_a_server_that_lags_far_behind_is_believed_once_at_most() -> None:
    driven = Driven(jitter=0.5)
    in_turn(driven, [(1003, THREE), (40, WEB), (41, WEB), (1003, THREE)], 120.0)
    assert (driven.changes, len(driven.ports())) == (3, 3)


def test_a_lower_index_is_believed_after_some_seconds_without_a_better_answer() -> None:
    driven = Driven()
    driven.hears(103, THREE)
    started, queries = driven.now, driven.watch.counts.queries
    driven.hears(97, WEB)
    assert (driven.watch.state, len(driven.ports()), driven.pause) == (states.STALE, 3, 0.0)
    driven.hears(97, WEB)
    assert 0.15 <= driven.pause < 0.5
    while driven.watch.state == states.STALE:
        query = driven.hears(97, WEB)
        assert (query.index, query.wait) == (0, 0.0)
    assert len(driven.ports()) == 2
    assert 5.0 <= driven.now - started < 6.0
    assert driven.watch.counts.queries - queries < 30
    assert (driven.asks().index, driven.watch.counts.rewinds) == (97, 1)


def test_a_shorter_list_of_a_server_out_of_touch_waits_for_a_better_one() -> None:
    driven = Driven(jitter=0.5)
    driven.hears(7, THREE)
    until = driven.now + 60.0
    while driven.now < until:
        driven.hears(8, WEB, x_consul_lastcontact="30000")
        for _ in range(3):
            driven.hears(8, THREE, x_consul_lastcontact="12")
    assert (driven.changes, len(driven.ports())) == (1, 3)
    started = driven.now
    while len(driven.ports()) == 3:
        driven.hears(9, WEB, x_consul_lastcontact="garbage")
    assert driven.now - started < 20.0, "nobody else answers any more"


def test_a_longer_list_of_a_server_out_of_touch_is_an_old_one_as_well() -> None:
    driven = Driven()
    driven.hears(7, WEB)
    driven.hears(8, THREE, x_consul_lastcontact="30000")
    assert (driven.watch.state, len(driven.ports())) == (states.STALE, 2)


def test_the_first_list_is_served_whoever_it_comes_from() -> None:
    driven = Driven()
    driven.hears(7, WEB, x_consul_lastcontact="30000")
    assert (driven.watch.state, len(driven.ports())) == (states.CURRENT, 2)


def test_the_same_index_with_a_shorter_list_contradicts_itself() -> None:
    driven = Driven(jitter=0.5)
    in_turn(driven, [(100, THREE), (100, WEB)], 30.0)
    assert (driven.changes, len(driven.ports())) == (1, 3)
    in_turn(driven, [(100, WEB)], 20.0)
    assert len(driven.ports()) == 2


def test_the_same_index_with_a_longer_list_is_believed_at_once() -> None:
    driven = Driven()
    driven.hears(100, WEB)
    driven.hears(100, THREE, after=55.0)
    assert len(driven.ports()) == 3


def test_a_shorter_list_without_an_index_waits() -> None:
    driven = Driven()
    driven.hears(100, THREE)
    driven.hears(0, WEB)
    assert (driven.watch.state, len(driven.ports())) == (states.STALE, 3)
    driven.hears(0, WEB)
    assert len(driven.ports()) == 3, "no index is no lower one, which a second answer would confirm"
    in_turn(driven, [(0, WEB)], 10.0)
    assert len(driven.ports()) == 2


def test_an_index_that_rises_takes_an_instance_away_at_once() -> None:
    driven = Driven()
    driven.hears(100, THREE)
    driven.hears(97, THREE)
    driven.hears(104, WEB)
    assert (driven.watch.state, len(driven.ports()), driven.pause) == (states.CURRENT, 2, 0.0)


def restarted(driven: Driven) -> Driven:
    """An agent that goes on with what this one has left on disk."""
    found = Driven()
    found.now = driven.now + 1.0
    written = snapshot.text({"web": driven.watch.endpoints or ()}, 0.0, remembered(driven))
    handover = snapshot.memories_in(written, found.now)["web"]
    found.watch.restore(snapshot.known_in(written)["web"], found.now, handover)
    return found


def remembered(driven: Driven) -> dict[str, object]:
    return snapshot.remembered({"web": driven.watch.belief.handover}, driven.now)


def test_the_highest_index_is_known_after_a_restart() -> None:
    driven = Driven()
    driven.hears(103, THREE)
    later = restarted(driven)
    later.hears(97, WEB)
    assert (later.watch.state, len(later.ports())) == (states.STALE, 3)
    later.hears(104, WEB)
    assert len(later.ports()) == 2


def test_losses_are_known_after_a_restart() -> None:
    driven = Driven()
    driven.hears(7, WEB)
    driven.hears(8, WEB[:1])
    later = restarted(driven)
    later.hears(9, [])
    assert (later.watch.state, len(later.ports())) == (states.HOLDING, 2)


@pytest.mark.parametrize(
    ("status", "words"), [(500, "No cluster leader"), (429, "Too many"), (503, ""), (502, "rpc error")]
)
def test_a10_a_consul_in_trouble_empties_nothing_and_starts_over(status: int, words: str) -> None:
    driven = Driven()
    driven.hears(7, WEB)
    driven.asks()
    driven.watch.refused(status, words, driven.now)
    assert (driven.watch.state, len(driven.ports())) == (states.FAILING, 2)
    assert driven.asks().index == 0
    assert str(status) in driven.watch.reason


def test_a10_an_answer_without_a_leader_is_none() -> None:
    driven = Driven()
    driven.hears(7, WEB)
    driven.hears(8, [], x_consul_knownleader="false")
    assert (driven.watch.state, len(driven.ports())) == (states.FAILING, 2)


def test_a11_a_blocking_read_has_a_deadline_of_wait_and_a_sixteenth_and_five_seconds() -> None:
    driven = Driven()
    assert driven.asks().deadline == driven.now + 5.0
    driven.watch.answered({"x-consul-index": "7"}, WEB, driven.now)
    assert driven.asks().deadline == driven.now + 55.0 * 17 / 16 + 5.0


def test_a11_a_consul_that_is_merely_slow_gets_more_time_with_each_try_up_to_twenty_seconds() -> None:
    driven = Driven()
    patience: list[float] = []
    for _ in range(5):
        query = driven.asks()
        patience.append(query.deadline - driven.now)
        driven.watch.failed("no answer in time", driven.now)
    assert patience == [5.0, 10.0, 20.0, 20.0, 20.0]
    driven.hears(7, WEB)
    query = driven.asks()
    assert query.deadline - driven.now == 55.0 + 55.0 / 16 + 5.0


def test_a15_failures_back_off_with_full_jitter_up_to_thirty_seconds() -> None:
    driven = Driven(jitter=1.0)
    pauses: list[float] = []
    for _ in range(9):
        driven.fails()
        pauses.append(driven.pause)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    soon = Driven(jitter=0.0)
    soon.fails()
    assert soon.pause == 0.0


def test_success_ends_the_back_off() -> None:
    driven = Driven()
    for _ in range(5):
        driven.fails()
    driven.hears(7, WEB)
    driven.fails()
    assert driven.pause == 0.5


def test_when_consul_answers_others_again_nobody_sits_out_a_long_pause() -> None:
    driven = Driven()
    for _ in range(8):
        driven.fails()
    driven.watch.hurry(driven.now)
    assert driven.pause <= 0.5


def test_a_current_watch_is_not_hurried() -> None:
    driven = Driven()
    driven.hears(0, WEB)
    driven.watch.hurry(driven.now)
    assert driven.pause == 1.0


def test_a18_a_change_between_answer_and_next_query_is_asked_for_by_index() -> None:
    driven = Driven()
    driven.hears(7, WEB)
    assert (driven.pause, driven.asks().index) == (0.0, 7)


def test_a19_a_stuck_consul_is_noticed_by_a_full_read_every_few_minutes() -> None:
    driven = Driven()
    driven.hears(7, WEB)
    started, indexes = driven.now, set[int]()
    while driven.now - started < 400:
        indexes.add(driven.hears(7, WEB, after=55.0).index)
    assert indexes == {0, 7}


def test_a21_only_differences_between_clock_readings_matter() -> None:
    """The watch never sees a wall clock; this holds that it needs no more than the differences."""
    early, late = Driven(), Driven()
    late.now += 1e6
    for driven in (early, late):
        driven.hears(7, WEB)
        driven.fails()
        driven.hears(8, [])
    assert early.pause == pytest.approx(late.pause)
    assert early.watch.state == late.watch.state


def test_more_than_half_gone_is_confirmed_within_a_second() -> None:
    driven = Driven()
    driven.hears(7, [*WEB, Instance("10.0.0.3", 80)])
    driven.hears(8, WEB[:1])
    assert (driven.watch.state, len(driven.ports())) == (states.CONFIRMING, 3)
    assert driven.pause < 0.5
    query = driven.hears(8, WEB[:1])
    assert (query.index, query.wait) == (0, 0.0)
    assert (driven.watch.state, driven.ports()) == (states.CURRENT, ["10.0.0.1"])


def test_a23_a_snapshot_is_served_until_consul_answers() -> None:
    driven = Driven()
    driven.watch.restore((Endpoint("10.0.0.1", 80),), driven.now)
    assert (driven.watch.state, driven.ports()) == (states.SNAPSHOT, ["10.0.0.1"])
    driven.fails()
    assert (driven.watch.state, driven.ports()) == (states.FAILING, ["10.0.0.1"])
    driven.hears(7, WEB)
    assert (driven.watch.state, len(driven.ports())) == (states.CURRENT, 2)
