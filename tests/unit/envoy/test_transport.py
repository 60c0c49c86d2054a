"""TLS towards services outside: verified by a file of the node, validated without it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.topologies import resolved

from outrider.clients.envoy import envoy_binary
from outrider.envoy.bootstrap import bootstrap
from outrider.envoy.document import sampled, template
from outrider.settings import Sourced

ROOTS = "/nowhere/on/this/machine.pem"
SPEC = {"upstreams": {"fx": {"address": "fx.example:443", "tls": True}}}


def verified(document: dict[str, Any]) -> dict[str, Any]:
    cluster = next(one for one in document["static_resources"]["clusters"] if one["name"] == "fx")
    return cluster["transport_socket"]["typed_config"]["common_tls_context"]["validation_context"]


def test_envoy_reads_the_roots_of_its_node() -> None:
    made = bootstrap(resolved(SPEC, {"sidecar": {"ca_roots": ROOTS}}))
    assert f'"trusted_ca":{{"filename":{json.dumps(ROOTS)}}}' in template(made)
    assert "BEGIN CERTIFICATE" not in template(made)


@pytest.mark.needs("envoy")
async def test_a_machine_without_the_file_validates_all_the_same(envoy_bin: str) -> None:
    spans = {"tracing": {"collector": "https://zipkin.example"}, "sidecar": {"ca_roots": ROOTS}}
    made = sampled(bootstrap(resolved(SPEC, spans)))
    assert verified(made)["trusted_ca"]["inline_string"].startswith("-----BEGIN CERTIFICATE-----")
    assert await envoy_binary(Sourced(envoy_bin, "a test")).validate(made) == ()


@pytest.mark.parametrize(("protocol", "offered"), [("http", ["http/1.1"]), ("http2", ["h2"]), ("grpc", ["h2"])])
def test_a_server_is_offered_the_one_protocol_that_is_spoken_to_it(protocol: str, offered: list[str]) -> None:
    upstream = {"address": "fx.example:443", "tls": True, "protocol": protocol}
    made = bootstrap(resolved({"upstreams": {"fx": upstream}}))
    cluster = next(one for one in made["static_resources"]["clusters"] if one["name"] == "fx")
    assert cluster["transport_socket"]["typed_config"]["common_tls_context"]["alpn_protocols"] == offered
