"""The states of a watch, and why they are not ``current``, in words for people."""

from __future__ import annotations

from outrider_agent import guard

STARTING = "starting"  # nothing is known
SNAPSHOT = "snapshot"  # from disk, and Consul has not answered yet
CURRENT = "current"
CONFIRMING = "confirming"  # many instances vanished: a second read is on its way
STALE = "stale"  # the answer is older than one before, or contradicts it: a better one may come
HOLDING = "holding"  # nothing usable is listed: what was usable a moment ago is served for a while
SUSPECT = "suspect"  # the list is empty, and its headers say that this is wrong
DENIED = "denied"  # Consul refuses the question
FAILING = "failing"  # Consul does not answer
STATES = (STARTING, SNAPSHOT, CURRENT, CONFIRMING, STALE, HOLDING, SUSPECT, DENIED, FAILING)

STATES_OF = {
    guard.PUBLISH: CURRENT,
    guard.CONFIRM: CONFIRMING,
    guard.HOLD: HOLDING,
    guard.WITNESS: HOLDING,
    guard.OUTDATED: STALE,
    guard.STILL_OUTDATED: STALE,
    guard.SUSPECT: SUSPECT,
    guard.FILTERED: DENIED,
    guard.UNSHOWN: DENIED,
    guard.UNCERTAIN: STARTING,
}
OUTDATED = "the answer knows less than one heard before: asking for a better one"
FORGOTTEN = "the list is empty, but Consul has forgotten every service: the last endpoints are kept"
REASONS = {
    guard.PUBLISH: "",
    guard.CONFIRM: "more than half of the instances vanished at once: reading again",
    guard.HOLD: "no usable instance is listed: what was usable a moment ago is kept for a while",
    guard.WITNESS: "the list is empty: asking whether Consul knows any other service",
    guard.OUTDATED: OUTDATED,
    guard.STILL_OUTDATED: OUTDATED,
    guard.SUSPECT: "an empty list whose headers contradict it",
    guard.FILTERED: "the token may not read this service (X-Consul-Results-Filtered-By-ACLs)",
    guard.UNCERTAIN: "the list is empty: asking whether Consul shows this allocation's own registration",
}
