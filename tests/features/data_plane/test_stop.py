"""An instance that is about to end: what it has is finished, and callers with kept connections move on."""

from __future__ import annotations

import asyncio

from support.http_app import Request
from support.street import Street, pair


async def good(request: Request) -> tuple[int, bytes]:
    return 200, b"good"


async def lasting(request: Request) -> tuple[int, bytes]:
    await asyncio.sleep(2)
    return 200, b"done"


async def test_d02_requests_under_way_are_finished_after_the_instance_has_left_discovery(street: Street) -> None:
    there = await pair(street, lasting, good, knobs={"timeout": "10s", "retries": 0})
    sent = [asyncio.create_task(street.client.post(there.url)) for _ in range(8)]
    await street.sees(there.apps[0], 1)
    street.discovery.names("payments", there.callees[1].ports["ingress"])
    await street.knows(there.caller, "payments", 1)
    before = len(there.apps[0].seen)
    assert {(await street.client.post(there.url)).status_code for _ in range(10)} == {200}
    assert {(await task).status_code for task in sent} == {200}
    assert len(there.apps[0].seen) == before


async def test_d02_an_instance_that_fails_itself_serves_on_and_lets_go_of_kept_connections(street: Street) -> None:
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments", "checks": [{"http": "/healthz"}]}, app.port)
    check = {"x-outrider-check": "1"}
    await payments.failed_by_its_agent()
    answer = await street.client.get(payments.ingress)
    assert (answer.status_code, answer.headers["connection"]) == (200, "close")
    assert (await street.client.get(payments.ingress + "/healthz", headers=check)).status_code == 503
    assert (await street.client.get(payments.metrics + "/health")).status_code == 503
    await payments.mended_by_its_agent()
    answer = await street.client.get(payments.ingress)
    assert (answer.status_code, answer.headers.get("connection")) == (200, None)
    assert (await street.client.get(payments.ingress + "/healthz", headers=check)).status_code == 200


async def test_d02_an_instance_whose_proxy_is_killed_costs_repeatable_requests_nothing(street: Street) -> None:
    there = await pair(street, lasting, good, knobs={"timeout": "10s"})
    sent = [asyncio.create_task(street.client.get(there.url)) for _ in range(8)]
    await street.sees(there.apps[0], 1)
    there.callees[0].process.kill()
    assert {(await task).status_code for task in sent} == {200}
