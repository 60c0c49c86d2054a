"""Health: the filter that answers or marks checks, and the active check of the app."""

from __future__ import annotations

from outrider.documents import Json
from outrider.envoy.extension import extension, typed
from outrider.topology import names

HEALTH_CHECK = "envoy.filters.http.health_check"
ALL_OF_IT = 100


def passing_checks() -> Json:
    """Ingress: Consul's checks pass to the app, but count in no statistics, and fail once the sidecar is failed.

    Only routes of checks have the filter (``on_this_route``): no other request pays for it.
    """
    return _filter(pass_through_mode=True) | {"disabled": True}


def on_this_route() -> Json:
    """What a route needs for ``passing_checks``: an empty configuration switches a filter on (route.v3.FilterConfig)."""
    return {HEALTH_CHECK: typed("config.route.v3.FilterConfig", config={})}


def own_health(has_app: bool) -> Json:  # noqa: FBT001 - the one thing that it depends on
    """Metrics listener: ``GET /health`` is good while Envoy is and, where there is one, the app takes connections."""
    app = {"cluster_min_healthy_percentages": {names.LOCAL_APP: {"value": ALL_OF_IT}}} if has_app else {}
    return _filter(
        pass_through_mode=False,
        headers=[
            {"name": ":path", "string_match": {"exact": names.HEALTH_PATH}},
            {"name": ":method", "string_match": {"exact": "GET"}},
        ],
        **app,
    )


def app_checks() -> list[Json]:
    """Envoy's own check of the app: can a connection be opened?."""
    return [
        {
            "timeout": "1s",
            "interval": "2s",
            "unhealthy_interval": "1s",
            # Before the first request these hold instead: a deployment waits for the first good answer.
            "no_traffic_interval": "1s",
            "no_traffic_healthy_interval": "2s",
            "healthy_threshold": 1,
            "unhealthy_threshold": 2,
            "tcp_health_check": {},
        }
    ]


def _filter(**fields: object) -> Json:
    return extension("filters.http.health_check", "extensions.filters.http.health_check.v3.HealthCheck", **fields)
