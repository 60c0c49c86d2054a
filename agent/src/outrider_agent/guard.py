"""What may be published of an answer: floors, confirmations and hold-downs between Consul's list and Envoy's."""

from __future__ import annotations

from collections.abc import Sequence

from outrider_agent.endpoints import Endpoint, Endpoints, Identity, endpoint, sorted_endpoints
from outrider_agent.instances import CRITICAL, Instance
from outrider_agent.rules import Limits

PUBLISH = "publish"
CONFIRM = "confirm"  # published, but what is gone stays until a second read says so too
HOLD = "hold"  # nothing published: the list is empty, and may be so by mistake
WITNESS = "witness"  # the hold-down is over: does Consul still know any other service?


class Judgement:
    """``endpoints`` are to be published; ``recheck`` is in how many seconds to read again (None: when it changes)."""

    __slots__ = ("endpoints", "kind", "recheck")

    def __init__(self, kind: str, endpoints: Endpoints, recheck: float | None = None) -> None:
        self.kind = kind
        self.endpoints = endpoints
        self.recheck = recheck


class Guard:
    """Judges one upstream's lists, one after the other; ``endpoints`` is None until something is known."""

    __slots__ = (
        "_empty_since",
        "_is_confirming",
        "_is_witnessed",
        "_kept",
        "_limits",
        "_lost_at",
        "_usable_at",
        "endpoints",
        "is_doubted",
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.endpoints: Endpoints | None = None
        self._usable_at: dict[Identity, float] = {}
        self._kept: set[Identity] = set()
        self._is_confirming = False
        self._empty_since: float | None = None
        self._lost_at: float | None = None
        self._is_witnessed = False
        self.is_doubted = False  # Consul had forgotten every service when it was asked last

    def restore(self, endpoints: Endpoints, now: float) -> None:
        """Start from a snapshot: what it lists was usable until now."""
        self.endpoints = endpoints
        self._usable_at = {one.identity: now for one in endpoints}

    def judge(self, instances: Sequence[Instance], now: float) -> Judgement:
        """Judge a list that came with a good answer; the caller has looked at its headers already."""
        self._remember(instances, now)
        self._kept = {
            one.identity for one in kept_critical(instances, self._known_critical(instances, now), self._limits)
        }
        wanted = [endpoint(one) for one in instances if one.is_usable or one.identity in self._kept]
        if not wanted and self.endpoints:
            return self._empty(now)
        self._empty_since = None
        self.is_doubted = False
        return self._shrunk(sorted_endpoints(wanted), instances)

    def interrupt(self) -> None:
        """Consul failed or contradicted itself: what was to be confirmed or to persist starts anew."""
        self._is_confirming = False
        self._empty_since = None
        self._is_witnessed = False

    def believe_empty(self) -> None:
        """Consul knows other services, so it has not just forgotten everything."""
        self._is_witnessed = True
        self.is_doubted = False

    def doubt_empty(self, now: float) -> None:
        """Consul knows no other service: it has lost its data, and the hold-down starts anew."""
        self._empty_since = now
        self.lose(now)
        self._is_witnessed = False
        self.is_doubted = True

    def lose(self, now: float) -> None:
        """Consul has started anew: services come back node by node, so that others are there says little for a while."""
        self._lost_at = now

    def _remember(self, instances: Sequence[Instance], now: float) -> None:
        """What was usable at the last answer was so until now, however long that is ago."""
        registered = {one.identity for one in instances}
        for one in self.endpoints or ():
            if one.identity not in self._kept:
                self._usable_at[one.identity] = now
        self._usable_at = {one: at for one, at in self._usable_at.items() if one in registered}

    def _known_critical(self, instances: Sequence[Instance], now: float) -> list[Instance]:
        """Critical, but usable a moment ago or kept already; one that has never been usable is just starting."""
        since = now - self._limits.usable_window
        return [
            one
            for one in instances
            if one.health == CRITICAL
            and (one.identity in self._kept or self._usable_at.get(one.identity, since - 1) >= since)
        ]

    def _empty(self, now: float) -> Judgement:
        kept = self.endpoints or ()
        if self._empty_since is None:
            self._empty_since = now
        left = self._held_until(self._empty_since) - now
        if left > 0:
            return Judgement(HOLD, kept, left)
        if not self._is_witnessed:
            return Judgement(WITNESS, kept, 0.0)
        self.endpoints = ()
        self._empty_since = None
        self._is_witnessed = False
        return Judgement(PUBLISH, ())

    def _held_until(self, empty_since: float) -> float:
        until = empty_since + self._limits.empty_hold
        return until if self._lost_at is None else max(until, self._lost_at + self._limits.restored_hold)

    def _shrunk(self, wanted: Endpoints, instances: Sequence[Instance]) -> Judgement:
        """More than half deregistered at once wants a second read; what is new is published either way."""
        gone = deregistered(self.endpoints or (), instances)
        needs_confirmation = len(gone) > self._limits.floor * len(self.endpoints or ())
        self._is_confirming = bool(gone) and needs_confirmation and not self._is_confirming
        if self._is_confirming:
            self.endpoints = sorted_endpoints([*wanted, *gone])
            return Judgement(CONFIRM, self.endpoints, self._limits.confirm_pause)
        self.endpoints = wanted
        return Judgement(PUBLISH, wanted)


def deregistered(endpoints: Endpoints, instances: Sequence[Instance]) -> list[Endpoint]:
    """Endpoints whose instance is gone or in maintenance."""
    registered = {one.identity for one in instances if one.is_usable or one.health == CRITICAL}
    return [one for one in endpoints if one.identity not in registered]


def kept_critical(instances: Sequence[Instance], known: list[Instance], limits: Limits) -> list[Instance]:
    """Those that stay although they are critical: all known ones where fewer than the floor would be left.

    So a restarting Consul agent, which reports every check critical, takes nothing away (hashicorp/consul#2323).
    They are sent as DEGRADED, and Envoy prefers the healthy ones.
    """
    usable = sum(1 for one in instances if one.is_usable)
    return [] if usable >= limits.floor * (usable + len(known)) else known
