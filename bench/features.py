"""What a sidecar's bootstrap has beyond a minimal one, each as a change that takes it away: the price list's rows."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import cast

from outrider.documents import Json
from outrider.envoy.health import HEALTH_CHECK

Shape = Callable[[Json], None]
MANAGER = "envoy.filters.network.http_connection_manager"
INTERNAL = {"local_app", "discovery_agent", "envoy_admin", "trace_collector"}


def managers(document: Json) -> Generator[Json]:
    """Configurations of the connection managers."""
    for listener in document["static_resources"]["listeners"]:
        for one in listener["filter_chains"][0]["filters"]:
            if one["name"] == MANAGER:
                yield cast("Json", one["typed_config"])


def hosts(document: Json) -> Generator[Json]:
    """Their virtual hosts."""
    for manager in managers(document):
        yield from manager["route_config"]["virtual_hosts"]


def routes(document: Json) -> Generator[Json]:
    for host in hosts(document):
        yield from host["routes"]


def without_access_log(document: Json) -> None:
    for manager in managers(document):
        manager.pop("access_log", None)


def without_tracing(document: Json) -> None:
    document.pop("layered_runtime", None)
    for manager in managers(document):
        manager.pop("tracing", None)
    for route in routes(document):
        route.pop("decorator", None)


def without_normal_paths(document: Json) -> None:
    for manager in managers(document):
        manager.pop("normalize_path", None)
        manager.pop("merge_slashes", None)


def without_header_rules(document: Json) -> None:
    """Orders of callers are obeyed, underscores pass, headers may come for ever."""
    for manager in managers(document):
        manager.pop("early_header_mutation_extensions", None)
        manager.pop("request_headers_timeout", None)
        manager.get("common_http_protocol_options", {}).pop("headers_with_underscores_action", None)


def without_request_ids(document: Json) -> None:
    for manager in managers(document):
        manager.pop("request_id_extension", None)
        manager["generate_request_id"] = False


def without_retries(document: Json) -> None:
    """One route for all methods is left."""
    for host in hosts(document):
        host.pop("request_body_buffer_limit", None)
        retried = [route for route in host["routes"] if "retry_policy" in route.get("route", {})]
        for route in retried[:-1]:
            host["routes"].remove(route)
        for route in retried[-1:]:
            del route["route"]["retry_policy"]


def without_breakers(document: Json) -> None:
    """No limit, no ejection of failing instances."""
    for cluster in document["static_resources"]["clusters"]:
        if cluster["name"] not in INTERNAL:
            cluster.pop("circuit_breakers", None)
            cluster.pop("outlier_detection", None)


def without_guard(document: Json) -> None:
    """No word of which service is meant, no 421, no header that says unseen."""
    for manager in managers(document):
        manager.pop("local_reply_config", None)
    for host in hosts(document):
        host["routes"] = [route for route in host["routes"] if "direct_response" not in route]
        for one in (host, *host["routes"]):
            for name in ("request_headers_to_add", "request_headers_to_remove", "response_headers_to_remove"):
                one.pop(name, None)


def without_health_filters(document: Json) -> None:
    """Checks are requests like others."""
    for manager in managers(document):
        manager["http_filters"] = [one for one in manager["http_filters"] if one["name"] != HEALTH_CHECK]
    for route in routes(document):
        route.pop("typed_per_filter_config", None)


def without_chosen_statistics(document: Json) -> None:
    """Envoy's own choice: every statistic, no labels."""
    document.pop("stats_config", None)


def without_overload_manager(document: Json) -> None:
    document.pop("overload_manager", None)


def without_inline_headers(document: Json) -> None:
    """Headers of the mesh and of traces are looked for by name."""
    document.pop("inline_headers", None)


def without_small_buffers(document: Json) -> None:
    """Envoy's own 1 MiB for each connection."""
    for one in (*document["static_resources"]["listeners"], *document["static_resources"]["clusters"]):
        one.pop("per_connection_buffer_limit_bytes", None)


def without_timeouts(document: Json) -> None:
    """No total timeout, no idle ones: fewer timers."""
    for route in routes(document):
        if "route" in route:
            route["route"]["timeout"] = "0s"


FEATURES: dict[str, Shape] = {
    "access log of failures": without_access_log,
    "tracing": without_tracing,
    "normal paths": without_normal_paths,
    "rules for headers": without_header_rules,
    "request ids": without_request_ids,
    "retries": without_retries,
    "limits and ejection": without_breakers,
    "guard against wrong addresses": without_guard,
    "health filters": without_health_filters,
    "chosen statistics": without_chosen_statistics,
    "overload manager": without_overload_manager,
    "inline headers": without_inline_headers,
    "small buffers": without_small_buffers,
    "total timeouts": without_timeouts,
}


def without_all(document: Json) -> None:
    """What is left is the connection manager, the router and their clusters."""
    for shape in FEATURES.values():
        shape(document)
