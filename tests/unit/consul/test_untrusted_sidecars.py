"""What Consul says of a sidecar, and what answers there, is not trusted: addresses, reports and counters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic_core import to_jsonable_python

from outrider.consul.metrics_address import UntrustedAddressError, instance_name, metrics_address
from outrider.telemetry.exposition import samples
from outrider.telemetry.report import UnreadableReportError, report
from outrider.telemetry.traffic import counters, edges


def entry(metrics: Any, address: str = "10.0.0.1", node: str = "10.0.0.9") -> dict[str, Any]:
    service = {"ID": "one", "Address": address, "Meta": {"outrider_metrics": metrics}}
    return {"Node": {"Address": node}, "Service": service}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (entry("10.0.0.1:9001"), "10.0.0.1:9001"),
        (entry("10.0.0.9:9001"), "10.0.0.9:9001"),
        (entry("10.0.0.9:65535", address=""), "10.0.0.9:65535"),
        (entry("127.0.0.1:9001", "127.0.0.1", "127.0.0.1"), "127.0.0.1:9001"),
        (entry("[fd00::1]:9001", "fd00:0::1"), "[fd00::1]:9001"),
        (entry(""), ""),
        ({"Node": {}, "Service": {"Meta": None}}, ""),
        ({}, ""),
    ],
)
def test_the_metrics_address_is_host_and_port_of_the_instance_or_its_node(found: dict[str, Any], expected: str) -> None:
    assert metrics_address(found) == expected


@pytest.mark.parametrize(
    "found",
    [
        entry("10.0.0.2:9001"),
        entry("10.0.0.1:9001/admin"),
        entry("10.0.0.1:9001?x"),
        entry("10.0.0.1:9001#x"),
        entry("kim:secret@10.0.0.1:9001"),
        entry("http://10.0.0.1:9001"),
        entry("10.0.0.1:9001\n"),
        entry("10.0.0.1"),
        entry("10.0.0.1:0"),
        entry("10.0.0.1:65536"),
        entry("10.0.0.1:٩٠٠١"),
        entry("localhost:80", "localhost"),
        entry("169.254.169.254:80", "169.254.169.254", "169.254.169.254"),
        entry("127.0.0.1:4646", "127.0.0.1"),
        entry("[::1]:4646", "::1"),
        entry("[::ffff:127.0.0.1]:4646", "::ffff:127.0.0.1"),
        entry("0.0.0.0:80", "0.0.0.0"),
        entry("224.0.0.1:80", "224.0.0.1"),
        entry(["10.0.0.1:9001"]),
        entry(5),
    ],
)
def test_any_other_metrics_address_is_refused_and_never_echoed(found: dict[str, Any]) -> None:
    with pytest.raises(UntrustedAddressError) as refused:
        metrics_address(found)
    assert str(found["Service"]["Meta"]["outrider_metrics"]) not in str(refused.value)


def test_an_instances_name_is_short_and_plain() -> None:
    assert instance_name({"Service": {"ID": "a\x1b[31m\u202e" + "b" * 500}}) == "a?[31m?" + "b" * 113


GOOD = {
    "state": "current",
    "reason": "",
    "index": 7,
    "age_seconds": 0.5,
    "changed_seconds": None,
    "version": "ab12",
    "endpoints": [
        {"address": "10.0.0.1", "port": 80, "health": "HEALTHY", "weight": 1, "canary": False, "version": "1"}
    ],
    "envoy": {
        "accepted_version": "ab12",
        "is_current": True,
        "rejected_updates": 0,
        "endpoints": [{"address": "10.0.0.1:80", "health": "healthy"}],
    },
}


def test_a_report_is_read_as_the_agent_writes_it() -> None:
    document = {"upstreams": {"payments": GOOD}}
    assert to_jsonable_python(report(json.dumps(document).encode())) == document


def test_what_a_report_holds_beyond_the_agents_keys_is_left_out_and_its_words_are_plain() -> None:
    found = report(
        json.dumps({"upstreams": {"pay": GOOD | {"more": 1, "reason": "a\x1b[2J" + "b" * 999}}, "x": 1}).encode()
    )
    assert to_jsonable_python(found.upstreams["pay"]).keys() == GOOD.keys()
    assert found.upstreams["pay"].reason == "a?[2J" + "b" * 495


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"[" * 100_000,
        b'{"upstreams": []}',
        b'{"upstreams": {"<script>": {}}}',
        b'{"upstreams": {"pay": {"state": NaN}}}',
        json.dumps({"upstreams": {"pay": GOOD | {"state": "\x1b[31m"}}}).encode(),
        json.dumps({"upstreams": {"pay": GOOD | {"state": "\ud800"}}}).encode(),
        json.dumps({"upstreams": {"pay": GOOD | {"index": "7"}}}).encode(),
        json.dumps({"upstreams": {"pay": GOOD | {"index": 7.5}}}).encode(),
        json.dumps({"upstreams": {"pay": GOOD | {"index": True}}}).encode(),
        json.dumps({"upstreams": {"pay": GOOD}}).replace("0.5", "1e999").encode(),
        json.dumps({"upstreams": {"pay": GOOD}}).replace("0.5", "9" * 400).encode(),
        json.dumps({"upstreams": {"pay": GOOD}}).replace("0.5", "9" * 5000).encode(),
        json.dumps({"upstreams": {"pay": GOOD}}).replace("0.5", "NaN").encode(),
        json.dumps({"upstreams": {"pay": GOOD | {"endpoints": [{}] * 10_001}}}).encode(),
        json.dumps(
            {"upstreams": {"pay": GOOD | {"endpoints": [{"address": "a b\u202e", "port": 1, "health": "x"}]}}}
        ).encode(),
        b'{"upstreams": {"pay": 5}}',
        b"\xff\xfe",
    ],
)
def test_an_answer_that_is_no_report_is_one_error_that_does_not_repeat_it(answer: bytes) -> None:
    with pytest.raises(UnreadableReportError, match=r"^answered with something that is no report of an agent$"):
        report(answer)


def test_numbers_that_are_none_do_not_count() -> None:
    text = "a NaN\na +Inf\na -Inf\na 1e308\na 7\na 1_0x\n"
    assert [one.value for one in samples(text)] == [7.0]


def line(name: str, value: str, **labels: str) -> str:
    given = ",".join(f'{key}="{text}"' for key, text in labels.items())
    return f"{name}{{{given}}} {value}\n"


def test_upstreams_and_buckets_that_no_sidecar_of_ours_has_are_left_out() -> None:
    prefix = "envoy_http_conn_manager_prefix"
    text = line("envoy_http_downstream_rq_total", "5", **{prefix: "egress_pay"})
    text += line("envoy_http_downstream_rq_total", "5", **{prefix: "egress_<b>x</b>"})
    text += line("envoy_http_downstream_rq_total", "5", **{prefix: "egress_PAY\\n"})
    for bound in ("nonsense", "NaN", "-Inf"):
        text += line("envoy_http_downstream_rq_time_bucket", "5", le=bound, **{prefix: "egress_pay"})
    text += line("envoy_http_downstream_rq_time_bucket", "5", **{prefix: "egress_pay"})
    text += line("envoy_http_downstream_rq_xx", "1", envoy_response_code_class="2", **{prefix: "egress_pay"})
    text += line("envoy_http_downstream_rq_xx", "-9", envoy_response_code_class="5", **{prefix: "egress_pay"})
    (edge,) = edges("shop", [counters(samples(text))], 1.0)
    assert (edge.target, edge.requests_per_second, edge.p50_ms) == ("pay", 5.0, None)
    assert 0 <= edge.error_share <= 1


def test_buckets_count_where_they_are_numbers() -> None:
    prefix = "envoy_http_conn_manager_prefix"
    text = line("envoy_http_downstream_rq_time_bucket", "5", le="10", **{prefix: "egress_pay"})
    text += line("envoy_http_downstream_rq_time_bucket", "5", le="+Inf", **{prefix: "egress_pay"})
    (edge,) = edges("shop", [counters(samples(text))], 1.0)
    assert edge.p50_ms == pytest.approx(5.0)
