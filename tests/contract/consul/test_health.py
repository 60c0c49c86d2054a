"""What health and the agent say of instances: checks run, statuses, maintenance, selection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from urllib.parse import quote

import pytest
from support.consul_calls import ConsulCalls
from support.grpc_health import grpc_health

TTL = {"CheckID": "web:ttl", "Name": "ttl", "TTL": "1h"}


@contextlib.asynccontextmanager
async def _web_server(status: str) -> AsyncGenerator[int]:
    """A port that answers every request with one status line."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi".encode())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("200 OK", "passing"),
        ("204 No Content", "passing"),
        ("429 Too Many Requests", "warning"),
        ("500 Oh", "critical"),
    ],
)
async def test_an_http_check_reads_the_status(consul: ConsulCalls, status: str, verdict: str) -> None:
    async with _web_server(status) as port:
        check = {"CheckID": "web:http", "HTTP": f"http://127.0.0.1:{port}/healthz", "Interval": "1s", "Timeout": "2s"}
        await consul.register("web", Port=port, Checks=[check])
        found = await consul.until("/v1/agent/checks", lambda found: found["web:http"]["Output"] != "")
    assert found["web:http"]["Status"] == verdict
    assert found["web:http"]["Type"] == "http"
    assert f"HTTP GET http://127.0.0.1:{port}/healthz: {status[:3]}" in found["web:http"]["Output"]


async def test_a_tcp_check_follows_the_port(consul: ConsulCalls) -> None:
    async with _web_server("200 OK") as port:
        check = {"CheckID": "web:tcp", "TCP": f"127.0.0.1:{port}", "Interval": "1s", "Timeout": "1s"}
        await consul.register("web", Port=port, Checks=[check])
        await consul.until("/v1/health/service/web?passing=1", lambda found: len(found) == 1)
    found = await consul.until("/v1/health/checks/web", lambda found: found[0]["Status"] == "critical")
    assert found[0]["Output"] == f"dial tcp 127.0.0.1:{port}: connect: connection refused"


@pytest.mark.parametrize(("state", "verdict"), [(1, "passing"), (2, "critical")])
async def test_a_grpc_check_asks_for_the_health_of_a_service(consul: ConsulCalls, state: int, verdict: str) -> None:
    async with grpc_health(state) as address:
        check = {"CheckID": "web:grpc", "GRPC": f"{address}/shop.Cart", "Interval": "1s", "Timeout": "2s"}
        await consul.register("web", Checks=[check])
        found = await consul.until("/v1/agent/checks", lambda found: found["web:grpc"]["Output"] != "")
    words = {"passing": "success", "critical": "gRPC application didn't report service healthy"}[verdict]
    assert found["web:grpc"]["Status"] == verdict
    assert words in found["web:grpc"]["Output"]


async def test_a_grpc_check_of_what_is_no_grpc_fails(consul: ConsulCalls) -> None:
    async with _web_server("200 OK") as port:
        check = {"CheckID": "web:grpc", "GRPC": f"127.0.0.1:{port}", "Interval": "1s", "Timeout": "2s"}
        await consul.register("web", Checks=[check])
        found = await consul.until("/v1/agent/checks", lambda found: found["web:grpc"]["Output"] != "")
    assert found["web:grpc"]["Status"] == "critical"


async def test_an_http_check_sends_its_method_headers_and_body(consul: ConsulCalls) -> None:
    seen: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head.lower() + await reader.readexactly(5))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/check"
        asked = {"HTTP": url, "Method": "POST", "Header": {"X-Outrider-Check": ["1"]}, "Body": "hello"}
        await consul.register("web", Checks=[{"CheckID": "c", "Interval": "1s", **asked}])
        await consul.until("/v1/health/service/web?passing=1", lambda found: len(found) == 1)
    assert seen[0].startswith(b"post /check http/1.1")
    assert b"x-outrider-check: 1" in seen[0]
    assert b"user-agent: consul health check" in seen[0]
    assert seen[0].endswith(b"hello")


