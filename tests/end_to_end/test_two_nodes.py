"""Two nodes with addresses of their own: requests cross between them through two sidecars, and nothing else does."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
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
CALLS = "upstreams: {inventory: {protocol: http, timeout: 20s}}"
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
