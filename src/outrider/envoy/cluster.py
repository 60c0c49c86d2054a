"""Clusters: the app, the discovery agent, Envoy's own admin, the collector of spans, and one per upstream."""

from __future__ import annotations

from collections.abc import Sequence

from outrider.documents import Json
from outrider.envoy.address import address, assignment, socket
from outrider.envoy.extension import extension, seconds, typed
from outrider.envoy.header_limits import most_headers, most_kb
from outrider.envoy.health import app_checks
from outrider.envoy.outside import as_sent, names_as_written
from outrider.envoy.password import redis_password
from outrider.envoy.retry import BUDGET
from outrider.envoy.timeouts import APP_CONNECT_MS, CONNECT_MS, OUTSIDE_CONNECT_MS
from outrider.envoy.tracing import reports_waiting
from outrider.envoy.transport import tls
from outrider.topology import names
from outrider.topology.ports import Address, Pipe
from outrider.topology.sidecar import App, Outside, Tracing, Upstream

BUFFER_BYTES = 16_384
DEFAULT_CONNECTIONS = 1_024
# Notices a host that is gone without a word (45 s), where no request with a timeout is under way. TCP's own probes are
# nobody's business but the system's, while servers of gRPC end a connection that is pinged more often than they allow.
KEEPALIVE = {"tcp_keepalive": {"keepalive_time": 30, "keepalive_interval": 5, "keepalive_probes": 3}}
# TCP does not probe while something that was sent waits for its acknowledgement, and gives up after a quarter of an hour. Of
# HTTP/2 only: its ends read at all times, while an HTTP/1 or TCP server may well stand still for longer than that.
SENT_IN_VAIN = {
    "socket_options": [
        {
            "description": "TCP_USER_TIMEOUT",
            "level": 6,
            "name": 18,
            "int_value": 45_000,
            "state": "STATE_PREBIND",
        }
    ]
}
# A connection for one request that nobody has used yet.
UNUSED_MS = 100
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
REDIS_OPTIONS = "envoy.filters.network.redis_proxy"


def local_app(app: App) -> Json:
    """The application. It gets requests whatever Envoy's own check says: that one is for ``/health`` only."""
    return {
        **_static(names.LOCAL_APP, app.address, APP_CONNECT_MS),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        # The limit is the caller's knob; what has come this far is served.
        "circuit_breakers": {"thresholds": [_unlimited()]},
        "common_lb_config": {"healthy_panic_threshold": {"value": 100}},
        "health_checks": app_checks(),
        **(_http_options(app) if app.is_http else {}),
    }


def _unlimited() -> Json:
    most = 4_294_967_295
    return {"max_connections": most, "max_pending_requests": most, "max_requests": most}


def internal(name: str, place: Address | Pipe) -> Json:
    """The agent or Envoy's own admin, inside the allocation."""
    return _static(name, place)


def _static(name: str, place: Address | Pipe, connect_ms: int = CONNECT_MS) -> Json:
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": seconds(connect_ms),
        "load_assignment": assignment(name, address(place)),
    }


def upstream_cluster(upstream: Upstream, tracing: Tracing | None) -> Json:
    """The cluster of an upstream; its endpoints come from the agent or, for one outside, from DNS."""
    return {
        "name": names.cluster(upstream.name),
        **(_outside(upstream, upstream.outside) if upstream.outside else _discovered(upstream)),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "upstream_connection_options": KEEPALIVE,
        **({"upstream_bind_config": SENT_IN_VAIN} if upstream.protocol in {"http2", "grpc"} else {}),
        **_balancing(upstream),
        **_options(upstream, tracing),
    }


def _discovered(upstream: Upstream) -> Json:
    """Endpoints through the agent, long-polled.

    The next poll starts ``refresh_delay`` (and up to as much again) after the last answer, which bounds how long a
    second change straight after a first waits; below 1 ms it kills Envoy. The fetch timeout bounds how long a dead
    agent delays the listeners.
    """
    source = {
        "api_type": "REST",
        "transport_api_version": "V3",
        "cluster_names": [names.DISCOVERY_AGENT],
        "refresh_delay": "0.020s",
        "request_timeout": "60s",
    }
    config = {"resource_api_version": "V3", "initial_fetch_timeout": "3s", "api_config_source": source}
    return {
        "type": "EDS",
        "connect_timeout": seconds(CONNECT_MS),
        "eds_cluster_config": {"service_name": upstream.name, "eds_config": config},
        # The agent's word is final: a removed endpoint that still answers is gone all the same.
        "ignore_health_on_host_removal": True,
    }


def _outside(upstream: Upstream, outside: Outside) -> Json:
    """One logical endpoint whose connections survive a change of DNS; redis needs each address for its keys."""
    kind = "STRICT_DNS" if upstream.protocol == "redis" else "LOGICAL_DNS"
    return {**_named(upstream.name, kind, outside), **tls(outside, upstream.protocol)}


