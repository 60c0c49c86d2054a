"""The content hash: the same for what runs the same, another for what does not."""

from __future__ import annotations

import pytest
from support.topologies import platform, resolved, service

from outrider.topology.resolve import topology
from outrider.topology.sidecar import Artifact, CarriedAgent

SPEC = {"upstreams": {"payments": {}}, "env": {"A": "1"}}


@pytest.mark.parametrize(
    "change",
    [
        {"count": 5},
        {"team": "money"},
        {"description": "Other."},
        {"links": {"wiki": "https://wiki.example"}},
        {"consul": {"tags": ["blue"], "meta": {"tier": "1"}}},
        {"update": {"max_parallel": 2}},
    ],
)
def test_what_restarts_nobody_leaves_the_hash_alone(change: dict[str, object]) -> None:
    assert resolved(SPEC | change).version_hash == resolved(SPEC).version_hash


@pytest.mark.parametrize(
    "change",
    [
        {"env": {"A": "2"}},
        {"run": {"command": ["app", "--fast"]}},
        {"port": 8080},
        {"protocol": "http2"},
        {"upstreams": {"payments": {"timeout": "1s"}}},
        {"resources": {"cpu": 200}},
        {"stop": {"timeout": "30s"}},
    ],
)
def test_what_runs_differently_has_another_hash(change: dict[str, object]) -> None:
    assert resolved(SPEC | change).version_hash != resolved(SPEC).version_hash


def test_a_default_of_the_operators_and_the_callees_protocol_count_where_they_have_effect() -> None:
    slower = resolved(SPEC, {"defaults": {"timeout": "9s"}}).version_hash
    assert slower != resolved(SPEC).version_hash
    assert resolved({}, {"defaults": {"timeout": "9s"}}).version_hash == resolved({}).version_hash
    assert resolved(SPEC, payments="grpc").version_hash != resolved(SPEC).version_hash


def test_bytes_count_and_the_address_they_come_from_does_not() -> None:
    def version(url: str, digit: str) -> str:
        return topology(
            service(), platform(), "test", protocols={}, directory=Artifact(f"http://{url}/x", digit * 64)
        ).version_hash

    assert version("a.example", "1") == version("b.example", "1")
    assert version("a.example", "1") != version("a.example", "2")


def test_an_agents_sources_count_and_what_packed_them_does_not() -> None:
    def version(packed: str, digit: str) -> str:
        agent = CarriedAgent(serve=packed, gate=packed, sha256=digit * 64)
        return topology(service(), platform(), "test", protocols={}, agent=agent).version_hash

    assert version("AAAA", "1") == version("BBBB", "1")
    assert version("AAAA", "1") != version("AAAA", "2")


def test_the_order_of_keys_in_the_file_means_nothing() -> None:
    one = {"env": {"A": "1", "B": "2"}, "upstreams": {"x": {}, "y": {}}}
    other = {"upstreams": {"y": {}, "x": {}}, "env": {"B": "2", "A": "1"}}
    assert resolved(one).version_hash == resolved(other).version_hash


def test_a_patch_counts_for_the_services_that_name_it_and_for_nobody_else() -> None:
    def patches(timeout: str) -> dict[str, object]:
        return {"patches": {"slow": {"merge": {"static_resources": {"x": timeout}}}}}

    chosen = {"patches": ["slow"]}
    assert resolved({}, patches("1s")).version_hash == resolved({}).version_hash
    assert resolved(chosen, patches("1s")).version_hash != resolved({}).version_hash
    assert resolved(chosen, patches("1s")).version_hash != resolved(chosen, patches("2s")).version_hash


def test_the_roots_count_where_tls_is_spoken() -> None:
    elsewhere = {"sidecar": {"ca_roots": "/etc/pki/tls/certs/ca-bundle.crt"}}
    outside = {"upstreams": {"fx": {"address": "fx.example:443", "tls": True}}}
    spans = {"tracing": {"collector": "https://zipkin.example"}}
    assert resolved(SPEC, elsewhere).version_hash == resolved(SPEC).version_hash
    assert resolved(outside, elsewhere).version_hash != resolved(outside).version_hash
    assert resolved(SPEC, elsewhere | spans).version_hash != resolved(SPEC, spans).version_hash


def test_the_encoding_of_spans_counts() -> None:
    def version(encoding: str) -> str:
        return resolved(SPEC, {"tracing": {"collector": "http://zipkin.example", "encoding": encoding}}).version_hash

    assert version("json") != version("protobuf")
