"""What spec and platform get wrong together, and what is filled in where they say nothing."""

from __future__ import annotations

from typing import Any

import pytest
from outrider_ground.errors import Problem, SpecError, UsageError
from support.topologies import BRIDGE, IMAGE, platform, resolved, service

from outrider.topology.ports import Pipe
from outrider.topology.resolve import topology
from outrider.topology.sidecar import Outside, Tracing

KNOWN = {"payments": "http", "sessions": "redis", "cache": "redis-shards", "ledger": "tcp", "mailer": "none"}


def problems(environment: dict[str, Any] | None = None, **spec: Any) -> tuple[Problem, ...]:
    with pytest.raises(SpecError) as raised:
        topology(service(**spec), platform(**(environment or {})), "test", protocols=KNOWN)
    return raised.value.problems


def test_an_unknown_upstream_is_named_with_its_near_miss() -> None:
    (problem,) = problems(upstreams={"paymets": {}})
    assert (problem.path, problem.suggestion) == ("upstreams.paymets", "payments")
    assert "no service paymets is known here" in problem.message


def test_an_upstream_with_a_protocol_or_an_address_needs_nobody_to_know_it() -> None:
    made = resolved({"upstreams": {"new": {"protocol": "grpc"}, "fx": {"address": "fx.example:443", "tls": True}}})
    assert {upstream.name: upstream.protocol for upstream in made.upstreams} == {"new": "grpc", "fx": "http"}


def test_a_service_may_call_itself() -> None:
    made = topology(service(upstreams={"checkout": {}}), platform(), "test", protocols={})
    assert made.upstreams[0].protocol == "http"


def test_a_protocol_that_is_not_the_callees_is_refused() -> None:
    (problem,) = problems(upstreams={"sessions": {"protocol": "tcp"}})
    assert (problem.path, problem.suggestion) == ("upstreams.sessions.protocol", "redis")


def test_nobody_can_call_a_worker() -> None:
    (problem,) = problems(upstreams={"mailer": {}})
    assert problem.path == "upstreams.mailer"
    assert "worker" in problem.message


def test_a_knob_without_effect_for_the_callees_protocol_is_refused() -> None:
    found = problems(upstreams={"sessions": {"limit": 5, "stream": True}, "ledger": {"timeout": "1s"}})
    assert [problem.path for problem in found] == [
        "upstreams.sessions.limit",
        "upstreams.sessions.stream",
        "upstreams.ledger.timeout",
    ]


def test_every_problem_is_told_at_once() -> None:
    found = problems(BRIDGE, upstreams={"paymets": {}}, port=19_101)
    assert [problem.path for problem in found] == ["run.command", "port", "upstreams.paymets"]


def test_an_image_needs_a_driver_that_runs_images() -> None:
    (problem,) = problems(**IMAGE)
    assert problem.path == "run.image"


def test_the_sidecars_ports_are_free_for_the_app_in_host_mode_and_outside_the_mesh() -> None:
    assert resolved({"port": 19_101})
    assert resolved({"port": 19_101, "mesh": False}, BRIDGE)


def test_ingress_cannot_have_the_apps_own_port() -> None:
    (problem,) = problems(port=8080, ingress={"static": 8080})
    assert problem.path == "ingress.static"


def test_an_unknown_environment_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(UsageError, match="no environment prod; it has test"):
        topology(service(), platform(), "prod", protocols={})


def test_operators_defaults_fill_what_the_upstream_leaves_open() -> None:
    made = resolved({"upstreams": {"a": {}, "b": {"timeout": "800ms", "retries": 0, "limit": 7}}})
    a, b = made.upstreams
    assert (a.timeout_ms, a.try_timeout_ms, a.retries, a.limit) == (5_000, 2_500, 1, 200)
    assert (b.timeout_ms, b.try_timeout_ms, b.retries, b.limit) == (800, None, 0, 7)


def test_a_caller_knows_whether_a_redis_shares_its_keys_out() -> None:
    spec = {"upstreams": {"sessions": {}, "outside": {"address": "cache.example:6379", "protocol": "redis"}}}
    alone, sharing = (resolved(spec, sessions=spoken, outside=spoken) for spoken in ("redis", "redis-shards"))
    assert [(each.name, each.protocol, each.shards) for each in sharing.upstreams] == [
        ("outside", "redis", False),
        ("sessions", "redis", True),
    ]
    assert not any(each.shards for each in alone.upstreams)
    assert alone.service_hash != sharing.service_hash


def test_a_redis_that_calls_itself_knows_it_too() -> None:
    spec = {"protocol": "redis", "upstreams": {"checkout": {}}}
    assert [each.shards for each in resolved({**spec, "shard": True}, checkout="redis").upstreams] == [True]
    assert [each.shards for each in resolved(spec, checkout="redis-shards").upstreams] == [False]


def test_tcp_to_a_redis_that_shares_its_keys_out_is_refused_as_to_any_redis() -> None:
    (problem,) = problems(upstreams={"cache": {"protocol": "tcp"}})
    assert (problem.path, problem.suggestion) == ("upstreams.cache.protocol", "redis")


