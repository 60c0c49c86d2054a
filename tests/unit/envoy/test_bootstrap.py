"""Decisions in the bootstrap that a golden would show, said in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.topologies import resolved

from outrider.envoy.bootstrap import bootstrap
from outrider.envoy.document import sampled

Json = dict[str, Any]


def made(spec: Json, environment: Json | None = None, **known: str) -> Json:
    return sampled(bootstrap(resolved(spec, environment, **known)))


def named(items: list[Json], name: str) -> Json:
    return next(item for item in items if item["name"] == name)


def listener(document: Json, name: str) -> Json:
    return named(document["static_resources"]["listeners"], name)


def cluster(document: Json, name: str) -> Json:
    return named(document["static_resources"]["clusters"], name)


def network(document: Json, name: str) -> Json:
    return listener(document, name)["filter_chains"][0]["filters"][0]["typed_config"]


def routes(document: Json, name: str) -> list[Json]:
    """Without the one that every listener has, for a request with two hosts."""
    found = network(document, name)["route_config"]["virtual_hosts"][0]["routes"]
    return [route for route in found if route.get("name") != "two_hosts"]


def test_a_service_outside_the_mesh_has_no_envoy() -> None:
    with pytest.raises(ValueError, match="outside the mesh"):
        bootstrap(resolved({"mesh": False}))


def test_every_listener_keeps_its_port_to_itself() -> None:
    document = made({"upstreams": {"payments": {}, "sessions": {}, "ledger": {}}}, sessions="redis", ledger="tcp")
    assert [item["enable_reuse_port"] for item in document["static_resources"]["listeners"]] == [False] * 5


def test_directions_tell_spans_of_servers_from_those_of_clients() -> None:
    document = made({"upstreams": {"payments": {}}})
    assert listener(document, "ingress")["traffic_direction"] == "INBOUND"
    assert listener(document, "egress_payments")["traffic_direction"] == "OUTBOUND"


def test_headers_of_the_mesh_and_of_traces_have_places_of_their_own() -> None:
    def places(environment: Json | None) -> set[str]:
        return {place["inline_header_name"] for place in made({}, environment)["inline_headers"]}

    where = {"collector": "http://127.0.0.1:9411"}
    traced, with_w3c = places({"tracing": where}), places({"tracing": {**where, "propagation": "b3+w3c"}})
    assert traced >= places(None) >= {"x-outrider-destination", "x-outrider-unseen"}
    assert "x-b3-traceid" in traced - places(None)
    assert with_w3c - traced == {"traceparent", "tracestate"}


def test_a_worker_has_no_ingress_listener_and_no_app_cluster() -> None:
    document = made({"port": "none", "upstreams": {"payments": {}}})
    assert [item["name"] for item in document["static_resources"]["listeners"]] == ["egress_payments", "metrics"]
    assert "local_app" not in [item["name"] for item in document["static_resources"]["clusters"]]


def test_ingress_adds_no_timeout_and_closes_idle_connections_to_the_app_after_half_a_second() -> None:
    document = made({})
    assert {route["route"]["timeout"] for route in routes(document, "ingress") if "route" in route} == {"0s"}
    options = cluster(document, "local_app")["typed_extension_protocol_options"]
    (http,) = options.values()
    assert http["common_http_protocol_options"]["idle_timeout"] == "0.500s"


def test_a_request_that_came_to_the_wrong_service_goes_elsewhere_even_with_two_hosts() -> None:
    hosts = network(made({}), "ingress")["route_config"]["virtual_hosts"]
    first, second, *_ = (route.get("name") for route in hosts[0]["routes"])
    assert (first, second) == ("another_service", "two_hosts")


def test_an_answer_may_have_more_headers_where_a_sidecar_has_written_some_of_them() -> None:
    document = made({"upstreams": {"payments": {}, "fx": {"address": "fx.example:80", "protocol": "http"}}})

    def limits(name: str) -> tuple[int, int]:
        (http,) = cluster(document, name)["typed_extension_protocol_options"].values()
        common = http["common_http_protocol_options"]
        return common["max_headers_count"], common["max_response_headers_kb"]

    assert limits("payments") > limits("local_app") == limits("fx") == (1_000, 128)


def test_an_upstreams_knobs_are_in_its_listener_and_cluster() -> None:
    document = made({"upstreams": {"payments": {"timeout": "800ms", "retries": 2, "limit": 100}}})
    repeatable, others = (route["route"] for route in routes(document, "egress_payments"))
    assert repeatable["timeout"] == others["timeout"] == "0.800s"
    assert repeatable["retry_policy"]["per_try_timeout"] == "0.400s"
    assert "per_try_timeout" not in others["retry_policy"]
    assert others["retry_policy"]["num_retries"] == 2
    (threshold,) = cluster(document, "payments")["circuit_breakers"]["thresholds"]
    assert threshold["max_requests"] == 100


def test_without_retries_there_is_one_route_and_no_policy() -> None:
    (route,) = routes(made({"upstreams": {"payments": {"retries": 0}}}), "egress_payments")
    assert "retry_policy" not in route["route"]


def test_a_stream_has_an_idle_timeout_only() -> None:
    document = made({"upstreams": {"feed": {"stream": True}}})
    assert routes(document, "egress_feed")[0]["route"]["timeout"] == "0s"
    assert network(document, "egress_feed")["stream_idle_timeout"] == "300s"


def test_what_reads_requests_has_a_total_timeout_and_no_idle_one() -> None:
    assert network(made({"upstreams": {"a": {}}}), "egress_a")["stream_idle_timeout"] == "0s"


def test_grpc_is_spoken_as_http2_and_retried_only_unseen() -> None:
    document = made({"protocol": "grpc", "upstreams": {"rpc": {}}}, rpc="grpc")
    for name in ("local_app", "rpc"):
        (http,) = cluster(document, name)["typed_extension_protocol_options"].values()
        assert list(http["explicit_http_config"]) == ["http2_protocol_options"]
    (route,) = routes(document, "egress_rpc")
    assert "gateway-error" not in route["route"]["retry_policy"]["retry_on"]


def test_redis_goes_through_the_redis_proxy_to_instances_that_share_its_keys() -> None:
    secret = {"vault": "secret/data/sessions#password"}
    document = made({"upstreams": {"sessions": {"timeout": "2s", "password": secret}}}, sessions="redis")
    assert network(document, "egress_sessions")["settings"]["op_timeout"] == "2s"
    found = cluster(document, "sessions")
    assert found["lb_policy"] == "MAGLEV"
    assert "outlier_detection" not in found


def test_tcp_is_passed_through_with_a_limit_of_connections() -> None:
    document = made({"protocol": "tcp", "upstreams": {"ledger": {"limit": 20, "retries": 2}}}, ledger="tcp")
    assert network(document, "ingress")["cluster"] == "local_app"
    assert network(document, "egress_ledger")["max_connect_attempts"] == 3
    assert cluster(document, "ledger")["circuit_breakers"]["thresholds"][0]["max_connections"] == 20


def test_an_upstream_outside_is_looked_up_verified_and_told_its_own_name() -> None:
    document = made({"upstreams": {"fx": {"address": "fx.example.com:443", "tls": True}}})
    found = cluster(document, "fx")
    assert found["type"] == "LOGICAL_DNS"
    tls = found["transport_socket"]["typed_config"]
    assert tls["sni"] == "fx.example.com"
    context = tls["common_tls_context"]["validation_context"]
    assert context["match_typed_subject_alt_names"] == [{"san_type": "DNS", "matcher": {"exact": "fx.example.com"}}]
    assert routes(document, "egress_fx")[0]["route"]["host_rewrite_literal"] == "fx.example.com"
    host = network(document, "egress_fx")["route_config"]["virtual_hosts"][0]
    assert "request_headers_to_add" not in host


def test_endpoints_come_through_the_agent_alone() -> None:
    document = made({"upstreams": {"payments": {}}})
    config = cluster(document, "payments")["eds_cluster_config"]["eds_config"]
    assert config["api_config_source"]["cluster_names"] == ["discovery_agent"]
    assert config["initial_fetch_timeout"] != "0s"
    assert cluster(document, "payments")["ignore_health_on_host_removal"] is True


def test_admin_is_for_its_owner_and_for_what_the_sidecar_needs() -> None:
    admin = made({})["admin"]
    assert admin["address"] == {"pipe": {"path": "../alloc/envoy.sock", "mode": 0o600}}
    allowed = {next(iter(path.values())) for path in admin["allow_paths"]}
    assert {"/ready", "/clusters", "/stats", "/healthcheck/"} <= allowed
    assert not any(path.startswith(("/quit", "/config", "/logging", "/runtime", "/drain")) for path in allowed)


def test_spans_are_reported_only_where_the_platform_has_a_collector() -> None:
    assert "tracing" not in network(made({}), "ingress")
    document = made({}, {"tracing": {"collector": "http://zipkin.example:9411"}})
    assert network(document, "ingress")["tracing"]["random_sampling"] == {"value": 1.0}
    assert cluster(document, "trace_collector")["type"] == "STRICT_DNS"
    assert document["node"]["cluster"] == "checkout"


@pytest.mark.parametrize(
    ("written", "version"),
    [({}, "HTTP_JSON"), ({"encoding": "json"}, "HTTP_JSON"), ({"encoding": "protobuf"}, "HTTP_PROTO")],
)
def test_spans_are_json_unless_the_platform_says_protobuf(written: dict[str, str], version: str) -> None:
    document = made(
        {"upstreams": {"payments": {}}}, {"tracing": {"collector": "http://zipkin.example:9411", **written}}
    )
    providers = [network(document, name)["tracing"]["provider"] for name in ("ingress", "egress_payments")]
    assert {one["typed_config"]["collector_endpoint_version"] for one in providers} == {version}
    assert {one["typed_config"]["collector_endpoint"] for one in providers} == {"/api/v2/spans"}


@pytest.mark.parametrize(("encoding", "spans", "reports"), [("json", 10, 40), ("protobuf", 100, 4)])
def test_as_many_spans_wait_in_either_encoding(encoding: str, spans: int, reports: int) -> None:
    document = made({}, {"tracing": {"collector": "http://zipkin.example:9411", "encoding": encoding}})
    settings = document["layered_runtime"]["layers"][0]["static_layer"]
    (few,) = cluster(document, "trace_collector")["circuit_breakers"]["thresholds"]
    assert settings["tracing.zipkin.min_flush_spans"] == spans
    assert (few["max_pending_requests"], few["max_connections"]) == (reports, reports // 2)


@pytest.mark.parametrize("name", ["ingress", "egress_payments", "metrics"])
def test_two_comparisons_are_all_that_a_request_that_succeeds_pays_for_the_log(name: str) -> None:
    (log,) = network(made({"upstreams": {"payments": {}}}), name)["access_log"]
    first, _ = log["filter"]["and_filter"]["filters"]
    from_400_on = {"status_code_filter": {"comparison": {"op": "GE", "value": {"default_value": 400}}}}
    assert first == {"or_filter": {"filters": [from_400_on, {"response_flag_filter": {"flags": []}}]}}


def test_load_is_shed_before_the_tasks_memory_is_gone() -> None:
    monitors = made({}, {"sidecar": {"memory": {"envoy": 100}}})["overload_manager"]["resource_monitors"]
    assert monitors[0]["typed_config"]["max_heap_size_bytes"] == 70 * 1_048_576


def test_where_connections_run_short_idle_ones_are_kept_as_long_as_sidecars_need_and_no_longer() -> None:
    reduced = named(made({})["overload_manager"]["actions"], "envoy.overload_actions.reduce_timeouts")
    (timer,) = reduced["typed_config"]["timer_scale_factors"]
    assert timer == {"timer": "HTTP_DOWNSTREAM_CONNECTION_IDLE", "min_timeout": "60s"}
    assert reduced["triggers"][0]["name"] == "envoy.resource_monitors.global_downstream_max_connections"


def test_what_the_mesh_counts_names_its_own_clusters_only() -> None:
    patterns = made({"upstreams": {"payments": {}}})["stats_config"]["stats_matcher"]["inclusion_list"]["patterns"]
    assert r"(local_app|discovery_agent|payments)" in patterns[0]["safe_regex"]["regex"]


@pytest.mark.parametrize("protocol", ["http", "http2", "grpc", "tcp", "redis"])
def test_no_connection_is_pinged_and_each_is_probed_by_tcp(protocol: str) -> None:
    document = made(
        {"protocol": protocol, "upstreams": {"a": {}, "b": {"address": "b:1", "protocol": protocol}}}, a=protocol
    )
    assert "connection_keepalive" not in json.dumps(document)
    for name in ("a", "b"):
        probes = cluster(document, name)["upstream_connection_options"]["tcp_keepalive"]
        assert probes == {"keepalive_time": 30, "keepalive_interval": 5, "keepalive_probes": 3}
        assert ("upstream_bind_config" in cluster(document, name)) == (protocol in {"http2", "grpc"})


def test_nothing_is_added_to_requests_within_the_mesh_for_the_sake_of_those_that_leave_it() -> None:
    document = made({"upstreams": {"payments": {}, "fx": {"address": "fx:1"}}})
    within, leaving = network(document, "egress_payments"), network(document, "egress_fx")
    assert len(leaving["http_filters"]) == len(within["http_filters"]) + 1
    assert "early_header_mutation_extensions" not in within
    assert "http_filters" not in json.dumps(cluster(document, "payments"))


def test_ingress_keeps_connections_longer_than_the_pools_of_sidecars_and_balancers() -> None:
    """GCP's balancer keeps them longest, for ten minutes."""
    options = network(made({"upstreams": {"payments": {}}}), "ingress")["common_http_protocol_options"]
    assert int(options["idle_timeout"].removesuffix("s")) > 600


def test_the_collector_of_spans_is_named_with_its_port() -> None:
    document = made({}, {"tracing": {"collector": "http://zipkin.example:9411"}})
    config = network(document, "ingress")["tracing"]["provider"]["typed_config"]
    assert config["collector_hostname"] == "zipkin.example:9411"


@pytest.mark.parametrize(("address", "is_absolute"), [("fx.example.:443", True), ("fx.example:443", False)])
def test_a_dot_at_the_end_keeps_search_domains_away(address: str, is_absolute: bool) -> None:
    found = cluster(made({"upstreams": {"fx": {"address": address}}}), "fx")
    assert ("no_default_search_domain" in json.dumps(found)) == is_absolute
    assert ("typed_dns_resolver_config" in found) == is_absolute
    (endpoint,) = found["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert endpoint["endpoint"]["address"]["socket_address"]["address"] == "fx.example"
