"""Any spec that can be read renders: always the same, complete, and without two things under one name or port."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.topologies import resolved

from outrider.envoy.bootstrap import bootstrap
from outrider.envoy.document import sampled, template
from outrider.nomad.write.hcl import hcl
from outrider.nomad.write.job import job
from outrider.spec.sidecar import SYSTEM_ROOTS
from outrider.topology.ports import Slot
from outrider.topology.topology import Topology

Json = dict[str, Any]
SLOT = re.compile(r"\{\{ env `(\w+)` \}\}")
NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
TIMES = st.integers(1, 90_000).map(lambda number: f"{number}ms")
HTTP = st.fixed_dictionaries(
    {"protocol": st.sampled_from(["http", "http2", "grpc"])},
    optional={"timeout": TIMES, "retries": st.integers(0, 10), "limit": st.integers(1, 100_000)},
)
STREAM = st.fixed_dictionaries({"protocol": st.sampled_from(["http", "grpc"]), "stream": st.just(True)})
OUTSIDE = st.fixed_dictionaries(
    {"address": st.sampled_from(["fx.example:443", "10.0.0.1:80", "[::1]:443"]), "tls": st.booleans()},
    optional={"protocol": st.sampled_from(["http2", "tcp", "redis"])},
)
TCP = st.fixed_dictionaries({"protocol": st.just("tcp")}, optional={"limit": st.integers(1, 9)})
REDIS = st.fixed_dictionaries({"protocol": st.just("redis")}, optional={"timeout": TIMES})
CHECKS = st.sampled_from(
    [{"http": "/healthz"}, {"http": "/a?b=c", "method": "HEAD"}, {"tcp": True}, {"script": ["/bin/check"]}]
)
SERVICES = st.fixed_dictionaries(
    {"service": NAMES},
    optional={
        "port": st.integers(1, 18_999),
        "protocol": st.sampled_from(["http", "http2"]),
        "upstreams": st.dictionaries(NAMES.map("to-{}".format), HTTP | STREAM | OUTSIDE | TCP | REDIS, max_size=5),
        "checks": st.lists(CHECKS, max_size=3),
        "ingress": st.fixed_dictionaries({"rate": st.integers(1, 1_000_000), "static": st.integers(20_000, 20_009)}),
        "env": st.dictionaries(
            st.from_regex(r"X[A-Z_]{0,5}", fullmatch=True),
            st.text(max_size=10).map(lambda s: s.replace("\0", "")),
            max_size=3,
        ),
        "count": st.integers(0, 5),
        "team": st.just("money"),
    },
)
WORKERS = st.fixed_dictionaries(
    {"service": NAMES, "port": st.just("none")}, optional={"upstreams": st.just({"to-a": {}})}
)
PLATFORMS = st.sampled_from(
    [
        {},
        {"driver": "docker"},
        {"driver": "docker", "network": {"mode": "host"}},
        {"driver": "exec", "network": {"mode": "bridge"}},
        {"sidecar": {"transport": "loopback"}, "tracing": {"collector": "https://zipkin.example"}},
    ]
)
TOPOLOGIES = st.builds(resolved, SERVICES | WORKERS, PLATFORMS)


def slots(value: Any) -> dict[str, Any]:
    """Every slot in a document with its sample."""
    if isinstance(value, Slot):
        return {value.variable: value.sample}
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return {name: sample for item in items for name, sample in slots(item).items()}


def as_text(value: Any) -> Any:
    """Numbers as text, as protobuf's JSON reads them alike."""
    if isinstance(value, dict):
        return {key: as_text(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_text(item) for item in value]
    return value if isinstance(value, bool) else str(value)


def _with_files_of_the_node(value: Any) -> Any:
    """CA roots lie on the node: validation has a sample in their place, the node their file."""
    if isinstance(value, dict):
        named = {key: _with_files_of_the_node(item) for key, item in value.items()}
        return {**named, "trusted_ca": {"filename": SYSTEM_ROOTS}} if "trusted_ca" in named else named
    return [_with_files_of_the_node(item) for item in value] if isinstance(value, list) else value


@given(TOPOLOGIES)
def test_the_template_renders_to_what_envoy_validated(topology: Topology) -> None:
    document = bootstrap(topology)
    known = slots(document)
    rendered = SLOT.sub(lambda found: str(known[found[1]]), template(document))
    assert as_text(json.loads(rendered)) == as_text(_with_files_of_the_node(sampled(document)))


@given(TOPOLOGIES)
def test_listeners_clusters_and_ports_bear_names_of_their_own(topology: Topology) -> None:
    resources = sampled(bootstrap(topology))["static_resources"]
    for items in (resources["listeners"], resources["clusters"]):
        assert len({item["name"] for item in items}) == len(items)
    places = [json.dumps(item["address"]) for item in resources["listeners"]]
    assert len(set(places)) == len(places)
    labels = [booking.label for booking in topology.ports.bookings]
    assert len(set(labels)) == len(labels)


@given(SERVICES, PLATFORMS, st.randoms())
def test_the_order_in_which_a_file_says_things_changes_nothing(spec: Json, environment: Json, random: Any) -> None:
    def shuffled(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        keys = list(value)
        random.shuffle(keys)
        return {key: shuffled(value[key]) for key in keys}

    def rendered(written: Json) -> str:
        made = resolved(written, environment)
        return json.dumps(job(made, template(bootstrap(made))))

    assert rendered(spec) == rendered(shuffled(spec))


@given(TOPOLOGIES)
def test_a_job_is_plain_json_and_can_be_said_in_hcl(topology: Topology) -> None:
    made = job(topology, template(bootstrap(topology)))
    assert json.loads(json.dumps(made)) == made
    assert hcl(made).startswith(f'job "{topology.service}" {{\n')
