"""Consul's checks, as they stand in the job, put to a real sidecar: good with the app, critical without it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from outrider_embedded.registry import probe_grpc, probe_http
from outrider_embedded.registry.definition import Definition
from outrider_harness.waiting import until
from support.http_app import App, Connections, Request
from support.street import Json, Sidecar, Street
from support.topologies import resolved

from outrider.nomad.write.check import checks

HEALTH: Any = health  # its aio is not in the stubs
HTTP: Json = {"checks": [{"http": "/healthz?deep=1"}]}
TCP: Json = {"checks": [{"tcp": True}]}
SCRIPT: Json = {"checks": [{"script": ["true"]}]}
GRPC: Json = {"protocol": "grpc", "checks": [{"grpc": True}]}


async def good(request: Request) -> tuple[int, bytes]:
    return 200, b"good"


def asked(spec: Json, sidecar: Sidecar) -> list[Definition]:
    """The checks that go through the sidecar, as Nomad registers them with Consul."""
    return [_definition(check, sidecar) for check in checks(resolved(spec)) if check["Type"] != "script"]


def _definition(check: Json, sidecar: Sidecar) -> Definition:
    place = f"127.0.0.1:{sidecar.ports[check.get('PortLabel', 'ingress')]}"
    target = f"http://{place}{check['Path']}" if check["Type"] == "http" else place
    return Definition(check["Type"], target=target, header=check.get("Header", {}), timeout=5)


async def told(definition: Definition) -> str:
    """What Consul makes of it: passing, warning or critical."""
    probe = probe_http if definition.kind == "http" else probe_grpc
    return (await probe.verdict(definition)).status


@contextlib.asynccontextmanager
async def app_on(port: int) -> AsyncGenerator[None]:
    """An HTTP app on that port while the block runs; its connections end with it."""
    app, connections = App(port, good), Connections()
    server = await asyncio.start_server(connections.handler(app.serve), "127.0.0.1", port)
    try:
        yield
    finally:
        await connections.close(server)


async def test_tcp_script_and_no_check_ask_for_the_same_health_of_proxy_and_app(street: Street) -> None:
    payments = await street.sidecar({"service": "payments"})
    (first, *others) = [asked({"service": "payments", **spec}, payments) for spec in (TCP, SCRIPT, {})]
    assert first == others[0] == others[1]


@pytest.mark.parametrize("spec", [HTTP, TCP], ids=["http", "tcp"])
async def test_a_check_is_good_while_the_app_is_there_and_critical_without_it(street: Street, spec: Json) -> None:
    spec = {"service": "payments", **spec}
    payments = await street.sidecar(spec)
    (check,) = asked(spec, payments)
    assert await told(check) == "critical"

    async def is_good() -> bool:
        return await told(check) == "passing"

    async def is_critical() -> bool:
        return await told(check) == "critical"

    async with app_on(payments.ports["app"]):
        await until(is_good)
    await until(is_critical)


async def test_an_http_check_hears_what_the_app_itself_says(street: Street) -> None:
    async def ill(request: Request) -> tuple[int, bytes]:
        return (500 if request.path == "/healthz?deep=1" else 200), b""

    app = await street.app(ill)
    spec = {"service": "payments", **HTTP}
    payments = await street.sidecar(spec, app.port)
    assert [await told(check) for check in asked(spec, payments)] == ["critical"]
    assert app.seen[0].headers["x-outrider-check"] == "1"


async def test_a_grpc_check_hears_what_the_apps_health_service_and_the_agent_say(street: Street) -> None:
    server, service = grpc.aio.server(), HEALTH.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    spec = {"service": "prices", **GRPC}
    prices = await street.sidecar(spec, port)
    (check,) = asked(spec, prices)
    assert await told(check) == "passing"
    await prices.failed_by_its_agent()
    assert await told(check) == "critical"
    await prices.mended_by_its_agent()
    assert await told(check) == "passing"
    await service.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    assert await told(check) == "critical"
    await service.set("", health_pb2.HealthCheckResponse.SERVING)
    await server.stop(0)
    assert await told(check) == "critical"


@pytest.mark.parametrize("spec", [HTTP, TCP, SCRIPT, {}, {"port": "none"}, GRPC])
async def test_no_check_of_any_kind_survives_the_death_of_the_proxy(street: Street, spec: Json) -> None:
    spec = {"service": "payments", **spec}
    payments = await street.sidecar(spec)
    payments.process.kill()
    await payments.process.wait()
    assert [await told(check) for check in asked(spec, payments)] == ["critical"]
