"""What may be published of a list: floors, confirmations, hold-downs."""

from __future__ import annotations

from outrider_agent import guard
from outrider_agent.endpoints import DEGRADED, HEALTHY, Endpoint
from outrider_agent.guard import Guard
from outrider_agent.handover import Handover
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
    assert [one.health for one in found.judge(instances(4, "critical"), 20.0).endpoints] == [DEGRADED] * 4
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
    assert (first.kind, first.recheck, len(first.endpoints)) == (guard.HOLD, 45.0, 2)
    assert found.judge([], 41.0).recheck == 5.0
    assert found.judge([], 46.0).kind == guard.WITNESS
    found.believe_empty()
    last = found.judge([], 46.1)
    assert (last.kind, last.endpoints) == (guard.PUBLISH, ())
    assert found.judge([], 47.0).endpoints == ()
    assert found.judge([], 47.0).kind == guard.PUBLISH


def test_what_was_deregistered_one_by_one_comes_back_when_the_list_is_empty() -> None:
    """A Consul client that came back with its node id and without its data deregisters one service after the other."""
    found = known(4)
    counts = [len(found.judge(instances(left), 1.0 + (4 - left) / 10).endpoints) for left in (3, 2, 1)]
    assert counts == [3, 2, 1], "each one leaves at once"
    last = found.judge([], 1.5)
    assert (last.kind, ports(last.endpoints), last.recheck) == (guard.HOLD, [1, 2, 3, 4], 45.0)
    assert {one.health for one in last.endpoints} == {HEALTHY}
    assert ports(found.judge([], 46.0).endpoints) == [1, 2, 3, 4]
    found.judge([], 46.5)
    found.believe_empty()
    assert found.judge([], 46.6).endpoints == ()
    assert found.judge([], 46.7).endpoints == (), "what was held does not come back once more"


def test_what_left_longer_ago_does_not_come_back() -> None:
    found = known(3)
    found.judge(instances(2), 1.0)
    found.judge(instances(1), 40.0)
    assert ports(found.judge([], 46.5).endpoints) == [1, 2]


def test_a_hold_ends_as_soon_as_somebody_registers() -> None:
    found = known(4)
    for left in (3, 2, 1):
        found.judge(instances(left), 1.0)
    found.judge([], 1.0)
    newcomer = instances(1, first=9)
    assert found.judge(newcomer, 20.0).kind == guard.CONFIRM
    second = found.judge(newcomer, 20.1)
    assert (second.kind, ports(second.endpoints)) == (guard.PUBLISH, [9])


def test_one_that_is_only_starting_does_not_end_a_hold() -> None:
    found = known(2)
    found.judge([], 1.0)
    judgement = found.judge(instances(1, "critical", 9), 5.0)
    assert (judgement.kind, ports(judgement.endpoints)) == (guard.HOLD, [1, 2])


def test_what_a_hold_kept_was_not_usable_meanwhile() -> None:
    """A second empty list brings back what was usable within 45 s, which what was only held was not."""
    found = known(2)
    found.judge([], 1.0)
    for at in (30.0, 30.1):
        found.judge(instances(1, first=9), at)
    assert ports(found.judge([], 40.0).endpoints) == [1, 2, 9]
    for at in (41.0, 41.1):
        found.judge(instances(1, first=9), at)
    assert ports(found.judge([], 50.0).endpoints) == [9]


def test_what_was_taken_out_on_purpose_does_not_come_back() -> None:
    found = known(3)
    found.judge([*instances(2), Instance("10.0.0.1", 3, "maintenance")], 1.0)
    found.judge(instances(2), 2.0)
    assert ports(found.judge([], 3.0).endpoints) == [1, 2]


def test_a_list_of_maintenance_only_is_no_empty_list() -> None:
    found = known(2)
    for at in (1.0, 1.1):
        judgement = found.judge(instances(2, "maintenance"), at)
    assert (judgement.kind, judgement.endpoints) == (guard.PUBLISH, ())


def test_what_failed_by_itself_a_moment_ago_comes_back_as_degraded() -> None:
    found = known(4)
    found.judge([*instances(3), *instances(1, "critical", 4)], 1.0)
    found.judge(instances(3), 2.0)
    found.judge(instances(1), 3.0)
    found.judge(instances(1), 3.1)
    assert [(one.port, one.health) for one in found.judge([], 4.0).endpoints] == [
        (1, HEALTHY),
        (2, HEALTHY),
        (3, HEALTHY),
        (4, DEGRADED),
    ]


