"""What happens to requests between two sidecars: passing, timing out, going elsewhere, being refused."""

from __future__ import annotations

import asyncio
from typing import Any

Street = Any
Request = Any
CALLER = {"service": "checkout", "port": "none"}


async def good(request: Request) -> tuple[int, bytes]:
    return 200, b"good"


def answering(status: int, text: bytes = b"") -> Any:
    async def answer(request: Request) -> tuple[int, bytes]:
        return status, text

    return answer


async def caller(street: Street, **knobs: Any) -> Any:
    return await street.sidecar({**CALLER, "upstreams": {"payments": knobs}})


async def callee(street: Street, answer: Any, service: str = "payments", **more: Any) -> tuple[Any, Any]:
    app = await street.app(answer)
    return app, await street.sidecar({"service": service, **more}, app.port)


async def test_a_request_passes_from_egress_through_ingress_to_the_app(street: Street) -> None:
    app, payments = await callee(street, good)
    street.discovery.names("payments", payments.ports["ingress"])
    checkout = await caller(street)
    await street.knows(checkout, "payments", 1)

    answer = await street.client.post(checkout.egress("payments") + "/charge?n=1", content=b"body")

    assert (answer.status_code, answer.content) == (200, b"good")
    seen = app.seen[0]
    assert (seen.method, seen.path, seen.body) == ("POST", "/charge?n=1", b"body")
    assert "x-outrider-destination" not in seen.headers
    assert seen.headers["host"] == checkout.egress("payments").removeprefix("http://")
    assert not [name for name in (*answer.headers, *seen.headers) if name.startswith("x-envoy")]


async def test_a_request_that_takes_longer_than_the_timeout_is_answered_504(street: Street) -> None:
    async def slow(request: Request) -> tuple[int, bytes]:
        await asyncio.sleep(30)
        return 200, b""

    _, payments = await callee(street, slow)
    street.discovery.names("payments", payments.ports["ingress"])
    checkout = await caller(street, timeout="300ms", retries=0)
    await street.knows(checkout, "payments", 1)
    answer = await street.client.post(checkout.egress("payments"))
    assert answer.status_code == 504


async def test_an_app_that_is_not_there_has_not_seen_the_request_so_a_post_goes_elsewhere(street: Street) -> None:
    app, payments = await callee(street, good)
    empty = await street.sidecar({"service": "payments"})
    street.discovery.names("payments", payments.ports["ingress"], empty.ports["ingress"])
    checkout = await caller(street)
    await street.knows(checkout, "payments", 2)
    direct = await street.client.post(empty.ingress)
    assert (direct.status_code, direct.headers["x-outrider-unseen"]) == (503, "1")
    answers = [await street.client.post(checkout.egress("payments")) for _ in range(12)]
    assert {answer.status_code for answer in answers} == {200}
    assert len(app.seen) == 12
    assert "x-outrider-unseen" not in answers[0].headers


async def test_an_app_cannot_claim_that_it_has_not_seen_a_request(street: Street) -> None:
    app, payments = await callee(street, answering(503))
    app.headers = {"x-outrider-unseen": "1"}
    street.discovery.names("payments", payments.ports["ingress"])
    checkout = await caller(street)
    await street.knows(checkout, "payments", 1)
    assert (await street.client.post(checkout.egress("payments"))).status_code == 503
    assert len(app.seen) == 1


async def test_c07_a_failure_of_the_app_is_tried_again_for_a_get_and_never_for_a_post(street: Street) -> None:
    app, payments = await callee(street, answering(503))
    street.discovery.names("payments", payments.ports["ingress"])
    checkout = await caller(street, retries=1)
    await street.knows(checkout, "payments", 1)
    assert (await street.client.get(checkout.egress("payments"))).status_code == 503
    assert (await street.client.post(checkout.egress("payments"))).status_code == 503
    assert [request.method for request in app.seen] == ["GET", "GET", "POST"]


async def test_c07_a_post_whose_answer_breaks_off_reaches_one_app_once(street: Street) -> None:
    async def breaking(request: Request) -> None:
        return None

    app, payments = await callee(street, breaking)
    street.discovery.names("payments", payments.ports["ingress"])
    checkout = await caller(street, retries=2)
    await street.knows(checkout, "payments", 1)
    assert (await street.client.post(checkout.egress("payments"))).status_code == 503
    assert len(app.seen) == 1


