"""The gate: open when traffic can flow, else closed with a reason that a person can act on."""

from __future__ import annotations

import json

import pytest
from outrider_agent import settings as names
from outrider_agent.addresses import Address
from outrider_agent.readiness import TELL_AFTER, Said, ask, closed_reason, open_reason
from outrider_agent.settings import Settings, settings

LIVE = Said(200, "LIVE\n")


def found() -> Settings:
    return settings(
        {
            names.LISTEN: "unix:agent.sock",
            names.ENVOY_ADMIN: "unix:admin.sock",
            names.UPSTREAMS: "payments",
        },
        needs_envoy=True,
    )


def health(state: str, reason: str = "", label: str = "payments") -> Said:
    is_ready = state not in ("starting", "failing", "denied")
    return Said(200 if is_ready else 503, json.dumps({"upstreams": {label: {"state": state, "reason": reason}}}))


def reason(agent: Said, envoy: Said) -> str:
    return closed_reason(found(), lambda address, _path: agent if "agent" in address.path else envoy)


@pytest.mark.parametrize("state", ["current", "snapshot", "holding", "confirming"])
def test_the_gate_is_open_when_envoy_is_live_and_every_upstream_is_known(state: str) -> None:
    assert reason(health(state), LIVE) == ""


@pytest.mark.parametrize(
    ("agent", "envoy", "words"),
    [
        (Said(0, "no such file or directory"), LIVE, "the agent does not answer at unix:agent.sock: no such file"),
        (Said(200, "<html>"), LIVE, "is not the agent"),
        (health("current", label="catalog"), LIVE, "does not watch payments"),
        (health("failing", "connection refused"), LIVE, "nothing is known of upstream payments: connection refused"),
        (health("starting"), LIVE, "Consul has not answered yet"),
        (health("denied", "Consul answers 403"), LIVE, "Consul answers 403"),
        (health("current"), Said(0, "connection refused"), "its port may be taken or its configuration refused"),
        (health("current"), Said(503, "PRE_INITIALIZING\n"), "Envoy is PRE_INITIALIZING, not LIVE"),
        (health("current"), Said(503, ""), "Envoy is 503, not LIVE"),
    ],
)
def test_a_closed_gate_says_why(agent: Said, envoy: Said, words: str) -> None:
    assert words in reason(agent, envoy)


def test_all_reasons_are_given_at_once() -> None:
    assert len(reason(Said(0, "x"), Said(0, "y")).splitlines()) == 2


def test_the_gate_gives_up_after_its_patience_and_opens_as_soon_as_it_can() -> None:
    answers = iter([Said(0, "not yet"), health("current")])
    assert open_reason(found(), lambda address, _path: next(answers) if "agent" in address.path else LIVE) == ""
    assert "not yet" in open_reason(found(), lambda *_: Said(0, "not yet"), timeout=0.0)


def test_upstreams_that_are_unknown_for_the_same_reason_share_a_line() -> None:
    both = {label: {"state": "denied", "reason": "no rights"} for label in ("payments", "catalog")}
    more = {"fx": {"state": "failing", "reason": "refused"}, "known": {"state": "current", "reason": "a remark"}}
    said = Said(503, json.dumps({"upstreams": both | more}))
    assert reason(said, LIVE).splitlines() == [
        "nothing is known of upstream payments, catalog: no rights",
        "nothing is known of upstream fx: refused",
    ]


def test_a_gate_that_waits_tells_a_reason_once_and_only_after_some_seconds() -> None:
    told: list[tuple[float, str]] = []
    closed = health("denied", "no rights")
    answer = open_reason(
        found(),
        lambda address, _path: closed if "agent" in address.path else LIVE,
        timeout=TELL_AFTER + 1.0,
        tell=lambda seconds, words: told.append((seconds, words)),
    )
    assert [words for _, words in told] == [answer]
    assert told[0][0] >= TELL_AFTER


def test_an_address_where_nobody_listens_is_a_reason() -> None:
    assert ask(Address(path="/nowhere/agent.sock"), "/health").body == "no such file or directory"