def test_a_stream_has_no_total_timeout_and_redis_neither_retries_nor_limit() -> None:
    made = resolved(
        {"upstreams": {"feed": {"stream": True}, "sessions": {}, "ledger": {}}}, sessions="redis", ledger="tcp"
    )
    feed, ledger, sessions = made.upstreams
    assert (feed.timeout_ms, feed.try_timeout_ms, feed.retries) == (None, None, 1)
    assert (sessions.timeout_ms, sessions.try_timeout_ms, sessions.retries, sessions.limit) == (5_000, None, 0, None)
    assert (ledger.timeout_ms, ledger.retries, ledger.limit) == (None, 1, 200)


def test_sockets_are_relative_for_raw_exec_and_absolute_for_the_others() -> None:
    made = resolved({})
    assert made.sidecar
    assert (made.sidecar.agent, made.sidecar.admin) == (
        Pipe("../alloc/agent.sock"),
        Pipe("../alloc/envoy.sock"),
    )
    inside = resolved({}, BRIDGE)
    assert inside.sidecar
    assert inside.sidecar.agent == Pipe("/alloc/agent.sock")


def test_a_collectors_address_is_taken_apart() -> None:
    written = {"collector": "https://zipkin.example/custom/", "encoding": "protobuf", "sampling": 5.0}
    collected = resolved({}, {"tracing": written})
    assert collected.sidecar
    assert collected.sidecar.tracing == Tracing(
        collector=Outside("zipkin.example", 443, "/etc/ssl/certs/ca-certificates.crt"),
        path="/custom",
        encoding="protobuf",
        propagation="b3",
        sampling=5.0,
    )


def test_a_patch_that_the_platform_lacks_is_refused_with_the_near_miss() -> None:
    patches = {"patches": {"large-headers": {"merge": {"a": 1}}}}
    with pytest.raises(SpecError) as caught:
        resolved({"patches": ["large-header"]}, patches)
    (problem,) = caught.value.problems
    assert (problem.path, problem.suggestion) == ("patches.0", "large-headers")
    assert problem.message == "the platform has no patch large-header here; it has large-headers"


def test_without_a_sidecar_on_the_nodes_network_a_static_port_leads_to_no_other() -> None:
    (problem,) = problems(port=8080, mesh=False, ingress={"static": 80})
    assert problem.path == "ingress.static"
    assert "cannot lead to port 8080" in problem.message
    assert resolved({"port": 8080, "mesh": False, "ingress": {"static": 8080}}).ports.booking("app")
    assert resolved({"mesh": False, "ingress": {"static": 80}}).ports.booking("app")
    bridged = resolved({"port": 8080, "mesh": False, "ingress": {"static": 80}}, BRIDGE).ports.booking("app")
    assert bridged is not None
    assert (bridged.reserved, bridged.to) == (80, 8080)


@pytest.mark.parametrize(
    ("address", "tls", "authority", "name"),
    [
        ("fx.example.com:443", True, "fx.example.com", "fx.example.com"),
        ("fx.example.com:443", False, "fx.example.com:443", "fx.example.com"),
        ("fx.example.com:80", False, "fx.example.com", "fx.example.com"),
        ("fx.example.com:80", True, "fx.example.com:80", "fx.example.com"),
        ("FX.Example.Com.:8443", True, "fx.example.com:8443", "fx.example.com"),
        ("[2001:DB8:0::1]:443", True, "[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:8080", False, "[2001:db8::1]:8080", "2001:db8::1"),
        ("10.0.0.1:80", False, "10.0.0.1", "10.0.0.1"),
    ],
)
def test_a_service_outside_is_named_as_a_plain_client_names_it(
    address: str, tls: bool, authority: str, name: str
) -> None:
    (found,) = resolved({"upstreams": {"fx": {"address": address, "tls": tls}}}).upstreams
    assert found.outside
    assert (found.outside.authority, found.outside.name) == (authority, name)
    assert found.outside.is_absolute == address.startswith("FX")


@pytest.mark.parametrize("is_stream", [True, False])
def test_a_stream_is_one_only_where_it_is_written_so(is_stream: bool) -> None:
    (found,) = resolved({"upstreams": {"slow": {"stream": is_stream}}}).upstreams
    assert (found.stream, found.timeout_ms is None) == (is_stream, is_stream)


@pytest.mark.parametrize(
    ("written", "idle"),
    [({}, 30_000), ({"address": "fx:1"}, 500), ({"keep_alive": "5s"}, 2_500), ({"keep_alive": "none"}, None)],
)
def test_a_connection_is_kept_half_as_long_as_the_other_side_keeps_it(
    written: dict[str, str], idle: int | None
) -> None:
    (found,) = resolved({"upstreams": {"fx": written}}).upstreams
    assert found.idle_ms == idle
    kept = written.get("keep_alive", "1s")
    sidecar = resolved({"ingress": {"keep_alive": kept}}).sidecar
    assert sidecar
    assert sidecar.app
    assert sidecar.app.idle_ms == {"1s": 500, "5s": 2_500, "none": None}[kept]
