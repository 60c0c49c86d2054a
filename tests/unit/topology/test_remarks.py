"""What a plan tells beside its changes."""

from __future__ import annotations

from support.topologies import resolved

from outrider.topology.remarks import effects_not_yet, remarks, serves_on


def test_a_fixed_port_is_told_with_its_consequence() -> None:
    (line,) = remarks(resolved({"port": 8080}))
    assert line.startswith("app is the fixed port 8080 of the node: one allocation per node")
    assert remarks(resolved({})) == ()


def test_every_field_has_its_effect() -> None:
    assert effects_not_yet(resolved({"ingress": {"rate": 5}, "upstreams": {"a": {"stream": True}}})) == ()


def test_consul_knows_a_service_by_ingress_a_worker_by_metrics_and_a_plain_one_by_its_app() -> None:
    assert serves_on(resolved({})) == "ingress"
    assert serves_on(resolved({"port": "none"})) == "metrics"
    assert serves_on(resolved({"mesh": False})) == "app"
    assert serves_on(resolved({"mesh": False, "port": "none"})) is None
