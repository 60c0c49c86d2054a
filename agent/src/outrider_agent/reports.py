"""What the agent says of itself: the documents of ``/health`` and ``/endpoints`` and the page of ``/metrics``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from outrider_agent.discovery import Answer
from outrider_agent.documents import Json
from outrider_agent.endpoints import DEGRADED, HEALTHY, Endpoint
from outrider_agent.instances import named
from outrider_agent.polls import Polls
from outrider_agent.states import CURRENT, STATES
from outrider_agent.watch import Watch

EMPTY = "Consul lists no usable instance; a token without rights to just this service would look the same"
EnvoyView = Mapping[str, "dict[str, str] | None"]  # label → address → health flags


def health(watches: Sequence[Watch]) -> tuple[bool, Json]:
    """Whether every upstream is known, be it from disk, and the state of each with its reason."""
    upstreams = {one.upstream.label: {"state": one.state, "reason": reason(one)} for one in watches}
    is_ready = all(one.is_known for one in watches)
    is_current = all(one.state == CURRENT for one in watches)
    status = "ok" if is_current else "degraded" if is_ready else "starting"
    return is_ready, {"status": status, "upstreams": upstreams}


def reason(watch: Watch) -> str:
    """Why the state is not current; what Envoy could not take, what is another's, and what an empty list may hide, too."""
    skipped = f"{watch.skipped} instances have no literal IP address and port" if watch.skipped else ""
    names = named(sorted(set(watch.foreign)))
    foreign = f"{len(watch.foreign)} instances are of {names}: Consul's names ignore case" if names else ""
    is_empty = watch.state == CURRENT and not watch.endpoints and not (watch.skipped or names)
    return "; ".join(part for part in (watch.reason, skipped, foreign, EMPTY if is_empty else "") if part)


def endpoints(watches: Sequence[Watch], polls: Polls, envoy: EnvoyView, now: float) -> Json:
    """Per upstream what the agent has and since when, what Envoy accepted last, and what Envoy itself says it has."""
    return {"upstreams": {one.upstream.label: _upstream(one, polls, envoy, now) for one in watches}}


def _upstream(watch: Watch, polls: Polls, envoy: EnvoyView, now: float) -> Json:
    label = watch.upstream.label
    answer = polls.answers[label]
    return {
        "state": watch.state,
        "reason": reason(watch),
        "index": watch.schedule.index,
        "age_seconds": _age(watch.contact_at, now),
        "changed_seconds": _age(watch.changed_at, now),
        "version": answer.version if answer else None,
        "endpoints": None if watch.endpoints is None else [_endpoint(one) for one in watch.endpoints],
        "envoy": _envoy(label, polls, envoy, answer),
    }


def _envoy(label: str, polls: Polls, envoy: EnvoyView, answer: Answer | None) -> Json:
    accepted = polls.accepted.get(label)
    seen = envoy.get(label)
    return {
        "accepted_version": accepted,
        "is_current": answer is not None and accepted == answer.version,
        "rejected_updates": polls.rejected[label],
        "endpoints": None
        if seen is None
        else [{"address": one, "health": flags} for one, flags in sorted(seen.items())],
    }


def _endpoint(endpoint: Endpoint) -> Json:
    return {
        "address": endpoint.address,
        "port": endpoint.port,
        "health": endpoint.health,
        "weight": endpoint.weight,
        "canary": endpoint.is_canary,
        "version": endpoint.version,
    }


def _age(at: float | None, now: float) -> float | None:
    return None if at is None else round(now - at, 3)


def metrics(watches: Sequence[Watch], polls: Polls, process: Mapping[str, float], now: float) -> bytes:
    """Prometheus' text format (version 0.0.4)."""
    lines = [line for name, value in process.items() for line in _family(name, "gauge", [("", value)])]
    for name, kind, samples in _families(watches, polls, now):
        lines += _family(name, kind, samples)
    return ("\n".join(lines) + "\n").encode()


Samples = list["tuple[str, float]"]


def _families(watches: Sequence[Watch], polls: Polls, now: float) -> Iterable[tuple[str, str, Samples]]:
    yield (
        "upstream_state",
        "gauge",
        [
            (f'{{upstream="{one.upstream.label}",state="{state}"}}', float(one.state == state))
            for one in watches
            for state in STATES
        ],
    )
    yield (
        "upstream_endpoints",
        "gauge",
        [
            (f'{{upstream="{one.upstream.label}",health="{health}"}}', _count(one, health))
            for one in watches
            for health in (HEALTHY, DEGRADED)
        ],
    )
    yield "upstream_age_seconds", "gauge", _samples(watches, {one: _age(one.contact_at, now) for one in watches})
    yield "upstream_index", "gauge", _samples(watches, {one: one.schedule.index for one in watches})
    yield "upstream_skipped_instances", "gauge", _samples(watches, {one: one.skipped for one in watches})
    yield "upstream_foreign_instances", "gauge", _samples(watches, {one: len(one.foreign) for one in watches})
    for name in ("queries", "failures", "denials", "rewinds", "suspect_empties", "updates"):
        yield f"{name}_total", "counter", _samples(watches, {one: getattr(one.counts, name) for one in watches})
    yield "rejected_updates_total", "counter", _labelled(polls.rejected)
    yield "polls_held", "gauge", [("", polls.held)]
    yield "polls_unknown_total", "counter", [("", polls.unknown)]
    yield "polls_answered_total", "counter", [(f'{{status="{one}"}}', count) for one, count in polls.replies.items()]


def _count(watch: Watch, health: str) -> int:
    return sum(1 for one in watch.endpoints or () if one.health == health)


def _samples(watches: Sequence[Watch], values: Mapping[Watch, float | None]) -> Samples:
    known = [(one.upstream.label, values[one]) for one in watches]
    return _labelled({label: value for label, value in known if value is not None})


def _labelled(values: Mapping[str, float]) -> Samples:
    return [(f'{{upstream="{label}"}}', value) for label, value in values.items()]


def _family(name: str, kind: str, samples: Samples) -> list[str]:
    full = f"outrider_agent_{name}"
    return [f"# TYPE {full} {kind}", *(f"{full}{labels} {value:.17g}" for labels, value in samples)]
