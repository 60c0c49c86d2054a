"""What a plan tells beside its changes."""

from __future__ import annotations

from support.topologies import BRIDGE, resolved

from outrider.topology.remarks import effects_not_yet, remarks

REACHABLE = {"consul": {"address": "http://127.0.0.1:8500", "agent_address": "http://10.0.0.1:8500"}}


def test_a_fixed_port_is_told_with_its_consequences() -> None:
    (line,) = remarks(resolved({"port": 8080}))
    assert line.startswith("port is the node's port 8080: one allocation per node")
    _, canary = remarks(
        resolved({"ingress": {"static": 8443}, "update": {"canary": 1}, "count": 1}, BRIDGE | REACHABLE)
    )
    assert canary == "update.canary: each canary needs a node whose port 8443 is free"
    assert remarks(resolved({})) == ()


def test_a_redis_that_may_not_share_its_keys_is_told_to_pause() -> None:
    (line,) = remarks(resolved({"protocol": "redis"}))
    assert "stops before the new one starts" in line
    assert remarks(resolved({"protocol": "redis", "shard": True})) == ()


def test_a_consul_that_no_allocation_can_reach_is_told() -> None:
    (line,) = remarks(resolved({}, BRIDGE))
    assert line.startswith("consul.agent_address http://127.0.0.1:8500 is, in bridge mode, the allocation itself")
    assert remarks(resolved({}, BRIDGE | REACHABLE)) == ()


def test_every_field_has_its_effect() -> None:
    assert effects_not_yet(resolved({"ingress": {"rate": 5}, "upstreams": {"a": {"stream": True}}})) == ()


def test_consul_knows_a_service_by_ingress_a_worker_by_metrics_and_a_plain_one_by_its_app() -> None:
    assert resolved({}).serves_on == "ingress"
    assert resolved({"port": "none"}).serves_on == "metrics"
    assert resolved({"mesh": False}).serves_on == "app"
    assert resolved({"mesh": False, "port": "none"}).serves_on is None


def test_a_request_that_waits_longer_than_a_stop_takes_is_told() -> None:
    (line,) = remarks(resolved({"upstreams": {"report": {"timeout": "60s"}}}))
    assert line == (
        "upstreams.report.timeout is 1m, but an app that stops ends after 25s (stop.delay and stop.timeout): "
        "a request that waits longer then is cut"
    )
    assert remarks(resolved({"upstreams": {"report": {"timeout": "25s"}}})) == ()
    assert remarks(resolved({"port": "none", "upstreams": {"report": {"timeout": "60s"}}})) == ()


def test_a_stop_longer_than_nomads_own_limit_is_told() -> None:
    (line,) = remarks(resolved({"stop": {"timeout": "40s"}}))
    assert line.startswith("stop.timeout is 40s: a Nomad client cuts it to its max_kill_timeout, 30s unless raised")


def test_a_check_whose_first_look_may_come_after_the_deadline_is_told() -> None:
    update = {"healthy_deadline": "30s", "min_healthy_time": "5s"}
    (line,) = remarks(resolved({"checks": [{"tcp": True}, {"http": "/", "interval": "26s"}], "update": update}))
    assert line.startswith("checks.1.interval is 26s: Consul looks for the first time at any moment of it")
    assert "30s after its start (update.healthy_deadline)" in line
    at_once = [{"http": "/", "interval": "25s"}, {"script": ["true"], "interval": "1h"}]
    assert remarks(resolved({"checks": at_once, "update": update})) == ()


def test_a_variable_of_tools_that_the_spec_sets_itself_needs_no_word() -> None:
    assert remarks(resolved({"upstreams": {"vault": {}}, "env": {"VAULT_ADDR": "http://10.0.0.1:8200"}})) == ()


def test_a_variable_that_tools_read_is_told_to_be_left_to_them() -> None:
    found = remarks(resolved({"upstreams": {"vault": {}, "consul-http": {}, "catalog": {}}}))
    assert found == (
        "upstreams.consul-http: CONSUL_HTTP_ADDR is not set, since tools read it; the app finds the upstream in CONSUL_HTTP_URL",
        "upstreams.vault: VAULT_ADDR is not set, since tools read it; the app finds the upstream in VAULT_URL",
    )
