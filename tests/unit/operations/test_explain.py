"""A whole service in words, and what is warned of along the declared graph."""

from __future__ import annotations

from typing import Any

from support.topologies import resolved

from outrider.envoy.overload import CONNECTIONS_PER_MB
from outrider.operations.explain.service import Explanation, explanation
from outrider.topology.graph import graph
from outrider.topology.topology import Topology


def service(name: str, **upstreams: dict[str, Any]) -> Topology:
    return resolved({"service": name, "upstreams": upstreams})


def explained(*services: Topology) -> Explanation:
    """The first of the services beside the others."""
    return explanation(services[0], graph(services))


def test_an_address_outside_is_told_as_it_is_reached() -> None:
    (upstream,) = explained(service("a", b={"address": "[2001:DB8::1]:443"})).upstreams
    assert upstream.address == "[2001:db8::1]:443"


def test_a_service_is_explained_with_its_settings_after_defaults() -> None:
    made = explanation(resolved({"upstreams": {"b": {"timeout": "1s"}}, "count": 3}), graph([]), {"b"})
    assert (made.service, made.environment, made.count, made.warnings) == ("checkout", "test", 3, ())
    (upstream,) = made.upstreams
    assert (upstream.name, upstream.protocol, upstream.is_assumed, upstream.address) == ("b", "http", True, None)
    assert (upstream.timeout_ms, upstream.try_timeout_ms, upstream.retries, upstream.limit) == (1_000, 500, 1, 200)
    assert (upstream.worst_wait_ms, upstream.worst_load) == (1_000, 2)


def test_a_caller_that_gives_up_first_is_warned_on_both_sides() -> None:
    caller, callee = service("a", b={"timeout": "500ms"}), service("b", c={"timeout": "2s"})
    line = (
        "a waits 500ms for b, which may wait 2s for c: b works on when nobody listens any more. "
        "Raise upstreams.b.timeout of a, or lower upstreams.c.timeout of b"
    )
    assert line in explained(caller, callee).warnings
    assert line in explained(callee, caller).warnings
    assert explained(service("x", a={}), caller, callee).warnings[0].startswith("retries multiply")


def test_a_stream_behind_a_timeout_waits_without_end() -> None:
    (line, *_) = explained(service("a", b={"retries": 0}), service("b", c={"stream": True})).warnings
    assert line.startswith("a waits 5s for b, which may wait without end for c")


def test_a_tcp_upstream_cannot_have_a_deadline_and_is_not_warned_of() -> None:
    assert explained(service("a", b={}), resolved({"service": "b", "upstreams": {"c": {}}}, c="tcp")).warnings == ()


def test_deadlines_that_grow_towards_the_outside_are_fine() -> None:
    fine = (service("a", b={"timeout": "2s", "retries": 0}), service("b", c={"timeout": "1s"}))
    assert explained(*fine).warnings == ()


def test_retries_in_a_row_multiply_and_the_worst_way_is_told() -> None:
    services = (service("a", b={"retries": 2}), service("b", c={"retries": 1}), service("c", d={"retries": 0}))
    assert explained(*services).warnings == (
        "retries multiply: while every try fails, one request may become 6 at c (a -> b -> c)",
    )


def test_a_ring_is_told_to_its_members_only() -> None:
    ring = (service("a", b={"retries": 0}), service("b", a={"retries": 0}))
    (line,) = explained(*ring).warnings
    assert line.startswith("services call each other in a ring: ")
    assert explained(service("x", a={"retries": 0}), *ring).warnings == ()


def test_a_limit_that_the_sidecars_memory_never_lets_through_is_told() -> None:
    (line,) = explained(service("a", b={"limit": 5_000})).warnings
    most = 64 * CONNECTIONS_PER_MB
    assert line.startswith(f"upstreams.b.limit 5000 is more than the {most} connections that an Envoy of 64 MB takes")


def test_patches_are_named_and_what_they_change_is_told() -> None:
    patches = {"patches": {"slow": {"merge": {"static_resources": {"clusters": {"local_app": {"x": 1, "y": 2}}}}}}}
    made = explanation(resolved({"patches": ["slow"]}, patches), graph([]))
    assert made.patches == ("slow",)
    place = "/static_resources/clusters/local_app"
    assert made.warnings == (f"the operators' patch slow changes Envoy's bootstrap at {place}/x, {place}/y",)
