"""What the knobs of an upstream, and the ingress of a service, mean in words: one sentence or two per topic, pure.

Every number is the one that goes into Envoy's bootstrap: from the resolved upstream, or a constant of its builders.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from outrider.envoy.retry import BUDGET, REPEATABLE_METHODS
from outrider.envoy.timeouts import CONNECT_MS, OUTSIDE_CONNECT_MS, STREAM_IDLE_MS, TCP_IDLE_MS
from outrider.spec.values import duration
from outrider.topology.knobs import worst_load
from outrider.topology.sidecar import App, Upstream
from outrider.topology.topology import Topology

LEAST_RETRIES: int = BUDGET["min_retry_concurrency"]
BUDGET_PERCENT: int = BUDGET["budget_percent"]["value"]
BUSY_FROM = LEAST_RETRIES * 100 // BUDGET_PERCENT
BUSY_LOAD = 100 / (100 - BUDGET_PERCENT)
*_FRONT, _LAST = REPEATABLE_METHODS.split("|")
REPEATABLE = f"{', '.join(_FRONT)} and {_LAST}"


@dataclass(frozen=True, slots=True)
class Saying:
    """What holds, under a topic of one word."""

    topic: str
    text: str


def of_upstream(upstream: Upstream, service: Topology) -> tuple[Saying, ...]:
    """Everything that its settings mean for the service that calls it."""
    if upstream.is_http:
        topics = (_http_wait, _http_tries, _http_retries, _http_load, _http_limit, _http_idle, _http_failure, _tls)
    elif upstream.protocol == "redis":
        topics = (_redis_wait, _redis_retries, _redis_refusals, _redis_failure, _tls)
    else:
        topics = (_tcp_wait, _tcp_limit, _tcp_failure, _tls)
    return tuple(saying for topic in topics for saying in topic(upstream, service))


def worst_wait_ms(upstream: Upstream) -> int | None:
    """The longest that a request (redis: a command; tcp: a connection in the making) waits; None without a bound."""
    if upstream.protocol == "tcp":
        return (1 + upstream.retries) * connect_ms(upstream)
    return upstream.timeout_ms


def connect_ms(upstream: Upstream) -> int:
    """How long one attempt to connect may take."""
    return OUTSIDE_CONNECT_MS if upstream.outside else CONNECT_MS


def _http_wait(upstream: Upstream, _: Topology) -> Iterator[Saying]:
    if upstream.timeout_ms is None:
        idle = duration(STREAM_IDLE_MS)
        yield Saying("wait", f"No total (stream: true): a request ends after {idle} in which nothing has moved.")
    else:
        total = duration(upstream.timeout_ms)
        yield Saying("wait", f"At most {total} from when the request is sent to the end of the answer, then 504.")


def _http_tries(upstream: Upstream, _: Topology) -> Iterator[Saying]:
    if upstream.try_timeout_ms is None or upstream.timeout_ms is None or upstream.protocol == "grpc":
        return
    one, total = duration(upstream.try_timeout_ms), duration(upstream.timeout_ms)
    yield Saying(
        "tries",
        f"{REPEATABLE} have {one} a try, so that a second one fits into {total}: an answer that takes longer than "
        f"{one} is given up and asked for again. Where healthy answers take longer, raise timeout or write retries: 0.",
    )


def _http_retries(upstream: Upstream, _: Topology) -> Iterator[Saying]:
    if not upstream.retries:
        yield Saying("retries", "Nothing is tried again.")
        return
    times = "Once more" if upstream.retries == 1 else f"Up to {upstream.retries} times more"
    unseen = f"{times}, on another instance where there is one: every request that no app can have seen"
    if upstream.protocol == "grpc":
        yield Saying("retries", f"{unseen}. A call that an app may have seen is never repeated.")
    else:
        yield Saying(
            "retries",
            f"{unseen}; {REPEATABLE} also when broken off, answered 502, 503 or 504, or too slow. "
            "POST and PATCH are never repeated once an app may have seen them.",
        )


def _http_load(upstream: Upstream, _: Topology) -> Iterator[Saying]:
    most = worst_load(upstream.protocol, 1 + upstream.retries)
    if most == 1:
        yield Saying("load", f"One request is at most one at an app of {upstream.name}.")
        return
    yield Saying(
        "load",
        f"One request is at worst {most} at {upstream.name}. At most {LEAST_RETRIES} retries run at the same time, and "
        f"from {BUSY_FROM} concurrent requests on {BUDGET_PERCENT} % of them: then at most {BUSY_LOAD:.2f} times the load.",
    )


def _http_limit(upstream: Upstream, service: Topology) -> Iterator[Saying]:
    yield Saying("limit", f"{_concurrent(upstream, service, 'requests')}; what is above is answered 503 at once.")


def _http_idle(upstream: Upstream, _: Topology) -> Iterator[Saying]:
    yield Saying("idle", f"{_kept(upstream.idle_ms, upstream.name)} (keep_alive).")


def _http_failure(upstream: Upstream, _: Topology) -> Iterator[Saying]:
    each = f"each for {duration(upstream.timeout_ms)}" if upstream.timeout_ms else "each until its caller gives up"
    yield Saying(
        "failure",
        f"If {upstream.name} hangs, up to {upstream.limit} requests of an allocation wait, {each}, and further ones "
        "fail at once. Other upstreams, other allocations and other services are not held up by it.",
    )


def _concurrent(upstream: Upstream, service: Topology, what: str) -> str:
    """``100 concurrent requests per allocation, so 400 from its 4``."""
    count, limit = service.count, upstream.limit or 0
    whole = f", so {count * limit} from its {count}" if count and count > 1 else ""
    return f"{limit} concurrent {what} per allocation{whole}"


def _redis_wait(upstream: Upstream, _: Topology) -> Iterator[Saying]:
    if upstream.timeout_ms is not None:
        yield Saying("wait", f"A command is answered, or with an error, after at most {duration(upstream.timeout_ms)}.")


def _redis_retries(_: Upstream, __: Topology) -> Iterator[Saying]:
    yield Saying("retries", "No command is tried again: it may have been carried out.")


def _redis_refusals(upstream: Upstream, _: Topology) -> Iterator[Saying]:
    several = (
        f" {upstream.name} shares its keys out: so is what would need several instances." if upstream.shards else ""
    )
    yield Saying(
        "refused",
        "SELECT, MULTI, WATCH, SCRIPT, subscriptions and commands that block are answered with an error, since "
        f"connections are shared.{several} docs/how-to/redis.md lists all.",
    )


def _redis_failure(upstream: Upstream, _: Topology) -> Iterator[Saying]:
    yield Saying(
        "failure",
        f"If {upstream.name} hangs, a connection's commands fail one after the other; there is no limit on how many "
        "wait. A key stays with its instance, so no instance is left out.",
    )


def _tcp_wait(upstream: Upstream, _: Topology) -> Iterator[Saying]:
    tries, each, most = 1 + upstream.retries, duration(connect_ms(upstream)), duration(worst_wait_ms(upstream) or 0)
    attempts = f"{tries} attempts of {each}: " if tries > 1 else ""
    yield Saying(
        "wait",
        f"A connection is open or refused after at most {most} ({attempts}whatever is sent on it has no timeout). "
        f"It ends when a side closes it, or after {duration(TCP_IDLE_MS)} in which nothing has moved.",
    )


def _tcp_limit(upstream: Upstream, service: Topology) -> Iterator[Saying]:
    yield Saying("limit", f"{_concurrent(upstream, service, 'connections')}; what is above is closed at once.")


def _tcp_failure(upstream: Upstream, _: Topology) -> Iterator[Saying]:
    guard = "" if upstream.outside else " An address that has changed hands is not noticed, as it is for http."
    yield Saying("failure", f"Nothing that was sent is repeated: the app sees the connection break.{guard}")


def _tls(upstream: Upstream, _: Topology) -> Iterator[Saying]:
    if upstream.outside and upstream.outside.ca_roots:
        name, roots = upstream.outside.name, upstream.outside.ca_roots
        yield Saying("tls", f"The certificate must bear {name} and be signed by a root of {roots}, where Envoy runs.")


def of_ingress(service: Topology) -> tuple[Saying, ...]:
    """What holds for requests to the service."""
    if not service.sidecar:
        return (Saying("mesh", "No sidecar (mesh: false): nothing here applies, and callers meet the app itself."),)
    app = service.sidecar.app
    if app is None:
        return (Saying("calls", "A worker (port: none): nobody can call it."),)
    if not app.is_http:
        return (Saying("rate", f"No limit: {app.protocol} is passed on as it comes."),)
    return (*_timeouts(app), *_rate(app, service))


def _timeouts(app: App) -> Iterator[Saying]:
    yield Saying("wait", "No timeout is added: that of each caller counts.")
    yield Saying("idle", f"{_kept(app.idle_ms, 'the app')} (ingress.keep_alive).")


def _kept(idle_ms: int | None, whom: str) -> str:
    """What becomes of a connection without a request, and what the other side must do for that to be safe."""
    if idle_ms is None:
        return f"Each request to {whom} has a connection of its own"
    return (
        f"A connection to {whom} is closed after {duration(idle_ms)} without a request: {whom} must keep it longer, "
        "or a POST may meet one that is just being closed (503)"
    )


def _rate(app: App, service: Topology) -> Iterator[Saying]:
    if app.rate is None:
        yield Saying("rate", "No limit but those of its callers.")
        return
    count = service.count
    whole = f" ({count * app.rate} for its {count}, where they come evenly)" if count and count > 1 else ""
    yield Saying(
        "rate",
        f"{app.rate} requests per second per allocation{whole}, of all callers together and as a burst too; what is "
        "above is answered 429. Consul's checks are exempt.",
    )
