"""Errors: the same status and the same words as the real Consul, since clients and people read them."""

from __future__ import annotations

from typing import Any

import pytest
from support.consul_calls import ConsulCalls

REGISTER = "/v1/agent/service/register"
CHECK = "/v1/agent/check/register"
UNKNOWN = "Request decode failed: json: unknown field"
NOT_A_SERVICE = (
    "Request decode failed: json: cannot unmarshal array into Go value of type struct { EnableTagOverrideSnake bool "
    '"json:\\"enable_tag_override\\""; TaggedAddressesSnake map[string]structs.ServiceAddress '
    '"json:\\"tagged_addresses\\""; *structs.Alias }'
)
INTERVAL = "Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks"
TTL = "Invalid check: TTL must be > 0 for TTL checks"
PAIR = "Invalid Service Meta: Couldn't load metadata pair"
REFUSED: list[tuple[str, Any, int, str]] = [
    (REGISTER, {}, 400, "Missing service name"),
    (REGISTER, "", 400, "Request decode failed: EOF"),
    (REGISTER, '{"Name": ', 400, "Request decode failed: unexpected EOF"),
    (REGISTER, [], 400, NOT_A_SERVICE),
    (REGISTER, {"Name": "v", "Bogus": 1}, 400, f'{UNKNOWN} "Bogus"'),
    (REGISTER, {"Name": "v", "Check": {"ID": "x", "TTL": "1s"}}, 400, f'{UNKNOWN} "ID"'),
    (
        REGISTER,
        {"Name": "v", "Port": "12"},
        400,
        "Request decode failed: json: cannot unmarshal string into Go struct field .Port of type int",
    ),
    (
        REGISTER,
        {"Name": "v", "Meta": {"a": 1}},
        400,
        "Request decode failed: json: cannot unmarshal number into Go struct field .Meta of type string",
    ),
    (REGISTER, {"Name": "v", "Weights": {"Passing": 0}}, 400, "Invalid Weights: Passing must be greater than 0"),
    (REGISTER, {"Name": "v", "Address": "0.0.0.0"}, 400, "Invalid service address"),
    (
        REGISTER,
        {"Name": "v", "Meta": {f"k{number}": "x" for number in range(65)}},
        400,
        "Invalid Service Meta: Node metadata cannot contain more than 64 key/value pairs",
    ),
    (
        REGISTER,
        {"Name": "v", "Meta": {"a": "ü" * 257}},
        400,
        f"{PAIR} ('a', '{'ü' * 257}'): Value is too long (limit: 512 characters)",
    ),
    (
        REGISTER,
        {"Name": "v", "Meta": {"k" * 129: "x"}},
        400,
        f"{PAIR} ('{'k' * 129}', 'x'): Key is too long (limit: 128 characters)",
    ),
    (REGISTER, {"Name": "v", "Meta": {"": "x"}}, 400, f"{PAIR} ('', 'x'): Key cannot be blank"),
    (
        REGISTER,
        {"Name": "v", "Meta": {"consul-x": "x"}},
        400,
        f"{PAIR} ('consul-x', 'x'): Key prefix 'consul-' is reserved for internal use",
    ),
    (
        REGISTER,
        {"Name": "v", "Meta": {"a b": "x"}},
        400,
        "Invalid Service Meta: Couldn't load metadata pair ('a b', 'x'): Key contains invalid characters",
    ),
    (REGISTER, {"Name": "v", "Check": {"TTL": "x"}}, 400, 'Request decode failed: time: invalid duration "x"'),
    (REGISTER, {"Name": "v", "Check": {"TTL": "-1s"}}, 400, TTL),
    (REGISTER, {"Name": "v", "Check": {"Notes": "n"}}, 400, TTL),
    (REGISTER, {"Name": "v", "Check": {"Args": ["true"]}}, 400, INTERVAL),
    (REGISTER, {"Name": "v", "Check": {"TCP": "127.0.0.1:1", "Interval": "0s"}}, 400, INTERVAL),
    (
        REGISTER,
        {"Name": "v", "Check": {"HTTP": "http://127.0.0.1:1", "Interval": "1s", "TTL": "2s"}},
        400,
        "Invalid check: Interval and TTL cannot both be specified",
    ),
    (
        REGISTER,
        {"Name": "v", "Check": {"TTL": "1s", "Status": "weird"}},
        400,
        "Status for checks must 'passing', 'warning', 'critical'",
    ),
    (CHECK, {"TTL": "4s"}, 400, "Missing check name"),
    (CHECK, {"Name": "x", "TTL": "4s", "ServiceID": "none"}, 500, 'ServiceID "none" does not exist'),
    (CHECK, {"Name": "x", "TTL": "4s", "Status": "bad"}, 400, "Bad check status"),
    ("/v1/agent/check/update/none", {"Status": "passing"}, 500, 'CheckID "none" does not have associated TTL'),
    ("/v1/agent/check/update/none", {"Status": "maybe"}, 400, "Invalid check status: 'maybe'"),
    ("/v1/agent/service/deregister/", None, 500, "ServiceID missing"),
    ("/v1/agent/service/maintenance/none?enable=true", None, 404, 'No service registered with ID "none"'),
    ("/v1/agent/service/maintenance/none", None, 400, "Missing value for enable"),
    ("/v1/agent/service/maintenance/none?enable=x", None, 400, 'Invalid value for enable: "x"'),
    ("/v1/agent/maintenance", None, 400, "Missing value for enable"),
    ("/v1/catalog/register", {"Node": "x"}, 500, "Must provide address if SkipNodeUpdate is not set"),
    ("/v1/catalog/register", {"Address": "x"}, 500, "Must provide node"),
    (
        "/v1/catalog/register",
        {"Node": "y", "Address": "1.1.1.1", "Check": {"Name": "x", "ServiceID": "none"}},
        500,
        'failed inserting check: Missing service registration on node "y"',
    ),
    ("/v1/catalog/register", {"Node": "y", "Address": "1.1.1.1", "Datacenter": "mars"}, 500, "No path to datacenter"),
    ("/v1/catalog/deregister", {}, 500, "Must provide node"),
    ("/v1/kv/", "x", 400, "Missing key name"),
    ("/v1/health/service/web", None, 405, "method PUT not allowed"),
]
UNREADABLE = [
    ("/v1/health/service/", 400, "Missing service name"),
    ("/v1/health/state/", 400, "Missing check state"),
    ("/v1/health/node/", 400, "Missing node name"),
    ("/v1/health/service/web?index=-1", 400, "Invalid index"),
    ("/v1/health/service/web?wait=5", 400, "Invalid wait time"),
    ("/v1/health/service/web?passing=x", 400, "Invalid value for ?passing"),
    (
        "/v1/health/service/web?stale&consistent",
        400,
        "Cannot specify ?stale with ?consistent, conflicting semantics.",
    ),
    (
        "/v1/health/service/web?cached&consistent",
        400,
        "Cannot specify ?cached with ?consistent, conflicting semantics.",
    ),
    ("/v1/catalog/services?dc=mars", 500, "No path to datacenter"),
    ("/v1/kv/x?dc=mars", 500, "No path to datacenter"),
    ("/v1/kv/x?index=abc", 400, "Invalid index"),
    ("/v1/agent/service/none", 404, "unknown service ID: none"),
    ("/v1/agent/check/pass/x", 405, "method GET not allowed"),
    ("/v1/agent/health/service/id/", 500, "Bad request: Missing serviceID"),
    ("/v1/nothing", 404, ""),
]
UNKNOWN_SELECTOR = 'Failed to create boolean expression evaluator: Selector "Service.Bogus" is not valid'
WRONG_OPERATOR = (
    'Failed to create boolean expression evaluator: Invalid match operator "Equal" for selector "Service.Tags"'
)


