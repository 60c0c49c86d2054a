"""Endpoints that were usable until a moment ago: which ones, until when, and whether they are still registered."""

from __future__ import annotations

from collections.abc import Container, Iterable

from outrider_agent.endpoints import DEGRADED, Endpoint, Endpoints, Identity
from outrider_agent.listing import Listing


class Departed:
    """An endpoint as Envoy had it last; ``at`` is a clock reading: when it was usable, or in use, for the last time."""

    __slots__ = ("at", "endpoint", "is_gone")

    def __init__(self, endpoint: Endpoint, at: float, *, is_gone: bool) -> None:
        self.endpoint = endpoint
        self.at = at
        self.is_gone = is_gone  # deregistered; else still listed, and critical


class Departures:
    """What left one upstream's endpoints within ``window`` seconds; what somebody took out on purpose is not in it."""

    __slots__ = ("_ones", "_window")

    def __init__(self, window: float) -> None:
        self._window = window
        self._ones: dict[Identity, Departed] = {}

    @property
    def ones(self) -> list[Departed]:
        return list(self._ones.values())

    def recall(self, ones: Iterable[Departed]) -> None:
        """Start from what a predecessor had noted."""
        self._ones = {one.endpoint.identity: one for one in ones}

    def note(self, endpoints: Endpoints, kept: Container[Identity], listing: Listing, now: float) -> None:
        """Look at what Envoy has beside a new list. What ``kept`` names is critical for longer than this answer."""
        for one in endpoints:
            self._look_at(one, listing, now, is_kept=one.identity in kept)
        current = {one.identity for one in endpoints}
        since = now - self._window
        found = self._ones.items()
        self._ones = {
            who: self._updated(one, listing)
            for who, one in found
            if (one.at >= since or who in current) and who not in listing.usable and who not in listing.maintenance
        }

    def recent(self, now: float) -> list[Endpoint]:
        """Those that are no longer registered, and were usable within the window."""
        return [one.endpoint for one in self._ones.values() if one.is_gone and one.at >= now - self._window]

    def turned_critical_since(self, identity: Identity, since: float) -> bool:
        """Whether it is registered all the time, and was usable at ``since`` or later."""
        found = self._ones.get(identity)
        return found is not None and not found.is_gone and found.at >= since

    def clear(self) -> None:
        self._ones = {}

    def _look_at(self, one: Endpoint, listing: Listing, now: float, *, is_kept: bool) -> None:
        known = self._ones.get(one.identity)
        if one.identity in listing.critical:
            if not is_kept:
                self._ones[one.identity] = Departed(degraded(one), now, is_gone=False)
        elif not listing.includes(one.identity) and (known is None or not known.is_gone):
            self._ones[one.identity] = Departed(one, now, is_gone=True)

    def _updated(self, one: Departed, listing: Listing) -> Departed:
        one.is_gone = one.is_gone or not listing.includes(one.endpoint.identity)
        return one


def degraded(endpoint: Endpoint) -> Endpoint:
    """The same, where its checks were critical when it was seen last: Envoy prefers others."""
    found = Endpoint(endpoint.address, endpoint.port, DEGRADED, endpoint.weight)
    found.is_canary = endpoint.is_canary
    found.version = endpoint.version
    return found
