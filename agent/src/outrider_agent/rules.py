"""The rules for Consul's answers as tables and pure functions: which to believe, and what to ask next.

Sources: Consul's documentation of blocking queries (hashicorp/consul PR 5358) and the cases named beside each rule.
"""

from __future__ import annotations

from outrider_agent.responses import Headers, is_number

DENIALS = (400, 403, 404)
NO_LEADER = "Consul knows no leader"
NO_INDEX = "the answer has no X-Consul-Index"
OK = 200


class Limits:
    """Every number of the rules, in seconds unless said otherwise."""

    __slots__ = (
        "back_off_first",
        "back_off_longest",
        "better_pause",
        "better_wait",
        "burst",
        "confirm_pause",
        "critical_stay",
        "denied_longest",
        "denied_shortest",
        "disagreed_wait",
        "disagreed_window",
        "empty_hold",
        "floor",
        "index_zero_pause",
        "longest_margin",
        "oldest_contact",
        "rate",
        "read_margin",
        "refresh",
        "unchanged_pause",
        "unchanged_streak",
        "unguarded_hold",
        "usable_window",
        "wait",
    )

    def __init__(self) -> None:
        self.wait = 55.0  # bounds the loss when a wake-up never comes (hashicorp/consul#1961)
        self.read_margin = 5.0  # beside wait and Consul's own jitter of wait/16 (hashicorp/consul#8504)
        self.longest_margin = 20.0
        self.refresh = 300.0  # a read without index, should blocking ones be stuck (hashicorp/consul#8980)
        self.empty_hold = 45.0  # longer than Nomad's 30 s between two looks at what Consul should have
        self.unguarded_hold = 10.0  # where an address that changed hands would be believed
        self.critical_stay = 60.0  # beside a healthy one; longer than a Consul agent needs to run its checks again
        self.better_wait = 5.0  # for an answer of a server that knows more
        self.better_pause = 0.3  # between two reads meanwhile, on average
        self.disagreed_wait = 15.0  # the same once servers have been seen to disagree
        self.disagreed_window = 60.0
        self.confirm_pause = 0.1
        self.floor = 0.5  # share of known instances; Envoy's own panic threshold
        self.usable_window = 30.0  # turned critical within this counts as one step
        self.oldest_contact = 5.0
        self.burst = 10.0  # queries
        self.rate = 10.0  # queries a second
        self.unchanged_streak = 10  # quick answers without news, after which the pause applies
        self.unchanged_pause = 0.8  # a change is still seen in less than a second
        self.index_zero_pause = 1.0
        self.back_off_first = 0.5
        self.back_off_longest = 30.0
        self.denied_shortest = 10.0
        self.denied_longest = 60.0


def is_denial(status: int) -> bool:
    """A person must act: the token, the datacenter or the namespace is wrong; any other status is Consul's trouble."""
    return status in DENIALS


def knows_leader(headers: Headers) -> bool:
    """An answer given while no leader is known is no answer."""
    return headers.get("x-consul-knownleader", "true").lower() == "true"


def index_of(headers: Headers) -> int | None:
    """None where the header is missing or no number: whoever answered is no Consul, or a broken one."""
    text = headers.get("x-consul-index", "")
    return int(text) if is_number(text) else None


def next_index(found: int) -> int:
    """0 counts as 1, for 0 would not block at all."""
    return max(found, 1)


def is_filtered(headers: Headers) -> bool:
    """Consul from 1.11 on says when a token hid something; before, filtered and truly empty look the same."""
    return headers.get("x-consul-results-filtered-by-acls", "false").lower() == "true"


def is_in_touch(headers: Headers, limits: Limits) -> bool:
    """Whether the server that answered has spoken to its leader a moment ago; a leader itself says 0."""
    contact = headers.get("x-consul-lastcontact", "0")
    return is_number(contact) and int(contact) <= limits.oldest_contact * 1000


def is_empty_trusted(previous: int, headers: Headers, limits: Limits) -> bool:
    """Whether an empty list may start a hold-down (hashicorp/consul#20790, #16539, consul-template#1131)."""
    index = index_of(headers) or 0
    return index > 0 and index >= previous and is_in_touch(headers, limits) and not is_filtered(headers)


def read_deadline(wait: float, limits: Limits, failures: int = 0) -> float:
    """Seconds after which a blocking read is given up; Consul adds up to wait/16 of jitter.

    After failures the margin grows: a Consul that is merely slow would else spend its time on answers that nobody
    waits for any more, as soon as some hundred agents ask it.
    """
    return wait + wait / 16 + min(limits.read_margin * 2 ** min(failures, 30), limits.longest_margin)
