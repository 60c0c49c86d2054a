"""Two nodes with addresses of their own: requests cross between them through two sidecars, and nothing else does."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from outrider_harness.waiting import eventually
from support.steady_load import steady_load
from support.two_nodes import RemoteNode, two_nodes

APP = Path(__file__).parents[1] / "support" / "echo_app.py"
SPEC = """
service: {service}
run: {{command: [{python}, {app}]}}
protocol: http
{upstreams}
checks: [{{http: /, interval: 1s, timeout: 5s}}]
env: {{FLAVOUR: "{service} on {node}"}}
update: {{min_healthy_time: 0s, healthy_deadline: 60s}}
stop: {{delay: 2s}}
"""
CALLS = "upstreams: {inventory: {protocol: http}}"
OPEN = {"ingress", "metrics"}
METRICS = ("/stats/prometheus", "/agent/metrics", "/agent/endpoints", "/health")
NOT_METRICS = (
    "/",
    "/stats",
    "/ready",
    "/clusters",
    "/listeners",
    "/memory",
    "/config_dump",
    "/quitquitquit",
    "/healthcheck/fail",
    "/agent/health",
    "/v3/discovery:endpoints",
    "/stats/prometheus/../../quitquitquit",
)

RATE, TIMEOUT_MS = 200.0, 5_000
KNOWN_S, LOST_S = 3.0, 12.0
UNTIL_IT_RESTS_S = 3.0
"""Half a second as measured, until five connections in a row have failed; the rest is for a slow machine."""

pytestmark = pytest.mark.needs("ip")
Nodes = tuple[RemoteNode, RemoteNode]


@pytest.fixture(scope="module", params=["unix", "loopback"])
def nodes(
    request: pytest.FixtureRequest, program: object, envoy_bin: str, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Nodes]:
    """An instance of the callee and one of the caller on each of two nodes."""
    assert callable(program)
    directory = tmp_path_factory.mktemp("nodes")
    with two_nodes(directory, str(program("ip")), envoy_bin, request.param) as both:
        for service, upstreams in (("inventory", ""), ("catalog", CALLS)):
            for node in both:
                node.tell("deploy", spec(service, node.name, upstreams))
            outcomes = [node.heard() for node in both]
            assert all(outcome.startswith("successful") for outcome in outcomes), outcomes
        yield both


def spec(service: str, node: str, upstreams: str) -> str:
    return SPEC.format(service=service, node=node, upstreams=upstreams, python=sys.executable, app=APP)


def other_ways(nodes: Nodes) -> Iterator[tuple[RemoteNode, RemoteNode, str, dict[str, int]]]:
    """Each instance with its ports, and the node that is not its own."""
    first, second = nodes
    for here, there in ((first, second), (second, first)):
        for service in ("inventory", "catalog"):
            yield here, there, service, there("ports", service)


def test_callers_on_both_nodes_reach_the_instances_on_both(nodes: Nodes) -> None:
    for node in nodes:
        egress = f"http://127.0.0.1:{node('ports', 'catalog')['egress_inventory']}/"
        answers = [tuple(node("get", "GET", egress)) for _ in range(40)]
        assert set(answers) == {(200, "inventory on node-1"), (200, "inventory on node-2")}


def test_the_registry_names_the_address_of_the_node_for_requests_checks_and_scrapers(nodes: Nodes) -> None:
    first, _ = nodes
    for node in nodes:
        metrics = node("ports", "catalog")["metrics"]
        edges = first("get", "GET", f"http://{node.address}:{metrics}/agent/endpoints")[1]
        assert all(f'"{known.address}"' in edges for known in nodes)
    instances = first("instances", "catalog")
    assert {one["address"] for one in instances} == {node.address for node in nodes}
    assert {one["metrics"].rpartition(":")[0] for one in instances} == {node.address for node in nodes}
    assert {one["checks"] for one in instances} == {"passing"}


def test_e18_egress_app_admin_and_agent_cannot_be_reached_from_the_other_node(nodes: Nodes) -> None:
    for here, there, service, ports in other_ways(nodes):
        seen = {label: here("connect", there.address, port) for label, port in ports.items()}
        assert seen == {label: "open" if label in OPEN else "ECONNREFUSED" for label in ports}, service


def test_e18_nothing_else_of_an_allocation_listens_where_the_other_node_could_reach_it(nodes: Nodes) -> None:
    for node in nodes:
        booked = [node("ports", service) for service in ("inventory", "catalog")]
        servers = node("servers")
        reachable = {place for place in node("listeners") if not place.startswith("127.")} - set(servers)
        assert reachable == {f"{node.address}:{ports[label]}" for ports in booked for label in OPEN}
        assert node("sockets") == []


def test_e18_the_metrics_listener_has_its_four_paths_and_no_other(nodes: Nodes) -> None:
    for here, there, service, ports in other_ways(nodes):
        place = f"http://{there.address}:{ports['metrics']}"
        here("until", f"{place}/health", 200)
        found = {path: here("get", "GET", place + path)[0] for path in (*METRICS, *NOT_METRICS)}
        assert found == dict.fromkeys(METRICS, 200) | dict.fromkeys(NOT_METRICS, 404), service
        posted = {here("get", "POST", place + path)[0] for path in (*METRICS, *NOT_METRICS)}
        assert posted == {404}, service


def test_d16_a_node_lost_without_a_word_costs_posts_under_way_and_nothing_that_comes_later(nodes: Nodes) -> None:
    """Requests on kept connections wait for their timeout (a GET for half of it, and goes elsewhere); those that have to
    connect fail after half a second, go elsewhere whatever their method, and have the instance rest."""
    first, second = nodes
    egress = first("ports", "catalog")["egress_inventory"]
    with steady_load(egress, RATE, within(first)) as account:
        time.sleep(KNOWN_S)
        lost = time.monotonic()
        cut(first, "down")
        try:
            time.sleep(LOST_S)
            names_found = {tuple(first("get", "GET", f"http://127.0.0.1:{egress}/")) for _ in range(20)}
        finally:
            cut(first, "up")
    assert names_found == {(200, "inventory on node-1")}
    assert {failure["method"] for failure in account.failed.values()} <= {"POST"}
    assert [failure for failure in account.failed.values() if failure["started"] > lost + UNTIL_IT_RESTS_S] == []
    assert account.summary["slowest_ms"] < 2 * TIMEOUT_MS
    for node in (first, second):
        theirs = f"http://127.0.0.1:{node('ports', 'catalog')['egress_inventory']}/"
        for name in ("node-1", "node-2"):
            eventually(lambda: tuple(node("get", "GET", theirs)) == (200, f"inventory on {name}"), 60, 0.1)  # noqa: B023


def cut(node: RemoteNode, state: str) -> None:
    """Take the node's wire down, or bring it up again: the other node is gone without a word."""
    subprocess.run([*within(node), "ip", "link", "set", "wire", state], check=True)


def within(node: RemoteNode) -> list[str]:
    return ["nsenter", "-t", str(node.process.pid), "-n"]
