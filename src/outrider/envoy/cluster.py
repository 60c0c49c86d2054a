"""Clusters: the app, the discovery agent, Envoy's own admin, the collector of spans, and one per upstream."""

from __future__ import annotations

from outrider.envoy.address import address, assignment, socket
from outrider.envoy.extension import Json, seconds, typed
from outrider.envoy.header_limits import most_headers, most_kb
from outrider.envoy.health import app_checks
from outrider.envoy.password import redis_password
from outrider.envoy.retry import BUDGET
from outrider.envoy.tracing import reports_waiting
from outrider.envoy.transport import tls
from outrider.topology import names
from outrider.topology.ports import Address, Pipe
from outrider.topology.sidecar import App, Outside, Tracing, Upstream

CONNECT_MS = 500
# An app whose queue of connections is full drops them in silence, and the system asks again after a second.
APP_CONNECT_MS = 1_500
OUTSIDE_CONNECT_MS = 3_000
# Below the 60 s that an ingress keeps a connection, so that the pool closes first.
POOL_IDLE_MS = 30_000
# A stream without a timeout would wait for ever on a host that is gone without a word.
PING = {"connection_keepalive": {"interval": "15s", "timeout": "5s"}}
BUFFER_BYTES = 16_384
DEFAULT_CONNECTIONS = 1_024
# Notices a host that is gone without a word (45 s), where no request with a timeout is under way.
KEEPALIVE = {"tcp_keepalive": {"keepalive_time": 30, "keepalive_interval": 5, "keepalive_probes": 3}}
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
        **(_http_options(app.protocol, app.idle_ms, of_sidecar=False) if app.is_http else {}),
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


def upstream_cluster(upstream: Upstream) -> Json:
    """The cluster of an upstream; its endpoints come from the agent or, for one outside, from DNS."""
    return {
        "name": names.cluster(upstream.name),
        **(_outside(upstream, upstream.outside) if upstream.outside else _discovered(upstream)),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "upstream_connection_options": KEEPALIVE,
        **_balancing(upstream),
        **_options(upstream),
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
    secured = {"transport_socket": tls(outside.host, outside.ca_roots, upstream.protocol)} if outside.ca_roots else {}
    return {**_named(upstream.name, kind, outside.host, outside.port), **secured}


def _named(name: str, kind: str, host: str, port: int) -> Json:
    return {
        "type": kind,
        "connect_timeout": seconds(OUTSIDE_CONNECT_MS),
        "dns_lookup_family": "V4_PREFERRED",
        "wait_for_warm_on_init": False,
        "load_assignment": assignment(name, socket(host, port)),
    }


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


def _options(upstream: Upstream) -> Json:
    if upstream.is_http:
        return _http_options(upstream.protocol, POOL_IDLE_MS, of_sidecar=True, ping=PING)
    if upstream.password:
        secret = {"inline_string": redis_password(upstream.password)}
        options = typed("extensions.filters.network.redis_proxy.v3.RedisProtocolOptions", auth_password=secret)
        return {"typed_extension_protocol_options": {REDIS_OPTIONS: options}}
    return {}


def _http_options(protocol: str, idle_ms: int, *, of_sidecar: bool, ping: Json | None = None) -> Json:
    http1: Json = {"http_protocol_options": {"enable_trailers": True}}
    common = {
        "idle_timeout": seconds(idle_ms),
        "max_headers_count": most_headers(from_sidecar=of_sidecar),
        "max_response_headers_kb": most_kb(from_sidecar=of_sidecar),
    }
    options = typed(
        "extensions.upstreams.http.v3.HttpProtocolOptions",
        common_http_protocol_options=common,
        explicit_http_config=http1 if protocol == "http" else {"http2_protocol_options": ping or {}},
    )
    return {"typed_extension_protocol_options": {HTTP_OPTIONS: options}}


def trace_collector(to: Tracing) -> Json:
    """Where spans are sent. When it is away or slow they are dropped; no request waits for it."""
    secured = {"transport_socket": tls(to.host, to.ca_roots, "http")} if to.ca_roots else {}
    reports = reports_waiting(to)
    few = {"max_connections": reports // 2, "max_pending_requests": reports, "max_requests": reports}
    return {
        "name": names.TRACE_COLLECTOR,
        **_named(names.TRACE_COLLECTOR, "STRICT_DNS", to.host, to.port),
        "circuit_breakers": {"thresholds": [few]},
        **secured,
    }
