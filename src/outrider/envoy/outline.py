"""What a bootstrap says in the words of the mesh: its upstreams with their knobs, its ingress, where spans go; read back, pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, cast

from outrider.documents import listed, nested
from outrider.spec.values import duration
from outrider.topology import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outrider.documents import Json

HTTP_OPTIONS: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
OURS: Final = frozenset({names.LOCAL_APP, names.DISCOVERY_AGENT, names.ENVOY_ADMIN, names.TRACE_COLLECTOR})
MOST: Final = 4_294_967_295
PIECE: Final = re.compile(r'((?:[^"{]{1,4096}+|\{(?!\{)|"(?:[^"\\]++|\\.)*+"){1,256}+)|((?:\{\{.*?\}\})+)', re.DOTALL)
"""A piece of what stands around expressions, with the strings that hold some; or expressions, outside of strings."""


def document(template: str) -> Json:
    """The bootstrap as the job carries it, as JSON: what Nomad fills in stays the expression that it is.

    A large one is read in pieces: between two of them other threads have their turn.
    """
    return cast("Json", json.loads(PIECE.sub(_quoted, template), object_hook=_kept))


def _quoted(found: re.Match[str]) -> str:
    return found[1] or json.dumps(found[2])


def _kept(fields: Json) -> Json:
    return fields


def outline(bootstrap: Json) -> dict[str, Any]:
    """Settings by dotted path (``upstreams.payments.timeout``: ``800ms``); what is not set is not there."""
    resources = nested(bootstrap, "static_resources")
    listeners = {str(one.get("name")): one for one in listed(resources, "listeners")}
    clusters = {str(one.get("name")): one for one in listed(resources, "clusters")}
    found: dict[str, Any] = {}
    for name in sorted(set(clusters) - OURS):
        egress = listeners.get(names.egress(name), {})
        found |= {f"upstreams.{name}": {}} | _prefixed(f"upstreams.{name}", _upstream(clusters[name], egress))
    found |= _prefixed("ingress", _ingress(listeners.get(names.INGRESS, {}), clusters.get(names.LOCAL_APP, {})))
    found |= _prefixed("tracing", _tracing(listeners, clusters.get(names.TRACE_COLLECTOR, {})))
    heap = _first(bootstrap.get("overload_manager"), "max_heap_size_bytes")
    return found | ({"memory": f"{int(heap) // 1_000_000} MB"} if heap else {})


def _prefixed(prefix: str, settings: Json) -> Json:
    return {f"{prefix}.{name}": value for name, value in settings.items() if value is not None}


def _upstream(cluster: Json, egress: Json) -> Json:
    thresholds = listed(nested(cluster, "circuit_breakers"), "thresholds")
    limits = thresholds[0] if thresholds else {}
    routes: list[Json] = [one["route"] for one in _routes(egress) if one.get("route")]
    last: Json = routes[-1] if routes else {}
    timeouts = [_duration(nested(one, "retry_policy").get("per_try_timeout")) for one in routes]
    return {
        "protocol": _protocol(cluster, egress),
        "timeout": _duration(last.get("timeout")) or _duration(_first(egress, "op_timeout")),
        "try_timeout": next((one for one in timeouts if one), None),
        "retries": _retries(last, egress),
        "limit": limits.get("max_requests", limits.get("max_connections")),
        "idle": _duration(_first(cluster.get("typed_extension_protocol_options"), "idle_timeout")),
        "address": _outside(cluster),
    }


def _retries(route: Json, egress: Json) -> int | None:
    attempts = _first(egress, "max_connect_attempts")
    if attempts:
        return int(attempts) - 1
    return int(nested(route, "retry_policy").get("num_retries", 0)) if route else None


def _protocol(cluster: Json, egress: Json) -> str:
    filters = str([one.get("name") for chain in listed(egress, "filter_chains") for one in listed(chain, "filters")])
    if "redis_proxy" in filters:
        return "redis"
    if "tcp_proxy" in filters:
        return "tcp"
    options = nested(nested(cluster, "typed_extension_protocol_options"), HTTP_OPTIONS)
    is_http2 = "http2_protocol_options" in nested(options, "explicit_http_config")
    return "http2" if is_http2 else "http"


def _outside(cluster: Json) -> str | None:
    if cluster.get("type") == "EDS":
        return None
    socket: Json = _first(cluster.get("load_assignment"), "socket_address") or {}
    return f"{socket.get('address')}:{socket.get('port_value')}" if socket else None


def _ingress(listener: Json, app: Json) -> Json:
    rates = [_first(one, "max_tokens") for one in _routes(listener)]
    idle = _duration(_first(app.get("typed_extension_protocol_options"), "idle_timeout"))
    speaks = _protocol(app, listener) if listener else None
    return {"protocol": speaks, "rate": next((one for one in rates if one), None), "idle": idle}


def _tracing(listeners: dict[str, Json], collector: Json) -> Json:
    found = next((one for one in (_first(each, "tracing") for each in listeners.values()) if one), None)
    if not isinstance(found, dict):
        return {}
    tracing = cast("Json", found)
    return {
        "sampling": nested(tracing, "random_sampling").get("value"),
        "collector": _outside(collector),
        "path": _first(tracing, "collector_endpoint"),
        "encoding": _first(tracing, "collector_endpoint_version"),
        "propagation": _first(tracing, "trace_context_option"),
    }


def _routes(listener: Json) -> list[Json]:
    hosts: list[Json] = _first(listener, "virtual_hosts") or []
    return [route for host in hosts for route in listed(host, "routes")]


def _duration(text: Any) -> str | None:
    """``0.800s`` → ``800ms``; what is no duration of Envoy's, and 0 for none, is not set."""
    if not isinstance(text, str) or not text.endswith("s"):
        return None
    milliseconds = round(float(text.removesuffix("s")) * 1_000)
    return duration(milliseconds) if milliseconds else None


def _first(value: Any, key: str) -> Any:
    """The value under the first such key, however deep; None where there is none."""
    return next(_all(value, key), None)


def _all(value: Any, key: str) -> Iterator[Any]:
    if isinstance(value, dict):
        fields = cast("Json", value)
        if key in fields:
            yield fields[key]
        value = list(fields.values())
    if isinstance(value, list):
        for part in cast("list[Any]", value):
            yield from _all(part, key)
