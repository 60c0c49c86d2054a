"""What may be published of a list: floors, confirmations, hold-downs."""

from __future__ import annotations

from outrider_agent import guard
from outrider_agent.endpoints import DEGRADED, HEALTHY, Endpoint
from outrider_agent.guard import Guard
from outrider_agent.instances import Instance
from outrider_agent.rules import Limits


def instances(count: int, health: str = "passing", first: int = 1) -> list[Instance]:
    return [Instance("10.0.0.1", port, health) for port in range(first, first + count)]


def ports(endpoints: tuple[Endpoint, ...]) -> list[int]:
    return [one.port for one in endpoints]


def known(count: int) -> Guard:
    """A guard that has published this many."""
    found = Guard(Limits())
    found.judge(instances(count), 0.0)
    return found


def test_a_first_list_is_published_whatever_it_holds() -> None:
    assert ports(Guard(Limits()).judge(instances(3), 0.0).endpoints) == [1, 2, 3]
    assert Guard(Limits()).judge([], 0.0).kind == guard.PUBLISH
    assert Guard(Limits()).judge(instances(2, "critical"), 0.0).endpoints == ()


def test_up_to_half_may_deregister_at_once() -> None:
    judgement = known(4).judge(instances(2), 1.0)
    assert (judgement.kind, ports(judgement.endpoints)) == (guard.PUBLISH, [1, 2])


def test_more_than_half_deregistered_wants_a_second_read_that_confirms_it() -> None:
    found = known(4)
    first = found.judge(instances(1), 1.0)
    assert (first.kind, ports(first.endpoints)) == (guard.CONFIRM, [1, 2, 3, 4])
    assert first.recheck is not None
    assert first.recheck < 1.0
    second = found.judge(instances(1), 1.1)
    assert (second.kind, ports(second.endpoints)) == (guard.PUBLISH, [1])


def test_what_is_new_is_published_while_what_is_gone_waits_for_confirmation() -> None:
    judgement = known(1).judge(instances(1, first=9), 1.0)
    assert (judgement.kind, ports(judgement.endpoints)) == (guard.CONFIRM, [1, 9])


def test_a_blip_that_the_second_read_does_not_confirm_changes_nothing() -> None:
    found = known(4)
    found.judge(instances(1), 1.0)
    assert ports(found.judge(instances(4), 1.1).endpoints) == [1, 2, 3, 4]


def test_a_confirmation_that_was_interrupted_starts_anew() -> None:
    found = known(4)
    found.judge(instances(1), 1.0)
    found.interrupt()
    assert found.judge(instances(1), 9.0).kind == guard.CONFIRM


def test_instances_in_maintenance_are_gone_like_deregistered_ones() -> None:
    judgement = known(4).judge([*instances(3), Instance("10.0.0.1", 4, "maintenance")], 1.0)
    assert ports(judgement.endpoints) == [1, 2, 3]


def test_up_to_half_may_turn_critical() -> None:
    judgement = known(4).judge([*instances(2), *instances(2, "critical", 3)], 1.0)
    assert ports(judgement.endpoints) == [1, 2]


def test_when_more_than_half_turn_critical_they_stay_as_degraded() -> None:
    """A16: a restarting Consul agent reports every check critical."""
    found = known(4)
    judgement = found.judge([*instances(1), *instances(3, "critical", 2)], 1.0)
    assert [(one.port, one.health) for one in judgement.endpoints] == [
        (1, HEALTHY),
        (2, DEGRADED),
        (3, DEGRADED),
        (4, DEGRADED),
    ]
    assert [one.health for one in found.judge(instances(4, "critical"), 100.0).endpoints] == [DEGRADED] * 4
    assert [one.health for one in found.judge(instances(4), 200.0).endpoints] == [HEALTHY] * 4


def test_checks_that_turn_critical_one_after_the_other_within_seconds_count_as_one_step() -> None:
    """A16: anti-entropy reports one check after the other."""
    found = known(4)
    lists = [[*instances(4 - bad), *instances(bad, "critical", 5 - bad)] for bad in (1, 2, 3, 4)]
    counts = [len(found.judge(one, 1.0 + at / 10).endpoints) for at, one in enumerate(lists)]
    assert counts == [3, 2, 4, 4]


def test_instances_that_fail_one_by_one_over_minutes_leave_one_by_one() -> None:
    found = known(4)
    counts = [
        len(found.judge([*instances(4 - bad), *instances(bad, "critical", 5 - bad)], 60.0 * bad).endpoints)
        for bad in (1, 2, 3)
    ]
    assert counts == [3, 2, 1]


def test_an_instance_that_has_never_passed_is_just_starting() -> None:
    judgement = known(1).judge([*instances(1), *instances(5, "critical", 2)], 1.0)
    assert ports(judgement.endpoints) == [1]


def test_an_empty_list_is_held_and_published_when_it_persists_and_consul_knows_others() -> None:
    """A09."""
    found = known(2)
    first = found.judge([], 1.0)
    assert (first.kind, first.recheck, len(first.endpoints)) == (guard.HOLD, 10.0, 2)
    assert found.judge([], 6.0).recheck == 5.0
    assert found.judge([], 11.0).kind == guard.WITNESS
    found.believe_empty()
    last = found.judge([], 11.1)
    assert (last.kind, last.endpoints) == (guard.PUBLISH, ())
    assert found.judge([], 12.0).kind == guard.PUBLISH


def test_a_consul_that_has_forgotten_every_service_empties_nothing() -> None:
    found = known(2)
    for at in range(0, 600, 10):
        judgement = found.judge([], float(at))
        assert len(judgement.endpoints) == 2
        if judgement.kind == guard.WITNESS:
            found.doubt_empty(float(at))


def test_after_a_consul_has_lost_its_data_others_may_come_back_first() -> None:
    found = known(2)
    found.judge([], 0.0)
    found.doubt_empty(10.0)
    assert found.judge([], 11.0).recheck == 44.0
    assert found.judge([], 54.0).kind == guard.HOLD
    assert found.judge([], 55.0).kind == guard.WITNESS


def test_an_error_in_between_starts_the_hold_down_anew() -> None:
    found = known(2)
    found.judge([], 1.0)
    found.interrupt()
    assert found.judge([], 10.0).recheck == 10.0


def test_what_comes_back_during_a_hold_down_ends_it() -> None:
    found = known(2)
    found.judge([], 1.0)
    found.judge(instances(2), 5.0)
    assert found.judge([], 12.0).recheck == 10.0


def test_instances_that_come_back_critical_after_a_hold_down_are_kept() -> None:
    """A16: the node's registrations vanish and come back with checks that have not run yet."""
    found = known(2)
    found.judge([], 1.0)
    judgement = found.judge(instances(2, "critical"), 3.0)
    assert [one.health for one in judgement.endpoints] == [DEGRADED, DEGRADED]


def test_a_snapshot_is_protected_like_what_was_learnt() -> None:
    found = Guard(Limits())
    found.restore((Endpoint("10.0.0.1", 1), Endpoint("10.0.0.1", 2)), 0.0)
    assert found.judge([], 1.0).kind == guard.HOLD
    assert len(found.judge(instances(2, "critical"), 2.0).endpoints) == 2
