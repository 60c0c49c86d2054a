"""The declared graph: edges, rings, and callers that give up before those they call."""

from __future__ import annotations

import itertools

from support.topologies import resolved

from outrider.topology.graph import graph


def test_edges_tell_who_calls_whom_and_how_long_that_may_take() -> None:
    made = graph(
        [resolved({"upstreams": {"payments": {"timeout": "1s", "retries": 2}, "fx": {"address": "fx.example:443"}}})]
    )
    assert [(edge.caller, edge.callee, edge.timeout_ms, edge.tries, edge.outside) for edge in made.edges] == [
        ("checkout", "fx", 5_000, 2, True),
        ("checkout", "payments", 1_000, 3, False),
    ]


def test_a_ring_is_named_in_the_direction_of_its_calls() -> None:
    specs = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")]
    made = graph(resolved({"service": caller, "upstreams": {callee: {}}}) for caller, callee in specs)
    ring = made.cycle()
    assert ring[0] == ring[-1]
    assert {(one, other) for one, other in itertools.pairwise(ring)} == set(specs[:3])


def test_without_a_ring_there_is_nothing_to_name() -> None:
    assert graph([resolved({"upstreams": {"payments": {}}})]).cycle() == ()


def test_a_caller_that_gives_up_before_its_callee_is_an_inversion() -> None:
    outer = resolved({"service": "a", "upstreams": {"b": {"timeout": "500ms"}, "slow": {"stream": True}}})
    inner = resolved(
        {"service": "b", "upstreams": {"c": {"timeout": "800ms"}, "d": {"timeout": "100ms"}, "e": {"stream": True}}}
    )
    found = graph([outer, inner]).inversions()
    assert [(pair.outer.callee, pair.inner.callee) for pair in found] == [("b", "c"), ("b", "e")]
