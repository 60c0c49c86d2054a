"""Routes: from the app to an upstream, from the network to the app, and the four paths of the metrics listener."""

from __future__ import annotations

from outrider.documents import Json
from outrider.envoy.extension import extension, seconds
from outrider.envoy.health import on_this_route
from outrider.envoy.refusal import two_hosts
from outrider.envoy.retry import REPEATABLE_METHODS, repeatable_retries, unseen_retries
from outrider.envoy.tracing import decorator
from outrider.topology import names
from outrider.topology.sidecar import App, Sidecar, Upstream

WRONG_SERVICE = 421
NO_TIMEOUT = "0s"
EVERYTHING = {"prefix": "/"}
# A request whose body is larger is sent once: what is kept for another try costs memory.
REPEATED_BODY_BYTES = 131_072
# How often ``ingress.rate`` begins anew, so also after how long a client that was refused may come again.
REFILL_S = 1


def egress_host(upstream: Upstream) -> Json:
    """The virtual host of an egress listener: repeatable requests have a route with more retries."""
    tried = upstream.retries > 0
    repeatable = _matching(":method", {"safe_regex": {"regex": REPEATABLE_METHODS}})
    routes = (
        [_egress(upstream, repeatable, repeatable_retries(upstream))] if tried and upstream.protocol != "grpc" else []
    )
    return {
        "routes": [two_hosts(), *routes, _egress(upstream, EVERYTHING, unseen_retries(upstream) if tried else None)],
        **({"request_body_buffer_limit": REPEATED_BODY_BYTES} if tried else {}),
        **_headers_to(upstream),
    }


def _egress(upstream: Upstream, match: Json, retries: Json | None) -> Json:
    action = {
        "cluster": names.cluster(upstream.name),
        "timeout": seconds(upstream.timeout_ms) if upstream.timeout_ms else NO_TIMEOUT,
        **({"retry_policy": retries} if retries else {}),
        **({"host_rewrite_literal": upstream.outside.authority} if upstream.outside else {}),
        **({"max_stream_duration": {"grpc_timeout_header_max": NO_TIMEOUT}} if _is_grpc_stream(upstream) else {}),
    }
    return {"match": match, "route": action, "decorator": decorator(upstream.name)}


def _is_grpc_stream(upstream: Upstream) -> bool:
    return upstream.stream and upstream.protocol == "grpc"


def _headers_to(upstream: Upstream) -> Json:
    """Sidecars are told whom the caller means; others are told nothing of the mesh (outside.py)."""
    if upstream.outside:
        return {}
    destination = {"key": names.DESTINATION_HEADER, "value": upstream.name}
    return {
        "request_headers_to_add": [{"header": destination, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
        "response_headers_to_remove": [names.UNSEEN_HEADER],
    }


def ingress_host(sidecar: Sidecar, app: App) -> Json:
    """The virtual host of the ingress listener: the guard against a wrong address, checks, the app."""
    checks = [*(_check(sidecar, path) for path in app.check_paths), *_grpc_check(sidecar, app)]
    return {"routes": [_guard(sidecar.service), two_hosts(), *checks, _app(sidecar, app)]}


def _guard(service: str) -> Json:
    """A request that means another service came here by an address that changed hands; nobody has seen it."""
    mistaken = _matching(names.DESTINATION_HEADER, {"exact": service}, invert_match=True)
    return {
        "name": "another_service",
        "match": mistaken,
        "direct_response": {"status": WRONG_SERVICE, "body": {"inline_string": f"this is {service}\n"}},
        "response_headers_to_add": [unseen()],
    }


def unseen() -> Json:
    """The header that tells a caller's sidecar that no app has seen the request."""
    return {"header": {"key": names.UNSEEN_HEADER, "value": "1"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def _check(sidecar: Sidecar, path: str) -> Json:
    """Consul's check bears a mark. It is exempt from the rate limit, on its own path only."""
    headers = [{"name": names.CHECK_HEADER, "present_match": True}]
    return _to_app_as_check(sidecar, {"path": path.partition("?")[0], "headers": headers})


def _grpc_check(sidecar: Sidecar, app: App) -> list[Json]:
    """Consul's gRPC check cannot bear a header; its method is known by its path."""
    return [_to_app_as_check(sidecar, {"path": names.GRPC_HEALTH})] if app.has_grpc_check else []


def _to_app_as_check(sidecar: Sidecar, match: Json) -> Json:
    return {"match": match, **_to_app(sidecar), "typed_per_filter_config": on_this_route()}


def _app(sidecar: Sidecar, app: App) -> Json:
    limited = (
        {"typed_per_filter_config": {"envoy.filters.http.local_ratelimit": rate_limit(app.rate)}} if app.rate else {}
    )
    return {"match": EVERYTHING, **_to_app(sidecar), **limited}


def _to_app(sidecar: Sidecar) -> Json:
    """Ingress adds no timeout: the caller's is the one that counts. Envoy's own default would be 15 s."""
    return {
        "route": {"cluster": names.LOCAL_APP, "timeout": NO_TIMEOUT},
        "request_headers_to_remove": [names.DESTINATION_HEADER],
        # Only Envoy itself can know; an app that said so would have its POSTs repeated.
        "response_headers_to_remove": [names.UNSEEN_HEADER],
        "decorator": decorator(sidecar.service),
    }


def rate_limit(rate: int | None = None) -> Json:
    """The local rate limit; without a rate it is the filter's idle form, which routes fill in."""
    made = extension(
        "filters.http.local_ratelimit",
        "extensions.filters.http.local_ratelimit.v3.LocalRateLimit",
        stat_prefix=names.INGRESS,
    )
    if not rate:
        return made
    bucket = {"max_tokens": rate, "tokens_per_fill": rate, "fill_interval": f"{REFILL_S}s"}
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return made["typed_config"] | {
        "token_bucket": bucket,
        "filter_enabled": always | {"runtime_key": "outrider.rate_enabled"},
        "filter_enforced": always | {"runtime_key": "outrider.rate_enforced"},
        # Envoy writes the same by itself from 1.40 on (enable_retry_after_header), which an older one does not start with.
        "response_headers_to_add": [{"header": {"key": "retry-after", "value": str(REFILL_S)}}],
    }


def metrics_host() -> Json:
    """The virtual host of the metrics listener; ``/health`` is a filter's, everything else is 404."""
    return {
        "routes": [
            _metrics("/stats/prometheus", names.ENVOY_ADMIN, "/stats/prometheus"),
            _metrics("/agent/metrics", names.DISCOVERY_AGENT, "/metrics"),
            _metrics("/agent/endpoints", names.DISCOVERY_AGENT, "/endpoints"),
        ]
    }


def _metrics(path: str, cluster: str, target: str) -> Json:
    method = {"headers": [{"name": ":method", "string_match": {"exact": "GET"}}]}
    rewritten = {"prefix_rewrite": target} if target != path else {}
    return {"match": {"path": path, **method}, "route": {"cluster": cluster, "timeout": "10s", **rewritten}}


def _matching(header: str, wanted: Json, **more: object) -> Json:
    return {**EVERYTHING, "headers": [{"name": header, "string_match": wanted, **more}]}