def test_the_last_usable_one_is_held_beside_one_that_is_critical() -> None:
    """Consul knows the service then, so no witness is asked when the hold-down is over."""
    found = known(2)
    found.judge([*instances(1), *instances(1, "critical", 2)], 1.0)
    judgement = found.judge(instances(1, "critical", 2), 10.0)
    assert (judgement.kind, ports(judgement.endpoints)) == (guard.HOLD, [1, 2])
    last = found.judge(instances(1, "critical", 2), 55.1)
    assert (last.kind, ports(last.endpoints)) == (guard.PUBLISH, [2])


def test_where_an_address_may_change_hands_only_the_last_list_is_held_and_shorter() -> None:
    """TCP and Redis: nobody refuses what was meant for the service that had the address before."""
    found = Guard(Limits(), is_guarded=False)
    found.judge(instances(3), 0.0)
    found.judge(instances(2), 1.0)
    found.judge(instances(1), 2.0)
    first = found.judge([], 3.0)
    assert (first.kind, ports(first.endpoints), first.recheck) == (guard.HOLD, [1], 10.0)
    assert found.judge([], 13.0).kind == guard.WITNESS


def test_after_a_loss_of_data_unguarded_addresses_are_held_as_long_as_others() -> None:
    found = Guard(Limits(), is_guarded=False)
    found.judge(instances(2), 0.0)
    found.lose(1.0)
    assert found.judge([], 1.0).recheck == 45.0


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
    assert found.judge([], 10.0).recheck == 45.0


def test_what_comes_back_during_a_hold_down_ends_it() -> None:
    found = known(2)
    found.judge([], 1.0)
    found.judge(instances(2), 5.0)
    assert found.judge([], 12.0).recheck == 45.0


def test_a_witness_of_one_hold_down_is_none_of_the_next() -> None:
    found = known(2)
    found.judge([], 1.0)
    found.judge([], 46.0)
    found.believe_empty()
    found.judge(instances(2), 46.1)
    found.judge([], 50.0)
    assert found.judge([], 95.0).kind == guard.WITNESS


def test_instances_that_come_back_critical_after_a_hold_down_are_kept() -> None:
    """A16: the node's registrations vanish and come back with checks that have not run yet."""
    found = known(2)
    found.judge([], 1.0)
    judgement = found.judge(instances(2, "critical"), 3.0)
    assert [one.health for one in judgement.endpoints] == [DEGRADED, DEGRADED]


def test_a_snapshot_is_protected_like_what_was_learnt() -> None:
    found = Guard(Limits())
    found.restore((Endpoint("10.0.0.1", 1), Endpoint("10.0.0.1", 2)), Handover())
    assert found.judge([], 1.0).kind == guard.HOLD
    assert len(found.judge(instances(2, "critical"), 2.0).endpoints) == 2


def successor(predecessor: Guard) -> Guard:
    """What an agent that restarts goes on with."""
    handover = Handover()
    predecessor.remember(handover)
    found = Guard(Limits())
    found.restore(predecessor.endpoints or (), handover)
    return found


def test_what_was_lost_before_a_restart_comes_back_after_it() -> None:
    found = known(3)
    found.judge(instances(2), 1.0)
    found.judge(instances(1), 2.0)
    assert ports(successor(found).judge([], 20.0).endpoints) == [1, 2, 3]


def test_a_hold_down_goes_on_over_a_restart() -> None:
    found = known(2)
    found.judge([], 1.0)
    assert successor(found).judge([], 31.0).recheck == 15.0


def test_a_loss_of_data_is_known_after_a_restart() -> None:
    found = Guard(Limits(), is_guarded=False)
    found.judge(instances(2), 0.0)
    found.lose(1.0)
    handover = Handover()
    found.remember(handover)
    later = Guard(Limits(), is_guarded=False)
    later.restore(found.endpoints or (), handover)
    assert later.judge([], 11.0).recheck == 35.0


