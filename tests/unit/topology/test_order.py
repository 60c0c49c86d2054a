"""The order in which services are deployed together."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from outrider.topology.order import Step, steps

NAMES = st.sampled_from("abcdefgh")
CALLS = st.dictionaries(NAMES, st.sets(NAMES))


def test_callees_come_before_their_callers_and_ties_go_by_name() -> None:
    found = steps({"storefront": ["cart", "catalog"], "cart": ["sessions"], "catalog": [], "sessions": []})
    assert found == (
        Step(("catalog",)),
        Step(("sessions",)),
        Step(("cart",), ("sessions",)),
        Step(("storefront",), ("cart", "catalog")),
    )


def test_services_that_call_each_other_in_a_circle_come_up_together_and_their_callers_after_them() -> None:
    found = steps({"a": ["b"], "b": ["c"], "c": ["a", "z"], "x": ["b"], "z": []})
    assert found == (Step(("z",)), Step(("a", "b", "c"), ("z",)), Step(("x",), ("b",)))
    assert [len(one.services) > 1 for one in found] == [False, True, False]


def test_two_circles_that_meet_in_one_direction_stay_two() -> None:
    found = steps({"a": ["b"], "b": ["a", "c"], "c": ["d"], "d": ["c"]})
    assert found == (Step(("c", "d")), Step(("a", "b"), ("c",)))


def test_calls_to_others_and_to_itself_count_for_nothing() -> None:
    assert steps({"a": ["a", "elsewhere"]}) == (Step(("a",)),)


def test_a_chain_of_thousands_is_no_deeper_than_one_of_two() -> None:
    chain = [f"service-{number:05}" for number in range(5_000)]
    found = steps({caller: [callee] for caller, callee in pairwise(chain)} | {chain[-1]: []})
    assert [one.services[0] for one in found] == chain[::-1]


@given(CALLS)
def test_every_service_has_one_place_and_all_that_it_calls_an_earlier_one_or_its_own(
    calls: dict[str, set[str]],
) -> None:
    found = steps(calls)
    place = {service: number for number, step in enumerate(found) for service in step.services}
    assert sorted(place) == sorted(calls)
    assert sum(len(step.services) for step in found) == len(calls)
    for caller, called in calls.items():
        for callee in called & calls.keys():
            assert place[callee] <= place[caller]
            is_before = place[callee] < place[caller]
            assert is_before == (callee in found[place[caller]].after) or not is_before


@given(CALLS)
def test_a_step_of_several_is_a_circle_indeed(calls: dict[str, set[str]]) -> None:
    for step in steps(calls):
        for service in step.services if len(step.services) > 1 else ():
            assert set(step.services) <= reached(service, calls)


def reached(first: str, calls: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    due = {first}
    while due:
        due = {callee for service in due for callee in calls.get(service, ())} - found
        found |= due
    return found
