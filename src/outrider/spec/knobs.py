"""Which settings of an upstream each protocol understands."""

from __future__ import annotations

from collections.abc import Iterator

from outrider.spec.mistakes import Mistake
from outrider.spec.upstream import Upstream

HTTP_KNOBS = frozenset({"timeout", "retries", "limit", "stream", "keep_alive"})
KNOBS: dict[str, frozenset[str]] = {
    "http": HTTP_KNOBS,
    "http2": HTTP_KNOBS,
    "grpc": HTTP_KNOBS,
    "tcp": frozenset({"retries", "limit"}),
    "redis": frozenset({"timeout", "password"}),
}


def without_effect(name: str, upstream: Upstream, protocol: str) -> Iterator[Mistake]:
    """A finding for each setting that means nothing for the protocol: an error is better than a silence."""
    known = KNOBS[protocol]
    for knob in settings_used(upstream):
        if knob not in known:
            message = f"has no effect: {name} speaks {protocol}, which knows {listed(known)}; remove it"
            yield Mistake(("upstreams", name, knob), message, of_key=True)


def settings_used(upstream: Upstream) -> tuple[str, ...]:
    """The settings that the upstream has, in the order of the model."""
    used = {key: getattr(upstream, key) for key in ("timeout", "retries", "limit", "stream", "keep_alive", "password")}
    return tuple(key for key, value in used.items() if value is not None and value is not False)


def listed(words: frozenset[str]) -> str:
    """``limit and retries``."""
    *front, last = sorted(words)
    return f"{', '.join(front)} and {last}" if front else last