def dead(count: int, healthy: int = 1) -> list[Instance]:
    """So many critical ones beside so many healthy ones."""
    return [*instances(healthy), *instances(count, "critical", healthy + 1)]


def test_critical_ones_leave_after_a_minute_beside_a_healthy_one() -> None:
    """Two of three dead: a dead node's instances stay critical up to 72 h."""
    found = known(3)
    first = found.judge(dead(2), 10.0)
    assert (ports(first.endpoints), first.recheck) == ([1, 2, 3], 60.0)
    assert found.judge(dead(2), 60.0).recheck == 10.0
    last = found.judge(dead(2), 70.0)
    assert (last.kind, ports(last.endpoints), last.recheck) == (guard.PUBLISH, [1], None)
    assert ports(found.judge(dead(2), 71.0).endpoints) == [1], "and do not come back by being critical"


def test_where_nothing_is_healthy_they_stay() -> None:
    found = known(3)
    found.judge(instances(3, "critical"), 1.0)
    late = found.judge(instances(3, "critical"), 5000.0)
    assert (ports(late.endpoints), late.recheck) == ([1, 2, 3], None)


def test_after_an_outage_of_all_checks_the_others_have_a_minute_to_pass_again() -> None:
    """A16: after a Consul client's restart checks pass one after the other, as their intervals end."""
    found = known(3)
    found.judge(instances(3, "critical"), 1.0)
    first = found.judge(dead(2), 500.0)
    assert (ports(first.endpoints), first.recheck) == ([1, 2, 3], 60.0)


def test_a_healthy_one_that_comes_and_goes_does_not_keep_the_dead_for_ever() -> None:
    found, at, seen = known(3), 10.0, list[int]()
    while at < 400.0:
        found.judge(dead(2), at)
        seen = ports(found.judge(instances(3, "critical"), at + 20.0).endpoints)
        at += 40.0
    assert seen == [1]


def test_one_that_passes_in_between_has_its_minute_anew() -> None:
    found = known(6)
    found.judge(dead(5), 10.0)
    found.judge(dead(3, healthy=3), 50.0)
    found.judge(dead(5), 55.0)
    assert ports(found.judge(dead(5), 80.0).endpoints) == [1, 2, 3]
    assert ports(found.judge(dead(5), 116.0).endpoints) == [1]


def test_a_restart_of_the_agent_gives_the_dead_no_new_minute() -> None:
    found = known(3)
    found.judge(dead(2), 10.0)
    found.judge(dead(2), 50.0)
    later = successor(found)
    assert later.judge(dead(2), 100.0).recheck == 20.0
    assert ports(later.judge(dead(2), 120.0).endpoints) == [1]


def test_one_address_that_is_both_healthy_and_critical_is_healthy() -> None:
    found = known(1)
    judgement = found.judge([*instances(1), *instances(1, "critical")], 1.0)
    assert [(one.port, one.health) for one in judgement.endpoints] == [(1, HEALTHY)]


def test_a_hold_that_is_over_is_not_begun_again_by_what_left_during_it() -> None:
    found = known(2)
    found.judge(instances(1, "critical", 2), 1.0)
    found.judge([], 40.0)
    found.believe_empty()
    assert found.judge([], 46.1).endpoints == ()
    assert found.judge([], 46.2).endpoints == ()


def test_one_that_failed_and_was_taken_out_then_does_not_come_back() -> None:
    found = known(4)
    found.judge([*instances(3), *instances(1, "critical", 4)], 1.0)
    found.judge([*instances(3), *instances(1, "maintenance", 4)], 2.0)
    found.judge(instances(3), 3.0)
    assert ports(found.judge([], 4.0).endpoints) == [1, 2, 3]


def test_what_left_long_ago_is_forgotten() -> None:
    found = known(1)
    for second in range(1000):
        found.judge([*instances(1), *instances(1, first=1000 + second)], float(second))
    handover = Handover()
    found.remember(handover)
    assert len(handover.departed) <= 46


def test_a_step_after_a_hold_is_confirmed_whatever_was_being_confirmed_before() -> None:
    found = known(4)
    assert found.judge(instances(1), 1.0).kind == guard.CONFIRM
    found.judge([], 1.1)
    assert found.judge(instances(1, first=9), 2.0).kind == guard.CONFIRM
