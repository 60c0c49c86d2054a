"""The HTTP connection manager: what holds for every request of a listener, and the listener's health filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from outrider.documents import Json
from outrider.envoy.access_log import failures, refusals
from outrider.envoy.extension import extension, seconds
from outrider.envoy.header_limits import most_headers, most_kb
from outrider.envoy.outside import names_as_written, sent_early
from outrider.envoy.refusal import WEBSOCKET, ignored_upgrades, refusal_mapper
from outrider.envoy.timeouts import HEADERS_MS, INGRESS_IDLE_MS
from outrider.envoy.tracing import tracing
from outrider.topology.sidecar import Tracing

HTTP2 = {
    "max_concurrent_streams": 128,
    "initial_stream_window_size": 65_536,
    "initial_connection_window_size": 1_048_576,
}


@dataclass(frozen=True, slots=True)
class Manager:
    """What differs between the connection managers of a sidecar."""

    service: str
    name: str
    # Whom a request means that names no host, as HTTP/1.0 may.
    host: str
    virtual_host: Json
    filters: Sequence[Json] = ()
    tracing: Tracing | None = None
    is_ingress: bool = False
    logs_failures: bool = True
    upgrades: bool = False
    takes_underscores: bool = False
    stream_idle_ms: int = 0
    local_replies: Sequence[Json] = ()
    leaves_mesh: bool = False


def connection_manager(manager: Manager) -> Json:
    """The network filter (HttpConnectionManager).

    ``stream_idle_timeout`` is 0 where routes have a total timeout: a timer per stream less (reference measurements:
    about 10 % CPU together with the router's two switches). ``use_remote_address`` stays false: with it, every
    x-envoy-* header of another sidecar is stripped and its x-request-id made anew, which cuts traces in two.
    """
    return extension(
        "filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=manager.name,
        codec_type="AUTO",
        http_protocol_options=_http1(manager),
        http2_protocol_options=HTTP2,
        common_http_protocol_options=_common(manager),
        max_request_headers_kb=most_kb(from_sidecar=manager.is_ingress),
        # The app decides whether it wants the body; without this, Envoy would, and drop every other 1xx.
        proxy_100_continue=True,
        stream_idle_timeout=seconds(manager.stream_idle_ms),
        server_header_transformation="PASS_THROUGH",
        use_remote_address=False,
        skip_xff_append=True,
        route_config={
            "name": manager.name,
            "validate_clusters": True,
            "virtual_hosts": [{"name": manager.name, "domains": ["*"], **manager.virtual_host}],
        },
        http_filters=[*manager.filters, router()],
        **_inbound(manager),
        **(_outbound() if manager.leaves_mesh else {}),
        access_log=failures(manager.name) if manager.logs_failures else refusals(manager.name),
        local_reply_config={"mappers": [*manager.local_replies, refusal_mapper(manager.service, manager.name)]},
        **({"tracing": tracing(manager.tracing)} if manager.tracing else {}),
        **({"upgrade_configs": [{"upgrade_type": WEBSOCKET}]} if manager.upgrades else {}),
    )


def _http1(manager: Manager) -> Json:
    """What old clients and balancers send: HTTP/1.0 (nginx, HAProxy's check, ab), trailers, upgrades not meant so."""
    return {
        "accept_http_10": True,
        "default_host_for_http_10": manager.host,
        "enable_trailers": True,
        "ignore_http_11_upgrade": ignored_upgrades(),
        **(names_as_written() if manager.leaves_mesh else {}),
    }


def _common(manager: Manager) -> Json:
    """Many frameworks take ``x_user`` for ``x-user``; gRPC's metadata may well have underscores, and nothing confuses it."""
    count = {"max_headers_count": most_headers(from_sidecar=manager.is_ingress)}
    if not manager.is_ingress:
        return count
    underscores = {} if manager.takes_underscores else {"headers_with_underscores_action": "REJECT_REQUEST"}
    return {"idle_timeout": seconds(INGRESS_IDLE_MS), **count, **underscores}


def _inbound(manager: Manager) -> Json:
    """What holds for requests from the network: one decision about path and headers, here and in the app.

    ``%2F`` stays as it is: no decision is taken here by path, so none can be bypassed.
    """
    if not manager.is_ingress:
        return {}
    return {
        "request_headers_timeout": seconds(HEADERS_MS),
        "early_header_mutation_extensions": [_without_orders()],
        "normalize_path": True,
        "merge_slashes": True,
    }


def _outbound() -> Json:
    """What holds for requests that leave the mesh; the scheme is the one that is spoken there."""
    return {
        "early_header_mutation_extensions": [sent_early()],
        "scheme_header_transformation": {"match_upstream": True},
    }


def _without_orders() -> Json:
    """Takes away ``x-envoy-…`` before anything reads it: with it a caller sets this Envoy's retries and timeouts."""
    return extension(
        "http.early_header_mutation.header_mutation",
        "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        mutations=[{"remove_on_match": {"key_matcher": {"prefix": "x-envoy-"}}}],
    )


def router() -> Json:
    """The last filter. Statistics per status code stand in the connection manager's; headers of Envoy's are noise."""
    return extension(
        "filters.http.router",
        "extensions.filters.http.router.v3.Router",
        suppress_envoy_headers=True,
        dynamic_stats=False,
    )
