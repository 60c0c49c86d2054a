"""The states of a watch, and why they are not ``current``, in words for people."""

from __future__ import annotations

from outrider_agent import judgements

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
    judgements.PUBLISH: CURRENT,
    judgements.CONFIRM: CONFIRMING,
    judgements.HOLD: HOLDING,
    judgements.WITNESS: HOLDING,
    judgements.OUTDATED: STALE,
    judgements.STILL_OUTDATED: STALE,
    judgements.SUSPECT: SUSPECT,
    judgements.FILTERED: DENIED,
    judgements.UNSHOWN: DENIED,
    judgements.UNCERTAIN: STARTING,
}
OUTDATED = "the answer knows less than one heard before: asking for a better one"
FORGOTTEN = "the list is empty, but Consul has forgotten every service: the last endpoints are kept"
REASONS = {
    judgements.PUBLISH: "",
    judgements.CONFIRM: "more than half of the instances vanished at once: reading again",
    judgements.HOLD: "no usable instance is listed: what was usable a moment ago is kept for a while",
    judgements.WITNESS: "the list is empty: asking whether Consul knows any other service",
    judgements.OUTDATED: OUTDATED,
    judgements.STILL_OUTDATED: OUTDATED,
    judgements.SUSPECT: "an empty list whose headers contradict it",
    judgements.FILTERED: "the token may not read this service (X-Consul-Results-Filtered-By-ACLs)",
    judgements.UNCERTAIN: "the list is empty: asking whether Consul shows this allocation's own registration",
}