@pytest.mark.parametrize(("code", "verdict"), [(0, "passing"), (1, "warning"), (2, "critical")])
async def test_a_script_check_reads_the_exit_code(consul: ConsulCalls, code: int, verdict: str) -> None:
    check = {"CheckID": "web:script", "Args": ["sh", "-c", f"echo said; exit {code}"], "Interval": "1s"}
    await consul.register("web", Checks=[check])
    found = await consul.until("/v1/agent/checks", lambda found: found["web:script"]["Output"] != "")
    assert (found["web:script"]["Status"], found["web:script"]["Output"]) == (verdict, "said\n")


async def test_a_ttl_check_expires(consul: ConsulCalls) -> None:
    await consul.register("web", Checks=[TTL | {"TTL": "1s", "Status": "passing"}])
    found = await consul.until("/v1/health/checks/web", lambda found: found[0]["Status"] == "critical")
    assert found[0]["Output"] == "TTL expired"


async def test_a_check_starts_critical_or_as_it_was_told(consul: ConsulCalls) -> None:
    await consul.register("web", Checks=[TTL, {"CheckID": "web:told", "TTL": "1h", "Status": "passing"}])
    assert await consul.statuses("web") == {"web:ttl": "critical", "web:told": "passing"}


async def test_registering_again_keeps_a_status_and_drops_checks_only_when_told(consul: ConsulCalls) -> None:
    await consul.register("web", Checks=[TTL])
    await consul.put("/v1/agent/check/pass/web:ttl?note=fine")
    other = {"CheckID": "web:other", "TTL": "1h"}
    await consul.put("/v1/agent/service/register", {"Name": "web", "Checks": [other]})
    await consul.until("/v1/health/checks/web", lambda found: len(found) == 2)
    assert await consul.statuses("web") == {"web:other": "critical", "web:ttl": "passing"}
    await consul.put("/v1/agent/service/register?replace-existing-checks=true", {"Name": "web", "Checks": [TTL]})
    await consul.until("/v1/health/checks/web", lambda found: len(found) == 1)
    assert await consul.statuses("web") == {"web:ttl": "passing"}


async def test_checks_without_an_id_are_numbered(consul: ConsulCalls) -> None:
    await consul.register("one", Check={"TTL": "1h"})
    await consul.register("two", Checks=[{"TTL": "1h"}, {"TTL": "2h"}])
    checks = (await consul.get("/v1/agent/checks")).json()
    assert {check["CheckID"]: check["Name"] for check in checks.values()} == {
        "service:one": "Service 'one' check",
        "service:two:1": "Service 'two' check",
        "service:two:2": "Service 'two' check",
    }


async def test_the_local_verdict_is_a_status_code(consul: ConsulCalls) -> None:
    await consul.register("web", Checks=[TTL])
    for verb, code in (("pass", 200), ("warn", 429), ("fail", 503)):
        await consul.put(f"/v1/agent/check/{verb}/web:ttl")
        assert (await consul.get("/v1/agent/health/service/id/web")).status_code == code
        assert (await consul.get("/v1/agent/health/service/name/web?format=text")).status_code == code


async def test_maintenance_takes_an_instance_out_and_back(consul: ConsulCalls) -> None:
    await consul.register("web", Port=1)
    await consul.put("/v1/agent/service/maintenance/web?enable=true&reason=disk")
    await consul.until("/v1/health/service/web?passing=1", lambda found: found == [])
    checks = (await consul.get("/v1/health/checks/web")).json()
    assert [(check["CheckID"], check["Notes"]) for check in checks] == [("_service_maintenance:web", "disk")]
    answer = await consul.get("/v1/agent/health/service/id/web?format=text")
    assert (answer.status_code, answer.text) == (503, "maintenance")
    await consul.put("/v1/agent/service/maintenance/web?enable=false")
    await consul.until("/v1/health/service/web?passing=1", lambda found: len(found) == 1)


async def test_the_whole_node_goes_into_maintenance(consul: ConsulCalls) -> None:
    await consul.register("web", Port=1)
    await consul.put("/v1/agent/maintenance?enable=true")
    await consul.until("/v1/health/service/web?passing=1", lambda found: found == [])
    await consul.put("/v1/agent/maintenance?enable=false")
    await consul.until("/v1/health/service/web?passing=1", lambda found: len(found) == 1)


