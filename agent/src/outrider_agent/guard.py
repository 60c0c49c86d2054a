"""What may be published of an answer: floors, confirmations and hold-downs between Consul's list and Envoy's."""

from __future__ import annotations

from collections.abc import Sequence

from outrider_agent.critical_stays import CriticalStays
from outrider_agent.departures import Departures
from outrider_agent.endpoints import Endpoint, Endpoints, Identity, endpoint, sorted_endpoints
from outrider_agent.handover import Handover
from outrider_agent.instances import Instance
from outrider_agent.listing import Listing
from outrider_agent.rules import Limits

PUBLISH = "publish"
CONFIRM = "confirm"  # published, but what is gone stays until a second read says so too
HOLD = "hold"  # nothing usable is listed, which may be so by mistake: what was usable a moment ago is served
WITNESS = "witness"  # the hold-down is over: does Consul still know any other service?

# Doubts, which keep a list away from the guard and leave everything as it is.
OUTDATED = "outdated"  # the list knows less than one heard before
STILL_OUTDATED = "still outdated"  # and so did the one before it
SUSPECT = "suspect"  # an empty list, and its headers contradict it
FILTERED = "filtered"  # an empty list, and its headers say that the token hid something
UNSHOWN = "unshown"  # an empty list, to an agent that is not shown its own registration either
UNCERTAIN = "uncertain"  # an empty list, and Consul is still to be asked for the own registration
DENIALS = (FILTERED, UNSHOWN)
DOUBTS = (OUTDATED, STILL_OUTDATED, SUSPECT, UNCERTAIN, *DENIALS)


class Judgement:
    """``endpoints`` are what Envoy shall have; ``recheck`` is in how many seconds to read again (None: when it changes)."""

    __slots__ = ("endpoints", "kind", "recheck")

    def __init__(self, kind: str, endpoints: Endpoints, recheck: float | None = None) -> None:
        self.kind = kind
        self.endpoints = endpoints
        self.recheck = recheck


