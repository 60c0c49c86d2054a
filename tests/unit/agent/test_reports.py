"""What the agent says of itself."""

from __future__ import annotations

import json
import re

from outrider_agent import reports
from outrider_agent.discovery import Answer
from outrider_agent.documents import rendered
from outrider_agent.instances import Instance
from outrider_agent.polls import Polls
from outrider_agent.rules import Limits
from outrider_agent.settings import Upstream
from outrider_agent.watch import Watch

SAMPLE = re.compile(r'outrider_agent_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?\d+(\.\d+)?(e[+-]\d+)?')


def watch(label: str) -> Watch:
    return Watch(Upstream(label), Limits(), lambda: 0.5, lambda _: None)


def known(label: str) -> Watch:
    found = watch(label)
    found.query(10.0)
    found.answered({"x-consul-index": "7"}, [Instance("10.0.0.1", 80), Instance("10.0.0.2", 80, "warning")], 10.0)
    return found


def test_health_is_starting_until_every_upstream_has_something_to_serve() -> None:
    is_ready, document = reports.health([known("payments"), watch("catalog")])
    assert (is_ready, document["status"]) == (False, "starting")


def test_health_is_ok_when_all_is_current_and_degraded_when_something_is_kept() -> None:
    kept = known("payments")
    assert reports.health([kept])[1]["status"] == "ok"
    kept.query(11.0)
    kept.failed("connection refused", 11.0)
    is_ready, document = reports.health([kept])
    assert (is_ready, document["status"]) == (True, "degraded")
    assert document["upstreams"] == {"payments": {"state": "failing", "reason": "connection refused"}}


def test_an_agent_without_upstreams_is_ready() -> None:
    assert reports.health([]) == (True, {"status": "ok", "upstreams": {}})


def test_endpoints_show_both_sides_with_ages() -> None:
    found = known("payments")
    found.skipped = 2
    polls = Polls(["payments"])
    polls.publish("payments", Answer("payments", found.endpoints or ()), 10.0)
    view = {"payments": {"10.0.0.1:80": "healthy"}}
    document = reports.endpoints([found], polls, view, 12.5)
    upstream = json.loads(rendered(document))["upstreams"]["payments"]
    assert (upstream["age_seconds"], upstream["index"], len(upstream["endpoints"])) == (2.5, 7, 2)
    assert upstream["envoy"]["endpoints"] == [{"address": "10.0.0.1:80", "health": "healthy"}]
    assert upstream["envoy"]["is_current"] is False
    assert "2 instances" in upstream["reason"]


def test_endpoints_of_an_unknown_upstream_are_null_and_not_empty() -> None:
    document = reports.endpoints([watch("payments")], Polls(["payments"]), {}, 1.0)
    upstream = json.loads(rendered(document))["upstreams"]["payments"]
    assert (upstream["endpoints"], upstream["version"], upstream["age_seconds"]) == (None, None, None)
    assert upstream["envoy"]["endpoints"] is None


def test_metrics_are_prometheus_text() -> None:
    page = reports.metrics(
        [known("payments"), watch("catalog")], Polls(["payments", "catalog"]), {"cpu_seconds": 0.1}, 12.0
    )
    lines = page.decode().splitlines()
    assert all(line.startswith("# TYPE outrider_agent_") or SAMPLE.fullmatch(line) for line in lines)
    assert 'outrider_agent_upstream_endpoints{upstream="payments",health="DEGRADED"} 1' in lines
    assert 'outrider_agent_upstream_age_seconds{upstream="payments"} 2' in lines
    assert len(lines) == len(set(lines))


def test_an_empty_list_that_is_believed_says_what_it_may_hide() -> None:
    empty = watch("absent")
    empty.query(10.0)
    empty.answered({"x-consul-index": "7"}, [], 10.0)
    assert reports.health([empty]) == (
        True,
        {"status": "ok", "upstreams": {"absent": {"state": "current", "reason": reports.EMPTY}}},
    )
    assert reports.reason(known("payments")) == ""
    assert reports.reason(watch("starting")) == ""


def test_other_services_instances_are_counted_and_named() -> None:
    found = known("payments")
    found.foreign = ["Payments", "Payments", "PAYMENTS\n"]
    assert reports.reason(found) == "3 instances are of 'PAYMENTS\\n', 'Payments': Consul's names ignore case"
    found.foreign = [f"paymentS{number}" for number in range(9)]
    assert reports.reason(found).endswith("'paymentS2', others: Consul's names ignore case")
    page = reports.metrics([found], Polls(["payments"]), {}, 12.0).decode()
    assert 'outrider_agent_upstream_foreign_instances{upstream="payments"} 9\n' in page