FILTERS = {
    'Service.Meta.version == "1" and Checks.Status != "critical"': ["a"],
    "Service.Meta.version == 2": ["b"],
    "Service.Meta.version != 2": ["a", "c"],
    "Service.Meta.nothing != 2": ["a", "b", "c"],
    "Service.Meta is not empty": ["a", "b"],
    "blue in Service.Tags": ["a"],
    "blue not in Service.Tags": ["b", "c"],
    'Service.Tags contains "green"': ["b"],
    "Service.Tags is empty": ["c"],
    "Service.Port == 3": ["c"],
    "not Service.ID == a": ["b", "c"],
    "(Service.ID == a or Service.ID == `c`) and Service.Port != 3": ["a"],
    'Service.ID matches "^[ab]$"': ["a", "b"],
    'Checks.CheckID == "a:ttl"': ["a"],
    'Node.Node == "node-1" and Service.Meta["version"] == 1': ["a"],
}


async def test_filters_choose(consul: ConsulCalls) -> None:
    passing = {"CheckID": "a:ttl", "TTL": "1h", "Status": "passing"}
    await consul.register("web", ID="a", Port=1, Tags=["blue"], Meta={"version": "1"}, Checks=[passing])
    await consul.register("web", ID="b", Port=2, Tags=["green"], Meta={"version": "2"})
    await consul.register("web", ID="c", Port=3)
    found = {
        text: [
            each["Service"]["ID"] for each in (await consul.get(f"/v1/health/service/web?filter={quote(text)}")).json()
        ]
        for text in FILTERS
    }
    assert found == FILTERS


async def test_tags_node_meta_and_near_choose(consul: ConsulCalls) -> None:
    await consul.register("web", ID="a", Port=1, Tags=["blue", "v1"])
    await consul.register("web", ID="b", Port=2, Tags=["v1"])
    chosen = {
        query: [each["Service"]["ID"] for each in (await consul.get(f"/v1/health/service/web?{query}")).json()]
        for query in ("tag=BLUE", "tag=v1&tag=blue", "tag=none", "near=_agent", "node-meta=a:b")
    }
    assert chosen == {
        "tag=BLUE": ["a"],
        "tag=v1&tag=blue": ["a"],
        "tag=none": [],
        "near=_agent": ["a", "b"],
        "node-meta=a:b": [],
    }


async def test_an_external_service_needs_no_agent(consul: ConsulCalls) -> None:
    await consul.put(
        "/v1/catalog/register",
        {
            "Node": "db",
            "Address": "10.0.0.9",
            "Service": {"ID": "pg1", "Service": "pg", "Port": 5432, "Tags": ["primary"]},
            "Check": {"Name": "up", "Status": "passing", "ServiceID": "pg1"},
        },
    )
    found = (await consul.get("/v1/health/service/pg?passing=1")).json()
    assert [(each["Node"]["Address"], each["Service"]["Port"]) for each in found] == [("10.0.0.9", 5432)]
    assert (await consul.get("/v1/agent/services")).json() == {}
    await consul.put("/v1/catalog/deregister", {"Node": "db", "ServiceID": "pg1"})
    assert (await consul.get("/v1/health/service/pg")).json() == []
    assert "db" in {node["Node"] for node in (await consul.get("/v1/catalog/nodes")).json()}
    await consul.put("/v1/catalog/deregister", {"Node": "db"})
    assert "db" not in {node["Node"] for node in (await consul.get("/v1/catalog/nodes")).json()}


async def test_an_address_is_shown_under_its_family(consul: ConsulCalls) -> None:
    await consul.register("four", Address="10.0.0.1", Port=1)
    await consul.register("six", Address="fe80::1", Port=2)
    await consul.register("name", Address="example.com", Port=3)
    services = (await consul.get("/v1/agent/services")).json()
    assert {name: sorted(service.get("TaggedAddresses", {})) for name, service in services.items()} == {
        "four": ["lan_ipv4", "wan_ipv4"],
        "six": ["lan_ipv6", "wan_ipv6"],
        "name": [],
    }
