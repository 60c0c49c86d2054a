"""The declared graph: edges, rings, and callers that give up before those they call."""

from __future__ import annotations

import itertools

from support.topologies import resolved

from outrider.spec.upstream import Upstream
from outrider.topology.graph import edges_of, graph, stored_edges


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
    made = graph([outer, inner])
    for part_in_it in ("a", "b"):
        found = made.inversions(part_in_it)
        assert [(pair.outer.callee, pair.inner.callee) for pair in found] == [("b", "c"), ("b", "e")]
    assert made.inversions("c") == (), "neither waits nor works on when nobody listens"


def test_edges_of_a_stored_spec_are_those_that_it_would_be_resolved_to() -> None:
    upstreams = {
        "plain": {},
        "tuned": {"timeout": "700ms", "retries": 3},
        "stream": {"stream": True},
        "ledger": {"retries": 2},
        "sessions": {"timeout": "50ms"},
        "fx": {"address": "fx.example:443", "tls": True},
        "rpc": {"protocol": "grpc", "retries": 0},
    }
    made = resolved({"service": "a", "upstreams": upstreams}, ledger="tcp", sessions="redis")
    written = {name: Upstream.model_validate(one) for name, one in upstreams.items()}
    known = {**dict.fromkeys(upstreams, "http"), "ledger": "tcp", "sessions": "redis"}
    found = stored_edges("a", {**written, "unknown": Upstream()}, made.platform, known)
    assert sorted(found, key=lambda edge: edge.callee) == sorted(edges_of(made), key=lambda edge: edge.callee)


def test_a_tcp_upstream_has_no_deadline_that_could_be_too_long() -> None:
    outer = resolved({"service": "a", "upstreams": {"b": {}}})
    assert graph([outer, resolved({"service": "b", "upstreams": {"c": {}}}, c="tcp")]).inversions("a") == ()


def test_the_worst_way_is_the_one_on_which_retries_multiply_most() -> None:
    specs = {
        "a": {"b": {"retries": 1}, "c": {"retries": 4}},
        "b": {"d": {"retries": 2}},
        "c": {"d": {"retries": 0}},
    }
    made = graph(resolved({"service": name, "upstreams": upstreams}) for name, upstreams in specs.items())
    ways = {way.edges[-1].callee: way for way in made.ways("a")}
    assert {name: (way.load, way.is_multiplied) for name, way in ways.items()} == {
        "b": (2, False),
        "c": (5, False),
        "d": (6, True),
    }
    assert [edge.callee for edge in ways["d"].edges] == ["b", "d"]
    assert made.ways("d") == ()


def test_only_http_multiplies_since_nothing_else_is_repeated_once_it_was_seen() -> None:
    made = graph(
        [resolved({"upstreams": {"x": {"retries": 3}, "y": {"retries": 3}, "z": {}}}, x="grpc", y="tcp", z="redis")]
    )
    assert [way.load for way in made.ways("checkout")] == [1, 1, 1]


def test_in_a_ring_no_way_ends() -> None:
    ring = [resolved({"service": one, "upstreams": {other: {}}}) for one, other in (("a", "b"), ("b", "a"))]
    assert graph(ring).ways("a") == ()