async def test_what_cannot_be_written_is_refused_in_consuls_words(consul: ConsulCalls) -> None:
    for path, body, status, text in REFUSED:
        answer = await consul.put(path, body)
        assert (path, body, answer.status_code, answer.text) == (path, body, status, text)


async def test_what_cannot_be_read_is_refused_in_consuls_words(consul: ConsulCalls) -> None:
    for path, status, text in UNREADABLE:
        answer = await consul.get(path)
        assert (path, answer.status_code, answer.text) == (path, status, text)


@pytest.mark.parametrize(
    ("filter_", "text"),
    [("Service.Bogus==1", UNKNOWN_SELECTOR), ("Service.Tags==x", WRONG_OPERATOR)],
)
async def test_a_filter_on_what_is_not_there_is_refused(consul: ConsulCalls, filter_: str, text: str) -> None:
    await consul.register("web", Port=1)
    answer = await consul.get(f"/v1/health/service/web?filter={filter_}")
    assert (answer.status_code, answer.text) == (500, text)


async def test_what_is_unknown_is_an_empty_answer_and_no_error(consul: ConsulCalls) -> None:
    for path, empty in (
        ("/v1/health/service/none", []),
        ("/v1/health/checks/none", []),
        ("/v1/health/node/none", []),
        ("/v1/health/state/weird", []),
        ("/v1/catalog/service/none", []),
        ("/v1/catalog/node/none", None),
    ):
        answer = await consul.get(path)
        assert (path, answer.status_code, answer.json()) == (path, 200, empty)
    for path in ("/v1/agent/service/deregister/none", "/v1/agent/check/deregister/none"):
        assert (await consul.put(path)).status_code == 200
    assert (await consul.put("/v1/catalog/deregister", {"Node": "none"})).json() is True
