"""Listeners: ingress, metrics, and one per upstream."""

from __future__ import annotations

from outrider.documents import Json
from outrider.envoy.access_log import broken_connections, tcp_failures
from outrider.envoy.address import address
from outrider.envoy.connection_manager import Manager, connection_manager
from outrider.envoy.extension import extension, seconds
from outrider.envoy.health import own_health, passing_checks
from outrider.envoy.outside import sent
from outrider.envoy.redis import redis_proxy
from outrider.envoy.route import egress_host, ingress_host, metrics_host, rate_limit, unseen
from outrider.envoy.timeouts import STREAM_IDLE_MS, TCP_IDLE_MS
from outrider.topology import names
from outrider.topology.ports import Address
from outrider.topology.sidecar import App, Sidecar, Upstream

BUFFER_BYTES = 16_384
# Lets go of callers whose machine is gone (45 s after their last word).
KEEPALIVE = {"keepalive_time": 30, "keepalive_interval": 5, "keepalive_probes": 3}
DEADLINE_EXCEEDED = "4"
CLOSED_BY_APP = (
    "%LOCAL_REPLY_BODY%: the app closed the connection before it answered; if it closes idle connections after less than a "
    "second, say so with ingress.keep_alive"
)


def ingress_listener(sidecar: Sidecar, place: Address, app: App) -> Json:
    """What pretends to be the service: the address that Consul knows."""
    network = _ingress_http(sidecar, app) if app.is_http else _tcp(names.INGRESS, names.LOCAL_APP)
    return _listener(names.INGRESS, place, network) | {"traffic_direction": "INBOUND"}


def _ingress_http(sidecar: Sidecar, app: App) -> Json:
    checks = [passing_checks()] if app.check_paths or app.has_grpc_check else []
    limit = [rate_limit()] if app.rate else []
    return connection_manager(
        Manager(
            service=sidecar.service,
            name=names.INGRESS,
            host=sidecar.service,
            virtual_host=ingress_host(sidecar, app),
            filters=[*checks, *limit],
            tracing=sidecar.tracing,
            is_ingress=True,
            upgrades=app.protocol == "http",
            takes_underscores=app.protocol == "grpc",
            local_replies=_ingress_replies(),
        )
    )


def _ingress_replies() -> list[Json]:
    """Where no connection to the app could be opened (UF), the app has not seen the request.

    Where the app has closed it (UC), nobody knows; whoever reads the answer is told where to look.
    """
    unopened, closed = ({"response_flag_filter": {"flags": [flag]}} for flag in ("UF", "UC"))
    told = {"text_format_source": {"inline_string": CLOSED_BY_APP}}
    return [
        {"filter": unopened, "headers_to_add": [unseen()]},
        {"filter": closed, "body_format_override": told},
    ]


def egress_listener(sidecar: Sidecar, upstream: Upstream) -> Json:
    """Where the app finds an upstream."""
    name = names.egress(upstream.name)
    return _listener(name, upstream.listen, _egress_filter(sidecar, upstream, name)) | {"traffic_direction": "OUTBOUND"}


def _egress_filter(sidecar: Sidecar, upstream: Upstream, name: str) -> Json:
    if upstream.is_http:
        return _egress_http(sidecar, upstream, name)
    if upstream.protocol == "redis":
        return redis_proxy(name, upstream)
    return _tcp(name, names.cluster(upstream.name), tries=1 + upstream.retries)


def _egress_http(sidecar: Sidecar, upstream: Upstream, name: str) -> Json:
    return connection_manager(
        Manager(
            service=sidecar.service,
            name=name,
            host=upstream.name,
            virtual_host=egress_host(upstream),
            filters=[sent(sidecar.tracing)] if upstream.outside else [],
            tracing=sidecar.tracing,
            leaves_mesh=upstream.outside is not None,
            upgrades=upstream.protocol == "http",
            stream_idle_ms=STREAM_IDLE_MS if upstream.stream else 0,
            local_replies=[_late_reply()] if upstream.protocol == "grpc" else [],
        )
    )


def _late_reply() -> Json:
    """A call that took too long (UT) is DEADLINE_EXCEEDED: clients repeat UNAVAILABLE, which Envoy's 504 would be."""
    flagged = {"response_flag_filter": {"flags": ["UT"]}}
    late = {"header": {"key": "grpc-status", "value": DEADLINE_EXCEEDED}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
    return {"filter": flagged, "headers_to_add": [late]}


def _tcp(name: str, cluster: str, tries: int = 1) -> Json:
    return extension(
        "filters.network.tcp_proxy",
        "extensions.filters.network.tcp_proxy.v3.TcpProxy",
        stat_prefix=name,
        cluster=cluster,
        idle_timeout=seconds(TCP_IDLE_MS),
        max_connect_attempts=tries,
        access_log=tcp_failures(name),
    )


def metrics_listener(sidecar: Sidecar) -> Json:
    """What scrapers, Consul's checks and the portal see of a sidecar; it stays open when load is shed elsewhere."""
    manager = Manager(
        service=sidecar.service,
        name=names.METRICS,
        host=names.METRICS,
        virtual_host=metrics_host(),
        filters=[own_health(sidecar.app is not None)],
        is_ingress=True,
        logs_failures=False,
    )
    made = _listener(names.METRICS, sidecar.metrics, connection_manager(manager))
    return made | {"ignore_global_conn_limit": True, "bypass_overload_manager": True}


def _listener(name: str, place: Address, network: Json) -> Json:
    """Without reuse_port a second Envoy on the port fails to start, instead of taking every other request."""
    return {
        "name": name,
        "address": address(place),
        "enable_reuse_port": False,
        "tcp_keepalive": KEEPALIVE,
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "filter_chains": [{"filters": [network]}],
        "access_log": broken_connections(name),
    }
