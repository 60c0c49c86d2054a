"""Differences of whole documents, place by place, and of bootstraps in the words of the mesh."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from outrider.envoy.outline import document, outline
from outrider.operations.answers.plan import Change
from outrider.operations.change.bootstraps import PLATFORMS, documents, in_places, in_words, without_bootstraps
from outrider.operations.change.structure import structural
from outrider.operations.drift import with_count

GOLDENS = Path(__file__).parents[2] / "features" / "goldens"


def places(before: Any, after: Any) -> list[tuple[str, str, Any, Any]]:
    return [(one.sign, one.path, one.before, one.after) for one in structural(before, after)]


def test_things_in_a_list_are_compared_by_name_whatever_their_order() -> None:
    old = {"clusters": [{"name": "a", "x": 1}, {"name": "b", "x": 1}]}
    new = {"clusters": [{"name": "b", "x": 1}, {"name": "c", "x": 1}, {"name": "a", "x": 2}]}
    assert places(old, new) == [
        ("+", "clusters[c]", None, {"name": "c", "x": 1}),
        ("~", "clusters[a].x", 1, 2),
    ]


def test_another_order_alone_is_a_difference() -> None:
    old, new = [{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}]
    (change,) = structural({"filters": old}, {"filters": new})
    assert (change.path, change.note) == ("filters", "another order")


def test_things_without_names_or_with_one_name_twice_go_by_their_place() -> None:
    assert places({"routes": [{"a": 1}, {"a": 2}]}, {"routes": [{"a": 1}, {"a": 3}]}) == [("~", "routes[1].a", 2, 3)]
    twice = [{"name": "a", "x": 1}, {"name": "a", "x": 2}]
    assert places({"l": twice}, {"l": [twice[0], {"name": "a", "x": 3}]}) == [("~", "l[1].x", 2, 3)]


def test_what_is_there_on_one_side_only_is_one_place() -> None:
    assert places({}, {"a": {"b": {"c": 1}}}) == [("+", "a", None, {"b": {"c": 1}})]
    assert places({"a": [{"name": "x"}]}, {"a": []}) == [("-", "a[x]", {"name": "x"}, None)]
    assert places({"a": 1}, {"a": 1}) == []


def template(example: str) -> str:
    job = json.loads((GOLDENS / example / "production" / "job.json").read_text())
    tasks = {task["Name"]: task for task in job["TaskGroups"][0]["Tasks"]}
    return next(one["EmbeddedTmpl"] for one in tasks["envoy"]["Templates"] if one["DestPath"].endswith("envoy.json"))


@pytest.mark.parametrize("example", ["http-service", "redis", "tcp", "grpc", "outside-upstream", "secrets-and-files"])
def test_a_bootstrap_as_a_job_carries_it_is_read_as_the_sampled_one(example: str) -> None:
    sampled = json.loads((GOLDENS / example / "production" / "bootstrap.json").read_text())
    assert outline(document(template(example))) == outline(sampled)


def test_expressions_are_read_where_they_stand_however_many_strings_are_around_them() -> None:
    many = ",".join(f'"{number}\\"{{}}{{{{"' for number in range(2_000))
    text = (
        '{"a":{{ if x }}{{ y "}" }}{{ end }},"b":['
        + many
        + '],"c":{"d":{"e":"{{ env `X` }}"}},"f":'
        + "[1," * 200
        + "{{ z }}"
    )
    found = document(text + "]" * 200 + "}")
    assert (found["a"], found["b"][7], found["c"]) == (
        '{{ if x }}{{ y "}" }}{{ end }}',
        '7"{}{{',
        {"d": {"e": "{{ env `X` }}"}},
    )
    assert str(found["f"]).count("{{ z }}") == 1


def test_the_knobs_are_read_back_from_envoys_own_document() -> None:
    found = outline(document(template("http-service")))
    assert {key: value for key, value in found.items() if key.startswith("upstreams.payments.")} == {
        "upstreams.payments.protocol": "http",
        "upstreams.payments.timeout": "800ms",
        "upstreams.payments.try_timeout": "400ms",
        "upstreams.payments.retries": 2,
        "upstreams.payments.limit": 100,
        "upstreams.payments.idle": "30s",
    }
    assert found["ingress.rate"] == 500
    assert found["tracing.collector"] == "zipkin.example:9411"


def test_redis_and_tcp_have_their_own_knobs_and_one_outside_its_address() -> None:
    tcp = outline(document(template("tcp")))
    assert (tcp["upstreams.ledger-archive.protocol"], tcp["upstreams.ledger-archive.retries"]) == ("tcp", 2)
    outside = outline(document(template("outside-upstream")))
    assert outside["upstreams.fx-rates.address"] == "fx.example.com:443"
    assert outline(document(template("http-service")))["upstreams.sessions.protocol"] == "redis"


def test_what_the_spec_changes_is_told_apart_from_what_the_platform_changes() -> None:
    old = template("http-service")
    new = old.replace('"timeout":"0.800s"', '"timeout":"0.300s"').replace('"timeout":"3s"', '"timeout":"4s"')
    assert new != old
    spec = [Change("~", "upstreams.payments.timeout", "800ms", "300ms")]
    found = {one.path: (one.before, one.after, one.note) for one in in_words(*documents(old, new), spec)}
    assert found["upstreams.payments.timeout"] == ("800ms", "300ms", "")
    assert found["upstreams.catalog.timeout"] == ("3s", "4s", PLATFORMS)


def test_equal_bootstraps_differ_in_nothing_and_a_new_one_is_one_place() -> None:
    old = template("tcp")
    nothing = documents(old, old)
    assert (nothing, in_words(*nothing, ()), in_places(*nothing)) == ((None, None), (), ())
    (whole,) = in_places(*documents(None, old))
    assert (whole.sign, whole.path) == ("+", "bootstrap")


def test_a_job_is_compared_without_the_texts_that_nobody_reads_there() -> None:
    job = json.loads((GOLDENS / "http-service" / "production" / "job.json").read_text())
    envoy = next(task for task in without_bootstraps(job)["TaskGroups"][0]["Tasks"] if task["Name"] == "envoy")
    (shown,) = [one["EmbeddedTmpl"] for one in envoy["Templates"] if one["DestPath"].endswith("envoy.json")]
    assert shown.startswith("(")
    assert "characters" in shown
    assert with_count(job, 7)["TaskGroups"][0]["Count"] == 7
    assert with_count(job, None) is job
