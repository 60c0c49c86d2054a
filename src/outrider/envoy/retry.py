"""Retries: what may be tried again, on which instance, and how many at most."""

from __future__ import annotations

from outrider.documents import Json
from outrider.envoy.extension import extension, seconds
from outrider.topology import names
from outrider.topology.sidecar import Upstream

# No app can have seen these requests: no connection, a stream refused, broken off before it was sent, or an ingress
# that says so (wrong instance, app not there). They may be sent again whatever their method.
UNSEEN = ("connect-failure", "refused-stream", "reset-before-request")
SAID_UNSEEN = "retriable-headers"
# An app may have acted on these: only methods that may be repeated (RFC 9110, 9.2.2) are.
REPEATABLE = ("reset", "gateway-error")
REPEATABLE_METHODS = "GET|HEAD|OPTIONS|PUT|DELETE"
# Of two instances the one that failed has nothing to do, so of two random choices the least busy is that one three times
# in four. After so many picks it is one time in a hundred million.
HOST_PICKS = 64
# At most a fifth of the concurrent requests may be retries, and eight where there are fewer than forty: an instance that
# dies with a handful of requests costs none of them, and many slow failures still add a quarter at most.
BUDGET: Json = {"budget_percent": {"value": 20}, "min_retry_concurrency": 8}


def unseen_retries(upstream: Upstream) -> Json:
    """The retry policy of a request that must not reach two apps."""
    return {"retry_on": ",".join(_unseen(upstream)), **_shared(upstream)}


def repeatable_retries(upstream: Upstream) -> Json:
    """The retry policy of a request that may be repeated; each try but the last leaves time for another one."""
    try_ms = upstream.try_timeout_ms
    timed = {"per_try_timeout": seconds(try_ms)} if try_ms else {}
    return {"retry_on": ",".join((*_unseen(upstream), *REPEATABLE)), **timed, **_shared(upstream)}


def _unseen(upstream: Upstream) -> tuple[str, ...]:
    """Nobody outside is believed that no app has seen a request."""
    return UNSEEN if upstream.outside else (*UNSEEN, SAID_UNSEEN)


def _shared(upstream: Upstream) -> Json:
    said = [{"name": names.UNSEEN_HEADER, "present_match": True}]
    return {
        **({} if upstream.outside else {"retriable_headers": said}),
        "num_retries": upstream.retries,
        "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.250s"},
        "retry_host_predicate": [
            extension(
                "retry_host_predicates.previous_hosts",
                "extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
            )
        ],
        "host_selection_retry_max_attempts": HOST_PICKS,
    }