async def test_b14_an_ingress_answers_421_to_a_request_that_means_another_service(street: Street) -> None:
    app, payments = await callee(street, good, checks=[{"http": "/"}])
    for headers, status in (
        ({"x-outrider-destination": "catalog"}, 421),
        ({"x-outrider-destination": "catalog", "x-outrider-check": "1"}, 421),
        ({"x-outrider-destination": "payments"}, 200),
        ({}, 200),
    ):
        assert (await street.client.get(payments.ingress, headers=headers)).status_code == status
    assert len(app.seen) == 2


async def test_b14_a_request_that_met_another_service_is_sent_elsewhere_whatever_its_method(street: Street) -> None:
    app, payments = await callee(street, good)
    other_app, other = await callee(street, good, service="catalog")
    street.discovery.names("payments", payments.ports["ingress"], other.ports["ingress"])
    checkout = await caller(street)
    await street.knows(checkout, "payments", 2)
    for method in ("GET", "POST") * 6:
        assert (await street.client.request(method, checkout.egress("payments"))).status_code == 200
    assert len(app.seen) == 12
    assert other_app.seen == []


async def test_c09_requests_above_the_limit_are_refused_at_once_and_logged_as_overflow(street: Street) -> None:
    release = asyncio.Event()

    async def waiting(request: Request) -> tuple[int, bytes]:
        await release.wait()
        return 200, b""

    app, payments = await callee(street, waiting)
    street.discovery.names("payments", payments.ports["ingress"])
    checkout = await caller(street, limit=3, retries=0)
    await street.knows(checkout, "payments", 1)
    url = checkout.egress("payments")
    held = [asyncio.create_task(street.client.get(url)) for _ in range(3)]
    await street.sees(app, 3)
    refused = [await street.client.get(url) for _ in range(5)]
    release.set()
    assert {answer.status_code for answer in refused} == {503}
    assert {(await task).status_code for task in held} == {200}
    await street.logged(checkout, 5)
    assert {failure["flags"] for failure in checkout.failures()} == {"UO"}


async def test_c09_of_five_hundred_at_once_the_limit_is_served_and_the_rest_refused(street: Street) -> None:
    async def quick(request: Request) -> tuple[int, bytes]:
        await asyncio.sleep(0.2)
        return 200, b""

    app, payments = await callee(street, quick)
    street.discovery.names("payments", payments.ports["ingress"])
    checkout = await caller(street, limit=50, retries=0, timeout="15s")
    await street.knows(checkout, "payments", 1)
    answers = await asyncio.gather(*(street.client.post(checkout.egress("payments")) for _ in range(500)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 503}
    assert len(app.seen) == statuses.count(200) >= 50
    assert (await street.client.get(checkout.egress("payments"))).status_code == 200


async def test_the_only_endpoint_is_never_taken_out_however_often_it_fails(street: Street) -> None:
    app, payments = await callee(street, answering(503))
    street.discovery.names("payments", payments.ports["ingress"])
    checkout = await caller(street, retries=0)
    await street.knows(checkout, "payments", 1)
    for _ in range(20):
        await street.client.get(checkout.egress("payments"))
    assert len(app.seen) == 20


async def test_of_two_endpoints_the_one_that_fails_rests(street: Street) -> None:
    bad, first = await callee(street, answering(503))
    _, second = await callee(street, good)
    street.discovery.names("payments", first.ports["ingress"], second.ports["ingress"])
    checkout = await caller(street, retries=0)
    await street.knows(checkout, "payments", 2)
    statuses = [(await street.client.get(checkout.egress("payments"))).status_code for _ in range(60)]
    assert len(bad.seen) < 15
    assert set(statuses[-20:]) == {200}


async def test_more_requests_than_the_rate_are_answered_429_and_health_checks_are_exempt(street: Street) -> None:
    spec: dict[str, Any] = {"ingress": {"rate": 2}, "checks": [{"http": "/healthz"}]}
    _, payments = await callee(street, good, **spec)
    answers = [await street.client.get(payments.ingress) for _ in range(8)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 4
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert not any("retry-after" in answer.headers for answer in answers if answer.status_code == 200)
    marked = {"x-outrider-check": "1"}
    checks = [await street.client.get(payments.ingress + "/healthz", headers=marked) for _ in range(8)]
    assert {answer.status_code for answer in checks} == {200}
    elsewhere = [(await street.client.get(payments.ingress, headers=marked)).status_code for _ in range(8)]
    assert 429 in elsewhere
