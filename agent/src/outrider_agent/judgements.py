"""What may come of a good answer: kinds of judgement, of which a doubt leaves everything as it is."""

from __future__ import annotations

from outrider_agent.endpoints import Endpoints

PUBLISH = "publish"
CONFIRM = "confirm"  # published, but what is gone stays until a second read says so too
HOLD = "hold"  # nothing usable is listed, which may be so by mistake: what was usable a moment ago is served
WITNESS = "witness"  # the hold-down is over: does Consul still know any other service?

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
