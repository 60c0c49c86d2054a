"""Polls as Envoy sends them, and answers as it reads them."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from outrider_agent.discovery import TYPE_URL, Answer, UnreadableError, question, whole_question
from outrider_agent.endpoints import DEGRADED, Endpoint, sorted_endpoints

EXTENSIONS = [
    {"name": f"envoy.filters.http.number_{number}", "category": "envoy.filters.http"} for number in range(500)
]
NODE = {"id": "alloc-1", "cluster": "shop", "extensions": EXTENSIONS, "metadata": {"version_info": "not this"}}


def poll(version: str | None, label: str = "payments", **more: Any) -> bytes:
    """A body in Envoy's own order and form."""
    first = {} if version is None else {"version_info": version}
    document = {**first, "node": NODE, "resource_names": [label], "type_url": TYPE_URL, **more}
    return json.dumps(document, separators=(",", ":")).encode()


def ends(body: bytes) -> tuple[bytes, bytes]:
    return body[:2048], body[-2048:]


@pytest.mark.parametrize(("version", "asked"), [(None, ""), ("abc", "abc"), ("", "")])
def test_the_two_ends_of_a_poll_say_what_it_asks(version: str | None, asked: str) -> None:
    body = poll(version, "catalog@eu")
    found = question(*ends(body))
    assert len(body) > 30_000
    assert (found.label, found.version) == ("catalog@eu", asked)


def test_a_nonce_after_the_names_does_not_matter() -> None:
    assert question(*ends(poll("7", response_nonce="n"))).label == "payments"


@pytest.mark.parametrize(
    "body",
    [
        b'{"type_url":"x","node":{},"resource_names":["a"]}',
        b'{"version_info":"7',
        b'{"version_info":"\\u0037","node":{},"resource_names":["a"]}',
        b'{"node":{},"resource_names":["a","b"]}',
        b'{"node":{},"resource_names":[]}',
        b'{"node":{}}',
        b'{ "node": {}, "resource_names": [ "a" ] }',
        b"",
    ],
)
def test_ends_in_another_form_are_not_guessed_at(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        question(*ends(body))


def test_a_whole_body_is_read_in_any_form() -> None:
    body = json.dumps({"type_url": TYPE_URL, "resource_names": ["a"], "version_info": "7"}, indent=2).encode()
    found = whole_question(body)
    assert (found.label, found.version) == ("a", "7")
    assert whole_question(b'{"resource_names":["a"]}').version == ""


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"resource_names":["a","b"]}', b'{"resource_names":[1]}', b"\xff", b"[" * 99_999]
)
def test_what_is_no_poll_for_one_resource_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        whole_question(body)


def test_an_answer_is_a_load_assignment_that_envoy_takes() -> None:
    canary = Endpoint("10.0.0.5", 21001, weight=3)
    canary.is_canary = True
    canary.version = "abc"
    answer = Answer("payments", (canary, Endpoint("fd00::6", 21007, DEGRADED)))
    assert json.loads(answer.body) == {
        "version_info": answer.version,
        "type_url": TYPE_URL,
        "resources": [
            {
                "@type": TYPE_URL,
                "cluster_name": "payments",
                "endpoints": [
                    {
                        "lb_endpoints": [
                            {
                                "endpoint": {
                                    "address": {"socket_address": {"address": "10.0.0.5", "port_value": 21001}}
                                },
                                "load_balancing_weight": 3,
                                "metadata": {"filter_metadata": {"envoy.lb": {"canary": True, "version": "abc"}}},
                            },
                            {
                                "endpoint": {
                                    "address": {"socket_address": {"address": "fd00::6", "port_value": 21007}}
                                },
                                "health_status": "DEGRADED",
                                "metadata": {"filter_metadata": {"envoy.lb": {"canary": False}}},
                            },
                        ]
                    }
                ],
            }
        ],
    }


def test_no_endpoints_are_a_load_assignment_without_any() -> None:
    """B04: an empty list of resources would empty nothing."""
    (resource,) = json.loads(Answer("payments", ()).body)["resources"]
    assert resource == {"@type": TYPE_URL, "cluster_name": "payments", "endpoints": []}


def test_the_version_changes_with_the_content_and_only_then() -> None:
    """B05: shuffle the same set a hundred times."""
    endpoints = [Endpoint(f"10.0.0.{number}", 80) for number in range(20)]
    shuffled = random.Random(1)
    versions: set[str] = set()
    for _ in range(100):
        shuffled.shuffle(endpoints)
        versions.add(Answer("a", sorted_endpoints(endpoints)).version)
    assert len(versions) == 1
    assert Answer("a", sorted_endpoints(endpoints[1:])).version not in versions
    assert Answer("b", sorted_endpoints(endpoints)).version not in versions