def _named(name: str, kind: str, to: Outside) -> Json:
    return {
        "type": kind,
        "connect_timeout": seconds(OUTSIDE_CONNECT_MS),
        "dns_lookup_family": "V4_PREFERRED",
        "wait_for_warm_on_init": False,
        "load_assignment": assignment(name, socket(to.name, to.port)),
        **({"typed_dns_resolver_config": _no_search()} if to.is_absolute else {}),
    }


def _no_search() -> Json:
    """A dot at the end, which c-ares would look for in ``/etc/hosts`` too, said in its own words."""
    return extension(
        "network.dns_resolver.cares",
        "extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
        dns_resolver_options={"no_default_search_domain": True},
    )


def _balancing(upstream: Upstream) -> Json:
    """Keys stick to redis instances, so none is ever taken out. Of HTTP's the less busy of two is asked.

    TCP has no memory of instances that were tried: by turns, a second try meets another one.
    """
    if upstream.protocol == "redis":
        return {"lb_policy": "MAGLEV"}
    return {
        "lb_policy": "LEAST_REQUEST" if upstream.is_http else "ROUND_ROBIN",
        "circuit_breakers": {"thresholds": [_limit(upstream)]},
        "outlier_detection": _outliers(),
        "common_lb_config": {"healthy_panic_threshold": {"value": 40}},
    }


def _limit(upstream: Upstream) -> Json:
    """``limit`` counts requests (tcp: connections). Idle connections must not use it up, so they may be more."""
    limit = upstream.limit or DEFAULT_CONNECTIONS
    if not upstream.is_http:
        return {"max_connections": limit, "max_pending_requests": limit, "track_remaining": True}
    return {
        "max_connections": max(DEFAULT_CONNECTIONS, 2 * limit),
        "max_pending_requests": limit,
        "max_requests": limit,
        "track_remaining": True,
        "retry_budget": BUDGET,
    }


def _outliers() -> Json:
    """An instance that fails five times in a row rests for 3 s and longer; never more than half of them at once.

    Plain 500s of an app do not count: one bad request of one caller must not take an instance from it. Connections
    and answers that fail here count as 503 and 504: told apart (``split_external_local_origin_errors``), each
    connection that is made would clear the account of answers that came too late, and a slow instance never rest.
    """
    return {
        "consecutive_5xx": 5,
        "enforcing_consecutive_5xx": 0,
        "consecutive_gateway_failure": 5,
        "enforcing_consecutive_gateway_failure": 100,
        "enforcing_success_rate": 0,
        "interval": "1s",
        "base_ejection_time": "3s",
        "max_ejection_time": "30s",
        "max_ejection_percent": 50,
        "always_eject_one_host": False,
    }


def _options(upstream: Upstream, tracing: Tracing | None) -> Json:
    if upstream.is_http:
        return _http_options(upstream, as_sent(tracing) if upstream.outside else [])
    if upstream.password:
        secret = {"inline_string": redis_password(upstream.password)}
        options = typed("extensions.filters.network.redis_proxy.v3.RedisProtocolOptions", auth_password=secret)
        return {"typed_extension_protocol_options": {REDIS_OPTIONS: options}}
    return {}


def _http_options(to: App | Upstream, filters: Sequence[Json] = ()) -> Json:
    """``filters`` are those of requests that leave the mesh, by HTTP/1 with names as the app wrote them."""
    one = {"http_protocol_options": {"enable_trailers": True, **(names_as_written() if filters else {})}}
    options = typed(
        "extensions.upstreams.http.v3.HttpProtocolOptions",
        common_http_protocol_options={**_connections(to.idle_ms), **_headers(is_sidecar=_is_sidecar(to))},
        explicit_http_config=one if to.protocol == "http" else {"http2_protocol_options": {}},
        **({"http_filters": [*filters]} if filters else {}),
    )
    return {"typed_extension_protocol_options": {HTTP_OPTIONS: options}}


def _connections(idle_ms: int | None) -> Json:
    """How long a connection is kept without a request, or that it serves one."""
    once = {} if idle_ms else {"max_requests_per_connection": 1}
    return {"idle_timeout": seconds(idle_ms or UNUSED_MS), **once}


def _headers(*, is_sidecar: bool) -> Json:
    """How many headers, and how large, are taken in an answer."""
    return {
        "max_headers_count": most_headers(from_sidecar=is_sidecar),
        "max_response_headers_kb": most_kb(from_sidecar=is_sidecar),
    }


def _is_sidecar(to: App | Upstream) -> bool:
    return isinstance(to, Upstream) and not to.outside


def trace_collector(to: Tracing) -> Json:
    """Where spans are sent. When it is away or slow they are dropped; no request waits for it."""
    reports = reports_waiting(to)
    few = {"max_connections": reports // 2, "max_pending_requests": reports, "max_requests": reports}
    return {
        "name": names.TRACE_COLLECTOR,
        **_named(names.TRACE_COLLECTOR, "STRICT_DNS", to.collector),
        "circuit_breakers": {"thresholds": [few]},
        **tls(to.collector, "http"),
    }
