"""The HTTP connection manager: what holds for every request of a listener, and the listener's health filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from outrider.envoy.access_log import failures
from outrider.envoy.extension import Json, extension, seconds
from outrider.envoy.tracing import tracing
from outrider.topology.sidecar import Tracing

# Ingress keeps what callers' pools (30 s) have closed long before: a pool never meets a connection just being closed.
INGRESS_IDLE_MS = 60_000
STREAM_IDLE_MS = 300_000
WINDOWS = {"initial_stream_window_size": 65_536, "initial_connection_window_size": 1_048_576}


@dataclass(frozen=True, slots=True)
class Manager:
    """What differs between the connection managers of a sidecar."""

    name: str
    virtual_host: Json
    filters: Sequence[Json] = ()
    tracing: Tracing | None = None
    is_ingress: bool = False
    is_logged: bool = True
    upgrades: bool = False
    stream_idle_ms: int = 0
    local_replies: Json | None = None


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
        http2_protocol_options=WINDOWS,
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
        **({"access_log": failures(manager.name)} if manager.is_logged else {}),
        **({"tracing": tracing(manager.tracing)} if manager.tracing else {}),
        **({"upgrade_configs": [{"upgrade_type": "websocket"}]} if manager.upgrades else {}),
        **({"local_reply_config": manager.local_replies} if manager.local_replies else {}),
    )


def _inbound(manager: Manager) -> Json:
    """What holds for requests from the network: one decision about the path, here and in the app."""
    if not manager.is_ingress:
        return {}
    return {
        "common_http_protocol_options": {"idle_timeout": seconds(INGRESS_IDLE_MS)},
        "normalize_path": True,
        "merge_slashes": True,
    }


def router() -> Json:
    """The last filter. Statistics per status code stand in the connection manager's; headers of Envoy's are noise."""
    return extension(
        "filters.http.router",
        "extensions.filters.http.router.v3.Router",
        suppress_envoy_headers=True,
        dynamic_stats=False,
    )