class Guard:
    """Judges one upstream's lists, one after the other; ``endpoints`` is None until something is known.

    ``is_guarded``: an address that another service has taken over refuses what is meant for this one (421), so that it
    does no harm to try it. TCP and Redis have nothing like that.
    """

    __slots__ = (
        "_departures",
        "_empty_since",
        "_is_confirming",
        "_is_guarded",
        "_is_witnessed",
        "_limits",
        "_lost_at",
        "_stays",
        "endpoints",
        "is_doubted",
    )

    def __init__(self, limits: Limits, *, is_guarded: bool = True) -> None:
        self._limits = limits
        self._is_guarded = is_guarded
        self.endpoints: Endpoints | None = None
        self._departures = Departures(limits.empty_hold)
        self._stays = CriticalStays(limits.critical_stay)
        self._is_confirming = False
        self._empty_since: float | None = None
        self._lost_at: float | None = None
        self._is_witnessed = False
        self.is_doubted = False  # Consul had forgotten every service when it was asked last

    def restore(self, endpoints: Endpoints, handover: Handover) -> None:
        """Start from a snapshot: what it lists was usable until now."""
        self.endpoints = endpoints
        self._departures.recall(handover.departed)
        self._stays.recall(handover.spent)
        self._empty_since = handover.empty_since
        self._lost_at = handover.lost_at

    def remember(self, handover: Handover) -> None:
        """Fill in what a successor must know."""
        handover.departed = self._departures.ones
        handover.spent = self._stays.spent
        handover.empty_since = self._empty_since
        handover.lost_at = self._lost_at

    def judge(self, instances: Sequence[Instance], now: float) -> Judgement:
        """Judge a list that came with a good answer; the caller has looked at its headers already."""
        listing = Listing(instances)
        self._departures.note(self.endpoints or (), self._stays, listing, now)
        self._stays.tick(now, has_healthy=bool(listing.usable))
        known = self._known_critical(instances, listing, now)
        self._stays.keep([one.identity for one in kept_critical(instances, known, self._limits)])
        wanted = [endpoint(one) for one in instances if one.is_usable or one.identity in self._stays]
        held = [] if listing.usable else self._held(listing, now)
        if held:
            return self._hold(wanted, held, now, is_empty=not instances)
        self._persist()
        return self._shrunk(sorted_endpoints(wanted), listing)

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

    def _persist(self) -> None:
        """Something usable is listed, or nothing is left to hold: a hold-down is over."""
        self._empty_since = None
        self._is_witnessed = False
        self.is_doubted = False

    def _known_critical(self, instances: Sequence[Instance], listing: Listing, now: float) -> list[Instance]:
        """Critical, but usable a moment ago or kept already; one that has never been usable is just starting."""
        since = now - self._limits.usable_window
        return [one for one in instances if one.identity in listing.critical and self._is_known(one.identity, since)]

    def _is_known(self, identity: Identity, since: float) -> bool:
        if identity in self._stays:
            return not self._stays.is_over(identity)
        return self._departures.turned_critical_since(identity, since)

    def _held(self, listing: Listing, now: float) -> list[Endpoint]:
        """What may stay although it is not listed: all that was usable within the hold-down where that does no harm."""
        found = {one.identity: one for one in (self._departures.recent(now) if self._is_guarded else ())}
        found.update((one.identity, one) for one in self.endpoints or ())
        return [one for who, one in found.items() if not listing.includes(who)]

    def _hold(self, wanted: list[Endpoint], held: list[Endpoint], now: float, *, is_empty: bool) -> Judgement:
        """Where critical instances are still listed Consul knows the service, and no witness is needed."""
        self._is_confirming = False
        if self._empty_since is None:
            self._empty_since = now
        self.endpoints = sorted_endpoints([*wanted, *held])
        left = self._held_until(self._empty_since) - now
        if left > 0:
            return Judgement(HOLD, self.endpoints, left)
        if is_empty and not self._is_witnessed:
            return Judgement(WITNESS, self.endpoints, 0.0)
        self._persist()
        self._departures.clear()
        self.endpoints = sorted_endpoints(wanted)
        return Judgement(PUBLISH, self.endpoints, self._stays.next_end)

    def _held_until(self, empty_since: float) -> float:
        until = empty_since + (self._limits.empty_hold if self._is_guarded else self._limits.unguarded_hold)
        return until if self._lost_at is None else max(until, self._lost_at + self._limits.empty_hold)

    def _shrunk(self, wanted: Endpoints, listing: Listing) -> Judgement:
        """More than half deregistered at once wants a second read; what is new is published either way."""
        gone = deregistered(self.endpoints or (), listing)
        needs_confirmation = len(gone) > self._limits.floor * len(self.endpoints or ())
        self._is_confirming = bool(gone) and needs_confirmation and not self._is_confirming
        if self._is_confirming:
            self.endpoints = sorted_endpoints([*wanted, *gone])
            return Judgement(CONFIRM, self.endpoints, self._limits.confirm_pause)
        self.endpoints = wanted
        return Judgement(PUBLISH, wanted, self._stays.next_end)


def deregistered(endpoints: Endpoints, listing: Listing) -> list[Endpoint]:
    """Endpoints whose instance is gone or in maintenance."""
    return [one for one in endpoints if one.identity not in listing.usable and one.identity not in listing.critical]


def kept_critical(instances: Sequence[Instance], known: list[Instance], limits: Limits) -> list[Instance]:
    """Those that stay although they are critical: all known ones where fewer than the floor would be left.

    So a restarting Consul agent, which reports every check critical, takes nothing away (hashicorp/consul#2323).
    They are sent as DEGRADED, and Envoy prefers the healthy ones.
    """
    usable = sum(1 for one in instances if one.is_usable)
    return [] if usable >= limits.floor * (usable + len(known)) else known
